package cli

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// pageLimit is what one answer of the API holds at most.
const pageLimit = 1000

func (a *app) runsVerb() *cli.Command {
	return &cli.Command{
		Name:  "runs",
		Usage: "List executions, newest first",
		Flags: append(stateFlags(), jsonFlag(),
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "how many, 0 for all"},
			&cli.StringFlag{Name: "flow", Usage: "only those of this flow"},
		),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			c, err := a.connect(ctx, cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			executions, more, err := pages(cmd.Int("limit"), func(limit int32, before string) ([]*lftv1.Execution, string, error) {
				res, err := c.run.ListExecutions(ctx, &lftv1.ListExecutionsRequest{Flow: cmd.String("flow"), Limit: limit, Before: before})
				return res.GetExecutions(), res.GetNext(), err
			})
			if err != nil {
				return err
			}
			return view.Runs(a.term, executions, more, cmd.Bool("json"), time.Now())
		},
	}
}

// pages reads a list page by page until it has limit items (0 = all of them),
// and says whether there are more.
func pages[T any](limit int, read func(limit int32, before string) ([]T, string, error)) (all []T, more bool, err error) {
	before := ""
	for {
		ask := pageLimit
		if limit > 0 {
			ask = min(ask, limit-len(all))
		}
		page, next, err := read(int32(ask), before)
		if err != nil {
			return nil, false, err
		}
		all = append(all, page...)
		if next == "" || limit > 0 && len(all) >= limit {
			return all, next != "", nil
		}
		before = next
	}
}
