package cli

import (
	"context"
	"runtime"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
)

func (a *app) versionVerb() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "Show the version of lft",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return a.showVersion(cmd.Bool("json"))
		},
	}
}

func (a *app) showVersion(asJSON bool) error {
	v := view.Version{Version: a.version, Platform: runtime.GOOS + "_" + runtime.GOARCH, Go: runtime.Version()}
	return v.Show(a.term, asJSON)
}

// jsonFlag is the flag of every verb that can answer in JSON.
func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "answer in JSON"}
}
