package master

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

func TestRegisterVoidsTheOlderSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		old := join(w, "a")
		down := recv(w, old)
		r, err := got(t, ask(func() (Registration, error) {
			return w.m.Register(t.Context(), record.Agent{UID: "a"}, 0)
		}))
		if err != nil || r.Session != 2 {
			t.Fatalf("registration %+v, %v", r, err)
		}
		if _, err := got(t, down); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("older session: %v", err)
		}
		if _, err := w.m.Session(t.Context(), "a", 1); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("older number: %v", err)
		}
		w.stop()
	})
}

// An agent that is declared dead and lives has to register again, to hear what it must
// end: the kernel takes nothing from the session it has.
func TestDeclaredDeadAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Operate); ok {
				k.reply(kernel.Reply{ID: e.Reply, Value: "a"})
				return nil
			}
			return k.ordinary(event)
		}
		w.start()
		s, other := join(w, "a"), join(w, "b")
		down, rest := recv(w, s), recv(w, other)
		for _, verb := range []string{"drain", "declare-dead"} {
			waits(t, down)
			if err := w.m.Operate(t.Context(), "one", verb, "ann"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := got(t, down); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("its session goes on: %v", err)
		}
		if _, err := w.m.Session(t.Context(), "a", 1); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("its session is opened again: %v", err)
		}
		waits(t, rest)
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

// An agent that has obeyed a higher epoch makes the master jump above it, once, and
// hear all agents first.
func TestHigherEpochOfAnAgent(t *testing.T) {
	for _, tc := range []struct{ obeyed, want int64 }{{7, 7}, {8, 9}, {40, 41}} {
		t.Run(fmt.Sprint(tc.obeyed), func(t *testing.T) {
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
				var all []<-chan answer[Registration]
				for _, uid := range []string{"a", "b"} { // both come with it before the jump
					all = append(all, ask(func() (Registration, error) {
						return w.m.Register(t.Context(), record.Agent{UID: uid}, tc.obeyed)
					}))
				}
				close(busy)
				for _, c := range all {
					if r, err := got(t, c); err != nil || r.Epoch != tc.want {
						t.Errorf("registration %+v, %v", r, err)
					}
				}
				if k := w.kernel(); k.snapshot.ReconcileAll != (tc.want > 7) {
					t.Errorf("agents are heard first: %v", k.snapshot.ReconcileAll)
				}
				if want := min(tc.want-7, 1); int64(w.term.rebumps) != want {
					t.Errorf("%d new epochs, not %d", w.term.rebumps, want)
				}
				w.stop()
			})
		})
	}
}

// A refused registration makes no session.
func TestRefusedRegistration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.react = func(k *script, event kernel.Event) error {
			if e, ok := event.(kernel.Register); ok {
				k.row("audit")
				k.reply(kernel.Reply{ID: e.Reply, Err: kernel.ErrQuarantined})
				return nil
			}
			return k.ordinary(event)
		}
		w.start()
		_, err := got(t, ask(func() (Registration, error) {
			return w.m.Register(t.Context(), record.Agent{UID: "a"}, 0)
		}))
		if !errors.Is(err, kernel.ErrQuarantined) {
			t.Errorf("registration: %v", err)
		}
		if _, err := w.m.Session(t.Context(), "a", 0); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("session: %v", err)
		}
		w.stop()
	})
}

// An agent has one stream: another one of its session ends it, and its late end
// leaves the other alone.
func TestOneStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		first := join(w, "a")
		down := recv(w, first)
		second, err := w.m.Session(t.Context(), "a", 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := got(t, down); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("the first stream: %v", err)
		}
		first.Close()
		l, _ := w.m.acting()
		l.sessions.order(&kernel.Order{Agent: "a", Session: 1, Token: "t"})
		l.sessions.order(&kernel.Order{Agent: "a", Session: 2, Token: "of another session"})
		if d, err := got(t, recv(w, second)); err != nil || len(d.Orders) != 1 || d.Orders[0].Token != "t" {
			t.Errorf("the second stream: %+v, %v", d, err)
		}
		// What was not sent when a stream ends is not sent.
		l.sessions.order(&kernel.Order{Agent: "a", Session: 1, Token: "t"})
		second.Close()
		if d, err := got(t, recv(w, second)); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("after its end: %+v, %v", d, err)
		}
		for range 20 { // there is room in the inbox
			if err := second.Send(t.Context(), Up{}); !errors.Is(err, ErrSessionVoid) {
				t.Fatalf("after its end: %v", err)
			}
		}
		if _, err := w.m.Session(t.Context(), "a", 1); err != nil {
			t.Errorf("a third stream: %v", err)
		}
		w.stop()
	})
}

// The first message of a stream names tokens before it reports of them.
func TestReconcileComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		s := join(w, "a")
		before := len(w.kernel().events)
		s.Send(t.Context(), Up{Reconciled: true, Tokens: []kernel.TokenState{{Token: "t"}}, Reports: []kernel.Report{{Token: "t"}}})
		s.Send(t.Context(), Up{})
		var kinds []string
		for _, e := range w.kernel().events[before:] {
			kinds = append(kinds, kind(e))
		}
		if diff := cmp.Diff([]string{"Reconcile", "Reports", "Reports"}, kinds); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		w.stop()
	})
}

// A message that waits for the loop ends with its stream or its caller.
func TestSendWhileTheLoopIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		s := join(w, "a")
		l, _ := w.m.acting()
		busy := make(chan struct{})
		ask(func() (any, error) {
			return nil, l.between(t.Context(), func(context.Context) error { <-busy; return nil })
		})
		for len(l.inbox) < cap(l.inbox) {
			l.inbox <- &submission{event: kernel.Tick{}}
		}
		send := func(ctx context.Context) <-chan answer[any] {
			c := ask(func() (any, error) { return nil, s.Send(ctx, Up{}) })
			waits(t, c)
			return c
		}
		ctx, cancel := context.WithCancel(t.Context())
		c := send(ctx)
		cancel()
		if _, err := got(t, c); !errors.Is(err, context.Canceled) {
			t.Errorf("its caller has gone: %v", err)
		}
		c = send(t.Context())
		s.Close()
		if _, err := got(t, c); !errors.Is(err, ErrSessionVoid) {
			t.Errorf("its stream has ended: %v", err)
		}
		close(busy)
		w.stop()
	})
}

// The smallest difference of late is the truest, and an old one counts no more.
func TestClockOfAnAgent(t *testing.T) {
	var c clock
	for _, tc := range []struct{ now, delay, want int64 }{
		{1000, 50, 50},
		{2000, 10, 10},
		{3000, 70, 10},
		{4000, 5, 5},
		{4000 + clockWindow, 70, 5},
		{4001 + clockWindow, 70, 70},
	} {
		if got := c.observe(tc.now, tc.now-tc.delay); got != tc.want {
			t.Errorf("at %d: %d, not %d", tc.now, got, tc.want)
		}
	}
}

func TestEchoNeverGoesBack(t *testing.T) {
	s := &Session{fresh: make(chan struct{}, 1)}
	s.answered(5)
	s.answered(3)
	s.answered(0)
	if d, ok := s.take(); !ok || d.Echo != 5 {
		t.Errorf("%+v", d)
	}
}
