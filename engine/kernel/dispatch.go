package kernel

import (
	"github.com/leifengta/lft/engine/placement"
	"github.com/leifengta/lft/engine/record"
)

// dispatch keeps a slot for each ready job that fits somewhere and has it
// prepared. It stops as soon as nothing fits, whatever waits, or when the next
// Ready is full.
func (s *State) dispatch() {
	s.stalled = false
	if s.fleet.gated {
		return
	}
	for {
		if s.out.weight >= s.limits.BatchRows {
			s.stalled = len(s.queue.open) > 0
			return
		}
		l, n := s.queue.next()
		if n == nil {
			return
		}
		want := n.rule().poolSlots
		if l.pool != nil && !l.pool.fits(want) {
			s.queue.putAside(l, &l.pool.lanes)
			continue
		}
		to, ok := s.choose(l, n)
		if !ok {
			continue
		}
		s.queue.turns++
		l.turn = s.queue.turns
		l.take()
		s.keep(n, to, l.pool, want)
		s.out.node(n)
		if a := n.attempt; a != nil && a.State == record.Ordered {
			s.give(a) // provably never started: the same attempt once more
		} else {
			s.ask(n)
		}
	}
}

// choose finds an agent for the head of a lane, or puts aside what cannot run.
func (s *State) choose(l *lane, n *node) (*agent, bool) {
	if holder := s.fleet.holder(n); holder != nil {
		// A restored database has forgotten this attempt, the agent has not:
		// nobody else may be told to start it.
		if holder.place.Open {
			return holder, true
		}
		l.take()
		n.lane = nil
		holder.parked = append(holder.parked, n)
		s.queue.fresh = append(s.queue.fresh, n)
		return nil, false
	}
	place, ok := placement.Choose(l.class.ask.Strategy, l.class.agents)
	if !ok {
		s.queue.putAside(l, &l.class.lanes)
		return nil, false
	}
	return s.fleet.byUID[place.UID], true
}

// keep reserves a slot and the pool's share for a job.
func (s *State) keep(n *node, to *agent, p *pool, want int32) {
	n.agent = to
	to.place.Used++
	s.fleet.served++
	to.place.Served = s.fleet.served
	if p != nil {
		n.pool, n.taken = p, p.demand(want)
		p.used += n.taken
	}
}

// freed opens the lanes that wait for a slot on an agent.
func (s *State) freed(a *agent) {
	if !placement.Fits(&a.place) {
		return
	}
	for _, c := range a.classes {
		s.queue.unblock(&c.lanes)
	}
}

// label writes down why new READY jobs do not run yet. What a job waits for
// may change later without a new row: lft why computes it anew.
func (s *State) label() {
	for _, n := range s.queue.fresh {
		if n.State != record.JobReady {
			continue
		}
		class, arg := s.waiting(n)
		if n.Waiting != class || n.WaitingArg != arg {
			n.Waiting, n.WaitingArg = class, arg
			s.out.node(n)
		}
	}
	clear(s.queue.fresh)
	s.queue.fresh = s.queue.fresh[:0]
}

func (s *State) waiting(n *node) (record.Waiting, string) {
	l := n.lane
	switch {
	case n.asked:
		return record.WaitingPrepare, ""
	case l == nil:
		if holder := s.fleet.holder(n); holder != nil {
			return record.WaitingReconcile, holder.Name
		}
		return record.WaitingPrepare, ""
	case s.fleet.gated:
		arg := ""
		if a := s.fleet.unheard(); a != nil {
			arg = a.Name
		}
		return record.WaitingReconcile, arg
	case l.pool != nil && !l.pool.fits(n.rule().poolSlots):
		return record.WaitingPool, string(l.pool.address)
	}
	return l.class.waiting()
}

// waiting says why no agent of the class takes a job.
func (c *class) waiting() (record.Waiting, string) {
	full, silent := false, ""
	for _, a := range c.nodes {
		switch {
		case a.place.Open:
			full = true
		case a.awaited() && silent == "":
			silent = a.Name
		}
	}
	switch {
	case full:
		return record.WaitingSlot, ""
	case silent != "":
		return record.WaitingReconcile, silent
	default:
		return record.WaitingAgent, describe(c.ask)
	}
}
