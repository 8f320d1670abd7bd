package master

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// letters are the executions of the dead letters written.
func letters(w *world) []string {
	var out []string
	for _, c := range w.book.written() {
		for _, d := range c.rows.DeadLetters {
			out = append(out, d.Execution)
		}
	}
	return out
}

// writtenIDs are the executions that have become durable.
func writtenIDs(w *world) []string {
	var out []string
	for _, c := range w.book.written() {
		for _, x := range c.rows.Executions {
			out = append(out, x.ID)
		}
	}
	slices.Sort(out)
	return out
}

// startAll starts x0 … and returns who was refused.
func startAll(w *world, n int) []string {
	var all []<-chan answer[string]
	for i := range n {
		all = append(all, ask(func() (string, error) { return w.m.Start(w.t.Context(), start(fmt.Sprint("x", i))) }))
	}
	time.Sleep(time.Second)
	var refused []string
	for i, c := range all {
		if _, err := got(w.t, c); err != nil {
			refused = append(refused, fmt.Sprint("x", i))
			if !errors.Is(err, errDefect) {
				w.t.Errorf("x%d: %v", i, err)
			}
		}
	}
	return refused
}

func TestPanicOfStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Start); ok && e.ID == "x3" {
				k.row("half") // what it did before must not stay
				panic("planted")
			}
			return k.ordinary(event)
		}
		w.start()
		refused := startAll(w, 6)
		if diff := cmp.Diff([]string{"x3"}, refused); diff != "" {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"x0", "x1", "x2", "x4", "x5"}, writtenIDs(w)); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"x3"}, letters(w)); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		if k := w.kernel(); k.limits.BatchRows != 0 {
			t.Error("it is careful although it knows the culprit")
		}
		w.stop()
	})
}

// A commit that is under way when the kernel breaks is waited for: else the rows
// read beside it would not hold what it writes, and it would write over what is
// decided after them.
func TestPanicDuringACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Start); ok && e.ID == "bad" {
				panic("planted")
			}
			return k.ordinary(event)
		}
		w.start()
		w.book.gate = make(chan struct{})
		agent := ask(func() (Registration, error) { return w.m.Register(t.Context(), record.Agent{UID: "a"}, 0) })
		good := ask(func() (string, error) { return w.m.Start(t.Context(), start("good")) })
		bad := ask(func() (string, error) { return w.m.Start(t.Context(), start("bad")) })
		waits(t, good)
		close(w.book.gate)
		if id, err := got(t, good); err != nil || id != "good" {
			t.Errorf("what came before the culprit is answered with %q, %v", id, err)
		}
		if _, err := got(t, bad); !errors.Is(err, errDefect) {
			t.Errorf("the culprit is answered with %v", err)
		}
		if diff := cmp.Diff([]string{"good"}, writtenIDs(w)); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		// Its session is durable, but the kernel that made it is gone.
		r, err := got(t, agent)
		if err != nil {
			t.Errorf("what was under way is answered with %v", err)
		}
		if _, err := w.m.Session(t.Context(), "a", r.Session); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("a session that no kernel knows is opened: %v", err)
		}
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
}

// So is one that is under way when time cannot go on.
func TestPanicOfTickDuringACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			switch event.(type) {
			case kernel.Start:
				k.wake = record.Time(w.term.Now() + 100_000)
			case kernel.Tick:
				if k.wake != 0 {
					panic("planted")
				}
			}
			return k.ordinary(event)
		}
		w.start()
		w.book.gate = make(chan struct{})
		c := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		time.Sleep(time.Second)
		waits(t, c)
		close(w.book.gate)
		if _, err := got(t, c); err != nil {
			t.Errorf("start: %v", err)
		}
		if w.m.Stats().Defects != 1 {
			t.Errorf("%d defects", w.m.Stats().Defects)
		}
		w.stop()
	})
}

// Rows the database refuses cost the one whose rows they are.
func TestPoisonedRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.book.judge = func(rows *record.Batch) error {
			for _, x := range rows.Executions {
				if x.ID == "x3" {
					return fmt.Errorf("too long: %w", lease.ErrPoison)
				}
			}
			return nil
		}
		w.book.gate = make(chan struct{}) // so that they share a batch
		w.start()
		time.AfterFunc(100*time.Millisecond, func() { close(w.book.gate) })
		refused := startAll(w, 6)
		if diff := cmp.Diff([]string{"x3"}, refused); diff != "" {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"x0", "x1", "x2", "x4", "x5"}, writtenIDs(w)); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"x3"}, letters(w)); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		w.mu.Lock()
		careful := slices.ContainsFunc(w.states, func(k *script) bool { return k.limits.BatchRows == 1 })
		w.mu.Unlock()
		if !careful {
			t.Error("it never was careful")
		}
		time.Sleep(2 * carefulFor)
		join(w, "wakes it")
		if k := w.kernel(); k.limits.BatchRows != 0 {
			t.Error("it stays careful for ever")
		}
		w.stop()
	})
}

// A report that cannot be digested costs its own execution, not the agent's
// others.
func TestPoisonedReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.book.live.Executions = []record.Execution{{ID: "good"}, {ID: "bad"}}
		w.book.live.Attempts = []record.Attempt{
			{Execution: "good", Token: "tg", State: record.AttemptRunning},
			{Execution: "bad", Token: "tb", State: record.AttemptRunning},
		}
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Reports); ok {
				for _, r := range e.List {
					if r.Token == "tb" && !slices.ContainsFunc(k.events, isBury) {
						k.out.Rows.Jobs = append(k.out.Rows.Jobs, record.Job{Execution: "bad", Message: "poison"})
						k.some = true
					} else if r.Token == "tg" {
						k.row("good")
					}
				}
				return nil
			}
			return k.ordinary(event)
		}
		w.book.judge = func(rows *record.Batch) error {
			if len(rows.Jobs) > 0 {
				return lease.ErrPoison
			}
			return nil
		}
		w.start()
		for range 3 { // agents repeat what is not acknowledged
			s := join(w, "a")
			s.Send(t.Context(), Up{SentAt: 1, Reports: []kernel.Report{{Token: "tg"}, {Token: "tb"}}})
			time.Sleep(time.Second)
		}
		if !slices.Contains(writtenIDs(w), "good") {
			t.Error("the good report is lost")
		}
		if diff := cmp.Diff([]string{"bad"}, letters(w)); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

func isBury(e kernel.Event) bool { _, ok := e.(kernel.Bury); return ok }

// The passing of time that one execution cannot digest goes on for the others.
func TestPanicOfTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 20 {
			w.book.live.Executions = append(w.book.live.Executions, record.Execution{ID: fmt.Sprint("x", i)})
		}
		w.react = func(k *script, event kernel.Event) error {
			bad := slices.ContainsFunc(k.snapshot.Live.Executions, func(x record.Execution) bool { return x.ID == "x13" })
			switch event.(type) {
			case kernel.Tick:
				if bad {
					panic("planted")
				}
			case kernel.Bury:
				w.book.live.Executions = slices.DeleteFunc(w.book.live.Executions,
					func(x record.Execution) bool { return x.ID == "x13" })
				k.snapshot.Live.Executions = nil
			}
			return k.ordinary(event)
		}
		w.start()
		time.Sleep(time.Second)
		if diff := cmp.Diff([]string{"x13"}, letters(w)); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("y")) })); err != nil {
			t.Error(err)
		}
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
}

// A row that cannot be restored leaves the rest of the state alone.
func TestBadRowAtRestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range 9 {
			w.book.live.Executions = append(w.book.live.Executions, record.Execution{ID: fmt.Sprint("x", i)})
		}
		w.broken = func(s kernel.Snapshot) error {
			for _, x := range s.Live.Executions {
				if x.ID == "x2" {
					panic("planted")
				}
				if x.ID == "x7" {
					return errors.New("planted")
				}
			}
			return nil
		}
		w.start()
		if n := len(w.kernel().snapshot.Live.Executions); n != 7 {
			t.Errorf("%d executions are acted on", n)
		}
		left := letters(w)
		slices.Sort(left)
		if diff := cmp.Diff([]string{"x2", "x7"}, left); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

// What even burying panics on is left out, and said.
func TestBuryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			switch e := event.(type) {
			case kernel.Start:
				if e.ID == "x0" {
					panic("planted")
				}
			case kernel.Bury:
				panic("planted, too")
			}
			return k.ordinary(event)
		}
		w.start()
		if diff := cmp.Diff([]string{"x0"}, startAll(w, 3)); diff != "" {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"x0"}, letters(w)); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

func TestEndlessDefectEndsTheTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(_ *script, event kernel.Event) error { panic("planted") }
		w.start()
		if err := <-w.result; err == nil {
			t.Error("Act returned no error")
		}
	})
}
