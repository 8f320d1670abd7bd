package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/lang/spec"
)

func (a *app) showVerb() *cli.Command {
	return &cli.Command{
		Name:        "show",
		Usage:       "Show what is deployed, or a saved plan",
		ArgsUsage:   "[PLAN | REVISION | ADDRESS]",
		Description: "Without an argument it shows the newest revision; with the address of an object only that one.",
		Flags:       slices.Concat(stateFlags(), formFlags(), []cli.Flag{projectFlag()}),
		Action:      a.runShow,
	}
}

func (a *app) runShow(ctx context.Context, cmd *cli.Command) error {
	revision := int64(0)
	if cmd.Args().Present() {
		what, err := oneArgument(cmd, "a plan, a revision or an address")
		if err != nil {
			return err
		}
		if n, err := strconv.ParseInt(what, 10, 64); err == nil && n > 0 && !exists(what) {
			revision = n
		} else if _, err := spec.ParseAddress(what); err == nil && !exists(what) {
			return a.runStateShow(ctx, cmd)
		} else {
			return a.showSaved(cmd, what)
		}
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
	deployed, err := c.deployed(ctx, project, revision)
	if err != nil {
		return err
	}
	if deployed.Project.UID == "" && revision > 0 {
		return fmt.Errorf("project %q has no revision %d: nothing was ever applied", project, revision)
	}
	digests := make([]string, 0, len(deployed.Objects))
	for _, o := range deployed.Objects {
		digests = append(digests, o.Digest)
	}
	slices.Sort(digests)
	specs, err := c.specs(ctx, slices.Compact(digests))
	if err != nil {
		return err
	}
	_, asJSON, err := form(cmd)
	if err != nil {
		return err
	}
	return view.Deployed(a.term, deployed, specs, asJSON)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (a *app) showSaved(cmd *cli.Command, path string) error {
	p, _, err := readPlan(path)
	if err != nil {
		return err
	}
	return a.showPlan(cmd, p)
}
