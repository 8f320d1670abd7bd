package kernel

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// line is the executions of one flow: those that run, and those that wait for
// the flow's concurrency.
type line struct {
	uid     string
	limit   spec.Concurrency // of the newest revision; Max 0 = none
	paused  bool             // by an operator: nothing more begins
	running []*execution     // in no order, those about to begin included
	queued  []*execution     // the next one first

	revision int64 // that limit is of
}

// order is that of a line, the same before and after a restore.
func (x *execution) order(other *execution) int {
	return cmp.Or(
		cmp.Compare(x.CreatedAt, other.CreatedAt),
		cmp.Compare(x.ScheduledFor, other.ScheduledFor),
		cmp.Compare(x.ID, other.ID))
}

// start admits an execution that somebody asked for.
func (s *State) start(ev Start) error {
	if len(ev.Params) > record.MaxParams || len(ev.By) > record.MaxName || !record.ValidExecutionID(ev.ID) ||
		len(ev.Params) > 0 && !isObject(ev.Params) {
		return fmt.Errorf("%w: execution %q", ErrInvalid, record.Cut(ev.ID, record.MaxID))
	}
	if x := s.runs.live[ev.ID]; x != nil {
		if x.ProjectUID != ev.ProjectUID || x.Flow != string(ev.Flow) || !sameParams(x.Params, ev.Params) {
			return fmt.Errorf("%w: %s runs %s", ErrConflict, ev.ID, x.Flow)
		}
		s.out.reply(Reply{ID: ev.Reply, Value: x.ID})
		return nil
	}
	p := s.clock.projects[ev.ProjectUID]
	if p == nil {
		return fmt.Errorf("%w: project %s", ErrUnknown, record.Cut(ev.ProjectUID, record.MaxID))
	}
	def := p.flows[ev.Flow]
	if def == nil {
		return fmt.Errorf("%w: %s in project %s", ErrUnknown, record.Cut(string(ev.Flow), record.MaxAddress), p.name)
	}
	x := s.newExecution(p, def, ev.ID)
	x.Origin, x.By, x.Params, x.Zone = record.OriginManual, ev.By, ev.Params, p.zone(ev.Flow)
	x.ScheduledFor, x.WindowStart, x.WindowEnd = s.now, s.now, s.now
	if reason := s.admit(x, def.Graph.concurrency.WhenFull); reason != record.ReasonNone {
		if s.paused(def.UID) {
			return fmt.Errorf("%w: %s is paused", ErrFull, ev.Flow)
		}
		return fmt.Errorf("%w: %s allows %d at once (%s)", ErrFull, ev.Flow, def.Graph.concurrency.Max, reason)
	}
	s.out.head(p)
	s.out.audit(s.now, ev.By, "run", x.ID, x.Flow)
	s.out.reply(Reply{ID: ev.Reply, Value: x.ID})
	return nil
}

func sameParams(a, b []byte) bool {
	none := func(p []byte) bool { return len(p) == 0 || string(p) == "{}" }
	return bytes.Equal(a, b) || none(a) && none(b)
}

func (s *State) newExecution(p *project, def *FlowDef, id string) *execution {
	return &execution{
		Execution: record.Execution{
			ID: id, ProjectUID: p.uid, Project: p.name, FlowUID: def.UID, Flow: string(def.Address),
			FlowDigest: def.Digest, Revision: p.revision, State: record.Queued, CreatedAt: s.now,
		},
		graph: def.Graph,
	}
}

// line finds the line of an execution's flow, or opens one. Its limit is the
// newest revision's; of a flow that is in it no more, that of the newest of its
// executions.
func (s *State) line(x *execution) *line {
	l := s.runs.lines[x.FlowUID]
	if l == nil {
		l = &line{uid: x.FlowUID, paused: s.paused(x.FlowUID)}
		s.runs.lines[l.uid] = l
		if p := s.clock.projects[x.ProjectUID]; p != nil {
			if def := p.byUID[l.uid]; def != nil {
				l.limit, l.revision = def.Graph.concurrency, p.revision
			}
		}
	}
	if l.revision < x.Revision {
		l.limit, l.revision = x.graph.concurrency, x.Revision
	}
	return l
}

// admit lets an execution begin or wait, by the flow's concurrency; the caller owes
// propagate. A reason means that it may do neither, and that nothing has changed.
func (s *State) admit(x *execution, whenFull spec.WhenFull) record.Reason {
	l := s.line(x)
	switch {
	case l.paused && len(l.queued) < or(l.limit.QueueMax, spec.DefaultQueueMax):
	case l.paused:
		return record.ReasonQueueFull
	case l.free():
	case whenFull == spec.WhenFullSkip:
		return record.ReasonFull
	case whenFull == spec.WhenFullReplace:
		// What follows from it waits until x has its place: it may end x's parent.
		busy := s.runs.busy
		s.runs.busy = true
		s.replace(l)
		s.runs.busy = busy
	case len(l.queued) >= l.limit.QueueMax:
		return record.ReasonQueueFull
	}
	s.runs.live[x.ID] = x
	s.runs.lines[l.uid] = l // it may have run empty
	s.out.execution(x)
	l.enqueue(x)
	s.advance(l)
	return record.ReasonNone
}

func (l *line) free() bool { return !l.paused && (l.limit.Max == 0 || len(l.running) < l.limit.Max) }

func (l *line) enqueue(x *execution) {
	x.line = l
	at, _ := slices.BinarySearchFunc(l.queued, x, (*execution).order)
	l.queued = slices.Insert(l.queued, at, x)
}

// replace cancels the oldest executions so that one more has its place. Those
// that run keep theirs until they have ended.
func (s *State) replace(l *line) {
	alive := slices.SortedFunc(slices.Values(l.running), (*execution).order)
	alive = slices.DeleteFunc(append(alive, l.queued...), func(x *execution) bool { return x.CancelRequested })
	for _, x := range alive[:max(len(alive)-l.limit.Max+1, 0)] {
		s.cancelExecution(x, record.ReasonReplaced, "concurrency")
	}
}

// advance lets the next executions of a line begin.
func (s *State) advance(l *line) {
	for len(l.queued) > 0 && l.free() {
		x := l.queued[0]
		l.queued = slices.Delete(l.queued, 0, 1)
		x.slot = len(l.running)
		l.running = append(l.running, x)
		s.runs.starts = append(s.runs.starts, x)
	}
}

// leave takes an ended execution out of its line.
func (s *State) leave(x *execution) {
	l := x.line
	if x.slot < len(l.running) && l.running[x.slot] == x {
		last := len(l.running) - 1
		l.running[x.slot] = l.running[last]
		l.running[x.slot].slot = x.slot
		l.running[last] = nil
		l.running = l.running[:last]
	} else if at := slices.Index(l.queued, x); at >= 0 {
		l.queued = slices.Delete(l.queued, at, at+1)
	}
	s.advance(l)
	if len(l.running)+len(l.queued) == 0 {
		delete(s.runs.lines, l.uid)
	}
}

// flowDeleted ends what waits for a flow that is no more; what runs goes on.
func (s *State) flowDeleted(uid string) {
	l := s.runs.lines[uid]
	if l == nil {
		return
	}
	for _, x := range slices.Clone(l.queued) {
		if x.Parent != "" {
			continue // the revision of its parent, which runs on, still has the flow
		}
		s.finish(x, record.ExecutionCancelled, record.ReasonFlowDeleted)
	}
	l.paused = s.paused(uid) // what an operator wanted has ended with the flow
	s.advance(l)
}
