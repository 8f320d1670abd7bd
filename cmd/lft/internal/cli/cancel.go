package cli

import (
	"context"

	"connectrpc.com/connect"
	"github.com/urfave/cli/v3"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) cancelVerb() *cli.Command {
	return &cli.Command{
		Name:      "cancel",
		Usage:     "End an execution and every process of its jobs",
		ArgsUsage: "ID",
		Flags: append(stateFlags(),
			&cli.BoolFlag{Name: "wait", Usage: "return when nothing of it runs any more"},
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			id, err := oneArgument(cmd, "the id of an execution")
			if err != nil {
				return err
			}
			c, err := a.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			return a.cancel(ctx, c, id, cmd.Bool("wait"))
		},
	}
}

// cancel is content when the execution has ended by itself meanwhile.
func (a *app) cancel(ctx context.Context, c *client, id string, wait bool) error {
	_, err := c.run.Cancel(ctx, &lftv1.CancelRequest{Id: id})
	if connect.CodeOf(err) == connect.CodeFailedPrecondition {
		a.term.Notef("%v\n", problem(err))
		return nil
	}
	if err != nil {
		return needsMaster(err)
	}
	if !wait {
		return nil
	}
	w := watch{client: c, id: id, term: a.term}
	last, err := w.untilEnd(ctx, nil)
	if err != nil {
		return err
	}
	a.term.Notef("%s %s\n", id, last.GetExecution().GetState())
	return nil
}
