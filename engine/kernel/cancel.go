package kernel

import (
	"fmt"

	"github.com/leifengta/lft/engine/record"
)

// cancel ends an execution because somebody asked for it.
func (s *State) cancel(ev Cancel) error {
	if len(ev.By) > record.MaxName {
		return fmt.Errorf("%w: name of %d bytes", ErrInvalid, len(ev.By))
	}
	x := s.runs.live[ev.Execution]
	if x == nil {
		return fmt.Errorf("%w: execution %q", ErrUnknown, record.Cut(ev.Execution, record.MaxID))
	}
	if !x.State.Terminal() && !x.CancelRequested {
		s.cancelExecution(x, record.ReasonCancelled, ev.By)
		s.out.audit(s.now, ev.By, "cancel", x.ID, x.Flow)
	}
	s.out.reply(Reply{ID: ev.Reply, Value: x.ID})
	return nil
}

// cancelExecution ends what has not started and kills what runs, but for jobs
// that are there for this case.
func (s *State) cancelExecution(x *execution, reason record.Reason, by string) {
	x.CancelRequested, x.CancelBy = true, by
	s.out.execution(x)
	if x.State == record.Queued {
		s.finish(x, record.ExecutionCancelled, reason)
		return
	}
	if !x.buried() {
		x.Reason = reason
	}
	s.stopAll(x)
}

func (s *State) stopAll(x *execution) {
	for i := range x.nodes {
		if n := &x.nodes[i]; !n.State.Terminal() && n.cancelling() {
			s.stopJob(n, n.stopReason())
		}
	}
	s.propagate()
}

// bury keeps an event that could not be digested and ends its execution.
func (s *State) bury(ev Bury) error {
	letter := ev.Letter
	if !validID(letter.ID) || len(letter.Execution) > record.MaxID {
		return fmt.Errorf("%w: dead letter %q", ErrInvalid, record.Cut(letter.ID, record.MaxID))
	}
	letter.Event, letter.Error = record.Cut(letter.Event, record.MaxMessage), record.Cut(letter.Error, record.MaxMessage)
	letter.At = s.now
	s.out.weight++
	s.out.rows.DeadLetters = append(s.out.rows.DeadLetters, letter)
	if x := s.runs.live[letter.Execution]; x != nil && !x.State.Terminal() {
		s.buryExecution(x)
	}
	return nil
}

func (s *State) buryExecution(x *execution) {
	s.out.execution(x)
	if x.State == record.Queued {
		s.finish(x, record.ExecutionFailed, record.ReasonInternal)
		return
	}
	x.Reason = record.ReasonInternal
	s.stopAll(x)
	if x.open == 0 {
		s.complete(x)
	}
}
