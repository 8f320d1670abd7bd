package master

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// What is due while a commit is under way waits for it, without a turn in between.
func TestNoTickBesideACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.book.gate = make(chan struct{})
		w.react = func(k *script, event kernel.Event) error {
			switch event.(type) {
			case kernel.Start:
				k.wake = 1 // there is more to do than one batch holds
			case kernel.Tick:
				k.wake = 0
			}
			return k.ordinary(event)
		}
		w.start()
		time.Sleep(time.Second) // so that the first instant has passed
		synctest.Wait()
		started := ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })
		synctest.Wait()
		before := seen[kernel.Tick](w.kernel())
		time.Sleep(time.Second)
		synctest.Wait()
		if n := seen[kernel.Tick](w.kernel()) - before; n > 0 {
			t.Errorf("%d ticks beside a commit", n)
		}
		close(w.book.gate)
		if _, err := got(t, started); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := seen[kernel.Tick](w.kernel()) - before; n != 1 {
			t.Errorf("%d ticks after it", n)
		}
		w.stop()
	})
}

// While the lease is not trusted no time passes for the kernel: what it decided would
// be durable only when the database is back. Nor does it while the database's clock
// has jumped: an instant to come would fire, or one that has passed fire late.
func TestNoTickInDoubt(t *testing.T) {
	for name, doubt := range map[string]func(term *fakeTerm, yes bool){
		"lease": (*fakeTerm).distrust,
		"clock": func(term *fakeTerm, yes bool) {
			term.jumped(0)
			if yes {
				term.jumped(time.Hour)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { noTickInDoubt(t, doubt) }) })
	}
}

func noTickInDoubt(t *testing.T, doubt func(*fakeTerm, bool)) {
	t.Helper()
	w := newWorld(t)
	w.start()
	doubt(w.term, true)
	w.kernel().wake = record.Time(w.term.Now() + 1_000_000)
	if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("x")) })); err != nil {
		t.Fatal(err)
	}
	before := seen[kernel.Tick](w.kernel())
	time.Sleep(time.Minute)
	synctest.Wait()
	if n := seen[kernel.Tick](w.kernel()) - before; n > 0 {
		t.Errorf("%d ticks", n)
	}
	// The kernel is made anew: that lets no time pass, either.
	w.book.mu.Lock()
	w.book.answers = []error{lease.ErrMoved}
	w.book.mu.Unlock()
	if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("y")) })); err != nil {
		t.Fatal(err)
	}
	k := w.kernel()
	k.wake = record.Time(w.term.Now())
	time.Sleep(time.Minute)
	synctest.Wait()
	if n := seen[kernel.Tick](k); n > 0 || w.restores() != 2 {
		t.Errorf("%d ticks, %d restores", n, w.restores())
	}
	if _, err := got(t, ask(func() (string, error) { return w.m.Start(t.Context(), start("z")) })); err != nil {
		t.Fatal(err) // after it the timer is set
	}
	doubt(w.term, false)
	time.Sleep(2 * distrustPoll)
	synctest.Wait()
	if n := seen[kernel.Tick](k); n == 0 {
		t.Error("no tick after the doubt has gone")
	}
	w.stop()
}
