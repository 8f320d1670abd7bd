package cli

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/record"
)

const (
	// A watcher asks often while things change and seldom while they do not, and
	// never spends more than a tenth of its time on asking.
	watchSoon, watchLate = 50 * time.Millisecond, time.Second
	watchShare           = 10
	// How long a watcher goes on without an answer: longer than a take-over.
	patience = 60 * time.Second
)

// watch follows one execution.
type watch struct {
	client *client
	id     string
	term   *view.Terminal
}

// untilEnd calls show with every new look at the execution, show may be nil,
// and returns the last one.
func (w *watch) untilEnd(ctx context.Context, show func(*lftv1.GetExecutionResponse)) (*lftv1.GetExecutionResponse, error) {
	wait, answered, warned := watchSoon, time.Now(), false
	last := ""
	for {
		asked := time.Now()
		res, err := w.client.run.GetExecution(ctx, &lftv1.GetExecutionRequest{Id: w.id})
		switch {
		case err == nil:
			answered, warned = time.Now(), false
			if show != nil {
				show(res)
			}
			if record.ExecutionState(res.GetExecution().GetState()).Terminal() {
				return res, nil
			}
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !lostContact(err):
			return nil, err
		case time.Since(answered) > patience:
			return nil, fmt.Errorf("lost contact for %s: %w\n%s goes on without this terminal; lft status %s tells how", patience, problem(err), w.id, w.id)
		case !warned:
			warned = true
			w.term.Notef("no answer, asking again: %v\n", problem(err))
		}
		if now := progressOf(res); now != last {
			last, wait = now, watchSoon
		}
		wait = max(wait, watchShare*time.Since(asked))
		if !pause(ctx, wait) {
			return nil, ctx.Err()
		}
		wait = min(wait*3/2, watchLate)
	}
}

// progressOf is equal for two looks between which nothing has happened.
func progressOf(res *lftv1.GetExecutionResponse) string {
	counts := map[string]int{}
	for _, j := range res.GetJobs() {
		counts[j.GetState()]++
		counts["attempts"] += len(j.GetAttempts())
	}
	return fmt.Sprint(res.GetExecution().GetState(), counts)
}

// lostContact tells failures that may pass: nobody answered, or nobody acts.
func lostContact(err error) bool {
	code := connect.CodeOf(err)
	return err != nil && (code == connect.CodeUnavailable || code == connect.CodeDeadlineExceeded)
}
