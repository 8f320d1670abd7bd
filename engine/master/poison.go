package master

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

const (
	// carefulFor is how long each event gets a transaction of its own after a
	// defect whose cause is not known.
	carefulFor = 10 * time.Second
	// tickAgain is how long time stands still after a tick that no execution is
	// to blame for.
	tickAgain = time.Second
	// maxMends bounds the defects of one turn, and the ticks in vain in a row;
	// then another master may try.
	maxMends = 32
)

// errDefect is what a caller hears whose event could not be digested.
var errDefect = errors.New("internal error: the master could not digest the request; it is in the dead letters")

// defect is a panic of the kernel, or rows the database refuses.
type defect struct {
	sub  *submission   // the event that led to it, nil when that is not known
	rows *record.Batch // the rows refused, or nil
	err  error
}

func (d *defect) Error() string { return d.err.Error() }
func (d *defect) Unwrap() error { return d.err }

// guard calls into the kernel and turns a panic into a defect.
func (l *loop) guard(what string, call func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &defect{err: fmt.Errorf("panic in %s: %v\n%s", what, r, stack())}
		}
	}()
	call()
	return nil
}

// mended mends until an error is no defect any more.
func (l *loop) mended(ctx context.Context, err error) error {
	for range maxMends {
		d, ok := errors.AsType[*defect](err)
		if !ok {
			return err
		}
		if d.sub == nil && l.careful {
			d.sub = l.current
		}
		err = l.mend(ctx, d)
	}
	return err
}

// mend starts again from the durable rows. When the execution to blame is known
// it is buried; else each event gets its own transaction until it shows.
func (l *loop) mend(ctx context.Context, d *defect) error {
	l.m.stats.defects.Add(1)
	l.log.Error("defect in the master; starting again from the durable rows", "event", d.event(), "error", d)
	if d.sub == nil {
		l.careful = true
		l.calm.Reset(carefulFor)
		return l.reload(ctx, false)
	}
	delete(l.waiting, d.sub.id)
	d.sub.answer(kernel.Reply{Err: errDefect})
	culprits := l.culprits(d)
	if _, tick := d.sub.event.(kernel.Tick); tick {
		l.notBefore = time.Now().Add(tickAgain)
		if len(culprits) == 0 {
			found, err := l.hunt(ctx)
			if err != nil {
				return err
			}
			culprits = found
		}
		if l.barren++; len(culprits) == 0 && l.barren > maxMends {
			return fmt.Errorf("time cannot go on here: %w", d.err)
		}
	}
	if err := l.reload(ctx, false); err != nil {
		return err
	}
	for _, execution := range culprits {
		if err := l.bury(ctx, execution, d); err != nil {
			return err
		}
	}
	if len(culprits) > 0 {
		l.notBefore = time.Time{}
		return nil
	}
	return l.letter(ctx, "", d.event(), d.err)
}

// culprits are the executions a defect is about.
func (l *loop) culprits(d *defect) []string {
	if x := l.executionOf(d.sub.event); x != "" {
		return []string{x}
	}
	if d.rows == nil {
		return nil
	}
	set := make(map[string]bool)
	for i := range d.rows.Executions {
		set[d.rows.Executions[i].ID] = true
	}
	for i := range d.rows.Jobs {
		set[d.rows.Jobs[i].Execution] = true
	}
	for i := range d.rows.Attempts {
		set[d.rows.Attempts[i].Execution] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// executionOf is the execution an event is about, or "".
func (l *loop) executionOf(event kernel.Event) string {
	switch e := event.(type) {
	case kernel.Start:
		return e.ID
	case kernel.Cancel:
		return e.Execution
	case kernel.Prepared:
		return e.Key.Execution
	case kernel.Reports:
		if len(e.List) == 1 {
			return l.live[e.List[0].Token]
		}
	}
	return ""
}

// hunt finds the execution that the passing of time makes the kernel panic on.
// The kernel has no effect by itself, so it may be tried on parts.
func (l *loop) hunt(ctx context.Context) ([]string, error) {
	if err := l.ground(ctx); err != nil {
		return nil, err
	}
	live, err := l.load(ctx)
	if err != nil {
		return nil, err
	}
	l.m.solo(&live)
	keep(&live, func(execution string) bool { return !l.excluded[execution] })
	snapshot, err := l.heads.snapshot(ctx, l, live)
	if err != nil {
		return nil, err
	}
	bad := bisect(live, func(part record.Live) bool {
		trial := snapshot
		trial.Live = part
		st, err := l.try(trial)
		if err == nil {
			err = l.guard("Step", func() {
				st.Step(l.now(), kernel.Tick{}) //nolint:errcheck // a refusal is no panic
				st.Prepares()
				st.Ready()
			})
		}
		return err != nil
	})
	if bad == "" {
		return nil, nil
	}
	return []string{bad}, nil
}

// bury ends an execution as FAILED(internal). One that even this is too much for
// is left out until a better version of lft meets it.
func (l *loop) bury(ctx context.Context, execution string, d *defect) error {
	err := l.step(&submission{event: kernel.Bury{Letter: l.letterOf(execution, d.event(), d.err)}})
	if err == nil {
		err = l.pushAll(ctx)
	}
	if worse, ok := errors.AsType[*defect](err); ok {
		l.exclude(ctx, execution, "bury", worse)
		return l.reload(ctx, false)
	}
	return err
}

// exclude leaves an execution out of the kernel for the rest of the term.
func (l *loop) exclude(ctx context.Context, execution, event string, cause error) {
	l.excluded[execution] = true
	l.log.Error("execution is left out", "execution", execution, "error", cause)
	if err := l.letter(ctx, execution, event, cause); err != nil {
		l.log.Error("cannot write the dead letter", "execution", execution, "error", err)
	}
}

// letter writes a dead letter by itself.
func (l *loop) letter(ctx context.Context, execution, event string, cause error) error {
	l.serial++
	rows := record.Batch{DeadLetters: []record.DeadLetter{l.letterOf(execution, event, cause)}}
	err := l.commit(ctx, l.serial, &rows)
	if errors.Is(err, lease.ErrPoison) {
		l.log.Error("the database refuses the dead letter", "execution", execution, "error", err)
		return nil
	}
	return err
}

func (l *loop) letterOf(execution, event string, cause error) record.DeadLetter {
	at := l.now()
	l.letters++
	return record.DeadLetter{
		ID:        record.NoteID(execution, "dead_letter", at, l.letters),
		Execution: execution,
		Event:     record.Cut(event, record.MaxMessage),
		Error:     record.Cut(cause.Error(), record.MaxMessage),
		At:        at,
	}
}

func (d *defect) event() string {
	if d.sub == nil {
		return "unknown"
	}
	return describe(d.sub.event)
}

// describe tells people what an event was.
func describe(event kernel.Event) string {
	if a, ok := event.(kernel.Adopt); ok {
		return fmt.Sprintf("Adopt project %s revision %d", a.Project, a.Revision)
	}
	content, err := json.Marshal(event)
	if err != nil {
		content = []byte(err.Error())
	}
	return kind(event) + " " + string(content)
}

func kind(event kernel.Event) string {
	return strings.TrimPrefix(fmt.Sprintf("%T", event), "kernel.")
}
