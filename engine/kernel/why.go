package kernel

import (
	"fmt"
	"strings"

	"github.com/leifengta/lft/engine/placement"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// WhyInput is the rows that tell why a job does not run, read at one moment.
// They are bounded by the job's upstreams and the fleet.
type WhyInput struct {
	At        record.Time
	Graph     *Graph // of the execution's flow digest
	Execution record.Execution
	// Job is the row asked about; its zero value in a queued execution, which
	// has no job rows yet. Number says which one is meant.
	Job       record.Job
	Number    int32
	Upstreams []record.Job    // rows of its direct upstreams
	Attempt   *record.Attempt // the last one, nil for none
	Agents    []record.Agent
	Use       map[string]int32 // live attempts by agent uid
	Pool      PoolUse          // of the job's pool; the zero value without one
	Running   int              // running executions of the flow
	Ahead     int              // queued ones that come before this one
	Paused    *record.Override // by which the flow is paused, nil when it is not
	// Child is the execution that Attempt has started, nil for none. ParentJob is
	// the job that has started Execution, "" when none has.
	Child     *record.Execution
	ParentJob string
}

// PoolUse is a pool's limit and how much of it is taken.
type PoolUse struct {
	Address string
	Slots   int
	Used    int
}

// Why explains one job at one moment.
type Why struct {
	Code    string   // a waiting class, or the reason of a settled job
	Summary string   // one sentence
	Facts   []string // numbers behind it
}

func (w *Why) fact(format string, args ...any) {
	w.Facts = append(w.Facts, fmt.Sprintf(format, args...))
}

// Explain says why a job is where it is. It is pure: equal rows, equal words.
func Explain(in WhyInput) Why {
	if in.Graph == nil || in.Number < 0 || int(in.Number) >= in.Graph.Len() {
		return Why{Code: string(record.ReasonInternal), Summary: "The job is not in the execution's flow."}
	}
	if in.Execution.State == record.Queued {
		return in.queued()
	}
	switch in.Job.State {
	case record.JobWaiting:
		return in.upstream()
	case record.JobReady:
		return in.ready()
	case record.JobRetryWait:
		return in.retrying()
	case record.JobActive:
		return in.active()
	case record.JobSucceeded, record.JobFailed, record.JobUpstreamFailed, record.JobSkipped, record.JobCancelled:
		return in.settled()
	}
	return Why{Code: string(in.Job.Reason), Summary: fmt.Sprintf("The job is %s, which this version does not know.", in.Job.State)}
}

func (in *WhyInput) queued() Why {
	c := in.Graph.Concurrency()
	w := Why{
		Code:    "queued",
		Summary: fmt.Sprintf("The execution waits: %s runs at most %d at once.", in.Execution.Flow, c.Max),
	}
	if o := in.Paused; o != nil {
		w.Code = "paused"
		w.Summary = fmt.Sprintf("The execution waits: %s is paused.", in.Execution.Flow)
		w.fact("paused by %s %s ago", o.By, span(in.At-o.At))
		if o.Reason != "" {
			w.fact("%s", o.Reason)
		}
	}
	if in.ParentJob != "" {
		w.fact("started by job %s of execution %s", in.ParentJob, in.Execution.Parent)
	}
	w.fact("running executions of the flow: %d", in.Running)
	w.fact("queued before this one: %d", in.Ahead)
	w.fact("queued since: %s", span(in.At-in.Execution.CreatedAt))
	return w
}

func (in *WhyInput) upstream() Why {
	var open []string
	states := map[record.JobState]int{}
	for i := range in.Upstreams {
		up := &in.Upstreams[i]
		states[up.State]++
		if !up.State.Terminal() {
			open = append(open, fmt.Sprintf("%s is %s", up.Name, up.State))
		}
	}
	w := Why{Code: string(record.WaitingUpstream)}
	w.Summary = fmt.Sprintf("The job waits for %d of its %d upstream jobs.", len(open), len(in.Upstreams))
	w.fact("trigger: %s", in.Graph.Trigger(in.Number))
	for _, state := range sortedKeys(states) {
		w.fact("upstreams %s: %d", state, states[state])
	}
	for i, text := range open {
		if i == maxFacts {
			w.fact("… and %d more", len(open)-i)
			break
		}
		w.fact("%s", text)
	}
	return w
}

// maxFacts bounds each list among the facts.
const maxFacts = 10

func (in *WhyInput) ready() Why {
	pool, want := in.Graph.Pool(in.Number)
	p := in.Pool
	if in.Graph.Kind(in.Number) != spec.KindProcess {
		return Why{Code: string(record.WaitingPrepare), Summary: "The job's expressions are being evaluated."}
	}
	if pool != "" && p.Address != "" && p.Used+min(int(want), max(p.Slots, 1)) > p.Slots {
		w := Why{Code: string(record.WaitingPool)}
		w.Summary = fmt.Sprintf("The job waits for %s: %d of its %d slots are in use, the job takes %d.",
			pool, p.Used, p.Slots, want)
		return w
	}
	if in.Job.Waiting == record.WaitingPrepare {
		return Why{Code: string(record.WaitingPrepare), Summary: "The job's expressions are being evaluated."}
	}
	return in.agents()
}

func (in *WhyInput) agents() Why {
	ask := in.Graph.Ask(in.Number)
	agents := make([]*placement.Agent, len(in.Agents))
	for i := range in.Agents {
		a := &in.Agents[i]
		agents[i] = &placement.Agent{
			UID: a.UID, Name: a.Name, Labels: a.Labels, Slots: a.Slots, Used: in.Use[a.UID],
			Open: a.State == record.AgentActive && !a.Draining,
		}
	}
	counts := map[placement.Why]int{}
	verdicts := placement.Explain(ask, agents)
	for _, v := range verdicts {
		counts[v.Why]++
	}
	w := Why{}
	wants := describe(ask)
	if wants != "" {
		wants = " with " + wants
	}
	switch {
	case len(in.Agents) == 0:
		w.Code, w.Summary = string(record.WaitingAgent), "No agent has ever registered."
	case counts[placement.Takes] > 0:
		w.Code, w.Summary = string(record.WaitingSlot), "An agent has a free slot; other jobs may come first."
	case counts[placement.Full] > 0:
		w.Code, w.Summary = string(record.WaitingSlot), "Every agent that takes the job"+wants+" is full."
	default:
		w.Code, w.Summary = string(record.WaitingAgent), "No agent"+wants+" takes work now."
	}
	for i, v := range verdicts {
		if i == maxFacts {
			w.fact("… and %d more agents", len(verdicts)-i)
			break
		}
		a := &in.Agents[i]
		why := string(v.Why)
		if v.Why == placement.Takes {
			why = "it would take the job"
		}
		w.fact("agent %s: %s (%s, %d of %d slots in use)", v.Agent, why, a.State, in.Use[a.UID], a.Slots)
	}
	return w
}

func (in *WhyInput) retrying() Why {
	w := Why{Code: string(record.WaitingRetry)}
	w.Summary = fmt.Sprintf("Attempt %d failed (%s); the next one starts in %s.",
		in.Job.Attempts, in.Job.Reason, span(in.Job.NextAt-in.At))
	w.fact("failures so far: %d of at most %d attempts", in.Job.Failures, in.Graph.MaxAttempts(in.Number))
	if in.Job.Lost > 0 {
		w.fact("lost attempts run again: %d of at most %d", in.Job.Lost, record.MaxLostReruns)
	}
	if in.Job.Message != "" {
		w.fact("%s", in.Job.Message)
	}
	return w
}

func (in *WhyInput) active() Why {
	a := in.Attempt
	switch {
	case in.Job.Waiting == record.WaitingTimer:
		return Why{
			Code:    string(record.WaitingTimer),
			Summary: fmt.Sprintf("The job waits another %s.", span(in.Job.NextAt-in.At)),
		}
	case a == nil:
		return Why{Code: "active", Summary: "The job is being carried out."}
	case a.AgentUID == "":
		return in.child()
	}
	w := Why{Code: "active"}
	since := a.StartedAt
	if a.State == record.Ordered {
		w.Summary = fmt.Sprintf("Attempt %d is ordered from agent %s, which has not started it yet.", a.N, a.Agent)
		since = a.OrderedAt
	} else {
		w.Summary = fmt.Sprintf("Attempt %d runs on agent %s.", a.N, a.Agent)
	}
	w.fact("since: %s", span(in.At-since))
	if a.KillWanted {
		w.fact("it is to be killed")
	}
	for i := range in.Agents {
		agent := &in.Agents[i]
		if agent.UID != a.AgentUID || agent.State == record.AgentActive {
			continue
		}
		w.Code = string(record.WaitingSilent)
		w.Summary = fmt.Sprintf("Attempt %d is on agent %s, which is %s.", a.N, a.Agent, agent.State)
		w.fact("last heard: %s ago", span(in.At-agent.LastSeen))
		w.fact("nothing is run again without proof that it is dead; an operator can give it: lft agents declare-dead %s", a.Agent)
	}
	return w
}

// child tells of a job that another execution carries out.
func (in *WhyInput) child() Why {
	a, x := in.Attempt, in.Child
	w := Why{Code: string(record.WaitingChild)}
	if x == nil {
		w.Summary = fmt.Sprintf("Attempt %d is carried out by execution %s.", a.N, in.Job.WaitingArg)
	} else {
		w.Summary = fmt.Sprintf("Attempt %d is carried out by execution %s of %s, which is %s.", a.N, x.ID, x.Flow, x.State)
	}
	w.fact("since: %s", span(in.At-a.StartedAt))
	if in.Job.NextAt > 0 {
		w.fact("it may take another %s", span(in.Job.NextAt-in.At))
	}
	if a.KillWanted || x != nil && x.CancelRequested {
		w.fact("it is to be cancelled")
	}
	return w
}

func (in *WhyInput) settled() Why {
	j := &in.Job
	w := Why{Code: string(j.Reason)}
	words := map[record.Reason]string{
		record.ReasonUpstream:  "its trigger can no longer hold",
		record.ReasonWhen:      "its condition is false",
		record.ReasonPolicy:    "the flow's failure policy ended it",
		record.ReasonCancelled: "the execution was cancelled",
		record.ReasonReplaced:  "a newer execution took its place",
		record.ReasonParent:    "the job that had started the execution was to end",
		record.ReasonChild:     "the execution it had started failed",
		record.ReasonChildLost: "the execution it had started is not there any more",
	}
	switch why := words[j.Reason]; {
	case why != "":
		w.Summary = fmt.Sprintf("The job is %s: %s.", j.State, why)
	case j.Reason != "":
		w.Summary = fmt.Sprintf("The job is %s (%s).", j.State, j.Reason)
	default:
		w.Code = strings.ToLower(string(j.State))
		w.Summary = fmt.Sprintf("The job is %s.", j.State)
	}
	for i := range in.Upstreams {
		if up := &in.Upstreams[i]; j.Reason == record.ReasonUpstream && up.State != record.JobSucceeded && len(w.Facts) < maxFacts {
			w.fact("%s is %s", up.Name, up.State)
		}
	}
	if a := in.Attempt; a != nil && a.State == record.Ended {
		if a.AgentUID == "" {
			w.fact("attempt %d, execution %s: %s", a.N, record.ChildID(a.Execution, a.Number, a.MapKey, a.N), a.Outcome)
		} else {
			w.fact("attempt %d on agent %s: %s", a.N, a.Agent, a.Outcome)
		}
		if a.HasExit {
			w.fact("exit code: %d", a.ExitCode)
		}
		if a.Signal != "" {
			w.fact("signal: %s", a.Signal)
		}
	}
	if j.Message != "" {
		w.fact("%s", j.Message)
	}
	return w
}

// span is a duration for people, to the second.
func span(d record.Time) string {
	seconds := max(d, 0) / 1_000_000
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
	default:
		return fmt.Sprintf("%dh%02dm", seconds/3600, seconds%3600/60)
	}
}
