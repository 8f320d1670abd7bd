package cli

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) firesVerb() *cli.Command {
	return &cli.Command{
		Name:      "fires",
		Usage:     "List what was decided for a schedule's instants, newest first",
		ArgsUsage: "SCHEDULE",
		Flags: append(stateFlags(), jsonFlag(),
			&cli.IntFlag{Name: "limit", Usage: "how many, 0 for all"},
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			schedule, err := oneArgument(cmd, "a schedule")
			if err != nil {
				return err
			}
			c, err := a.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			fires, _, err := pages(cmd.Int("limit"), func(limit int32, before string) ([]*lftv1.Fire, string, error) {
				res, err := c.run.ListFires(ctx, &lftv1.ListFiresRequest{Schedule: schedule, Limit: limit, Before: before})
				return res.GetFires(), res.GetNext(), err
			})
			if err != nil {
				return err
			}
			if err := view.Fires(a.term, fires, cmd.Bool("json")); err != nil {
				return err
			}
			return a.noteOverride(ctx, c, schedule)
		},
	}
}

// noteOverride tells beside a schedule's instants that an operator has paused it,
// or lets it go on.
func (a *app) noteOverride(ctx context.Context, c *client, schedule string) error {
	res, err := c.run.ListOverrides(ctx, &lftv1.ListOverridesRequest{})
	if err != nil {
		return err
	}
	for _, o := range res.GetOverrides() {
		if o.GetObject() == schedule || o.GetObject() == "schedule."+schedule {
			a.term.Notef("%s\n", view.OverrideLine(o, time.Now()))
		}
	}
	return nil
}
