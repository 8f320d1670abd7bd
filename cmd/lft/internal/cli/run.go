package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/record"
)

func (a *app) runVerb() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "Run a deployed flow and wait for its end",
		ArgsUsage: "FLOW",
		Description: "The first word on stdout is the id of the execution. Without a server and without lft dev, this process is\n" +
			"master and agent for as long as the flow runs. Repeating an -id is not a second run: it attaches to the first.",
		Flags: append(stateFlags(),
			&cli.StringSliceFlag{Name: "param", Usage: "NAME=VALUE, a parameter of the flow; may be repeated"},
			&cli.StringFlag{Name: "id", Usage: "name the execution: letters, digits, '.', '_', '-', at most 64"},
			&cli.BoolFlag{Name: "detach", Usage: "return as soon as the execution is durable"},
		),
		Action: a.run,
	}
}

func (a *app) run(ctx context.Context, cmd *cli.Command) (err error) {
	flow, err := oneArgument(cmd, "the name of a flow")
	if err != nil {
		return err
	}
	params, err := paramMap(cmd.StringSlice("param"))
	if err != nil {
		return err
	}
	// Made here, so that a request whose answer is lost can be asked again.
	id := cmd.String("id")
	if id == "" {
		id = newID()
	}
	c, err := a.connectTo(ctx, cmd, actor)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.route.close()) }()
	if cmd.Bool("detach") && c.embedded() {
		return errors.New("-detach needs somebody who carries on: start lft dev in this folder, or a server")
	}
	res, err := c.run.Run(ctx, &lftv1.RunRequest{Flow: flow, Id: id, Params: params})
	if err != nil {
		return needsMaster(err)
	}
	a.term.Printf("%s\n", res.GetId())
	if cmd.Bool("detach") {
		return nil
	}
	for _, left := range c.leftovers() {
		a.term.Notef("%s of an earlier run has not ended and is left as it is; lft dev goes on with it\n", left)
	}
	return a.follow(ctx, c, res.GetId())
}

// follow shows an execution until its end, which decides over the exit code.
func (a *app) follow(ctx context.Context, c *client, id string) error {
	progress := view.NewProgress(a.term)
	show := func(res *lftv1.GetExecutionResponse) { progress.Update(res, time.Now()) }
	w := watch{client: c, id: id, term: a.term}
	last, err := w.untilEnd(ctx, show)
	if err != nil && ctx.Err() != nil {
		if !c.embedded() {
			progress.Clear()
			a.term.Notef("detached from %s, which goes on: lft status %[1]s shows it, lft logs %[1]s -follow its logs, lft cancel %[1]s ends it\n", id)
			return exitCode(exitError)
		}
		// Nobody would carry on: what was started here ends here.
		a.term.Notef("cancelling %s; a second interrupt leaves its processes to the next lft\n", id)
		ending := context.WithoutCancel(ctx)
		if _, err := c.run.Cancel(ending, &lftv1.CancelRequest{Id: id}); err != nil && connect.CodeOf(err) != connect.CodeFailedPrecondition {
			return err
		}
		last, err = w.untilEnd(ending, show)
	}
	progress.Clear()
	if err != nil {
		return err
	}
	view.Report(a.term, last, time.Now())
	switch record.ExecutionState(last.GetExecution().GetState()) {
	case record.ExecutionSucceeded:
		return nil
	case record.ExecutionCancelled:
		return exitCode(exitCancelled)
	default:
		return exitCode(exitFlowFailed)
	}
}

// embedded reports whether this process is all there is: the master that acts,
// and its agent.
func (c *client) embedded() bool {
	h, ok := c.route.homes[0].(*opened)
	return ok && h.part == actor && h.owns()
}

// leftovers are live executions that an embedded master does not act on.
func (c *client) leftovers() []string {
	if !c.embedded() {
		return nil
	}
	return c.route.homes[0].(*opened).rest()
}

// needsMaster adds what to do when nobody acts.
func needsMaster(err error) error {
	if connect.CodeOf(err) != connect.CodeUnavailable {
		return err
	}
	return fmt.Errorf("%w\nThis needs an acting master and an agent: lft server -state STATE -blobs DIR and lft agent -master ADDRESS,\n"+
		"or lft dev for the state of this folder", problem(err))
}

// paramMap reads NAME=VALUE; the value is kept as it is.
func paramMap(texts []string) (map[string]string, error) {
	params := map[string]string{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("-param: %q is not NAME=VALUE", text)
		}
		if _, twice := params[name]; twice {
			return nil, fmt.Errorf("-param: %q is given twice", name)
		}
		params[name] = value
	}
	return params, nil
}
