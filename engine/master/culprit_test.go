package master

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

func TestExecutionOf(t *testing.T) {
	l := &loop{live: map[string]string{"t": "x"}}
	for _, tc := range []struct {
		event kernel.Event
		want  string
	}{
		{kernel.Start{ID: "x"}, "x"},
		{kernel.Cancel{Execution: "x"}, "x"},
		{kernel.Prepared{Key: kernel.JobKey{Execution: "x"}}, "x"},
		{kernel.Reports{List: []kernel.Report{{Token: "t"}}}, "x"},
		{kernel.Reports{List: []kernel.Report{{Token: "t"}, {Token: "u"}}}, ""}, // either's
		{kernel.Reports{List: []kernel.Report{{Token: "unknown"}}}, ""},
		{kernel.Reports{}, ""},
		{kernel.Tick{}, ""},
	} {
		if got := l.executionOf(tc.event); got != tc.want {
			t.Errorf("%+v is about %q, not %q", tc.event, got, tc.want)
		}
	}
}

// Only attempts of agents are in flight: nobody reports of a sub-flow's.
func TestNote(t *testing.T) {
	l := &loop{live: map[string]string{"ended": "x"}}
	l.note(&record.Batch{Attempts: []record.Attempt{
		{Execution: "x", Token: "ended", AgentUID: "a", State: record.Ended},
		{Execution: "x", Token: "runs", AgentUID: "a", State: record.AttemptRunning},
		{Execution: "x", Token: "child", State: record.AttemptRunning},
	}})
	if diff := cmp.Diff(map[string]string{"runs": "x"}, l.live); diff != "" {
		t.Errorf("in flight (-want +got):\n%s", diff)
	}
}

// Attempts in flight are those of the restored rows.
func TestReviveCountsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		l := newLoop(w.m, w.term)
		l.live["gone"] = "x"
		live := record.Live{Attempts: []record.Attempt{
			{Execution: "x", Token: "ended", AgentUID: "a", State: record.Ended},
			{Execution: "x", Token: "runs", AgentUID: "a", State: record.Ordered},
			{Execution: "x", Token: "child", State: record.AttemptRunning},
		}}
		if err := l.revive(t.Context(), kernel.Snapshot{Live: live}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"runs": "x"}, l.live); diff != "" {
			t.Errorf("in flight (-want +got):\n%s", diff)
		}
	})
}

func TestBisect(t *testing.T) {
	all := record.Live{Executions: []record.Execution{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"}}}
	has := func(live record.Live, ids ...string) bool {
		for _, id := range ids {
			if !slices.ContainsFunc(live.Executions, func(x record.Execution) bool { return x.ID == id }) {
				return false
			}
		}
		return true
	}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		if got := bisect(all, func(live record.Live) bool { return has(live, id) }); got != id {
			t.Errorf("%q is found, not %q", got, id)
		}
	}
	for what, bad := range map[string]func(record.Live) bool{
		"what is bad without any":   func(record.Live) bool { return true },
		"what is never bad":         func(record.Live) bool { return false },
		"two that are bad together": func(live record.Live) bool { return has(live, "a", "e") },
	} {
		if got := bisect(all, bad); got != "" {
			t.Errorf("%s: %q is to blame", what, got)
		}
	}
	if got := bisect(record.Live{}, func(record.Live) bool { return true }); got != "" {
		t.Errorf("of none, %q is to blame", got)
	}
}

func TestLetter(t *testing.T) {
	l := &loop{term: &fakeTerm{began: time.Now()}}
	long := strings.Repeat("長", record.MaxMessage)
	a := l.letterOf("x", long, errors.New(long))
	if len(a.Event) > record.MaxMessage || len(a.Error) > record.MaxMessage || !utf8.ValidString(a.Error) {
		t.Errorf("%d and %d bytes", len(a.Event), len(a.Error))
	}
	l.term.(*fakeTerm).began = time.Now().Add(time.Hour) // the same instant for long
	l.term.(*fakeTerm).base = 0
	ids := map[string]bool{}
	for range 1000 {
		ids[l.letterOf("x", "", errors.New("")).ID] = true
	}
	if len(ids) != 1000 {
		t.Errorf("%d letters of a thousand", len(ids))
	}
}

// Rows that the passing of time makes, and the database refuses, cost the
// execution whose rows they are, whatever kind of rows.
func TestPoisonedRowsOfATick(t *testing.T) {
	for name, poison := range map[string]record.Batch{
		"execution": {Executions: []record.Execution{{ID: "bad", Flow: "poison"}}},
		"job":       {Jobs: []record.Job{{Execution: "bad"}}},
		"attempt":   {Attempts: []record.Attempt{{Execution: "bad"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.book.live.Executions = []record.Execution{{ID: "good"}, {ID: "bad"}}
				gone := false
				w.react = func(k *script, event kernel.Event) error {
					switch event.(type) {
					case kernel.Tick:
						if !gone {
							k.out.Rows, k.some = poison, true
						}
					case kernel.Bury:
						gone = true
						k.out.Rows = record.Batch{}
					}
					return k.ordinary(event)
				}
				w.book.judge = func(rows *record.Batch) error {
					if len(rows.Jobs)+len(rows.Attempts) > 0 || len(rows.Executions) > 0 && rows.Executions[0].Flow == "poison" {
						return lease.ErrPoison
					}
					return nil
				}
				w.start()
				time.Sleep(time.Second)
				if diff := cmp.Diff([]string{"bad"}, letters(w)); diff != "" {
					t.Errorf("dead letters (-want +got):\n%s", diff)
				}
				if v, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("y")) })); err != nil || v != "y" {
					t.Errorf("start: %q, %v", v, err)
				}
				if err := w.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A panic that shows only when the kernel is asked what follows is hunted as well.
func TestPanicAfterATick(t *testing.T) {
	for _, ready := range []bool{true, false} {
		t.Run(fmt.Sprintf("ready=%v", ready), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for i := range 6 {
					w.book.live.Executions = append(w.book.live.Executions, record.Execution{ID: fmt.Sprint("x", i)})
				}
				w.react = func(k *script, event kernel.Event) error {
					bad := slices.ContainsFunc(k.snapshot.Live.Executions, func(x record.Execution) bool { return x.ID == "x4" })
					switch event.(type) {
					case kernel.Tick:
						fail := func() { panic("planted") }
						if bad && ready {
							k.onReady = fail
						} else if bad {
							k.onPrepares = fail
						}
					case kernel.Bury:
						w.book.live.Executions, k.snapshot.Live.Executions = w.book.live.Executions[:4], nil
					}
					return k.ordinary(event)
				}
				w.start()
				time.Sleep(2 * tickAgain)
				if diff := cmp.Diff([]string{"x4"}, letters(w)); diff != "" {
					t.Errorf("dead letters (-want +got):\n%s", diff)
				}
				if err := w.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Time that no execution is to blame for is tried again now and then; when it does
// not go on for long, another master may try.
func TestTimeCannotGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.wake = 1
		w.react = func(k *script, event kernel.Event) error {
			if _, ok := event.(kernel.Tick); ok {
				panic("planted")
			}
			return k.ordinary(event)
		}
		began := time.Now()
		w.start()
		if v, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil || v != "x" {
			t.Errorf("meanwhile: %q, %v", v, err)
		}
		err := <-w.result
		if took := time.Since(began); err == nil || took < maxMends*tickAgain/2 || took > 2*maxMends*tickAgain {
			t.Errorf("ended after %v: %v", took, err)
		}
	})
}

// Time that goes on after a fault is no reason to end a term, however often.
func TestTimeGoesOnNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.wake = 1
		ticks := 0
		w.react = func(k *script, event kernel.Event) error {
			if _, ok := event.(kernel.Tick); ok {
				k.wake = record.Time(w.term.Now() + 1_000_000)
				if ticks++; ticks%2 == 0 {
					panic("planted")
				}
			}
			return k.ordinary(event)
		}
		w.start()
		time.Sleep(10 * maxMends * tickAgain)
		if !w.m.Acting() {
			t.Error("the term has ended")
		}
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
}

// An execution that can neither be buried nor written about is left out; the
// others go on.
func TestBuryIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.book.live.Executions = []record.Execution{{ID: "x0"}}
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Start); ok && e.ID == "x0" {
				panic("planted")
			}
			return k.ordinary(event)
		}
		w.book.judge = func(rows *record.Batch) error {
			if len(rows.DeadLetters) > 0 {
				return lease.ErrPoison
			}
			return nil
		}
		w.start()
		if diff := cmp.Diff([]string{"x0"}, startAll(w, 3)); diff != "" {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"x1", "x2"}, writtenIDs(w)); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		if left := w.kernel().snapshot.Live.Executions; len(left) > 0 {
			t.Errorf("%v is acted on", left)
		}
		if err := w.stop(); err != nil {
			t.Error(err)
		}
	})
}

// When each report has a transaction of its own, what comes with them is taken in
// once, and last.
func TestReportsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		l := newLoop(w.m, w.term)
		l.careful = true
		k := &script{w: w}
		l.st = k
		s := &Session{l: l, fresh: make(chan struct{}, 1)}
		sub := &submission{session: s, echo: 5, event: kernel.Reports{
			Agent: "a", List: []kernel.Report{{Token: "t"}, {Token: "u"}}, Chunks: []record.Chunk{{Token: "t"}}, Draining: true,
		}}
		if err := l.drain(t.Context(), sub); err != nil {
			t.Fatal(err)
		}
		var seen []string
		for _, e := range k.events {
			r := e.(kernel.Reports)
			text := fmt.Sprint(len(r.Chunks))
			for _, one := range r.List {
				text += " " + one.Token
			}
			seen = append(seen, text)
		}
		if diff := cmp.Diff([]string{"0 t", "0 u", "1"}, seen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		var sizes []int
		for _, c := range w.book.written() {
			sizes = append(sizes, len(c.rows.Executions))
		}
		if diff := cmp.Diff([]int{1, 1}, sizes); diff != "" {
			t.Errorf("rows of each commit (-want +got):\n%s", diff)
		}
		if d, ok := s.take(); !ok || d.Echo != 5 {
			t.Errorf("answered with %+v", d)
		}
	})
}

// When many tasks are made in one turn, rows that are refused cost the execution
// whose task it is.
func TestPoisonedTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		gone := false
		w.react = func(k *script, event kernel.Event) error {
			switch e := event.(type) {
			case kernel.Tick:
				for _, x := range []string{"bad", "good"} {
					if x != "bad" || !gone {
						k.asked = append(k.asked, kernel.Prepare{Key: kernel.JobKey{Execution: x}})
					}
				}
			case kernel.Prepared:
				k.out.Rows.Jobs = append(k.out.Rows.Jobs, record.Job{Execution: e.Key.Execution})
				k.some = true
			case kernel.Bury:
				gone = true
			}
			return k.ordinary(event)
		}
		w.book.judge = func(rows *record.Batch) error {
			if slices.ContainsFunc(rows.Jobs, func(j record.Job) bool { return j.Execution == "bad" }) {
				return lease.ErrPoison
			}
			return nil
		}
		w.start()
		time.Sleep(time.Second)
		if diff := cmp.Diff([]string{"bad"}, letters(w)); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		w.stop()
	})
}
