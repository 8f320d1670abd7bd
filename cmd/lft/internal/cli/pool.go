package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v3"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (a *app) poolVerb() *cli.Command {
	return &cli.Command{
		Name:  "pool",
		Usage: "Change the size of a pool for a time",
		Commands: []*cli.Command{
			a.poolResizeVerb(),
			a.poolResetVerb(),
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if verb := cmd.Args().First(); verb != "" {
				return fmt.Errorf("lft pool has no command %q; there are resize and reset", verb)
			}
			return errors.New("lft pool needs a command: resize or reset")
		},
	}
}

func (a *app) poolResizeVerb() *cli.Command {
	return &cli.Command{
		Name:      "resize",
		Usage:     "Give a pool another number of slots than is declared; what runs is not disturbed",
		ArgsUsage: "pool.NAME SLOTS",
		Flags:     overrideFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 2 {
				return errors.New("name a pool and a number of slots: lft pool resize pool.NAME SLOTS")
			}
			slots, err := strconv.ParseInt(cmd.Args().Get(1), 10, 32)
			if err != nil || slots < 0 {
				return fmt.Errorf("%q is no number of slots", cmd.Args().Get(1))
			}
			return a.override(ctx, cmd, &lftv1.PutOverrideRequest{
				Object: cmd.Args().First(), Field: "slots", Value: strconv.FormatInt(slots, 10),
			})
		},
	}
}

func (a *app) poolResetVerb() *cli.Command {
	return &cli.Command{
		Name:      "reset",
		Usage:     "Give a pool its declared number of slots back",
		ArgsUsage: "pool.NAME",
		Flags:     overrideFlags(),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			pool, err := oneArgument(cmd, "a pool")
			if err != nil {
				return err
			}
			return a.override(ctx, cmd, &lftv1.PutOverrideRequest{Object: pool, Field: "slots"})
		},
	}
}
