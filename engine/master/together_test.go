package master

import (
	"sync"
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
