package kernel

import (
	"fmt"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// A job of kind flow carries out its attempt by another execution, its child. The
// child's row and the attempt's are written by one batch, and so are the child's
// end and what follows from it: at no moment of the durable state is there the
// one without the other. The child's id is a hash of the attempt's key.

// startChild begins an attempt of a job of kind flow: it admits an execution of a
// flow as the revision of its own execution declares it. One that is not admitted
// is a failed attempt.
func (s *State) startChild(n *node, def *FlowDef, params []byte) {
	a := s.newAttempt(n)
	a.State, a.StartedAt = record.AttemptRunning, s.now
	s.move(n, record.JobActive)
	s.out.attempt(a)
	if n.StartedAt == 0 {
		n.StartedAt = s.now
	}
	if reason, message := s.admitChild(a, def, params); reason != record.ReasonNone {
		a.Message = record.Cut(message, record.MaxMessage)
		s.endAttempt(a, record.OutcomeRejected, reason, nil)
		s.resolve(a, nil)
		return
	}
	n.Waiting, n.WaitingArg = record.WaitingChild, a.child.ID
	if timeout := n.rule().timeout; timeout > 0 {
		n.NextAt = later(s.now, timeout)
		s.wakes.push(wake{at: n.NextAt, node: n})
	}
}

// admitChild makes the execution of an attempt, or says why there is none.
func (s *State) admitChild(a *attempt, def *FlowDef, params []byte) (record.Reason, string) {
	n := a.node
	x := n.exec
	switch {
	case def == nil || def.Graph == nil || !validID(def.UID) || len(def.Digest) > record.MaxID || len(def.Address) > record.MaxAddress:
		return record.ReasonInternal, "the flow to start is not there"
	case len(params) > record.MaxParams || len(params) > 0 && !isObject(params):
		return record.ReasonGenerate, fmt.Sprintf("the parameters of %d bytes are no JSON object of at most %d", len(params), record.MaxParams)
	case x.Depth+2 > spec.MaxNesting:
		return record.ReasonNesting, fmt.Sprintf("%d flows start one another, more than %d", x.Depth+2, spec.MaxNesting)
	}
	child := &execution{
		Execution: record.Execution{
			ID: record.ChildID(n.Execution, n.Number, n.MapKey, a.N), ProjectUID: x.ProjectUID, Project: x.Project,
			FlowUID: def.UID, Flow: string(def.Address), FlowDigest: def.Digest, Revision: x.Revision,
			State: record.Queued, Origin: record.OriginFlow, By: x.By, Params: params,
			ScheduledFor: x.ScheduledFor, Zone: x.Zone, WindowStart: x.WindowStart, WindowEnd: x.WindowEnd,
			Parent: n.Execution, ParentNumber: n.Number, ParentMapKey: n.MapKey, ParentN: a.N, Depth: x.Depth + 1,
			CreatedAt: s.now,
		},
		graph: def.Graph, parent: a,
	}
	if s.runs.live[child.ID] != nil {
		return record.ReasonInternal, "the execution " + child.ID + " is there already"
	}
	whenFull := def.Graph.concurrency.WhenFull
	if p := s.clock.projects[x.ProjectUID]; p != nil {
		if own := p.byUID[def.UID]; own != nil {
			whenFull = own.Graph.concurrency.WhenFull
			if own.Digest == def.Digest {
				child.graph = own.Graph
			}
		}
	}
	a.child = child
	if reason := s.admit(child, whenFull); reason != record.ReasonNone {
		a.child = nil
		return reason, fmt.Sprintf("%s takes no more executions (%s)", def.Address, reason)
	}
	return record.ReasonNone, ""
}

// endChild cancels an execution together with the attempt that started it.
func (s *State) endChild(x *execution) {
	if !x.State.Terminal() && !x.CancelRequested {
		s.cancelExecution(x, record.ReasonParent, "its parent")
	}
}

// timedOut ends the execution that a job has started and that takes too long.
func (s *State) timedOut(n *node) {
	if a := n.attempt; a != nil && a.child != nil && !a.child.CancelRequested {
		s.cancelExecution(a.child, record.ReasonTimeout, "timeout")
	}
}

// askOutputs has the outputs of a child evaluated. It ends with the answer, and
// its parent's attempt in the same batch.
func (s *State) askOutputs(x *execution) {
	x.asked = true
	p := x.preparation()
	p.Key.Number, p.Outputs = OutputsNumber, true
	p.Upstreams = make([]Upstream, 0, len(x.nodes))
	for i := range x.nodes {
		n := &x.nodes[i]
		p.Upstreams = append(p.Upstreams, Upstream{n.Name, n.State, n.Output})
	}
	s.prepares = append(s.prepares, p)
}

// answered takes the outputs of a child. Late ones are ignored.
func (s *State) answered(x *execution, ev *Prepared) {
	if !x.asked || x.State != record.Running || x.open > 0 {
		return
	}
	x.asked = false
	switch {
	case ev.Fault != record.ReasonNone:
		x.message = ev.Error
		s.finish(x, record.ExecutionFailed, shortReason(ev.Fault))
	case len(ev.Output) > record.MaxOutput || !isObject(ev.Output):
		x.message = fmt.Sprintf("the outputs of %d bytes are no JSON object of at most %d", len(ev.Output), record.MaxOutput)
		s.finish(x, record.ExecutionFailed, record.ReasonBadOutput)
	default:
		x.output = ev.Output
		s.finish(x, record.ExecutionSucceeded, record.ReasonNone)
	}
}

// childEnded ends the attempt that an execution was started by.
func (s *State) childEnded(x *execution) {
	a := x.parent
	x.parent, a.child = nil, nil
	if a.State == record.Ended {
		return
	}
	outcome, reason := record.OutcomeFailed, record.ReasonChild
	switch {
	case x.State == record.ExecutionSucceeded:
		outcome, reason = record.OutcomeSucceeded, record.ReasonNone
	case x.State == record.ExecutionCancelled && x.Reason == record.ReasonTimeout:
		outcome, reason = record.OutcomeTimeout, record.ReasonTimeout
	case x.State == record.ExecutionCancelled:
		outcome, reason = record.OutcomeCancelled, x.Reason
	}
	if outcome != record.OutcomeSucceeded {
		a.Message = record.Cut(x.verdict(), record.MaxMessage)
	}
	s.endAttempt(a, outcome, reason, nil)
	s.resolve(a, x.output)
}

// verdict is how an execution ended, for people.
func (x *execution) verdict() string {
	text := fmt.Sprintf("%s, execution %s, is %s", x.Flow, x.ID, x.State)
	if x.Reason != "" {
		text += fmt.Sprintf(" (%s)", x.Reason)
	}
	if x.State == record.ExecutionCancelled && x.CancelBy != "" {
		text += " by " + x.CancelBy
	}
	if x.message != "" {
		text += ": " + x.message
	}
	return text
}

// restoreChildren ties executions to the attempts that started them.
func (s *State) restoreChildren() {
	for _, x := range s.runs.live {
		p := s.runs.live[x.Parent]
		if p == nil || x.ParentNumber < 0 || int(x.ParentNumber) >= len(p.nodes) {
			continue // nobody waits for it any more
		}
		if a := p.nodes[x.ParentNumber].attempt; a != nil && a.N == x.ParentN && a.State == record.AttemptRunning {
			x.parent, a.child = a, x
		}
	}
}

// resumeChild goes on waiting for a child. One that is not live has ended without
// anybody being told, which no batch of ours leaves behind: nothing is started in
// its place.
func (s *State) resumeChild(n *node) {
	a := n.attempt
	switch {
	case a.child == nil:
		s.lose(a, record.ReasonChildLost)
	case a.KillWanted:
		s.runs.doomed = append(s.runs.doomed, a.child)
	case n.NextAt > 0:
		s.wakes.push(wake{at: n.NextAt, node: n})
	}
}
