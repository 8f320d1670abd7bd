package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/diag"
)

func (a *app) functionsVerb() *cli.Command {
	return &cli.Command{
		Name:      "functions",
		Usage:     "List the functions of the language, or tell about one",
		ArgsUsage: "[NAME]",
		Flags:     []cli.Flag{jsonFlag()},
		Action: func(_ context.Context, cmd *cli.Command) error {
			list := lang.Signatures()
			if !cmd.Args().Present() {
				return view.Functions(a.term, list, cmd.Bool("json"))
			}
			name, err := oneArgument(cmd, "the name of a function")
			if err != nil {
				return err
			}
			i := slices.IndexFunc(list, func(s lang.Signature) bool { return s.Name == name })
			if i < 0 {
				names := make([]string, 0, len(list))
				for _, s := range list {
					names = append(names, s.Name)
				}
				return unknown("function", name, names, "lft functions lists them")
			}
			return view.Functions(a.term, list[i:i+1], cmd.Bool("json"))
		},
	}
}

// unknown is the error of a name that stands for nothing, with the nearest one, or
// else with what tells the names.
func unknown(what, name string, names []string, otherwise string) error {
	if near := diag.Suggest(name, names); near != "" {
		otherwise = "did you mean " + near + "?"
	}
	return fmt.Errorf("there is no %s %q; %s", what, name, otherwise)
}
