package master

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

// together runs each call again and again beside the others and itself. Under
// the race detector it finds a lock that is missing in any of them.
func together(calls ...func()) {
	var all sync.WaitGroup
	for _, call := range append(calls, calls...) {
		all.Go(func() {
			for range 200 {
				call()
			}
		})
	}
	all.Wait()
}

// TestHeadsTogether: the loop tells what it acts on while the watch of heads
// asks for it.
func TestHeadsTogether(t *testing.T) {
	var h heads
	h.init(nil, false)
	a := kernel.Adopt{ProjectUID: "p", Revision: 1}
	together(
		func() { h.adopted(a) },
		func() { h.reject(a) },
		func() { h.due(a) },
		func() { h.digested("p") },
	)
	if h.due(a) || h.digested("p").Revision != 1 {
		t.Error("what was adopted is forgotten")
	}
}

// TestHeadsAreReadTogether: a restart gathers what there is while the watch of heads
// looks for what is new.
func TestHeadsAreReadTogether(t *testing.T) {
	defs := &fakeDefs{projects: []record.Project{{UID: "p", Name: "p", Revision: 2}}}
	l := &loop{log: slog.New(slog.DiscardHandler)}
	var h heads
	h.init(defs, false)
	a := kernel.Adopt{ProjectUID: "p", Revision: 1}
	h.adopted(a)
	together(
		func() { h.adopted(a) },
		func() { h.reject(a) },
		func() {
			if found, err := h.newer(t.Context(), l); err != nil || len(found) != 1 || found[0].Revision != 2 {
				t.Errorf("newer: %+v, %v", found, err)
			}
		},
		func() {
			s, err := h.gather(t.Context(), l, record.Live{Adopted: []record.Adopted{{ProjectUID: "p", Revision: 1}}})
			if err != nil || len(s.Projects) != 1 {
				t.Errorf("gathered: %+v, %v", s.Projects, err)
			}
		},
	)
}

// TestStartsTogether: callers name executions while the loop ends some.
func TestStartsTogether(t *testing.T) {
	m := New(Config{Solo: true})
	var k looks
	together(
		func() { m.admit("x") },
		func() { m.solo(&record.Live{Executions: []record.Execution{{ID: "x"}}}) },
		func() {
			l := k.begin("x")
			k.stale(l)
			k.end(l)
		},
		func() { k.finished([]string{"x"}) },
	)
	if left := m.solo(&record.Live{Executions: []record.Execution{{ID: "x"}, {ID: "y"}}}); len(left) != 1 || left[0].ID != "y" {
		t.Errorf("left over: %+v", left)
	}
	if len(k.byID) > 0 {
		t.Errorf("remembered: %v", k.byID)
	}
}

// TestShopTogether: the loop asks while workers take.
func TestShopTogether(t *testing.T) {
	s := newShop(nil)
	var taken atomic.Int64
	together(
		func() { s.add(kernel.Prepare{}, kernel.Prepare{}) },
		func() { taken.Add(int64(len(s.take()))) },
	)
	for ps := s.take(); len(ps) > 0; ps = s.take() {
		taken.Add(int64(len(ps)))
	}
	if n := taken.Load(); n != 800 {
		t.Errorf("%d of 800 are taken", n)
	}
}

// TestLeftoversTogether: a solo master sets them anew while calls look at them.
func TestLeftoversTogether(t *testing.T) {
	var o leftovers
	together(
		func() { o.set([]record.Execution{{ID: "x"}}) },
		func() { o.get() },
		func() { o.has("x") },
	)
	if !o.has("x") || len(o.get()) != 1 {
		t.Error("what was set is forgotten")
	}
}

// TestSessionsTogether: streams come and go while the loop sends.
func TestSessionsTogether(t *testing.T) {
	var s sessions
	s.init(nil)
	s.registered("a", 1)
	together(
		func() { s.registered("a", 1) },
		func() {
			if stream, err := s.open("a", 1); err == nil {
				s.drop(stream)
			}
		},
		func() { s.order(&kernel.Order{Agent: "a", Session: 1}) },
		func() { s.kill(&kernel.Kill{Agent: "a", Session: 1}) },
		func() { s.ack(&kernel.Ack{Agent: "a", Session: 1}) },
	)
	stream, err := s.open("a", 1)
	if err != nil {
		t.Fatal(err)
	}
	together(
		func() { s.order(&kernel.Order{Agent: "a", Session: 1}) },
		func() { s.kill(&kernel.Kill{Agent: "a", Session: 1}) },
		func() { s.ack(&kernel.Ack{Agent: "a", Session: 1}) },
	)
	if n := len(stream.orders); n != 400 || len(stream.kills) != n || len(stream.acks) != n {
		t.Errorf("%d orders, %d kills and %d acknowledgements of 400", n, len(stream.kills), len(stream.acks))
	}
	together(func() { s.void(ErrSessionVoid) }, func() { s.of("a", 1) })
}
