package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang"
)

func (a *app) explainVerb() *cli.Command {
	return &cli.Command{
		Name:        "explain",
		Usage:       "Tell what the code of a finding means, and what to do",
		ArgsUsage:   "[CODE]",
		Description: "Each finding ends its first line with a code, as in [unknown_word]. Without a code it lists all of them.",
		Action: func(_ context.Context, cmd *cli.Command) error {
			if !cmd.Args().Present() {
				view.Explanations(a.term, lang.Explanations())
				return nil
			}
			code, err := oneArgument(cmd, "the code of a finding")
			if err != nil {
				return err
			}
			if e, ok := lang.Explain(code); ok {
				view.Explanation(a.term, e)
				return nil
			}
			var codes []string
			for _, e := range lang.Explanations() {
				codes = append(codes, e.Code)
			}
			return unknown("code", code, codes, "lft explain lists them")
		},
	}
}
