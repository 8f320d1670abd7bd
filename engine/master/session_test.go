package master

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/leifengta/lft/engine/record"
)

func TestRegisterVoidsTheOlderSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		old := join(w, "a")
		down := recv(w, old)
		join(w, "a")
		if _, err := got(t, down); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("older session: %v", err)
		}
		if _, err := w.m.Session(t.Context(), "a", 1); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("older number: %v", err)
		}
		w.stop()
	})
}

// A registration that waited longer than its agent makes no session.
func TestRegistrationOfAnAgentThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		l, err := w.m.acting()
		if err != nil {
			t.Fatal(err)
		}
		busy := make(chan struct{})
		ask(func() (any, error) {
			return nil, l.between(t.Context(), func(context.Context) error { <-busy; return nil })
		})
		ctx, cancel := context.WithCancel(t.Context())
		gone := ask(func() (Registration, error) { return w.m.Register(ctx, record.Agent{UID: "a", JournalSeq: 1}, 0) })
		waits(t, gone)
		cancel()
		if _, err := got(t, gone); !errors.Is(err, context.Canceled) {
			t.Errorf("registration of one that left: %v", err)
		}
		again := ask(func() (Registration, error) {
			return w.m.Register(t.Context(), record.Agent{UID: "a", JournalSeq: 2}, 0)
		})
		close(busy)
		if r, err := got(t, again); err != nil || r.Session != 1 {
			t.Errorf("registration %+v, %v", r, err)
		}
		w.stop()
	})
}

// An agent that has obeyed a higher epoch makes the master jump above it and
// hear all agents first.
func TestHigherEpochOfAnAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		r, err := got(t, ask(func() (Registration, error) {
			return w.m.Register(t.Context(), record.Agent{UID: "a"}, 40)
		}))
		if err != nil || r.Epoch != 41 {
			t.Fatalf("registration %+v, %v", r, err)
		}
		if k := w.kernel(); !k.snapshot.ReconcileAll {
			t.Error("agents are not heard first")
		}
		w.stop()
	})
}
