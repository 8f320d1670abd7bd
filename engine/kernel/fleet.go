package kernel

import (
	"maps"
	"slices"
	"strings"

	"github.com/leifengta/lft/engine/placement"
	"github.com/leifengta/lft/engine/record"
)

// fleet is the part that knows agents and where attempts are. A session lives
// only in the State that made it: after a restore every agent registers anew.
type fleet struct {
	byUID    map[string]*agent
	byName   map[string]*agent
	list     []*agent            // in the order they were met
	attempts map[string]*attempt // by token, of live executions
	strays   map[string]*agent   // tokens that agents hold and no row names
	served   uint64
	gated    bool // restored database: nothing leaves before all have spoken
	// keepUntil is when results of strays are given up: until then the rows
	// they belong to may come back.
	keepUntil record.Time
}

func newFleet() fleet {
	return fleet{
		byUID: map[string]*agent{}, byName: map[string]*agent{},
		attempts: map[string]*attempt{}, strays: map[string]*agent{},
	}
}

// agent is a worker host: its row and what is going on there.
type agent struct {
	record.Agent
	place      placement.Agent
	open       bool // it has registered with this State
	reconciled bool
	draining   bool        // by itself, for this session
	heard      record.Time // the last sign of life
	watch      record.Time // when silence is looked at next
	live       []*attempt
	parked     []*node // jobs that only this agent may get, until it is open
	classes    []*class
	usurped    int // sessions taken over from one that was alive
	usurpedAt  record.Time
	dirty      bool
}

// inSession reports whether the agent hears what it is told.
func (a *agent) inSession() bool { return a.open && a.reconciled }

// awaited tells an agent that may come back: nobody has given it up.
func (a *agent) awaited() bool {
	return !a.inSession() && (a.State == record.AgentActive || a.State == record.AgentSuspect)
}

func (a *agent) hold(at *attempt) {
	at.agent, at.slot = a, len(a.live)
	a.live = append(a.live, at)
}

func (a *agent) drop(at *attempt) {
	last := len(a.live) - 1
	a.live[at.slot] = a.live[last]
	a.live[at.slot].slot = at.slot
	a.live[last] = nil
	a.live = a.live[:last]
	a.place.Used--
}

// met adds an agent, or takes over what it now says of itself.
func (s *State) met(row record.Agent) *agent {
	a := s.fleet.byUID[row.UID]
	if a == nil {
		a = &agent{}
		s.fleet.byUID[row.UID] = a
		s.fleet.list = append(s.fleet.list, a)
	} else {
		for _, c := range a.classes {
			c.expel(a)
		}
		a.classes = a.classes[:0]
		if s.fleet.byName[a.Name] == a {
			delete(s.fleet.byName, a.Name)
		}
	}
	a.Agent = row
	if other := s.fleet.byName[a.Name]; other == nil || other.State == record.AgentDead {
		s.fleet.byName[a.Name] = a
	}
	a.place.UID, a.place.Name, a.place.Labels, a.place.Slots = a.UID, a.Name, a.Labels, a.Slots
	for _, key := range sortedKeys(s.queue.classes) {
		s.queue.classes[key].admit(a)
	}
	return a
}

// gate opens or closes an agent for new work, after anything about it changed.
func (s *State) gate(a *agent) {
	a.place.Open = a.inSession() && a.State == record.AgentActive && !a.Draining && !a.draining
	if !a.place.Open {
		return
	}
	for _, n := range a.parked {
		if n.State == record.JobReady && n.lane == nil {
			s.queue.push(n, s.lane(n))
		}
	}
	a.parked = nil
	s.freed(a)
}

// hear notes a sign of life.
func (s *State) hear(a *agent) {
	a.heard = s.now
	if a.State == record.AgentSuspect || a.State == record.AgentUnreachable {
		s.setState(a, record.AgentActive)
		s.gate(a)
	}
	if s.now-a.LastSeen >= seenEvery {
		s.seen(a)
	}
	s.listen(a)
}

// seenEvery bounds how often a row says that nothing has changed.
const seenEvery = record.Time(10_000_000)

func (s *State) seen(a *agent) {
	a.LastSeen = s.now
	s.out.agent(a)
}

func (s *State) setState(a *agent, to record.AgentState) {
	if a.State == to {
		return
	}
	silent := a.State == record.AgentUnreachable || to == record.AgentUnreachable
	a.State = to
	a.LastSeen = max(a.LastSeen, a.heard)
	s.out.agent(a)
	if !silent {
		return
	}
	for _, at := range a.live {
		n := at.node
		n.Waiting, n.WaitingArg = record.WaitingNone, ""
		if to == record.AgentUnreachable {
			n.Waiting, n.WaitingArg = record.WaitingSilent, a.Name
		}
		s.out.node(n)
	}
}

// listen plans the next look at an agent's silence. One look is planned at a
// time, however often it is heard.
func (s *State) listen(a *agent) {
	if a.watch != 0 {
		return
	}
	switch a.State {
	case record.AgentActive:
		a.watch = later(a.heard, s.limits.Suspect)
	case record.AgentSuspect:
		a.watch = later(a.heard, s.limits.Unreachable)
	case record.AgentUnreachable, record.AgentQuarantined, record.AgentDead:
		return
	}
	s.wakes.push(wake{at: a.watch, agent: a})
}

// silence looks whether an agent has been heard.
func (s *State) silence(a *agent) {
	a.watch = 0
	quiet := s.now - a.heard
	switch {
	case a.State == record.AgentActive && quiet >= record.Time(s.limits.Suspect):
		s.setState(a, record.AgentSuspect)
		s.gate(a)
	case a.State == record.AgentSuspect && quiet >= record.Time(s.limits.Unreachable):
		s.setState(a, record.AgentUnreachable)
		s.watchIsolated(a)
	}
	s.listen(a)
}

// watchIsolated plans the end of attempts that their keeper kills by itself
// when no master is heard.
func (s *State) watchIsolated(a *agent) {
	for _, at := range a.live {
		if after := at.node.rule().rerunAfter; after > 0 {
			s.wakes.push(wake{at: s.isolatedAt(at), attempt: at})
		}
	}
}

func (s *State) isolatedAt(at *attempt) record.Time {
	return later(later(at.agent.heard, at.node.rule().rerunAfter), s.limits.RerunMargin)
}

// isolated gives up an attempt whose keeper has killed it by now.
func (s *State) isolated(at *attempt) {
	if at.agent == nil || at.agent.State != record.AgentUnreachable || s.isolatedAt(at) > s.now {
		return
	}
	s.lose(at, record.ReasonIsolated)
}

// holder is the agent that holds the token of a job's next attempt although no
// row names it; nil unless the database was restored.
func (f *fleet) holder(n *node) *agent {
	if len(f.strays) == 0 {
		return nil
	}
	return f.strays[record.Token(n.Execution, n.Number, n.MapKey, n.Attempts+1)]
}

// unheard is an agent that has not said what it holds and may still do so, nil when
// there is none.
func (f *fleet) unheard() *agent {
	for _, a := range f.list {
		if !a.reconciled && a.State != record.AgentDead && a.State != record.AgentQuarantined {
			return a
		}
	}
	return nil
}

// openGate lets work out again when every known agent has spoken after the
// database was restored, or an operator does not want to wait.
func (s *State) openGate(force bool) {
	if !s.fleet.gated {
		return
	}
	if s.fleet.unheard() != nil && !force {
		return
	}
	s.fleet.gated = false
	s.queue.relabel()
	for _, sc := range s.clock.held {
		sc.next = 0
		s.plan(sc)
	}
	s.clock.held = nil
}

// describe names what an Ask wants.
func describe(ask placement.Ask) string {
	var parts []string
	if ask.Strategy == placement.Pinned {
		parts = append(parts, "agent "+ask.Agent)
	}
	if len(ask.Labels) > 0 {
		parts = append(parts, labelled(ask.Labels))
	}
	return record.Cut(strings.Join(parts, " "), record.MaxName)
}

// labelled writes labels down.
func labelled(labels map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, name+"="+labels[name])
	}
	return strings.Join(parts, " ")
}
