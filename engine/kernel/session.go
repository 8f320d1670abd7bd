package kernel

import (
	"fmt"

	"github.com/leifengta/lft/engine/record"
)

// Two instances of one agent that void each other's session again and again
// show as sessions taken over while the last one was alive: maxUsurped in a row,
// with less than usurpWindow between them. A restart loop is slower than that.
// A session in which nothing was said shows nothing: while the database is away
// an agent asks again and again, because no answer comes.
const (
	maxUsurped  = 20
	usurpWindow = record.Time(3_000_000)
)

// register makes a session for an agent, and judges its identity first.
func (s *State) register(ev Register) error {
	row := ev.Agent
	if err := checkAgent(&row); err != nil {
		return err
	}
	if holder := s.fleet.byName[row.Name]; holder != nil && holder.UID != row.UID && holder.State != record.AgentDead {
		return fmt.Errorf("%w: %s is %s", ErrNameTaken, row.Name, holder.UID)
	}
	known := s.fleet.byUID[row.UID]
	switch {
	case known == nil:
		row.Session, row.RegisteredAt = 1, s.now
	case known.State == record.AgentQuarantined:
		return fmt.Errorf("%w: %s (%s)", ErrQuarantined, known.Name, known.Reason)
	default:
		if reason := s.suspicion(known, &row); reason != record.ReasonNone {
			s.quarantine(known, reason)
			s.out.reply(Reply{ID: ev.Reply, Err: fmt.Errorf("%w: %s (%s)", ErrQuarantined, known.Name, reason)})
			return nil
		}
		row.Session, row.RegisteredAt, row.Draining = known.Session+1, known.RegisteredAt, known.Draining
	}
	s.welcome(known, row)
	s.out.reply(Reply{ID: ev.Reply, Value: row.UID, Session: row.Session})
	return nil
}

// welcome opens the session of an agent whose identity is in order.
func (s *State) welcome(known *agent, row record.Agent) {
	row.State, row.Reason, row.LastSeen = record.AgentActive, record.ReasonNone, s.now
	var died bool
	if known != nil {
		died = known.MachineID == row.MachineID && (known.BootID != row.BootID || known.Namespace != row.Namespace)
		if known.State == record.AgentDead || known.Reason == record.ReasonDeclaredDead {
			row.Reason = record.ReasonDeclaredDead // until it holds nothing of that life
		}
		if died && known.JournalID != row.JournalID {
			// Its processes are dead and nothing else can tell how they ended.
			s.loseAll(known, record.ReasonHostRestarted)
		}
		s.setState(known, record.AgentActive)
	}
	a := s.met(row)
	a.open, a.reconciled, a.draining, a.heard = true, false, false, s.now
	s.out.agent(a)
	s.gate(a)
	s.listen(a)
}

// suspicion compares what an agent says it is with what it was.
func (s *State) suspicion(known *agent, row *record.Agent) record.Reason {
	if known.State == record.AgentDead {
		return record.ReasonNone // declared dead: a new life, nothing to compare
	}
	died := known.BootID != row.BootID || known.Namespace != row.Namespace
	switch {
	case known.MachineID != row.MachineID:
		return record.ReasonDuplicateID
	case known.JournalID == row.JournalID && row.JournalSeq < known.JournalSeq:
		return record.ReasonJournalReversed
	case known.JournalID != row.JournalID && !died && len(known.live) > 0:
		return record.ReasonJournalReversed // what it ran cannot be proven either way
	case known.open && !known.reconciled:
		return record.ReasonNone
	}
	if !known.open || s.now-known.heard > usurpWindow || s.now-known.usurpedAt > usurpWindow {
		known.usurped = 0
	}
	known.usurpedAt = s.now
	if known.open {
		known.usurped++
	}
	if known.usurped > maxUsurped {
		known.usurped = 0
		return record.ReasonAlternating
	}
	return record.ReasonNone
}

// quarantine gives an agent no more work until an operator decides. What runs
// there goes on, and the session it has, if it is the true one, may report.
func (s *State) quarantine(a *agent, reason record.Reason) {
	s.setState(a, record.AgentQuarantined)
	a.Reason = reason
	s.out.agent(a)
	s.out.audit(s.now, "", "quarantine", a.UID, fmt.Sprintf("agent %s: %s", a.Name, reason))
	s.gate(a)
	s.openGate(false)
}

// loseAll ends every attempt of an agent with proof that they are dead.
func (s *State) loseAll(a *agent, reason record.Reason) {
	for len(a.live) > 0 {
		s.lose(a.live[len(a.live)-1], reason)
	}
}

// reconcile compares what an agent's journal holds with what the rows say. Only
// the first of a session counts: a late copy would miss what came after it.
func (s *State) reconcile(ev Reconcile) {
	a := s.fleet.byUID[ev.Agent]
	if a == nil || !a.open || a.Session != ev.Session || a.reconciled {
		return
	}
	a.reconciled = true
	s.hear(a)
	named := make(map[string]bool, len(ev.Tokens))
	givenUp := 0
	for _, t := range ev.Tokens {
		named[t.Token] = true
		at := s.fleet.attempts[t.Token]
		switch {
		case at != nil && at.AgentUID == a.UID && at.Outcome != record.OutcomeLost:
			s.found(a, at, t.Started)
		case at != nil && at.AgentUID == a.UID:
			givenUp++
			s.killToken(a, at.Token, at.Reason) // should it still run, it ends now
		case validID(t.Token):
			givenUp++
			s.stray(a, t.Token)
		}
	}
	if givenUp == 0 && a.Reason == record.ReasonDeclaredDead {
		a.Reason = record.ReasonNone
		s.out.agent(a)
	}
	var missing []*attempt
	for _, at := range a.live {
		if !named[at.Token] {
			missing = append(missing, at)
		}
	}
	s.gate(a)
	for _, at := range missing {
		s.missing(a, at)
	}
	s.openGate(false)
}

// found takes note of an attempt that the agent's journal holds.
func (s *State) found(a *agent, at *attempt, started bool) {
	if at.State == record.Ended {
		return // its result is repeated and acknowledged
	}
	if at.agent == nil {
		s.takeBack(a, at)
	}
	if started && at.State == record.Ordered {
		s.running(at, s.now)
	}
	if at.KillWanted {
		s.sendKill(at)
	}
}

// stray takes note of a token that no row names: its execution has ended, or
// the database was restored, or an operator had declared the agent dead.
func (s *State) stray(a *agent, token string) {
	if a.Reason == record.ReasonDeclaredDead {
		s.killToken(a, token, record.ReasonDeclaredDead)
		return
	}
	s.fleet.strays[token] = a
}

// missing draws the conclusion for an attempt that the same journal lacks: an
// order that was never obeyed is given again, what had started is lost.
func (s *State) missing(a *agent, at *attempt) {
	switch {
	case at.State == record.AttemptRunning:
		s.lose(at, record.ReasonJournalLost)
	case at.KillWanted:
		s.endAttempt(at, record.OutcomeCancelled, at.node.stopReason(), nil)
		s.resolve(at, nil)
	case a.place.Open:
		at.Session = a.Session
		s.out.attempt(at)
		s.sendOrder(at)
	default:
		s.unhold(at)
		s.move(at.node, record.JobReady)
		s.enqueue(at.node)
	}
}

// takeBack gives an attempt that queues for another order back to the agent
// that turns out to hold it.
func (s *State) takeBack(a *agent, at *attempt) {
	n := at.node
	s.release(n)
	n.lane = nil
	at.Session, at.PoolUID, at.PoolSlots = a.Session, "", 0
	a.place.Used++
	a.hold(at)
	s.out.attempt(at)
	s.move(n, record.JobActive)
	n.Waiting, n.WaitingArg = record.WaitingNone, ""
}

func (s *State) running(at *attempt, since record.Time) {
	at.State, at.StartedAt = record.AttemptRunning, since
	s.out.attempt(at)
	if n := at.node; n.StartedAt == 0 {
		n.StartedAt = since
		s.out.node(n)
	}
}

func checkAgent(a *record.Agent) error {
	labels := 0
	for _, name := range sortedKeys(a.Labels) {
		labels += len(name) + len(a.Labels[name])
	}
	switch {
	case !validID(a.UID), a.Name == "", len(a.Name) > record.MaxName:
		return fmt.Errorf("%w: agent %q, uid %q", ErrInvalid, record.Cut(a.Name, record.MaxName), record.Cut(a.UID, record.MaxID))
	case max(len(a.MachineID), len(a.BootID), len(a.Namespace), len(a.JournalID)) > record.MaxID,
		len(a.Isolation) > record.MaxEnum, len(a.Version) > record.MaxName, labels > record.MaxMessage:
		return fmt.Errorf("%w: agent %s has too long an identity or labels", ErrInvalid, a.Name)
	case a.Slots < 0, a.Slots > maxSlots, a.JournalSeq < 0:
		return fmt.Errorf("%w: agent %s with %d slots, journal sequence %d", ErrInvalid, a.Name, a.Slots, a.JournalSeq)
	}
	return nil
}
