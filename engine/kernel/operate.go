package kernel

import (
	"fmt"

	"github.com/leifengta/lft/engine/record"
)

// operate carries out what an operator decides about an agent.
func (s *State) operate(ev Operate) error {
	if len(ev.By) > record.MaxName {
		return fmt.Errorf("%w: name of %d bytes", ErrInvalid, len(ev.By))
	}
	if ev.Verb == "go" {
		s.openGate(true)
		s.out.audit(s.now, ev.By, "agents go", "", "")
		s.out.reply(Reply{ID: ev.Reply})
		return nil
	}
	a := s.fleet.byUID[ev.Agent]
	if a == nil {
		a = s.fleet.byName[ev.Agent]
	}
	if a == nil {
		return fmt.Errorf("%w: agent %q", ErrUnknown, record.Cut(ev.Agent, record.MaxName))
	}
	switch ev.Verb {
	case "drain", "undrain":
		a.Draining = ev.Verb == "drain"
	case "release":
		s.releaseAgent(a)
	case "declare-dead":
		s.declareDead(a)
	default:
		return fmt.Errorf("%w: verb %q", ErrInvalid, record.Cut(ev.Verb, record.MaxEnum))
	}
	s.out.agent(a)
	s.gate(a)
	s.openGate(false)
	s.out.audit(s.now, ev.By, "agents "+ev.Verb, a.UID, "agent "+a.Name)
	s.out.reply(Reply{ID: ev.Reply, Value: a.UID})
	return nil
}

// releaseAgent ends a quarantine: what the agent was before still holds. Only
// when it is not there itself and its journal seemed to go back, the journal is
// forgotten: nothing follows from it any more, and attempts it may have held end
// by a restart of the host, or by declare-dead.
func (s *State) releaseAgent(a *agent) {
	if a.State != record.AgentQuarantined {
		return
	}
	reason := a.Reason
	a.Reason = record.ReasonNone
	if a.open && s.now-a.heard < record.Time(s.limits.Suspect) {
		s.setState(a, record.AgentActive)
	} else {
		if reason == record.ReasonJournalReversed {
			a.JournalID, a.JournalSeq = "", 0
		}
		s.setState(a, record.AgentUnreachable)
		s.watchIsolated(a)
	}
	s.listen(a)
}

// declareDead gives an agent up: an operator vouches that nothing runs there.
func (s *State) declareDead(a *agent) {
	s.setState(a, record.AgentDead)
	a.Reason = record.ReasonDeclaredDead
	a.open, a.reconciled = false, false
	s.loseAll(a, record.ReasonDeclaredDead)
	for _, token := range sortedKeys(s.fleet.strays) {
		if s.fleet.strays[token] == a {
			delete(s.fleet.strays, token)
		}
	}
	parked := a.parked
	a.parked = nil
	for _, n := range parked {
		if n.State == record.JobReady && n.lane == nil {
			s.queue.push(n, s.lane(n))
		}
	}
}
