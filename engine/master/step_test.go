package master

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// Expressions that are quick one by one and slow together go to the workers; each
// is answered once.
func TestManyPrepares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.gen.takes = quickly
		const n = 8
		w.react = func(k *script, event kernel.Event) error {
			switch e := event.(type) {
			case kernel.Start:
				for i := range n {
					k.asked = append(k.asked, kernel.Prepare{Key: kernel.JobKey{Execution: e.ID, Number: int32(i)}})
				}
			case kernel.Prepared:
				k.out.Rows.Jobs = append(k.out.Rows.Jobs, record.Job{Number: e.Key.Number})
				k.some = true
			}
			return k.ordinary(event)
		}
		w.start()
		c := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		time.Sleep(2 * quickly)
		if _, err := got(t, c); err != nil {
			t.Errorf("the start waits for all of them: %v", err)
		}
		time.Sleep(n * quickly)
		jobs := map[int32]int{}
		synctest.Wait()
		for _, c := range w.book.written() {
			for _, j := range c.rows.Jobs {
				jobs[j.Number]++
			}
		}
		for i := range int32(n) {
			if jobs[i] != 1 {
				t.Errorf("expression %d is answered %d times", i, jobs[i])
			}
		}
		w.stop()
	})
}

// What an expression says when it is given up is no answer, and Act has ended only
// when nothing of it goes on.
func TestStopDuringAPrepare(t *testing.T) {
	for _, quick := range []bool{true, false} {
		t.Run(fmt.Sprintf("quick=%v", quick), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.gen.quick, w.gen.gate, w.gen.lasts = quick, make(chan struct{}), time.Second
				w.react = func(k *script, event kernel.Event) error {
					if e, ok := event.(kernel.Start); ok {
						k.asked = append(k.asked, kernel.Prepare{Key: kernel.JobKey{Execution: e.ID}})
					}
					return k.ordinary(event)
				}
				w.start()
				ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
				k := w.kernel()
				if err := w.stop(); err != nil {
					t.Error(err)
				}
				if n := w.gen.working.Load(); n > 0 {
					t.Errorf("%d expressions are still evaluated", n)
				}
				if n := seen[kernel.Prepared](k); n > 0 {
					t.Errorf("%d answers used", n)
				}
				if w.m.Acting() {
					t.Error("it says that it acts")
				}
			})
		})
	}
}

// An instant that does not go by is looked at now and then, and one in the far
// future not at all.
func TestStuckAndFarWakes(t *testing.T) {
	for name, tc := range map[string]struct {
		wake     record.Time
		from, to int
	}{
		"past":       {1, 50, 250},
		"far future": {math.MaxInt64, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.wake = tc.wake
				w.start()
				time.Sleep(time.Second)
				if n := seen[kernel.Tick](w.kernel()); n < tc.from || n > tc.to {
					t.Errorf("%d ticks in a second", n)
				}
				w.stop()
			})
		})
	}
}

// A loop that has ended answers whoever comes late.
func TestLateCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		l, err := w.m.acting()
		if err != nil {
			t.Fatal(err)
		}
		join(w, "a")
		w.stop()
		for len(l.inbox) < cap(l.inbox) {
			l.inbox <- &submission{}
		}
		if _, err := l.start(t.Context(), start("x"), nil); !isNotLeader(err) {
			t.Errorf("start: %v", err)
		}
		if err := l.between(t.Context(), func(context.Context) error { return nil }); !isNotLeader(err) {
			t.Errorf("between: %v", err)
		}
		if _, err := l.sessions.open("a", 1); !isNotLeader(err) {
			t.Errorf("session: %v", err)
		}
		l.sessions.registered("b", 1) // by a commit that landed last
		if _, err := l.sessions.open("b", 1); !isNotLeader(err) {
			t.Errorf("session: %v", err)
		}
	})
}

func TestEnded(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	lost, cancelCause := context.WithCancelCause(t.Context())
	cancelCause(lease.ErrFenced)
	check := func(name string, ctx context.Context, err, want error) {
		if got := ended(ctx, err); !errors.Is(got, want) || want == nil && got != nil {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
	check("failed", t.Context(), errDown, errDown)
	check("stopped", cancelled, context.Canceled, nil)
	check("stopped, failing", cancelled, errDown, nil)
	check("stopped and fenced", cancelled, lease.ErrFenced, lease.ErrFenced)
	check("lease lost", lost, errDown, lease.ErrFenced)
}

// A flow that no revision has is refused, after one look for newer ones.
func TestUnknownFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			switch e := event.(type) {
			case kernel.Start:
				return kernel.ErrUnknown
			case kernel.Override:
				if len(adoptions(k)) == 0 {
					return kernel.ErrUnknown
				}
				k.reply(kernel.Reply{ID: e.Reply, Value: "changed"})
				return nil
			}
			return k.ordinary(event)
		}
		w.start()
		if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); !errors.Is(err, kernel.ErrUnknown) {
			t.Errorf("start: %v", err)
		}
		if l, _ := w.m.acting(); len(l.looks.byID) > 0 {
			t.Errorf("remembered: %v", l.looks.byID)
		}
		deploy(w, 1)
		changed, err := got(t, ask(func() (bool, error) { return w.m.Override(t.Context(), kernel.Override{}) }))
		if err != nil || !changed {
			t.Errorf("override: %v, %v", changed, err)
		}
		w.stop()
	})
}

// Who cancels is known to the kernel.
func TestCancelSaysWho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		if _, err := got(t, ask(func() (any, error) { return nil, w.m.Cancel(t.Context(), "x", "ann") })); err != nil {
			t.Error(err)
		}
		if _, err := got(t, ask(func() (any, error) { return nil, w.m.Operate(t.Context(), "a", "drain", "bob") })); err != nil {
			t.Error(err)
		}
		var who []string
		for _, e := range w.kernel().events {
			switch e := e.(type) {
			case kernel.Cancel:
				who = append(who, e.Execution+" "+e.By)
			case kernel.Operate:
				who = append(who, e.Agent+" "+e.Verb+" "+e.By)
			}
		}
		if diff := cmp.Diff([]string{"x ann", "a drain bob"}, who); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		w.stop()
	})
}

// A worker brings so many answers at most that others can begin meanwhile.
func TestShopSharesWork(t *testing.T) {
	s := newShop(nil)
	s.add(make([]kernel.Prepare, shopBatch+10)...)
	if a, b, c := len(s.take()), len(s.take()), len(s.take()); a != shopBatch || b != 10 || c != 0 {
		t.Errorf("taken %d, %d, %d", a, b, c)
	}
}
