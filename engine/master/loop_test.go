package master

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

func start(id string) kernel.Start { return kernel.Start{ID: id, Flow: "flow.f"} }

// join registers an agent and opens its session.
func join(w *world, uid string) *Session {
	w.t.Helper()
	r, err := got(w.t, ask(func() (Registration, error) {
		return w.m.Register(w.t.Context(), record.Agent{UID: uid}, 0)
	}))
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := w.m.Session(w.t.Context(), uid, r.Session)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func recv(w *world, s *Session) <-chan answer[Down] {
	return ask(func() (Down, error) { return s.Recv(w.t.Context()) })
}

// orders makes every start lead to an order for agent a.
func orders(w *world) {
	w.react = func(k *script, event kernel.Event) error {
		if e, ok := event.(kernel.Start); ok {
			k.out.Orders = append(k.out.Orders, kernel.Order{Agent: "a", Session: k.sessions, Token: "t-" + e.ID})
			k.out.Rows.Attempts = append(k.out.Rows.Attempts,
				record.Attempt{Execution: e.ID, Token: "t-" + e.ID, State: record.Ordered})
		}
		return k.ordinary(event)
	}
}

func TestNothingLeavesBeforeItIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders(w)
		w.start()
		s := join(w, "a")
		w.book.gate = make(chan struct{})
		down := recv(w, s)
		id := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		waits(t, id)
		waits(t, down)
		if n := len(w.kernel().advanced); n != 1 { // the registration
			t.Fatalf("advanced %d times before the commit", n)
		}
		w.book.gate <- struct{}{}
		if d, err := got(t, down); err != nil || len(d.Orders) != 1 || d.Epoch != 7 {
			t.Errorf("down %+v, %v", d, err)
		}
		if v, err := got(t, id); err != nil || v != "x" {
			t.Errorf("start: %q, %v", v, err)
		}
		if n := len(w.kernel().advanced); n != 2 {
			t.Errorf("advanced %d times", n)
		}
		close(w.book.gate)
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
}

// While one commit is under way others are stepped, and go into the next one
// together.
func TestEventsDuringACommitShareTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.book.gate = make(chan struct{})
		w.start()
		var all []<-chan answer[string]
		for i := range 10 {
			all = append(all, ask(func() (string, error) { return w.m.Start(t.Context(), start(fmt.Sprint("x", i))) }))
		}
		close(w.book.gate)
		for _, c := range all {
			if _, err := got(t, c); err != nil {
				t.Error(err)
			}
		}
		var sizes []int
		for _, c := range w.book.written() {
			sizes = append(sizes, len(c.rows.Executions))
		}
		if diff := cmp.Diff([]int{1, 9}, sizes); diff != "" {
			t.Errorf("executions per commit (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

func TestFencedEndsTheTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders(w)
		w.start()
		s := join(w, "a")
		down := recv(w, s)
		w.book.answers = []error{fmt.Errorf("batch: %w", lease.ErrFenced)}
		_, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) }))
		if !errors.Is(err, ErrDoubt) {
			t.Errorf("start: %v", err)
		}
		if d, err := got(t, down); err == nil {
			t.Errorf("a deposed master said %+v", d)
		}
		if err := <-w.result; !errors.Is(err, lease.ErrFenced) {
			t.Errorf("Act: %v", err)
		}
		if _, err := w.m.Start(t.Context(), start("y")); !isNotLeader(err) {
			t.Errorf("after the term: %v", err)
		}
	})
}

func isNotLeader(err error) bool {
	_, ok := errors.AsType[*NotLeader](err)
	return ok
}

func TestMovedDecidesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		s := join(w, "a")
		w.book.answers = []error{lease.ErrMoved}
		v, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) }))
		if err != nil || v != "x" {
			t.Fatalf("start: %q, %v", v, err)
		}
		if n := w.restores(); n != 2 {
			t.Errorf("restored %d times", n)
		}
		if err := s.Send(t.Context(), Up{}); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("the session lives on: %v", err)
		}
		w.stop()
	})
}

func TestUnknownCommit(t *testing.T) {
	for _, written := range []bool{true, false} {
		t.Run(fmt.Sprintf("written=%v", written), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.start()
				w.book.answers = []error{lease.ErrUnknown}
				w.book.lost = written
				v, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) }))
				if err != nil || v != "x" {
					t.Fatalf("start: %q, %v", v, err)
				}
				commits := w.book.written()
				if len(commits) != 1 || len(commits[0].rows.Executions) != 1 {
					t.Fatalf("written: %+v", commits)
				}
				if want := map[bool]int64{true: 7, false: 8}[written]; commits[0].epoch != want {
					t.Errorf("written under epoch %d, want %d", commits[0].epoch, want)
				}
				if w.term.rebumps != 1 || w.restores() != 1 {
					t.Errorf("%d new epochs, %d restores", w.term.rebumps, w.restores())
				}
				w.stop()
			})
		})
	}
}

func TestCommitIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.book.answers = []error{errDown, errDown, errDown}
		c := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		time.Sleep(time.Second) // of the bubble
		if _, err := got(t, c); err != nil {
			t.Fatal(err)
		}
		calls := w.book.calls()
		if len(calls) != 4 {
			t.Fatalf("%d tries", len(calls))
		}
		for _, c := range calls {
			if c.serial != calls[0].serial || c.epoch != 7 {
				t.Errorf("tried as %d/%d, first as %d", c.epoch, c.serial, calls[0].serial)
			}
		}
		w.stop()
	})
}

// A stop lets the commit under way end, so that it leaves no doubt.
func TestStopDuringACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.book.gate = make(chan struct{})
		c := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		w.cancel()
		waits(t, c)
		w.book.gate <- struct{}{}
		if v, err := got(t, c); err != nil || v != "x" {
			t.Errorf("start: %q, %v", v, err)
		}
		if err := <-w.result; err != nil {
			t.Errorf("Act: %v", err)
		}
	})
}

func TestStopDoesNotWaitForADeadDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.book.gate = make(chan struct{})
		c := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		began := time.Now()
		if err := w.stop(); err != nil {
			t.Errorf("Act: %v", err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		if _, err := got(t, c); !errors.Is(err, ErrDoubt) {
			t.Errorf("start: %v", err)
		}
	})
}

// What needs the loop between two commits does not keep a stop from happening.
func TestStopWhileTheLoopIsAskedForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.book.gate = make(chan struct{}) // never opened
		x := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		agent := ask(func() (Registration, error) { return w.m.Register(t.Context(), record.Agent{UID: "a"}, 99) })
		waits(t, agent)
		stopped := time.Now()
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(stopped); took > 2*leaveIn {
			t.Errorf("the stop took %v", took)
		}
		if _, err := got(t, agent); err == nil {
			t.Error("the agent is registered")
		}
		if _, err := got(t, x); !errors.Is(err, ErrDoubt) {
			t.Errorf("the start is answered with %v", err)
		}
	})
}

func TestNoWordWithoutTrust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders(w)
		w.start()
		s := join(w, "a")
		w.term.distrust(true)
		down := recv(w, s)
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil {
			t.Fatal(err)
		}
		s.Send(t.Context(), Up{SentAt: 5})
		time.Sleep(time.Minute)
		waits(t, down)
		if _, err := w.m.Register(t.Context(), record.Agent{UID: "b"}, 0); !isNotLeader(err) {
			t.Errorf("registration answered: %v", err)
		}
		w.term.distrust(false)
		time.Sleep(time.Second)
		if d, err := got(t, down); err != nil || len(d.Orders) != 1 || d.Echo != 5 {
			t.Errorf("down %+v, %v", d, err)
		}
		w.stop()
	})
}

// A heartbeat is answered at once, news with what follows from it.
func TestEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Reports); ok {
				for _, r := range e.List {
					k.out.Acks = append(k.out.Acks, kernel.Ack{Agent: e.Agent, Session: e.Session, Token: r.Token})
				}
			}
			return k.ordinary(event)
		}
		w.start()
		s := join(w, "a")
		w.book.gate = make(chan struct{})
		s.Send(t.Context(), Up{SentAt: 1})
		if d, err := got(t, recv(w, s)); err != nil || d.Echo != 1 {
			t.Errorf("heartbeat: %+v, %v", d, err)
		}
		s.Send(t.Context(), Up{SentAt: 2, Reports: []kernel.Report{{Token: "t"}}})
		down := recv(w, s)
		waits(t, down)
		close(w.book.gate)
		if d, err := got(t, down); err != nil || d.Echo != 2 || len(d.Acks) != 1 {
			t.Errorf("news: %+v, %v", d, err)
		}
		w.stop()
	})
}

// The master hears of an agent's times on the database's clock.
func TestTimesOfReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.term.base = 1_000_000
		w.start()
		s := join(w, "a")
		s.Send(t.Context(), Up{SentAt: 500, Reports: []kernel.Report{{Token: "t", StartedAt: 400}, {EndedAt: 450}}})
		var report, other kernel.Report
		for _, e := range w.kernel().events {
			if r, ok := e.(kernel.Reports); ok {
				report, other = r.List[0], r.List[1]
			}
		}
		if d := report.StartedAt - 1_000_000; d < -100 || d > 100 || report.EndedAt != 0 {
			t.Errorf("started at %d, ended at %d", report.StartedAt, report.EndedAt)
		}
		if d := other.EndedAt - report.StartedAt; d != 50 || other.StartedAt != 0 {
			t.Errorf("started at %d, ended %d later", other.StartedAt, d)
		}
		w.stop()
	})
}

func TestPrepares(t *testing.T) {
	for _, quick := range []bool{true, false} {
		t.Run(fmt.Sprintf("quick=%v", quick), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.gen.quick = quick
				w.react = func(k *script, event kernel.Event) error {
					switch e := event.(type) {
					case kernel.Start:
						k.asked = append(k.asked, kernel.Prepare{Key: kernel.JobKey{Execution: e.ID}})
					case kernel.Prepared:
						k.out.Rows.Jobs = append(k.out.Rows.Jobs, record.Job{Execution: e.Key.Execution})
						k.some = true
					}
					return k.ordinary(event)
				}
				w.start()
				if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil {
					t.Fatal(err)
				}
				var jobs []int
				for _, c := range w.book.written() {
					jobs = append(jobs, len(c.rows.Jobs))
				}
				want := []int{1} // in the same commit
				if !quick {
					want = []int{0, 1}
				}
				if diff := cmp.Diff(want, jobs); diff != "" {
					t.Errorf("job rows per commit (-want +got):\n%s", diff)
				}
				w.stop()
			})
		})
	}
}

// An expression that takes for ever holds up nobody else, and its answer of
// giving up is never used.
func TestSlowPrepare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gen.quick, w.gen.gate = false, make(chan struct{})
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Start); ok {
				k.asked = append(k.asked, kernel.Prepare{Key: kernel.JobKey{Execution: e.ID}})
			}
			return k.ordinary(event)
		}
		w.start()
		for i := range 5 {
			if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start(fmt.Sprint("x", i))) })); err != nil {
				t.Error(err)
			}
		}
		k := w.kernel()
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		if n := seen[kernel.Prepared](k); n != 0 {
			t.Errorf("%d answers used", n)
		}
	})
}

// What nothing happens to is not read again.
func TestQuietTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := w.restores(); n != 1 {
			t.Errorf("%d restores in an hour", n)
		}
		w.stop()
	})
}

func TestTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if _, ok := event.(kernel.Tick); ok {
				k.wake += 1_000_000
			}
			return nil
		}
		w.start()
		synctest.Wait()
		before := seen[kernel.Tick](w.kernel())
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		if n := seen[kernel.Tick](w.kernel()) - before; n < 2 || n > 10 {
			t.Errorf("%d ticks in 3.5 s", n)
		}
		w.stop()
	})
}

func TestPace(t *testing.T) {
	t0 := time.Unix(0, 0)
	var chain pace
	for i := range 100 {
		now := t0.Add(time.Duration(i) * 2 * time.Millisecond)
		chain.note(1, now)
		if wait := chain.linger(1, now); wait != 0 {
			t.Fatalf("a chain waits %v", wait)
		}
		chain.taken()
	}
	var slow pace // many long attempts, one end now and then
	for i := range 10 {
		now := t0.Add(time.Duration(i) * time.Second)
		slow.note(1, now)
		if wait := slow.linger(1000, now); wait != 0 {
			t.Fatalf("a lone end waits %v", wait)
		}
		slow.taken()
	}
	var wide pace
	now := t0
	for range 200 {
		now = now.Add(time.Millisecond)
		wide.note(1, now)
		wide.linger(64, now)
		if wide.news >= 64/lingerShare {
			wide.taken()
		}
	}
	wide.taken()
	wide.note(1, now)
	if wait := wide.linger(64, now); wait <= 0 || wait > lingerFor {
		t.Errorf("under load the first report waits %v", wait)
	}
	if wait := wide.linger(lingerFrom-1, now); wait != 0 {
		t.Errorf("with few attempts in flight the first report waits %v", wait)
	}
	if wait := wide.linger(64, now.Add(lingerFor/2)); wait > lingerFor/2 {
		t.Errorf("after half of the time it waits %v more", wait)
	}
	wide.note(30, now)
	if wait := wide.linger(64, now); wait != 0 {
		t.Errorf("a full batch waits %v", wait)
	}
}

func TestRefusalsAnswerTheirCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(*script, kernel.Event) error { return kernel.ErrUnknown }
		w.start()
		_, err := got(t, ask(func() (struct{}, error) {
			return struct{}{}, w.m.Cancel(t.Context(), "x", "me")
		}))
		if !errors.Is(err, kernel.ErrUnknown) {
			t.Errorf("cancel: %v", err)
		}
		if n := len(w.book.calls()); n != 0 {
			t.Errorf("%d commits", n)
		}
		w.stop()
	})
}

// One message to an agent is bounded, and what is left follows.
func TestDownIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		s := join(w, "a")
		task := make([]byte, 400<<10)
		for i := range 5 {
			w.m.term.Load().sessions.order(&kernel.Order{Agent: "a", Session: 1, Token: fmt.Sprint(i), Task: task})
		}
		var tokens []string
		for len(tokens) < 5 {
			d, err := got(t, recv(w, s))
			if err != nil || len(d.Orders) > 2 {
				t.Fatalf("%d orders, %v", len(d.Orders), err)
			}
			for _, o := range d.Orders {
				tokens = append(tokens, o.Token)
			}
		}
		if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, tokens); diff != "" {
			t.Error(diff)
		}
		l, _ := w.m.acting()
		l.sessions.order(&kernel.Order{Agent: "a", Session: 1, Task: make([]byte, maxDownTasks+1)})
		if d, err := got(t, recv(w, s)); err != nil || len(d.Orders) != 1 {
			t.Errorf("a task beyond the bound: %d orders, %v", len(d.Orders), err)
		}
		for range maxDownItems + 1 {
			l.sessions.order(&kernel.Order{Agent: "a", Session: 1})
			l.sessions.kill(&kernel.Kill{Agent: "a", Session: 1})
			l.sessions.ack(&kernel.Ack{Agent: "a", Session: 1})
		}
		for _, want := range []int{maxDownItems, 1} {
			d, err := got(t, recv(w, s))
			if err != nil || len(d.Orders) != want || len(d.Kills) != want || len(d.Acks) != want {
				t.Errorf("%d orders, %d kills and %d acknowledgements, %v; want %d", len(d.Orders), len(d.Kills), len(d.Acks), err, want)
			}
		}
		w.stop()
	})
}

func TestActEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.m.Act(ctx, w.term) }()
		synctest.Wait()
		cancel(lease.ErrFenced)
		if err := <-done; !errors.Is(err, lease.ErrFenced) {
			t.Errorf("Act: %v", err)
		}
	})
}
