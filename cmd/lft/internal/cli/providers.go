package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/providers/builtin"
)

func (a *app) providersVerb() *cli.Command {
	return &cli.Command{
		Name:  "providers",
		Usage: "List the job types",
		Commands: []*cli.Command{{
			Name:  "schema",
			Usage: "Show what each job type takes",
			Flags: []cli.Flag{jsonFlag()},
			Action: func(_ context.Context, cmd *cli.Command) error {
				if err := noArguments(cmd); err != nil {
					return err
				}
				return view.JobTypes(a.term, builtin.Set().Schemas(), true, cmd.Bool("json"))
			},
		}},
		Flags: []cli.Flag{jsonFlag()},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if word := cmd.Args().First(); word != "" {
				return noSuchVerb(cmd, word)
			}
			return view.JobTypes(a.term, builtin.Set().Schemas(), false, cmd.Bool("json"))
		},
	}
}
