package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/planner"
)

func (a *app) planVerb() *cli.Command {
	return &cli.Command{
		Name:  "plan",
		Usage: "Show what apply would change, and what that does to what is running",
		Description: "A saved plan is applied by \"lft apply FILE\", exactly or not at all.\n" +
			"-json prints the plan as one document, as \"lft show -json FILE\" does a saved one; it is no stream of messages.",
		Flags: slices.Concat(stateFlags(), variableFlags(), formFlags(), aimFlags(), []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "save the plan to this file"},
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "end with 2 when there are changes"},
			&cli.BoolFlag{Name: "destroy", Usage: "plan to remove everything that is deployed"},
			&cli.BoolFlag{Name: "refresh-only", Usage: "show only what is not in force as it was applied"},
			inputFlag(),
			&cli.BoolFlag{Name: "watch", Usage: "plan again whenever a file of the folder changes"},
			adoptFlag(),
		}),
		Action: a.runPlan,
	}
}

func adoptFlag() cli.Flag {
	return &cli.BoolFlag{Name: "adopt", Usage: "take the project over from another folder"}
}

func (a *app) runPlan(ctx context.Context, cmd *cli.Command) error {
	if err := noArguments(cmd); err != nil {
		return err
	}
	if _, _, err := form(cmd); err != nil {
		return err
	}
	if cmd.Bool("watch") {
		return a.watchPlan(ctx, cmd)
	}
	p, err := a.planOnce(ctx, cmd)
	if err != nil {
		return err
	}
	differs := len(p.Changes) > 0 || p.Mode == planner.RefreshOnly && len(p.Drift) > 0
	if differs && cmd.Bool("detailed-exitcode") {
		return exitCode(exitChanges)
	}
	return nil
}

// planOnce plans what the flags ask for, and presents it.
func (a *app) planOnce(ctx context.Context, cmd *cli.Command) (*planner.Plan, error) {
	w, err := a.wish(ctx, cmd, cmd.Bool("destroy"))
	if err != nil {
		return nil, err
	}
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	p, err := a.plan(ctx, c, w)
	if err != nil {
		return nil, err
	}
	return p, a.present(cmd, p)
}

// present shows a plan and, with -out, saves it.
func (a *app) present(cmd *cli.Command, p *planner.Plan) error {
	out := cmd.String("out")
	if out != "" {
		// From here on the folder has to be recognised.
		var err error
		if p.Folder.Lineage, err = mintLineage("."); err != nil {
			return err
		}
	}
	if out != "" {
		document, err := planner.Encode(p)
		if err != nil {
			return err
		}
		if err := replaceFile(out, document, 0o600); err != nil {
			return fmt.Errorf("save the plan: %w", err)
		}
	}
	if err := a.showPlan(cmd, p); err != nil {
		return err
	}
	if form, asJSON, _ := form(cmd); !asJSON && form != view.PlanMarkdown && len(p.Changes) > 0 && !cmd.Bool("watch") {
		a.term.PlanHint(out, automated(os.Getenv))
	}
	return nil
}

// replaceFile writes a file whole or not at all. A link stays one; what is no file,
// such as /dev/stdout, is written to.
func replaceFile(path string, data []byte, mode os.FileMode) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, data, mode)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	defer temporary.Close()
	if _, err := temporary.Write(data); err != nil {
		return err
	}
	if err := temporary.Chmod(mode); err != nil {
		return err
	}
	if err := temporary.Close(); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
