package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) whyVerb() *cli.Command {
	return &cli.Command{
		Name:      "why",
		Usage:     "Tell why a job of an execution does not run, or ended as it did",
		ArgsUsage: "ID JOB",
		Flags:     append(stateFlags(), jsonFlag()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			id, job, err := executionAndJob(cmd)
			if err != nil {
				return err
			}
			c, err := a.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			res, err := c.run.Why(ctx, &lftv1.WhyRequest{Id: id, Job: job})
			if err != nil {
				return err
			}
			return view.Why(a.term, id, res, cmd.Bool("json"))
		},
	}
}
