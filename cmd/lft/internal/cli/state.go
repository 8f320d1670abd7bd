package cli

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/planner"
)

func (a *app) stateVerb() *cli.Command {
	flags := func() []cli.Flag {
		return slices.Concat(stateFlags(), []cli.Flag{
			jsonFlag(), projectFlag(), &cli.Int64Flag{Name: "revision", Usage: "of this revision instead of the newest"},
		})
	}
	return &cli.Command{
		Name:  "state",
		Usage: "Look at what is deployed, object by object",
		Commands: []*cli.Command{
			{
				Name:      "list",
				Usage:     "List the addresses of what is deployed",
				ArgsUsage: "[ADDRESS | PATTERN]...",
				Description: "An address stands for itself, all its instances and, of a module, all that is in it. In a pattern, * stands for\n" +
					"any text and ? for one byte: 'flow.*', 'module.*.schedule.*'. -target of a plan means the same.",
				Flags:  flags(),
				Action: a.runStateList,
			},
			{
				Name:      "show",
				Usage:     "Show one deployed object",
				ArgsUsage: "ADDRESS",
				Flags:     flags(),
				Action:    a.runStateShow,
			},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if word := cmd.Args().First(); word != "" {
				return noSuchVerb(cmd, word)
			}
			printHelp(cmd)
			return nil
		},
	}
}

// deployedNow is what a verb that looks at the state looks at.
func (a *app) deployedNow(ctx context.Context, cmd *cli.Command) (*client, planner.Deployed, error) {
	project, err := a.project(cmd)
	if err != nil {
		return nil, planner.Deployed{}, err
	}
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return nil, planner.Deployed{}, err
	}
	deployed, err := c.deployed(ctx, project, cmd.Int64("revision"))
	if err != nil {
		c.Close()
		return nil, planner.Deployed{}, err
	}
	return c, deployed, nil
}

func (a *app) runStateList(ctx context.Context, cmd *cli.Command) error {
	c, deployed, err := a.deployedNow(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	patterns := cmd.Args().Slice()
	var chosen []planner.Object
	for _, o := range deployed.Objects {
		if len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return planner.Matches(p, o.Address) }) {
			chosen = append(chosen, o)
		}
	}
	if len(chosen) == 0 && len(patterns) > 0 {
		return noSuchObject(deployed, patterns[0])
	}
	return view.Objects(a.term, chosen, cmd.Bool("json"))
}

func (a *app) runStateShow(ctx context.Context, cmd *cli.Command) error {
	address, err := oneArgument(cmd, "the address of an object")
	if err != nil {
		return err
	}
	c, deployed, err := a.deployedNow(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	i := slices.IndexFunc(deployed.Objects, func(o planner.Object) bool { return string(o.Address) == address })
	if i < 0 {
		return noSuchObject(deployed, address)
	}
	object := deployed.Objects[i]
	specs, err := c.specs(ctx, []string{object.Digest})
	if err != nil {
		return err
	}
	_, asJSON, err := form(cmd)
	if err != nil {
		return err
	}
	return view.Object(a.term, object, specs[object.Digest], asJSON)
}

func noSuchObject(deployed planner.Deployed, address string) error {
	names := make([]string, 0, len(deployed.Objects))
	for _, o := range deployed.Objects {
		names = append(names, string(o.Address))
	}
	return unknown("deployed object", address, names, "lft state list lists them")
}
