package kernel

import (
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// runs is the part that carries executions through their DAGs.
type runs struct {
	live     map[string]*execution
	lines    map[string]*line // by flow uid
	starts   []*execution     // admitted, not begun
	instants []*node          // READY, to be done at once
	quick    []*node          // READY, need a Prepare but no agent
	settled  []*node          // whose downstreams have not been told
	telling  []*node          // those whose downstreams are being told; spare room
	touched  []*node          // to be judged anew; spare room
	complete []*execution     // with nothing open
	doomed   []*execution     // whose parent wants them ended
	children []*execution     // ended, their parents have not been told
	busy     bool             // propagate is under way
	ended    []*execution     // until they are durable
}

func newRuns() runs {
	return runs{live: map[string]*execution{}, lines: map[string]*line{}}
}

// execution is a live FlowExecution: its row and what the kernel counts.
type execution struct {
	record.Execution
	graph     *Graph
	line      *line
	slot      int    // place in line.running
	nodes     []node // by number; nil while it is queued
	tokens    []string
	open      int32 // jobs that are not settled
	failed    int32 // FAILED jobs that are not allowed to
	cancelled int32
	stopped   bool // its failure policy is in force
	dirty     bool
	serial    uint64 // of the Ready it ended with

	parent  *attempt // that started it and is not told yet
	asked   bool     // a Prepare for its outputs is out
	output  []byte   // for its parent
	message string   // why it failed, for its parent
}

// node is a JobExecution: its row and what the kernel counts.
type node struct {
	record.Job
	exec    *execution
	tally   tally    // of settled upstreams
	attempt *attempt // the last one
	lane    *lane    // where it queues
	agent   *agent   // whose slot is kept for it while it is prepared
	pool    *pool    // whose slots are kept, likewise
	taken   int32    // of pool
	asked   bool     // a Prepare is out
	touched bool     // an upstream has settled, it is judged next
	dirty   bool
}

func (n *node) rule() *rule { return &n.exec.graph.jobs[n.Number] }

// stoppable tells the jobs that the flow's failure policy ends.
func (n *node) stoppable() bool { return n.exec.stopped && !survivesFailure(n.rule().trigger) }

// cancelling tells the jobs that a cancel ends.
func (n *node) cancelling() bool {
	x := n.exec
	return x.buried() || x.CancelRequested && !n.rule().runOnCancel
}

// buried tells an execution that ends because of a defect.
func (x *execution) buried() bool { return x.Reason == record.ReasonInternal }

// begin starts the next admitted execution: all its jobs get their rows.
func (s *State) begin() bool {
	if len(s.runs.starts) == 0 {
		return false
	}
	x := s.runs.starts[0]
	s.runs.starts[0] = nil
	s.runs.starts = s.runs.starts[1:]
	if x.State != record.Queued {
		return true
	}
	x.State, x.StartedAt = record.Running, s.now
	s.out.execution(x)
	x.nodes = make([]node, x.graph.Len())
	x.open = int32(len(x.nodes))
	for i := range x.nodes {
		n := &x.nodes[i]
		n.exec = x
		n.Execution, n.Number, n.Name, n.State = x.ID, int32(i), x.graph.Name(int32(i)), record.JobWaiting
		if ups := x.graph.Upstreams(n.Number); len(ups) > 0 {
			n.Waiting, n.WaitingArg = record.WaitingUpstream, x.graph.Name(ups[0])
		}
		s.out.node(n)
	}
	for i := range x.nodes {
		s.judge(&x.nodes[i])
	}
	if x.open == 0 {
		s.runs.complete = append(s.runs.complete, x)
	}
	s.propagate()
	return true
}

// judge applies a waiting job's trigger to what is known of its upstreams.
func (s *State) judge(n *node) {
	if n.State != record.JobWaiting {
		return
	}
	to := verdict(n.rule().trigger, int32(len(n.exec.graph.Upstreams(n.Number))), n.tally)
	switch to {
	case record.JobWaiting:
	case record.JobReady:
		s.ready(n)
	default:
		s.settle(n, to, record.ReasonUpstream, "")
	}
}

// ready makes a job READY and puts it where its kind waits, unless it may not
// start any more; the caller owes propagate.
func (s *State) ready(n *node) {
	if n.cancelling() || n.stoppable() {
		s.settle(n, record.JobCancelled, n.stopReason(), "")
		return
	}
	s.move(n, record.JobReady)
	n.Waiting, n.WaitingArg = record.WaitingNone, ""
	s.enqueue(n)
}

func (s *State) enqueue(n *node) {
	switch r := n.rule(); {
	case r.kind == spec.KindProcess:
		s.queue.push(n, s.lane(n))
	case r.kind == spec.KindInstant && !r.when:
		s.runs.instants = append(s.runs.instants, n)
	default:
		s.runs.quick = append(s.runs.quick, n)
	}
}

func (n *node) stopReason() record.Reason {
	switch x := n.exec; {
	case x.buried():
		return record.ReasonInternal
	case x.CancelRequested:
		return x.Reason
	default:
		return record.ReasonPolicy
	}
}

// instant carries out the next job that takes no time.
func (s *State) instant() bool {
	if len(s.runs.instants) == 0 {
		return false
	}
	n := s.runs.instants[0]
	s.runs.instants[0] = nil
	s.runs.instants = s.runs.instants[1:]
	if n.State == record.JobReady {
		n.StartedAt = s.now
		s.settle(n, record.JobSucceeded, record.ReasonNone, "")
		s.propagate()
	}
	return true
}

// quick asks for the next job that needs an answer but no agent.
func (s *State) quick() bool {
	if len(s.runs.quick) == 0 {
		return false
	}
	n := s.runs.quick[0]
	s.runs.quick[0] = nil
	s.runs.quick = s.runs.quick[1:]
	if n.State == record.JobReady {
		s.out.node(n) // counts, so that the answers of one Ready are bounded
		s.ask(n)
	}
	return true
}

func (s *State) move(n *node, to record.JobState) {
	if s.moved != nil {
		s.moved(n.State, to)
	}
	n.State = to
	s.out.node(n)
}

// settle ends a job. Its downstreams are told by propagate, which the caller
// owes.
func (s *State) settle(n *node, to record.JobState, reason record.Reason, message string) {
	if n.State.Terminal() {
		return
	}
	s.release(n)
	if a := n.attempt; a != nil && a.State == record.Ordered && n.State == record.JobReady {
		s.endAttempt(a, record.OutcomeCancelled, reason, nil) // it was ordered, but provably never started
	}
	s.move(n, to)
	n.Reason, n.Message, n.EndedAt = reason, record.Cut(message, record.MaxMessage), s.now
	n.Waiting, n.WaitingArg, n.NextAt = record.WaitingNone, "", 0
	x := n.exec
	x.open--
	if x.open == 0 {
		s.runs.complete = append(s.runs.complete, x)
	}
	s.runs.settled = append(s.runs.settled, n)
	switch to {
	case record.JobCancelled:
		x.cancelled++
	case record.JobFailed:
		if !n.rule().allowFailure {
			x.failed++
			s.stop(x)
		}
	case record.JobWaiting, record.JobReady, record.JobActive, record.JobRetryWait, record.JobSucceeded,
		record.JobUpstreamFailed, record.JobSkipped:
	}
}

// stop puts an execution's failure policy in force, once.
func (s *State) stop(x *execution) {
	if x.stopped || x.graph.onFailure == spec.FinishPossible {
		return
	}
	x.stopped = true
	for i := range x.nodes {
		n := &x.nodes[i]
		if n.State.Terminal() || !n.stoppable() {
			continue
		}
		if n.State != record.JobActive || x.graph.onFailure == spec.CancelRunning {
			s.stopJob(n, record.ReasonPolicy)
		}
	}
}

// stopJob ends a job that has not started, and kills one that has.
func (s *State) stopJob(n *node, reason record.Reason) {
	if n.State == record.JobActive && n.attempt != nil && n.attempt.State != record.Ended {
		s.kill(n.attempt)
		return
	}
	s.settle(n, record.JobCancelled, reason, "")
}

// propagate draws conclusions until nothing follows. What it calls may owe it
// again: that is paid here, so that nothing is deeper than one call.
func (s *State) propagate() {
	if s.runs.busy {
		return
	}
	s.runs.busy = true
	for s.follow() {
	}
	s.runs.busy = false
}

// follow tells the downstreams of settled jobs; with none left, it ends what is to
// end or has nothing open, and tells those that started it.
func (s *State) follow() bool {
	if len(s.runs.settled) > 0 {
		s.wave()
		return true
	}
	if x, ok := pop(&s.runs.doomed); ok {
		s.endChild(x)
		return true
	}
	if x, ok := pop(&s.runs.complete); ok {
		s.complete(x)
		return true
	}
	x, ok := pop(&s.runs.children)
	if ok {
		s.childEnded(x)
	}
	return ok
}

// wave judges the downstreams of all jobs that have settled, once each and with all
// of them: what settles together has no order.
func (s *State) wave() {
	r := &s.runs
	r.settled, r.telling = r.telling[:0], r.settled
	for i, n := range r.telling {
		for _, number := range n.exec.graph.Downstreams(n.Number) {
			down := &n.exec.nodes[number]
			down.tally.add(n.State)
			if !down.touched && down.State == record.JobWaiting {
				down.touched = true
				r.touched = append(r.touched, down)
			}
		}
		r.telling[i] = nil
	}
	for i, n := range r.touched {
		n.touched = false
		s.judge(n)
		r.touched[i] = nil
	}
	r.touched = r.touched[:0]
}

// pop takes the first of a list.
func pop(list *[]*execution) (*execution, bool) {
	if len(*list) == 0 {
		return nil, false
	}
	x := (*list)[0]
	(*list)[0] = nil
	*list = (*list)[1:]
	return x, true
}

// complete gives an execution whose jobs are all settled its verdict.
func (s *State) complete(x *execution) {
	switch {
	case x.State != record.Running:
	case x.buried():
		s.finish(x, record.ExecutionFailed, record.ReasonInternal)
	case x.CancelRequested && x.cancelled > 0:
		s.finish(x, record.ExecutionCancelled, x.Reason)
	case x.failed > 0:
		s.finish(x, record.ExecutionFailed, record.ReasonNone)
	case x.parent != nil && x.graph.outputs:
		s.askOutputs(x)
	default:
		s.finish(x, record.ExecutionSucceeded, record.ReasonNone)
	}
}

// finish ends an execution and lets the next of its flow begin.
func (s *State) finish(x *execution, state record.ExecutionState, reason record.Reason) {
	x.State, x.Reason, x.EndedAt = state, reason, s.now
	x.serial = s.serial + 1
	s.out.execution(x)
	s.out.rows.Finished = append(s.out.rows.Finished, x.ID)
	s.runs.ended = append(s.runs.ended, x)
	if x.parent != nil {
		s.runs.children = append(s.runs.children, x)
	}
	s.leave(x)
}
