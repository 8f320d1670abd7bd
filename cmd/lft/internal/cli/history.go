package cli

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/lang"
)

func (a *app) historyVerb() *cli.Command {
	return &cli.Command{
		Name:  "history",
		Usage: "List what was applied, newest first",
		Flags: slices.Concat(stateFlags(), []cli.Flag{
			jsonFlag(),
			projectFlag(),
			&cli.IntFlag{Name: "limit", Value: 100, Usage: "at most this many"},
		}),
		Action: a.runHistory,
	}
}

func projectFlag() cli.Flag {
	return &cli.StringFlag{Name: "project", Usage: "of this project instead of the folder's"}
}

// project is the project a verb is about: the one it names, or the folder's.
func (a *app) project(cmd *cli.Command) (string, error) {
	if name := cmd.String("project"); name != "" {
		return name, nil
	}
	name, findings := lang.Project(os.DirFS("."))
	if name == "" {
		a.term.Diagnostics(findings)
		a.term.Notef("\nThe folder tells which project is meant; -project=NAME does without it.\n")
		return "", exitCode(exitError)
	}
	return name, nil
}

// pageSize is how many revisions are asked for at a time.
const pageSize = 500

func (a *app) runHistory(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
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
	limit := cmd.Int("limit")
	if limit <= 0 {
		return errors.New("-limit must be at least 1")
	}
	var list []*lftv1.Revision
	before := int64(0)
	for len(list) < limit {
		want := min(limit-len(list), pageSize)
		res, err := c.deploy.ListRevisions(ctx, &lftv1.ListRevisionsRequest{Project: project, Limit: int32(want), Before: before})
		if err != nil {
			return err
		}
		list = append(list, res.GetRevisions()...)
		if len(res.GetRevisions()) < want {
			break
		}
		before = list[len(list)-1].GetNumber()
	}
	return view.History(a.term, list, cmd.Bool("json"))
}
