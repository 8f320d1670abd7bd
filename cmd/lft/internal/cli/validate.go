package cli

import (
	"context"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang"
)

func (a *app) validateVerb() *cli.Command {
	return &cli.Command{
		Name:        "validate",
		Usage:       "Check the folder without asking anybody",
		Description: "It needs no values of variables, and does not judge what depends on those that have none.",
		Flags:       slices.Concat(variableFlags(), []cli.Flag{jsonFlag()}),
		Action:      a.runValidate,
	}
}

func (a *app) runValidate(_ context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	options, err := a.loadOptions(cmd, os.Environ())
	if err != nil {
		return err
	}
	options.Incomplete = true
	_, findings := lang.Load(os.DirFS("."), options)
	result := view.NewValidation(findings)
	if cmd.Bool("json") {
		err = a.term.JSON(result)
	} else {
		a.term.Diagnostics(findings)
		a.term.Validated(result)
	}
	if err == nil && !result.Valid {
		return exitCode(exitError)
	}
	return err
}
