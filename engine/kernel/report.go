package kernel

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/leifengta/lft/engine/record"
)

// reports takes an agent's news. Those of a void session are ignored: what they
// say comes again in the next one.
func (s *State) reports(ev Reports) {
	a := s.fleet.byUID[ev.Agent]
	if a == nil || !a.open || a.Session != ev.Session || !a.reconciled {
		return
	}
	s.hear(a)
	if a.draining != ev.Draining {
		a.draining = ev.Draining
		s.decline(a)
		s.gate(a)
	}
	for i := range ev.List {
		s.report(a, &ev.List[i])
	}
	for _, c := range ev.Chunks {
		s.chunk(a, c)
	}
}

// decline shows that an agent takes no work although nobody has told it so.
func (s *State) decline(a *agent) {
	switch {
	case a.draining && a.Reason == record.ReasonNone:
		a.Reason = record.ReasonDeclines
	case !a.draining && a.Reason == record.ReasonDeclines:
		a.Reason = record.ReasonNone
	default:
		return
	}
	s.out.agent(a)
}

func (s *State) report(a *agent, r *Report) {
	if !validID(r.Token) {
		return
	}
	at := s.fleet.attempts[r.Token]
	if at != nil && at.State == record.Ordered && at.agent == nil && at.AgentUID == a.UID {
		s.takeBack(a, at)
	}
	switch {
	case at == nil || at.AgentUID != a.UID:
		s.unknown(a, r)
	case at.State == record.Ended:
		s.repeated(a, at, r)
	case !r.Ended:
		if at.State == record.Ordered {
			s.running(at, s.past(r.StartedAt))
		}
		s.ack(a, r.Token, false)
	default:
		s.ended(at, r)
		s.ack(a, r.Token, true)
	}
}

// unknown answers news of an attempt that is not in memory: its execution has
// ended, or it never was this agent's.
func (s *State) unknown(a *agent, r *Report) {
	if r.Ended {
		if s.now < s.fleet.keepUntil && s.fleet.strays[r.Token] == a {
			return // it is told again until it is acknowledged
		}
		delete(s.fleet.strays, r.Token)
		s.out.audit(s.now, "", "report unknown", r.Token, fmt.Sprintf("agent %s: %s", a.Name, summary(r)))
	}
	s.ack(a, r.Token, r.Ended)
}

// repeated answers a result that is there already. The first one holds; another
// one is worth a note.
func (s *State) repeated(a *agent, at *attempt, r *Report) {
	if r.Ended && !at.says(r) {
		s.out.audit(s.now, "", "report differs", r.Token,
			fmt.Sprintf("agent %s: recorded %s, now %s", a.Name, at.Outcome, summary(r)))
	}
	s.ack(a, r.Token, r.Ended)
}

func (a *attempt) says(r *Report) bool {
	return a.Outcome == r.Outcome && a.HasExit == r.HasExit && a.ExitCode == r.ExitCode && a.Signal == r.Signal
}

func summary(r *Report) string {
	text := record.Cut(string(r.Outcome), record.MaxEnum)
	if r.HasExit {
		text += fmt.Sprintf(", exit code %d", r.ExitCode)
	}
	if r.Signal != "" {
		text += ", " + record.Cut(r.Signal, record.MaxEnum)
	}
	return text
}

func (s *State) ack(a *agent, token string, ended bool) {
	s.out.acks = append(s.out.acks, Ack{Agent: a.UID, Session: a.Session, Token: token, Ended: ended, Chunks: -1})
}

// ended takes the first result of an attempt.
func (s *State) ended(at *attempt, r *Report) {
	if r.StartedAt != 0 {
		at.StartedAt = s.past(r.StartedAt)
	}
	at.HasExit, at.ExitCode, at.Signal = r.HasExit, r.ExitCode, record.Cut(r.Signal, record.MaxEnum)
	at.Message = record.Cut(r.Message, record.MaxMessage)
	outcome, reason, output := r.Outcome, shortReason(r.Reason), r.Output
	switch outcome {
	case record.OutcomeSucceeded:
		if len(output) > record.MaxOutput || len(output) > 0 && !isObject(output) {
			outcome, reason, output = record.OutcomeFailed, record.ReasonBadOutput, nil
			at.Message = fmt.Sprintf("the output of %d bytes is no JSON object of at most %d", len(r.Output), record.MaxOutput)
		}
	case record.OutcomeFailed, record.OutcomeTimeout, record.OutcomeCancelled, record.OutcomeLost,
		record.OutcomeRejected, record.OutcomeInternal:
	default:
		at.Message = record.Cut(fmt.Sprintf("the agent reports %q, which this version does not know", outcome), record.MaxMessage)
		outcome, reason = record.OutcomeInternal, record.ReasonInternal
	}
	s.endAttempt(at, outcome, reason, r.Log)
	at.EndedAt = max(s.past(r.EndedAt), at.StartedAt)
	s.resolve(at, output)
}

func isObject(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) && json.Valid(data)
}

// past takes a time an agent tells, which can be neither missing nor to come.
func (s *State) past(at record.Time) record.Time {
	if at <= 0 || at > s.now {
		return s.now
	}
	return at
}

// chunk takes note of log bytes that are in the bucket. Logs may come after the
// execution has ended.
func (s *State) chunk(a *agent, c record.Chunk) {
	at := s.fleet.attempts[c.Token]
	valid := validID(c.Token) && c.From >= 0 && c.To >= c.From && len(c.Object) <= record.MaxAddress &&
		c.ObjectOffset >= 0 && len(c.SHA256) <= record.MaxID
	if !valid || at != nil && at.AgentUID != a.UID {
		s.out.audit(s.now, "", "chunk refused", record.Cut(c.Token, record.MaxID), fmt.Sprintf("agent %s", a.Name))
		return
	}
	if at != nil {
		at.logTo = max(at.logTo, c.To)
	}
	s.out.chunk(c)
	s.out.acks = append(s.out.acks, Ack{Agent: a.UID, Session: a.Session, Token: c.Token, Chunks: c.To})
}
