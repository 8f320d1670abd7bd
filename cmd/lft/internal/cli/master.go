package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) masterVerb() *cli.Command {
	return &cli.Command{
		Name:  "master",
		Usage: "Show which server acts as master",
		Flags: append(stateFlags(), jsonFlag()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			c, err := a.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			res, err := c.fleet.GetMaster(ctx, &lftv1.GetMasterRequest{})
			if err != nil {
				return err
			}
			return view.Master(a.term, res, cmd.Bool("json"))
		},
	}
}
