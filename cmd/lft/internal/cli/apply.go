package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"time"

	"connectrpc.com/connect"
	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/planner"
)

func (a *app) applyVerb() *cli.Command {
	return &cli.Command{
		Name:      "apply",
		Usage:     "Make the deployed project what the folder declares",
		ArgsUsage: "[PLAN]",
		Description: "Without PLAN it plans, shows the plan and asks. With a saved plan it applies exactly that, without asking,\n" +
			"or refuses it when something that it is about was changed meanwhile.\n" +
			"-json prints what came of it as one document, when it is done; it is no stream of messages.",
		Flags: slices.Concat(stateFlags(), variableFlags(), aimFlags(), approvalFlags(), []cli.Flag{
			&cli.BoolFlag{Name: "destroy", Usage: "remove everything that is deployed, as lft destroy"},
		}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Present() {
				return a.applySaved(ctx, cmd)
			}
			return a.applyFolder(ctx, cmd, cmd.Bool("destroy"))
		},
	}
}

func (a *app) destroyVerb() *cli.Command {
	return &cli.Command{
		Name:  "destroy",
		Usage: "Remove everything of the project that is deployed",
		Flags: slices.Concat(stateFlags(), variableFlags(), aimFlags(), approvalFlags()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if err := noArguments(cmd); err != nil {
				return err
			}
			return a.applyFolder(ctx, cmd, true)
		},
	}
}

func approvalFlags() []cli.Flag {
	return []cli.Flag{
		jsonFlag(),
		conciseFlag(),
		&cli.BoolFlag{Name: "auto-approve", Usage: "do not ask"},
		inputFlag(),
		&cli.StringFlag{Name: "message", Usage: "why, for the history"},
		adoptFlag(),
	}
}

// applyFolder plans, asks and applies.
func (a *app) applyFolder(ctx context.Context, cmd *cli.Command, destroy bool) error {
	if cmd.Bool("json") && !cmd.Bool("auto-approve") {
		return errors.New("-json asks nobody: give -auto-approve as well, or a saved plan")
	}
	w, err := a.wish(ctx, cmd, destroy)
	if err != nil {
		return err
	}
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	p, err := a.plan(ctx, c, w)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, cmd, c, p)
}

// carryOut shows a plan that was just made, asks, and applies it.
func (a *app) carryOut(ctx context.Context, cmd *cli.Command, c *client, p *planner.Plan) error {
	if !cmd.Bool("json") {
		if err := a.showPlan(cmd, p); err != nil {
			return err
		}
	}
	if len(p.Changes) > 0 && !cmd.Bool("auto-approve") {
		if !mayAsk(cmd, os.Getenv) {
			return errors.New("nobody may be asked (-input=false, LFT_INPUT=0): -auto-approve does not ask")
		}
		if err := a.approve(ctx, p); err != nil {
			return err
		}
	}
	if len(p.Changes) > 0 || p.Adopt {
		var err error
		if p.Folder.Lineage, err = mintLineage("."); err != nil {
			return err
		}
	}
	return a.apply(ctx, cmd, c, p)
}

// approve asks, and takes only "yes" for an answer.
func (a *app) approve(ctx context.Context, p *planner.Plan) error {
	a.term.AskApply(p.Project.Name, p.Mode == planner.Destroy)
	line, err := answer(ctx, a.readLine)
	a.term.Printf("\n")
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; nothing was changed")
	case err != nil:
		return errors.New("nobody answers: there is no input; -auto-approve does not ask")
	case line == "yes":
		return nil
	case p.Mode == planner.Destroy:
		return errors.New("destroy cancelled; nothing was changed")
	default:
		return errors.New("apply cancelled; nothing was changed")
	}
}

// maxPlan bounds a plan file.
const maxPlan = 1 << 30

// readPlan reads a saved plan.
func readPlan(path string) (*planner.Plan, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("the plan: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, nil, fmt.Errorf("%s is a folder, no saved plan; another folder is named before the command: lft -chdir=%s apply", path, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxPlan+1))
	if err != nil {
		return nil, nil, fmt.Errorf("the plan: %w", err)
	}
	if len(data) > maxPlan {
		return nil, nil, fmt.Errorf("the plan %s is over the limit of %d bytes", path, maxPlan)
	}
	p, err := planner.Decode(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, data, nil
}

// applySaved applies a saved plan.
func (a *app) applySaved(ctx context.Context, cmd *cli.Command) error {
	path, err := oneArgument(cmd, "the file of one plan")
	if err != nil {
		return err
	}
	for _, name := range []string{"var", "var-file", "adopt", "target", "exclude", "destroy"} {
		if cmd.IsSet(name) {
			return fmt.Errorf("-%s cannot be given with a saved plan: it was decided when the plan was made", name)
		}
	}
	p, _, err := readPlan(path)
	if err != nil {
		return err
	}
	if p.Compared != nil {
		return fmt.Errorf("%s compares %s with %s: it can only be looked at", path, p.Compared.From, p.Compared.To)
	}
	c, err := a.connect(ctx, cmd)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(p.Changes) > 0 {
		if err := c.putSpecs(ctx, p); err != nil {
			return err
		}
		impact, err := c.preview(ctx, p)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(impact.Executions, p.Impact.Executions) && !cmd.Bool("json") {
			a.term.ImpactNow(impact)
		}
	}
	return a.apply(ctx, cmd, c, p)
}

// maxApply is how long an apply may take once it was sent; it is not
// interrupted, so that it is known what became of it.
const maxApply = 2 * time.Minute

// apply sends the plan. Whatever happens to the answer, the apply id tells
// whether it took effect.
func (a *app) apply(ctx context.Context, cmd *cli.Command, c *client, p *planner.Plan) error {
	result := view.Applied{Project: p.Project.Name, Destroy: p.Mode == planner.Destroy, Summary: p.Summary(), Revision: p.Project.Revision}
	if err := a.upload(ctx, c, p, cmd.Bool("json")); err != nil {
		return err
	}
	if len(p.Changes) == 0 && (!p.Adopt || p.Project.Lineage == p.Folder.Lineage) {
		return a.showApplied(ctx, cmd, c, result)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	sent, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxApply)
	defer cancel()
	id := newID()
	kinds := make([]string, len(p.Impact.Kinds))
	for i, k := range p.Impact.Kinds {
		kinds[i] = string(k)
	}
	var res *lftv1.ApplyResponse
	err := c.withSpecs(sent, p, func() (err error) {
		res, err = c.deploy.Apply(sent, &lftv1.ApplyRequest{
			ApplyId: id, Changes: changeSet(p), Message: cmd.String("message"), ImpactKinds: kinds,
		})
		return err
	})
	code := connect.CodeOf(err)
	switch {
	case err == nil:
	case code == connect.CodeUnavailable || code == connect.CodeDeadlineExceeded || severed(err):
		return fmt.Errorf("%w\nNo answer came, so it is not known here whether the apply took effect.\n"+
			"If it did, lft history -json shows the apply id %s", problem(err), id)
	default:
		return err
	}
	result.Revision, result.EffectiveFrom, result.ApplyID = res.GetRevision(), res.GetEffectiveFrom(), id
	return a.showApplied(ctx, cmd, c, result)
}

// showApplied tells what an apply has done. That the outputs cannot be read does
// not make it fail: it has taken effect.
func (a *app) showApplied(ctx context.Context, cmd *cli.Command, c *client, result view.Applied) error {
	if !cmd.Bool("json") && !result.Destroy {
		deployed, err := c.deployed(ctx, result.Project, result.Revision)
		if err == nil {
			result.Outputs, err = c.outputs(ctx, deployed)
		}
		if err != nil {
			defer a.term.Notef("The outputs cannot be read: %v\n", problem(err))
		}
	}
	return result.Show(a.term, cmd.Bool("json"))
}
