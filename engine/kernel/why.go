package kernel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// WhyInput is the rows that tell why a job does not run, read at one moment.
// They are bounded by the job's upstreams, the fleet, and the executions of its flow
// that have not ended.
type WhyInput struct {
	At        record.Time
	Graph     *Graph // of the execution's flow digest
	Execution record.Execution
	// Job is the row asked about; its zero value in a queued execution, which
	// has no job rows yet. Number says which one is meant.
	Job        record.Job
	Number     int32
	Uses       []string        // dependencies of the job, by address
	Upstreams  []record.Job    // rows of its direct upstreams
	Attempt    *record.Attempt // the last one, nil for none
	Agents     []record.Agent
	Use        map[string]int32 // live attempts by agent uid
	Pool       PoolUse          // of the job's pool; the zero value without one
	Limit      int              // how many executions of the flow run at once; 0 = any number
	Running    []record.Execution
	Ahead      int              // queued executions of the flow that come before this one
	Paused     *record.Override // by which the flow is paused, nil when it is not
	Masterless bool             // nobody acts as master
	// Child is the execution that Attempt has started, nil for none. ParentJob is
	// the job that has started Execution, "" when none has.
	Child     *record.Execution
	ParentJob string
}

// PoolUse is a pool's limit and who takes it up.
type PoolUse struct {
	Address string
	Slots   int
	Holders []record.Holder  // oldest first
	Resized *record.Override // by which Slots holds, nil when it is declared
}

// Used is how many slots are taken.
func (p *PoolUse) Used() int {
	used := 0
	for _, h := range p.Holders {
		used += int(h.Slots)
	}
	return used
}

// Why explains one job at one moment.
type Why struct {
	Code    string   // a waiting class, or the reason of a settled job
	Summary string   // one sentence
	Facts   []string // what it follows from, and what to do
}

// maxFacts bounds each list among the facts.
const maxFacts = 10

func (w *Why) fact(format string, args ...any) {
	w.Facts = append(w.Facts, fmt.Sprintf(format, args...))
}

// list adds one fact for each of n things, as far as there is room.
func (w *Why) list(n int, what string, each func(i int) string) {
	for i := range min(n, maxFacts) {
		w.fact("%s", each(i))
	}
	if n > maxFacts {
		w.fact("… and %d more %s", n-maxFacts, what)
	}
}

// Explain says why a job is where it is. It is pure: equal rows, equal words.
func Explain(in WhyInput) Why {
	if in.Graph == nil || in.Number < 0 || int(in.Number) >= in.Graph.Len() {
		return Why{Code: string(record.ReasonInternal), Summary: "The job is not in the execution's flow."}
	}
	if in.Execution.State != record.Queued && in.Job.State.Terminal() {
		return in.settled()
	}
	w := in.unsettled()
	if in.Masterless {
		w.Facts = append([]string{"as it was left: " + w.Summary}, w.Facts...)
		if a := in.Attempt; in.Job.State == record.JobActive && a != nil && a.State == record.AttemptRunning && a.AgentUID != "" {
			w.fact("what runs goes on, and its result is taken in as soon as a master acts")
		}
		w.Code = "no_master"
		w.Summary = "No master acts, so nothing is decided; lft server goes on, or lft dev for the state of a folder."
	}
	return w
}

func (in *WhyInput) unsettled() Why {
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
	}
	return Why{Code: string(in.Job.Reason), Summary: fmt.Sprintf("The job is %s, which this version does not know.", in.Job.State)}
}

func (in *WhyInput) queued() Why {
	flow := in.Execution.Flow
	w := Why{Code: "queued"}
	switch o := in.Paused; {
	case o != nil:
		w.Code = "paused"
		w.Summary = fmt.Sprintf("The execution waits: %s is paused.", flow)
		w.fact("paused by %s %s ago%s", o.By, span(in.At-o.At), noted(o.Reason))
		w.fact("lft resume %s lets it begin", flow)
	case in.Limit == 0:
		w.Summary = "The execution is about to begin."
	default:
		w.Summary = fmt.Sprintf("The execution waits: %s runs at most %d at once.", flow, in.Limit)
	}
	if in.ParentJob != "" {
		w.fact("started by job %s of execution %s", in.ParentJob, in.Execution.Parent)
	}
	w.fact("queued for %s, %d come before it", span(in.At-in.Execution.CreatedAt), in.Ahead)
	w.list(len(in.Running), "that run", func(i int) string {
		return fmt.Sprintf("execution %s runs for %s", in.Running[i].ID, span(in.At-in.Running[i].StartedAt))
	})
	if len(in.Running) > 0 {
		w.fact("lft status %s shows how far it is", in.Running[0].ID)
	}
	return w
}

func noted(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func (in *WhyInput) upstream() Why {
	var open []*record.Job
	states := map[record.JobState]int{}
	for i := range in.Upstreams {
		up := &in.Upstreams[i]
		states[up.State]++
		if !up.State.Terminal() {
			open = append(open, up)
		}
	}
	w := Why{Code: string(record.WaitingUpstream)}
	w.Summary = fmt.Sprintf("The job waits for %d of its %d upstream jobs.", len(open), len(in.Upstreams))
	w.fact("trigger: %s", in.Graph.Trigger(in.Number))
	for _, state := range sortedKeys(states) {
		w.fact("upstreams %s: %d", state, states[state])
	}
	w.list(len(open), "", func(i int) string {
		if open[i].StartedAt == 0 {
			return fmt.Sprintf("%s is %s", open[i].Name, open[i].State)
		}
		return fmt.Sprintf("%s is %s, begun %s ago", open[i].Name, open[i].State, span(in.At-open[i].StartedAt))
	})
	if len(open) > 0 {
		w.fact("lft why %s %s says why", in.Execution.ID, open[0].Name)
	}
	return w
}

func (in *WhyInput) retrying() Why {
	w := Why{Code: string(record.WaitingRetry)}
	w.Summary = fmt.Sprintf("Attempt %d failed (%s); the next one starts in %s, at %s.",
		in.Job.Attempts, in.Job.Reason, span(in.Job.NextAt-in.At), utc(in.Job.NextAt))
	w.fact("failures so far: %d of at most %d attempts", in.Job.Failures, in.Graph.MaxAttempts(in.Number))
	if in.Job.Lost > 0 {
		w.fact("lost attempts run again: %d of at most %d", in.Job.Lost, record.MaxLostReruns)
	}
	in.ended(&w)
	if in.Job.Message != "" {
		w.fact("%s", in.Job.Message)
	}
	return w
}

// ended tells how the last attempt did.
func (in *WhyInput) ended(w *Why) {
	a := in.Attempt
	switch {
	case a == nil || a.State != record.Ended:
		return
	case a.AgentUID == "":
		w.fact("attempt %d, execution %s: %s", a.N, record.ChildID(a.Execution, a.Number, a.MapKey, a.N), a.Outcome)
	default:
		w.fact("attempt %d on agent %s: %s", a.N, a.Agent, a.Outcome)
	}
	if a.HasExit {
		w.fact("exit code: %d", a.ExitCode)
	}
	if a.Signal != "" {
		w.fact("signal: %s", a.Signal)
	}
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
	if j.Reason == record.ReasonUpstream {
		others := slices.DeleteFunc(slices.Clone(in.Upstreams), func(up record.Job) bool { return up.State == record.JobSucceeded })
		w.list(len(others), "", func(i int) string { return fmt.Sprintf("%s is %s", others[i].Name, others[i].State) })
	}
	in.ended(&w)
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

// utc is a time for people who may sit in any zone.
func utc(at record.Time) string { return wall(at).Format("2006-01-02 15:04:05Z") }
