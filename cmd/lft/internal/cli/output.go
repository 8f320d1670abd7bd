package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

func (a *app) outputVerb() *cli.Command {
	return &cli.Command{
		Name:      "output",
		Usage:     "Show the outputs of what is deployed",
		ArgsUsage: "[NAME]",
		Flags: slices.Concat(stateFlags(), []cli.Flag{
			jsonFlag(), projectFlag(),
			&cli.BoolFlag{Name: "raw", Usage: "write the text of one output and nothing else, for a shell"},
		}),
		Action: a.runOutput,
	}
}

func (a *app) runOutput(ctx context.Context, cmd *cli.Command) error {
	name := ""
	if cmd.Args().Present() {
		var err error
		if name, err = oneArgument(cmd, "the name of an output"); err != nil {
			return err
		}
	}
	raw, asJSON := cmd.Bool("raw"), cmd.Bool("json")
	switch {
	case raw && asJSON:
		return errors.New("-raw and -json do not go together")
	case raw && name == "":
		return errors.New("-raw needs the name of an output")
	}
	c, deployed, err := a.deployedNow(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	outputs, err := c.outputs(ctx, deployed)
	if err != nil {
		return err
	}
	if name == "" {
		return view.Outputs(a.term, outputs, asJSON)
	}
	name = strings.TrimPrefix(name, "output.")
	i := slices.IndexFunc(outputs, func(o *spec.ProjectOutput) bool { return o.Address.Name() == name })
	if i < 0 {
		names := make([]string, len(outputs))
		for i, o := range outputs {
			names[i] = o.Address.Name()
		}
		return unknown("output", name, names, "lft output lists them")
	}
	return view.Output(a.term, outputs[i], raw, asJSON)
}

// outputs reads the outputs of what is deployed.
func (c *client) outputs(ctx context.Context, deployed planner.Deployed) ([]*spec.ProjectOutput, error) {
	var digests, names []string
	for _, o := range deployed.Objects {
		if o.Address.Kind() == spec.OutputKind && o.Address.Module() == "" {
			digests, names = append(digests, o.Digest), append(names, o.Address.Name())
		}
	}
	specs, err := c.specs(ctx, slices.Compact(slices.Sorted(slices.Values(digests))))
	if err != nil {
		return nil, err
	}
	outputs := make([]*spec.ProjectOutput, len(digests))
	for i, digest := range digests {
		if outputs[i], err = spec.DecodeProjectOutput(specs[digest], spec.OutputAddress(names[i])); err != nil {
			return nil, err
		}
	}
	return outputs, nil
}
