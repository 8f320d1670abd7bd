package kernel

import (
	"slices"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// wake is something to look at when its time has come. It is never taken back:
// whoever it is for checks whether it still means anything.
type wake struct {
	at       record.Time
	seq      uint64 // order of those of one time
	schedule *schedule
	node     *node
	agent    *agent
	attempt  *attempt
}

func (w wake) before(other wake) bool {
	return w.at < other.at || w.at == other.at && w.seq < other.seq
}

// wakes is a binary heap, the earliest first. Those that have lost their meaning
// are swept out when they may be half of it: one may be due in a year, and keeps
// what it is for in memory.
type wakes struct {
	heap  []wake
	seq   uint64
	swept int // how many were left by the last sweep
}

// sweepFrom is how many wakes are not worth a sweep.
const sweepFrom = 256

func (h *wakes) first() (wake, bool) {
	if len(h.heap) == 0 {
		return wake{}, false
	}
	return h.heap[0], true
}

func (h *wakes) push(w wake) {
	h.seq++
	w.seq = h.seq
	h.heap = append(h.heap, w)
	if len(h.heap) > 2*h.swept+sweepFrom {
		h.sweep()
		return
	}
	for i := len(h.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.heap[i].before(h.heap[parent]) {
			return
		}
		h.heap[i], h.heap[parent] = h.heap[parent], h.heap[i]
		i = parent
	}
}

func (h *wakes) pop() {
	last := len(h.heap) - 1
	h.heap[0] = h.heap[last]
	h.heap[last] = wake{}
	h.heap = h.heap[:last]
	h.down(0)
}

// down moves a wake below those that come before it.
func (h *wakes) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.heap) {
			return
		}
		if child+1 < len(h.heap) && h.heap[child+1].before(h.heap[child]) {
			child++
		}
		if !h.heap[child].before(h.heap[i]) {
			return
		}
		h.heap[i], h.heap[child] = h.heap[child], h.heap[i]
		i = child
	}
}

// sweep drops what is stale and makes a heap of the rest.
func (h *wakes) sweep() {
	h.heap = slices.DeleteFunc(h.heap, wake.stale)
	h.swept = len(h.heap)
	for i := len(h.heap)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

// stale reports whether a wake has lost its meaning.
func (w wake) stale() bool {
	switch {
	case w.schedule != nil:
		return w.schedule.gone || w.schedule.next != w.at
	case w.node != nil:
		return w.node.NextAt != w.at ||
			w.node.State != record.JobRetryWait && w.node.State != record.JobActive
	case w.attempt != nil:
		return w.attempt.State == record.Ended
	default:
		return w.agent.watch != w.at
	}
}

// held tells a wake that has to wait although its time has come: no schedule
// fires before all agents of a restored database have spoken.
func (s *State) held(w wake) bool { return w.schedule != nil && s.fleet.gated }

func (s *State) dropStale() {
	for {
		w, ok := s.wakes.first()
		if !ok || !w.stale() {
			return
		}
		s.wakes.pop()
	}
}

// wake acts on the earliest thing that is due, and reports whether there was one.
func (s *State) wake() bool {
	s.dropStale()
	w, ok := s.wakes.first()
	if !ok || w.at > s.due {
		return false
	}
	s.wakes.pop()
	switch {
	case s.held(w):
		s.clock.held = append(s.clock.held, w.schedule)
	case w.schedule != nil:
		s.fire(w.schedule)
	case w.node != nil:
		s.elapsed(w.node)
	case w.attempt != nil:
		s.isolated(w.attempt)
	default:
		s.silence(w.agent)
	}
	return true
}

// elapsed ends a job's wait for its next attempt, a timer, or the time that a
// sub-flow may take.
func (s *State) elapsed(n *node) {
	n.NextAt = 0
	switch {
	case n.State == record.JobRetryWait:
		s.ready(n)
	case n.rule().kind == spec.KindFlow:
		s.out.node(n)
		s.timedOut(n)
	default:
		s.settle(n, record.JobSucceeded, record.ReasonNone, "")
	}
	s.propagate()
}
