package cli

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) statusVerb() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "Show an execution, its jobs and their attempts; without an id, what operators have overridden",
		ArgsUsage: "[ID]",
		Flags:     append(stateFlags(), jsonFlag()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() > 0 {
				return a.status(ctx, cmd)
			}
			c, err := a.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			res, err := c.run.ListOverrides(ctx, &lftv1.ListOverridesRequest{})
			if err != nil {
				return err
			}
			return view.Overrides(a.term, res.GetOverrides(), cmd.Bool("json"), time.Now())
		},
	}
}

func (a *app) status(ctx context.Context, cmd *cli.Command) error {
	id, err := oneArgument(cmd, "the id of an execution")
	if err != nil {
		return err
	}
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	res, err := c.run.GetExecution(ctx, &lftv1.GetExecutionRequest{Id: id})
	if err != nil {
		return err
	}
	return view.Status(a.term, res, cmd.Bool("json"), time.Now())
}
