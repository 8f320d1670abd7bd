package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) pauseVerb() *cli.Command {
	return &cli.Command{
		Name:      "pause",
		Usage:     "Let a schedule fire no more, or begin no execution of a flow, until it is resumed",
		ArgsUsage: "schedule.NAME | flow.NAME",
		Flags:     overrideFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			object, err := oneArgument(cmd, "a schedule or a flow")
			if err != nil {
				return err
			}
			return a.override(ctx, cmd, &lftv1.PutOverrideRequest{Object: object, Field: "paused", Value: "true"})
		},
	}
}

// overrideFlags are those of every verb that puts a value in place of a declared
// one.
func overrideFlags() []cli.Flag {
	return append(stateFlags(), jsonFlag(),
		&cli.StringFlag{Name: "reason", Usage: "why, for those who will wonder"},
		&cli.StringFlag{Name: "project", Usage: "the project, where more than one has an object of this name"},
	)
}

// override sends an operator's order to the acting master; with a file that nobody
// owns, this process becomes it.
func (a *app) override(ctx context.Context, cmd *cli.Command, req *lftv1.PutOverrideRequest) error {
	req.Reason, req.Project = cmd.String("reason"), cmd.String("project")
	c, err := a.connectTo(ctx, cmd, operator)
	if err != nil {
		return err
	}
	defer c.Close()
	res, err := c.run.PutOverride(ctx, req)
	if err != nil {
		return needsMaster(err)
	}
	return view.Overridden(a.term, req, res, cmd.Bool("json"))
}
