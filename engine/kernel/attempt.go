package kernel

import (
	"encoding/json"
	"fmt"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// attempt is one try of a job: its row, and where it is.
type attempt struct {
	record.Attempt
	node  *node
	child *execution // of kind flow: what it has started, until that has ended
	agent *agent     // whose slot it takes; nil when it has ended or waits for a new order
	slot  int        // place in agent.live
	pool  *pool      // whose slots it takes
	logTo int64      // durable log bytes that this State has seen
	dirty bool
}

// ask has a job prepared. Being effect-free, the answer may get lost.
func (s *State) ask(n *node) {
	n.asked = true
	x := n.exec
	ups := x.graph.Upstreams(n.Number)
	p := x.preparation()
	p.Key.Number, p.Key.MapKey, p.N = n.Number, n.MapKey, n.Attempts+1
	p.Upstreams = make([]Upstream, 0, len(ups))
	for _, up := range ups {
		if u := &x.nodes[up]; u.State.Terminal() {
			p.Upstreams = append(p.Upstreams, Upstream{u.Name, u.State, u.Output})
		}
	}
	s.prepares = append(s.prepares, p)
	s.queue.fresh = append(s.queue.fresh, n)
}

// preparation is what every Prepare says of its execution.
func (x *execution) preparation() Prepare {
	return Prepare{
		Key: JobKey{Execution: x.ID}, ProjectUID: x.ProjectUID, Project: x.Project, Revision: x.Revision,
		Flow: x.Flow, FlowDigest: x.FlowDigest, ScheduledFor: x.ScheduledFor, Zone: x.Zone,
		WindowStart: x.WindowStart, WindowEnd: x.WindowEnd, Origin: x.Origin, Params: x.Params,
	}
}

// prepared takes the answer to a Prepare. One for a job that has moved on is
// ignored.
func (s *State) prepared(ev Prepared) {
	x := s.runs.live[ev.Key.Execution]
	if x != nil && ev.Key.Number == OutputsNumber {
		s.answered(x, &ev)
		s.propagate()
		return
	}
	if x == nil || ev.Key.Number < 0 || int(ev.Key.Number) >= len(x.nodes) {
		return
	}
	n := &x.nodes[ev.Key.Number]
	if !n.asked || n.MapKey != ev.Key.MapKey || n.State != record.JobReady || ev.N != n.Attempts+1 {
		return
	}
	n.asked = false
	kind := n.rule().kind
	switch {
	case ev.Fault != record.ReasonNone:
		s.settle(n, record.JobFailed, shortReason(ev.Fault), ev.Error)
	case ev.Skip:
		s.settle(n, record.JobSkipped, record.ReasonWhen, "")
	case kind == spec.KindProcess && len(ev.Task) > record.MaxTask:
		s.settle(n, record.JobFailed, record.ReasonGenerate,
			fmt.Sprintf("the task is %d bytes, more than %d", len(ev.Task), record.MaxTask))
	case kind == spec.KindProcess:
		s.order(n, ev.Task)
	case kind == spec.KindTimer && ev.Wait > 0:
		s.arm(n, ev.Wait)
	case kind == spec.KindFlow:
		s.startChild(n, ev.Child, ev.Params)
	default:
		n.StartedAt = s.now
		s.settle(n, record.JobSucceeded, record.ReasonNone, "")
	}
	s.propagate()
}

// arm starts a timer.
func (s *State) arm(n *node, wait spec.Duration) {
	s.move(n, record.JobActive)
	n.StartedAt = s.now
	n.NextAt = later(s.now, wait)
	n.Waiting, n.WaitingArg = record.WaitingTimer, ""
	s.wakes.push(wake{at: n.NextAt, node: n})
}

// order gives a prepared job to the agent whose slot is kept for it; if that
// takes no work any more, the job queues again.
func (s *State) order(n *node, task []byte) {
	to := n.agent
	if to == nil || !to.place.Open {
		s.release(n)
		s.queue.push(n, s.lane(n))
		return
	}
	a := s.newAttempt(n)
	a.State, a.Task = record.Ordered, task
	delete(s.fleet.strays, a.Token)
	s.give(a)
}

// newAttempt makes a job's next one.
func (s *State) newAttempt(n *node) *attempt {
	n.Attempts++
	a := &attempt{node: n, Attempt: record.Attempt{
		Execution: n.Execution, Number: n.Number, MapKey: n.MapKey, N: n.Attempts,
		Token: record.Token(n.Execution, n.Number, n.MapKey, n.Attempts), OrderedAt: s.now,
	}}
	n.attempt = a
	n.exec.tokens = append(n.exec.tokens, a.Token)
	s.fleet.attempts[a.Token] = a
	return a
}

// give orders an attempt from the agent and out of the pool that are kept for
// its job.
func (s *State) give(a *attempt) {
	n := a.node
	to := n.agent
	a.AgentUID, a.Agent, a.Session = to.UID, to.Name, to.Session
	a.PoolUID, a.PoolSlots, a.pool = "", 0, n.pool
	if n.pool != nil {
		a.PoolUID, a.PoolSlots = n.pool.uid, n.taken
	}
	n.agent, n.pool, n.taken = nil, nil, 0
	to.hold(a)
	s.move(n, record.JobActive)
	n.Waiting, n.WaitingArg = record.WaitingNone, ""
	s.out.attempt(a)
	s.sendOrder(a)
}

func (s *State) sendOrder(a *attempt) {
	s.out.orders = append(s.out.orders, Order{
		Agent: a.AgentUID, Session: a.Session, Token: a.Token, Execution: a.Execution,
		Flow: a.node.exec.Flow, Job: a.node.Name, N: a.N, Task: a.Task,
	})
}

// release gives back what is kept for a job that does not start after all.
func (s *State) release(n *node) {
	n.asked = false
	if n.agent != nil {
		n.agent.place.Used--
		s.freed(n.agent)
		n.agent = nil
	}
	if n.pool != nil {
		s.queue.give(n.pool, n.taken)
		n.pool, n.taken = nil, 0
	}
}

// kill wishes an attempt dead. The wish is durable and is repeated in each
// session of its agent.
func (s *State) kill(a *attempt) {
	if a.State == record.Ended || a.KillWanted {
		return
	}
	a.KillWanted = true
	s.out.attempt(a)
	if a.child != nil {
		s.runs.doomed = append(s.runs.doomed, a.child)
	}
	s.sendKill(a)
}

func (s *State) sendKill(a *attempt) {
	if a.agent != nil && a.agent.inSession() {
		s.killToken(a.agent, a.Token, a.node.stopReason())
	}
}

func (s *State) killToken(a *agent, token string, why record.Reason) {
	s.out.kills = append(s.out.kills, Kill{Agent: a.UID, Session: a.Session, Token: token, Why: why})
}

// endAttempt writes how an attempt ended, and how its log did, and frees what
// it took.
func (s *State) endAttempt(a *attempt, outcome record.Outcome, reason record.Reason, log *record.LogEnd) {
	a.State, a.Outcome, a.Reason, a.EndedAt = record.Ended, outcome, reason, s.now
	if a.AgentUID == "" {
		s.out.attempt(a) // a sub-flow: its jobs have logs, it has none
		return
	}
	end := record.LogEnd{Bytes: a.logTo, State: record.LogEOF}
	switch {
	case log != nil:
		end = *log
		end.SHA256 = record.Cut(end.SHA256, record.MaxID)
		end.State = record.LogState(record.Cut(string(end.State), record.MaxEnum))
	case outcome == record.OutcomeLost:
		end.State = record.LogLost
	}
	end.Token = a.Token
	s.out.weight++
	s.out.rows.LogEnds = append(s.out.rows.LogEnds, end)
	s.out.attempt(a)
	s.unhold(a)
}

// lose ends an attempt with proof that it is dead.
func (s *State) lose(a *attempt, reason record.Reason) {
	s.endAttempt(a, record.OutcomeLost, reason, nil)
	s.resolve(a, nil)
}

// unhold frees an attempt's slot and pool.
func (s *State) unhold(a *attempt) {
	if a.agent != nil {
		a.agent.drop(a)
		s.freed(a.agent)
		a.agent = nil
	}
	if a.pool != nil {
		s.queue.give(a.pool, a.PoolSlots)
		a.pool = nil
	}
}

// resolve draws the conclusions of an ended attempt for its job.
func (s *State) resolve(a *attempt, output json.RawMessage) {
	n := a.node
	if n.attempt != a || n.State != record.JobActive {
		return
	}
	if n.StartedAt == 0 {
		n.StartedAt = a.StartedAt
	}
	stopped := n.cancelling() || n.stoppable()
	switch {
	case a.Outcome == record.OutcomeSucceeded:
		n.Output = output
		s.settle(n, record.JobSucceeded, record.ReasonNone, "")
	case n.cancelling() || a.KillWanted && stopped:
		s.settle(n, record.JobCancelled, n.stopReason(), a.Message)
	case a.Outcome == record.OutcomeLost:
		s.lost(n, a, stopped)
	case a.Outcome == record.OutcomeCancelled && n.rule().kind == spec.KindFlow:
		s.settle(n, record.JobFailed, a.Reason, a.Message) // somebody wanted it so: no other attempt
	default:
		n.Failures++
		if n.Failures < n.rule().attempts && !stopped {
			s.retry(n, a, s.now+record.Time(backoff(n.rule(), n.Failures, a.Token)))
		} else {
			s.settle(n, record.JobFailed, a.Reason, a.Message)
		}
	}
	s.propagate()
}

// lost re-runs a job whose attempt is gone, where that was asked for. It costs
// no retry, but has its own bound.
func (s *State) lost(n *node, a *attempt, stopped bool) {
	rerun := n.rule().rerunLost && a.Reason != record.ReasonChildLost || a.Reason == record.ReasonIsolated
	if !rerun || stopped || n.Lost >= record.MaxLostReruns {
		s.settle(n, record.JobFailed, a.Reason, a.Message)
		return
	}
	n.Lost++
	s.retry(n, a, s.now)
}

func (s *State) retry(n *node, a *attempt, at record.Time) {
	s.move(n, record.JobRetryWait)
	n.Reason, n.Message = a.Reason, a.Message
	n.Waiting, n.WaitingArg = record.WaitingRetry, ""
	if at <= s.now {
		s.ready(n)
		return
	}
	n.NextAt = at
	s.wakes.push(wake{at: at, node: n})
}

// backoff is the delay after the n-th failure: the rule's, within ±10 % by a
// hash, so that jobs which failed together do not come back together.
func backoff(r *rule, failures int32, token string) spec.Duration {
	delay := min(r.delay, r.maxDelay)
	for i := int32(1); r.exponential && i < failures && delay > 0 && delay < r.maxDelay; i++ {
		delay = min(delay*2, r.maxDelay)
	}
	h := uint32(2166136261) // FNV-1a
	for i := range len(token) {
		h = (h ^ uint32(token[i])) * 16777619
	}
	tenth := delay / 10
	jitter := tenth / 500 * spec.Duration(h%1001) // 0 … two tenths
	return min(delay-tenth+jitter, r.maxDelay)
}

// later adds without running over.
func later(at record.Time, d spec.Duration) record.Time {
	const farAway = record.Time(1) << 60
	return min(at+min(record.Time(d), farAway), farAway)
}

func shortReason(r record.Reason) record.Reason {
	return record.Reason(record.Cut(string(r), record.MaxEnum))
}
