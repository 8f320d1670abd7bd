package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/planner"
)

func (a *app) rollbackVerb() *cli.Command {
	return &cli.Command{
		Name:      "rollback",
		Usage:     "Go back to what was deployed at a revision",
		ArgsUsage: "REVISION",
		Description: "It is an ordinary plan and apply, and makes a new revision. The folder stays as it is, so its next plan will\n" +
			"show the way back. Numbers of revisions: lft history.",
		Flags: slices.Concat(stateFlags(), approvalFlags(), []cli.Flag{
			projectFlag(),
			&cli.StringFlag{Name: "out", Usage: "save the plan to this file and apply nothing"},
		}),
		Action: a.runRollback,
	}
}

func (a *app) runRollback(ctx context.Context, cmd *cli.Command) error {
	word, err := oneArgument(cmd, "the number of a revision")
	if err != nil {
		return err
	}
	revision, err := strconv.ParseInt(word, 10, 64)
	if err != nil || revision <= 0 {
		return fmt.Errorf("%q is no number of a revision; lft history lists them", word)
	}
	if !cmd.IsSet("message") {
		if err := cmd.Set("message", fmt.Sprintf("back to revision %d", revision)); err != nil {
			return err
		}
	}
	out := cmd.String("out")
	if cmd.Bool("json") && !cmd.Bool("auto-approve") && out == "" {
		return errors.New("-json asks nobody: give -auto-approve as well, or -out")
	}
	project, err := a.project(cmd)
	if err != nil {
		return err
	}
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	declared, err := c.revision(ctx, project, revision)
	if err != nil {
		return err
	}
	p, err := a.plan(ctx, c, planner.Wish{Project: project, Declared: declared, Adopt: cmd.Bool("adopt")})
	if err != nil {
		return err
	}
	if out != "" {
		return a.present(cmd, p)
	}
	return a.carryOut(ctx, cmd, c, p)
}
