package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) resumeVerb() *cli.Command {
	return &cli.Command{
		Name:      "resume",
		Usage:     "Let a paused schedule or flow go on; what was skipped meanwhile is not caught up",
		ArgsUsage: "schedule.NAME | flow.NAME",
		Flags:     overrideFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			object, err := oneArgument(cmd, "a schedule or a flow")
			if err != nil {
				return err
			}
			return a.override(ctx, cmd, &lftv1.PutOverrideRequest{Object: object, Field: "paused", Value: "false"})
		},
	}
}
