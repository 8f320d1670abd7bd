package master

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/leifengta/lft/engine/kernel"
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
