package master

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// Whatever a batch holds is written; only what is no row of its own may be left.
func TestEmpty(t *testing.T) {
	if !empty(&record.Batch{}) {
		t.Error("nothing is something")
	}
	batch := reflect.TypeFor[record.Batch]()
	for i := range batch.NumField() {
		var b record.Batch
		field := reflect.ValueOf(&b).Elem().Field(i)
		field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		name := batch.Field(i).Name
		if beside := name == "Heads" || name == "CursorsGone"; empty(&b) != beside {
			t.Errorf("a batch of %s: empty = %v", name, !beside)
		}
	}
}

// What needs no row is answered without the database.
func TestReplyWithoutRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		answer := ask(func() (any, error) { return nil, w.m.Operate(t.Context(), "a", "drain", "me") })
		if _, err := got(t, answer); err != nil {
			t.Error(err)
		}
		if n := len(w.book.calls()); n > 0 {
			t.Errorf("%d commits", n)
		}
		w.stop()
	})
}

// A kernel may bound a batch; the rest follows without being asked for.
func TestNextBatchFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if _, ok := event.(kernel.Start); ok {
				k.later = []kernel.Ready{{Rows: record.Batch{Executions: []record.Execution{{ID: "rest"}}}}}
			}
			return k.ordinary(event)
		}
		w.start()
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"rest", "x"}, writtenIDs(w)); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

// A report that changes nothing is answered all the same, or its agent would take
// the master for gone.
func TestEchoOfNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if _, ok := event.(kernel.Reports); ok {
				return nil
			}
			return k.ordinary(event)
		}
		w.start()
		s := join(w, "a")
		down := recv(w, s)
		s.Send(t.Context(), Up{SentAt: 3, Reports: []kernel.Report{{Token: "t"}}})
		if d, err := got(t, down); err != nil || d.Echo != 3 {
			t.Errorf("down %+v, %v", d, err)
		}
		down = recv(w, s)
		waits(t, down) // once
		s.Send(t.Context(), Up{SentAt: 4})
		if d, err := got(t, down); err != nil || d.Echo != 4 {
			t.Errorf("down %+v, %v", d, err)
		}
		w.stop()
	})
}

// With many attempts in flight, and reports coming in, a commit waits for company.
func TestReportsUnderLoadShareACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			switch e := event.(type) {
			case kernel.Start:
				for i := range 400 {
					k.out.Rows.Attempts = append(k.out.Rows.Attempts,
						record.Attempt{Execution: e.ID, Token: fmt.Sprint("t", i), AgentUID: "a", State: record.AttemptRunning})
				}
			case kernel.Reports:
				for _, r := range e.List {
					k.out.Rows.Attempts = append(k.out.Rows.Attempts, record.Attempt{Token: r.Token, AgentUID: "a", State: record.Ended})
				}
				k.some = true
				return nil
			}
			return k.ordinary(event)
		}
		w.start()
		s := join(w, "a")
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil {
			t.Fatal(err)
		}
		before := len(w.book.written())
		const reports = 200
		for i := range reports {
			s.Send(t.Context(), Up{SentAt: 1, Reports: []kernel.Report{{Token: fmt.Sprint("t", i)}}})
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		if n := len(w.book.written()) - before; n > reports/3 || n < reports/25 {
			t.Errorf("%d commits for %d reports in as many milliseconds", n, reports)
		}
		// Few attempts are in flight now: nobody waits.
		for i := reports; i < 390; i++ {
			s.Send(t.Context(), Up{SentAt: 1, Reports: []kernel.Report{{Token: fmt.Sprint("t", i)}}})
		}
		time.Sleep(lingerFor)
		synctest.Wait()
		before = len(w.book.written())
		s.Send(t.Context(), Up{SentAt: 1, Reports: []kernel.Report{{Token: "t390"}}})
		synctest.Wait()
		if n := len(w.book.written()) - before; n != 1 {
			t.Errorf("%d commits at once for the report of a small rest", n)
		}
		w.stop()
	})
}

// What was answered is done with: deciding again does not repeat it, nor what no
// caller waits for.
func TestDecidingAgainRepeatsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		s := join(w, "a")
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("done")) })); err != nil {
			t.Fatal(err)
		}
		w.book.gate = make(chan struct{})
		s.Send(t.Context(), Up{SentAt: 1, Reports: []kernel.Report{{Token: "t"}}})
		synctest.Wait()
		var all []<-chan answer[string]
		for i := range 3 {
			all = append(all, ask(func() (string, error) { return w.m.Start(t.Context(), start(fmt.Sprint("x", i))) }))
		}
		w.book.set(func() { w.book.answers = []error{nil, lease.ErrMoved, nil} })
		close(w.book.gate)
		for _, c := range all {
			if _, err := got(t, c); err != nil {
				t.Error(err)
			}
		}
		var again []string
		for _, e := range w.kernel().events {
			switch e := e.(type) {
			case kernel.Start:
				again = append(again, e.ID)
			case kernel.Tick:
			default:
				again = append(again, kind(e))
			}
		}
		if diff := cmp.Diff([]string{"x0", "x1", "x2"}, again); diff != "" {
			t.Errorf("decided again (-want +got):\n%s", diff)
		}
		if _, err := w.m.Session(t.Context(), "a", 1); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("a session of the kernel before is opened: %v", err)
		}
		w.stop()
	})
}

// The order in which callers came is kept through one fault after the other.
func TestDecidingAgainKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Start); ok && e.ID == "x1" && w.restores() == 2 {
				panic("planted")
			}
			return k.ordinary(event)
		}
		w.start()
		w.book.gate = make(chan struct{})
		w.book.answers = []error{lease.ErrMoved}
		var all []<-chan answer[string]
		for i := range 3 {
			all = append(all, ask(func() (string, error) { return w.m.Start(t.Context(), start(fmt.Sprint("x", i))) }))
		}
		close(w.book.gate)
		for i, c := range all {
			if _, err := got(t, c); (err != nil) != (i == 1) {
				t.Errorf("x%d: %v", i, err)
			}
		}
		var order []string
		for _, c := range w.book.written() {
			for _, x := range c.rows.Executions {
				order = append(order, x.ID)
			}
		}
		if diff := cmp.Diff([]string{"x0", "x2"}, order); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		w.stop()
	})
}

// One that is refused when it is decided again has its answer.
func TestRefusedWhenDecidedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Start); ok && e.ID == "x" && w.restores() > 1 {
				return kernel.ErrFull
			}
			return k.ordinary(event)
		}
		w.start()
		w.book.answers = []error{lease.ErrMoved, lease.ErrMoved}
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); !errors.Is(err, kernel.ErrFull) {
			t.Errorf("start: %v", err)
		}
		if v, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("y")) })); err != nil || v != "y" {
			t.Errorf("start: %q, %v", v, err)
		}
		w.stop()
	})
}

// A master that cannot learn what became of a commit because another one acts has
// nothing more to say.
func TestFencedWhileInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.book.answers = []error{lease.ErrUnknown}
		w.book.lost = true
		w.term.lost = fmt.Errorf("new epoch: %w", lease.ErrFenced)
		_, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) }))
		if !errors.Is(err, ErrDoubt) {
			t.Errorf("start: %v", err)
		}
		if err := <-w.result; !errors.Is(err, lease.ErrFenced) {
			t.Errorf("Act: %v", err)
		}
	})
}

// While the database is away it is asked neither seldom nor all the time, and a
// stop does not wait for it.
func TestPaceOfTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.book.loadErr = errDown
		w.start()
		time.Sleep(time.Minute)
		w.book.set(func() {
			if n := w.book.loads; n < 100 || n > 150 {
				t.Errorf("%d looks at the live rows in a minute", n)
			}
			w.book.loadErr = nil
			w.book.judge = func(*record.Batch) error { return errDown }
		})
		time.Sleep(againMost)
		c := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		time.Sleep(time.Minute)
		if n := len(w.book.calls()); n < 100 || n > 150 {
			t.Errorf("%d commits in a minute", n)
		}
		waits(t, c)
		w.stop()

		w = newWorld(t)
		w.book.loadErr = errDown
		w.start()
		if err := w.stop(); err != nil {
			t.Errorf("Act: %v", err)
		}
	})
}

// What is durable goes out, orders and all.
func TestDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if _, ok := event.(kernel.Start); ok {
				k.out.Kills = []kernel.Kill{{Agent: "a", Token: "t"}, {Agent: "b", Token: "u"}}
				k.out.Acks = []kernel.Ack{{Agent: "a", Session: 1, Token: "v"}, {Agent: "a", Session: 99, Token: "w"}}
			}
			return k.ordinary(event)
		}
		w.start()
		s := join(w, "a")
		down := recv(w, s)
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil {
			t.Fatal(err)
		}
		d, err := got(t, down)
		more, _ := s.take()
		d.Acks = append(d.Acks, more.Acks...)
		if err != nil || len(d.Kills) != 1 || d.Kills[0].Token != "t" || len(d.Acks) != 1 || d.Acks[0].Token != "v" {
			t.Errorf("down %+v, %v", d, err)
		}
		w.stop()
	})
}

// A new epoch would fence the commit under way, so it waits for that.
func TestJumpWaitsForACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.book.gate = make(chan struct{})
		x := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		agent := ask(func() (Registration, error) { return w.m.Register(t.Context(), record.Agent{UID: "a"}, 99) })
		waits(t, agent)
		if w.term.rebumps != 0 {
			t.Error("a new epoch while a commit is under way")
		}
		close(w.book.gate)
		if _, err := got(t, x); err != nil {
			t.Errorf("start: %v", err)
		}
		if r, err := got(t, agent); err != nil || r.Epoch != 100 {
			t.Errorf("registration %+v, %v", r, err)
		}
		w.stop()
	})
}

// What a commit has ended is known to those who look, also when the kernel that
// made it is given up.
func TestGround(t *testing.T) {
	for name, tc := range map[string]struct {
		outcome, want error
		ended         bool
	}{
		"written": {nil, nil, true},
		"moved":   {lease.ErrMoved, nil, false},
		"poison":  {lease.ErrPoison, nil, false},
		"fenced":  {lease.ErrFenced, lease.ErrFenced, false},
	} {
		w := &world{term: &fakeTerm{}, book: &fakeBook{}, defs: &fakeDefs{}}
		l := newLoop(New(Config{Book: w.book, Definitions: w.defs}), w.term)
		look := l.looks.begin("x")
		l.flight = &flight{outcome: make(chan error, 1), cancel: func() {}}
		l.flight.ready.Rows.Finished = []string{"x"}
		l.flight.outcome <- tc.outcome
		if err := l.ground(t.Context()); !errors.Is(err, tc.want) || tc.want == nil && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if l.looks.stale(look) != tc.ended || l.flight != nil {
			t.Errorf("%s: stale = %v, flight %v", name, !tc.ended, l.flight)
		}
	}
}
