package master

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		if _, err := w.m.Tail(t.Context(), "a", "t", 0, 10); !errors.Is(err, ErrNotConnected) {
			t.Errorf("without a session: %v", err)
		}
		s := join(w, "a")
		tail := ask(func() (Tail, error) { return w.m.Tail(t.Context(), "a", "t", 3, 10) })
		d, err := got(t, recv(w, s))
		if err != nil || len(d.Tails) != 1 || d.Tails[0].From != 3 || d.Tails[0].Max != 10 {
			t.Fatalf("down %+v, %v", d, err)
		}
		for range 2 { // a second answer goes nowhere
			s.Send(t.Context(), Up{Tails: []Tail{{ID: d.Tails[0].ID, From: 3, Data: []byte("abc")}}})
		}
		if tl, err := got(t, tail); err != nil || string(tl.Data) != "abc" {
			t.Errorf("tail %+v, %v", tl, err)
		}
		for range maxTails {
			ask(func() (Tail, error) { return w.m.Tail(t.Context(), "a", "t", 0, 10) })
		}
		if _, err := w.m.Tail(t.Context(), "a", "t", 0, 10); !errors.Is(err, ErrBusy) {
			t.Errorf("beyond the bound: %v", err)
		}
		time.Sleep(2 * tailIn)
		tail = ask(func() (Tail, error) { return w.m.Tail(t.Context(), "a", "t", 0, 2*maxTail) })
		d, err = got(t, recv(w, s))
		if n := len(d.Tails); err != nil || n != maxTails+1 || d.Tails[n-1].Max != maxTail {
			t.Errorf("down %d tails, %v", n, err)
		}
		time.Sleep(tailIn)
		if _, err := got(t, tail); !errors.Is(err, ErrNotConnected) {
			t.Errorf("without an answer: %v", err)
		}
		tail = ask(func() (Tail, error) { return w.m.Tail(t.Context(), "a", "t", 0, 1) })
		waits(t, tail)
		s.Close()
		if _, err := got(t, tail); !errors.Is(err, ErrNotConnected) {
			t.Errorf("after the agent has gone: %v", err)
		}
		w.stop()
	})
}
