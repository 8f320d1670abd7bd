package master

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// reload makes the kernel anew from the durable rows and hands it again what
// callers wait for. Sessions do not survive it: agents register again and name
// their tokens. With all set, nothing is decided before all of them have.
func (l *loop) reload(ctx context.Context, all bool) error {
	began := time.Now()
	if err := l.ground(ctx); err != nil {
		return err
	}
	l.sessions.void(ErrSessionVoid) // also those that were just made durable: the new kernel has none
	l.requeue()
	live, err := l.load(ctx)
	if err != nil {
		return err
	}
	l.leftovers.set(l.m.solo(&live))
	keep(&live, func(execution string) bool { return !l.excluded[execution] })
	snapshot, err := l.heads.snapshot(ctx, l, live)
	if err != nil {
		return err
	}
	snapshot.ReconcileAll = all
	if err := l.revive(ctx, snapshot); err != nil {
		return err
	}
	l.dirty = true
	l.m.stats.reloads.Add(1)
	l.m.stats.restored.Store(int64(time.Since(began)))
	if err := l.adoptNewest(ctx); err != nil {
		return err
	}
	l.wake.Reset(max(time.Until(l.notBefore), 0)) // what is due, and what restoring has led to
	return nil
}

// load reads the live set until it succeeds.
func (l *loop) load(ctx context.Context) (live record.Live, err error) {
	err = l.insist(ctx, func() error {
		live, err = l.cfg.Book.Load(ctx, l.term.Epoch())
		return err
	})
	if err != nil {
		return record.Live{}, fmt.Errorf("read the live executions: %w", err)
	}
	return live, nil
}

// revive restores the kernel. Rows it cannot digest are left out, one execution
// at a time: they must not stop the others.
func (l *loop) revive(ctx context.Context, snapshot kernel.Snapshot) error {
	for {
		st, err := l.try(snapshot)
		if err == nil {
			l.st = st
			break
		}
		bad := bisect(snapshot.Live, func(live record.Live) bool {
			trial := snapshot
			trial.Live = live
			_, err := l.try(trial)
			return err != nil
		})
		if bad == "" {
			return fmt.Errorf("restore the live executions: %w", err)
		}
		l.exclude(ctx, bad, "restore", err)
		keep(&snapshot.Live, func(execution string) bool { return execution != bad })
	}
	clear(l.live)
	for i := range snapshot.Live.Attempts {
		if a := &snapshot.Live.Attempts[i]; a.State != record.Ended && a.AgentUID != "" {
			l.live[a.Token] = a.Execution
		}
	}
	return nil
}

func (l *loop) try(snapshot kernel.Snapshot) (st state, err error) {
	limits := kernel.Limits{SchedulesOff: l.cfg.Solo}
	if l.careful {
		limits.BatchRows = 1 // so that a refused batch names its culprit
	}
	guarded := l.guard("Restore", func() { st, err = l.m.restore(limits, snapshot) })
	if guarded != nil {
		return nil, guarded
	}
	return st, err
}

// keep drops the rows of all other executions.
func keep(live *record.Live, wanted func(execution string) bool) {
	live.Executions = filter(live.Executions, func(x record.Execution) bool { return wanted(x.ID) })
	live.Jobs = filter(live.Jobs, func(j record.Job) bool { return wanted(j.Execution) })
	live.Attempts = filter(live.Attempts, func(a record.Attempt) bool { return wanted(a.Execution) })
}

func filter[T any](rows []T, wanted func(T) bool) []T {
	var out []T
	for i, row := range rows {
		if wanted(row) {
			if out != nil {
				out = append(out, row)
			}
			continue
		}
		if out == nil {
			out = append(make([]T, 0, len(rows)), rows[:i]...)
		}
	}
	if out == nil {
		return rows
	}
	return out
}

// bisect finds one execution without which live is no longer bad, or "" when no
// single one is to blame.
func bisect(live record.Live, bad func(record.Live) bool) string {
	ids := make([]string, len(live.Executions))
	for i, x := range live.Executions {
		ids[i] = x.ID
	}
	only := func(ids []string) record.Live {
		set := make(map[string]bool, len(ids))
		for _, id := range ids {
			set[id] = true
		}
		part := live
		keep(&part, func(execution string) bool { return set[execution] })
		return part
	}
	for len(ids) > 1 {
		half := ids[:len(ids)/2]
		if bad(only(half)) {
			ids = half
		} else {
			ids = ids[len(ids)/2:]
		}
	}
	if len(ids) == 0 || !bad(only(ids)) || bad(only(nil)) {
		return ""
	}
	return ids[0]
}

// requeue puts what callers wait for back at the head of the line, in order.
func (l *loop) requeue() {
	again := make([]*submission, 0, len(l.waiting)+len(l.backlog))
	for _, sub := range l.waiting {
		again = append(again, sub)
	}
	slices.SortFunc(again, func(a, b *submission) int { return int(int64(a.id) - int64(b.id)) })
	l.backlog = append(again, l.backlog...)
	clear(l.waiting)
	l.echoes = nil
}

// jump takes an epoch above one that an agent has obeyed and hears all agents
// before anything is decided.
func (l *loop) jump(ctx context.Context, floor int64) error {
	if l.term.Epoch() > floor {
		return nil // another agent was faster
	}
	l.log.Warn("an agent has obeyed a higher epoch: the database has lost its tail; hearing all agents first",
		"epoch", l.term.Epoch(), "agent_epoch", floor)
	if err := l.insist(ctx, func() error { return l.term.Rebump(ctx, floor) }); err != nil {
		return err
	}
	return l.reload(ctx, true)
}

// adoptNewest steps the revisions that are newer than what the kernel acts on.
func (l *loop) adoptNewest(ctx context.Context) error {
	for {
		var newer []kernel.Adopt
		err := l.insist(ctx, func() (err error) {
			newer, err = l.heads.newer(ctx, l)
			return err
		})
		if err != nil {
			return err
		}
		if err := l.adoptAll(ctx, newer); err != nil || len(newer) < adoptAtOnce {
			return err
		}
	}
}

func (l *loop) adoptAll(ctx context.Context, revisions []kernel.Adopt) error {
	for _, a := range revisions {
		if err := l.adopt(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// adopt steps one revision. One that the kernel cannot digest is replaced by the
// content of the last good one, so that the rest of the project goes on. When it
// cannot digest even that, the defect is its own.
func (l *loop) adopt(ctx context.Context, a kernel.Adopt) error {
	if !l.heads.due(a) {
		return nil
	}
	err := l.step(&submission{event: a})
	if d, ok := errors.AsType[*defect](err); ok && l.heads.reject(a) {
		l.m.stats.defects.Add(1)
		l.log.Error("revision cannot be acted on; going on with the one before",
			"project", a.Project, "revision", a.Revision, "error", d)
		return l.reload(ctx, false)
	}
	if err == nil {
		l.heads.adopted(a)
	}
	return err
}

// watchHeads looks for new revisions, beside the loop.
func (l *loop) watchHeads(ctx context.Context) {
	ticker := time.NewTicker(headsIn)
	defer ticker.Stop()
	troubled := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-l.m.nudge:
		}
		err := l.refresh(ctx)
		if err != nil && !troubled && ctx.Err() == nil && !errors.Is(err, lease.ErrFenced) {
			l.log.Warn("cannot look for new revisions", "error", err)
		}
		troubled = err != nil
	}
}

// refresh adopts what is newer. It may be called from any goroutine but the
// loop's.
func (l *loop) refresh(ctx context.Context) error {
	for {
		newer, err := l.heads.newer(ctx, l)
		if err != nil || len(newer) == 0 {
			return err
		}
		err = l.between(ctx, func(ctx context.Context) error { return l.adoptAll(ctx, newer) })
		if err != nil || len(newer) < adoptAtOnce {
			return err
		}
	}
}

// leftovers are the executions a solo Master does not act on.
type leftovers struct {
	mu   sync.Mutex
	list []record.Execution
}

func (o *leftovers) set(list []record.Execution) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = list
}

func (o *leftovers) get() []record.Execution {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.list)
}

func (o *leftovers) has(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.list, func(x record.Execution) bool { return x.ID == id })
}
