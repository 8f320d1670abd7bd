package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

func (a *app) graphVerb() *cli.Command {
	return &cli.Command{
		Name:  "graph",
		Usage: "Draw the jobs of the folder and what they wait for",
		Description: "For pictures: lft graph | dot -Tsvg > graph.svg. Mermaid is what Markdown pages show as a drawing.\n" +
			"An arrow leads from what comes first to what waits for it.",
		Flags: slices.Concat(variableFlags(), []cli.Flag{
			&cli.StringFlag{Name: "type", Aliases: []string{"format"}, Value: view.GraphDOT, Usage: "dot, mermaid or json"},
			&cli.StringFlag{Name: "flow", Usage: "of this flow only, or of all its instances"},
			jsonFlag(),
		}),
		Action: a.runGraph,
	}
}

func (a *app) runGraph(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	kind := cmd.String("type")
	if cmd.Bool("json") {
		kind = view.GraphJSON
	}
	if kinds := []string{view.GraphDOT, view.GraphMermaid, view.GraphJSON}; !slices.Contains(kinds, kind) {
		return unknown("type of graph", kind, kinds, "there are "+strings.Join(kinds, ", "))
	}
	bundle, err := a.load(cmd)
	if err != nil {
		return err
	}
	if flow := cmd.String("flow"); flow != "" {
		if err := onlyFlow(bundle, flow); err != nil {
			return err
		}
	}
	return view.NewGraph(bundle).Show(a.term, kind)
}

// onlyFlow takes everything out of a bundle but a flow, by address or bare name.
func onlyFlow(bundle *spec.Bundle, name string) error {
	var names []string
	var flows []*spec.Flow
	for _, f := range bundle.Flows {
		names = append(names, string(f.Address))
		if planner.Matches(name, f.Address) || planner.Matches("flow."+name, f.Address) {
			flows = append(flows, f)
		}
	}
	if len(flows) == 0 {
		return fmt.Errorf("-flow: %w", unknown("flow", name, names, "lft graph draws all of them"))
	}
	bundle.Flows, bundle.Schedules = flows, nil
	return nil
}
