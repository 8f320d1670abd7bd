package kernel

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/leifengta/lft/engine/placement"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// ready tells what keeps a job that could run from running: its pool, the agents,
// or that its turn has not come.
func (in *WhyInput) ready() Why {
	var w Why
	switch {
	case in.Graph.Kind(in.Number) != spec.KindProcess || in.Job.Waiting == record.WaitingPrepare:
		w = Why{Code: string(record.WaitingPrepare), Summary: "The job's expressions are being evaluated."}
	case in.poolFull():
		w = in.pool()
	default:
		w = in.agents()
	}
	if since := in.readySince(); since > 0 {
		w.Facts = append([]string{fmt.Sprintf("ready for %s", span(in.At-since))}, w.Facts...)
	}
	return w
}

// readySince is when the job became ready, as far as rows tell: with some triggers
// it was before the last upstream had settled.
func (in *WhyInput) readySince() record.Time {
	since := in.Execution.StartedAt
	switch in.Graph.Trigger(in.Number) {
	case spec.OneSuccess, spec.OneFailed, spec.OneDone:
		return 0
	case spec.AllSuccess, spec.AllFailed, spec.AllDone, spec.AllDoneMinOneSuccess, spec.AllSkipped, spec.NoneFailed,
		spec.NoneFailedMinOneSuccess, spec.NoneSkipped:
		for i := range in.Upstreams {
			since = max(since, in.Upstreams[i].EndedAt)
		}
	case spec.Always:
	}
	if in.Attempt != nil {
		since = max(since, in.Attempt.EndedAt) // and after its delay, at the earliest
	}
	return since
}

func (in *WhyInput) poolFull() bool {
	pool, want := in.Graph.Pool(in.Number)
	p := &in.Pool
	return pool != "" && p.Address != "" && p.Used()+min(int(want), max(p.Slots, 1)) > p.Slots
}

// pool tells who holds the pool.
func (in *WhyInput) pool() Why {
	p := &in.Pool
	_, want := in.Graph.Pool(in.Number)
	address := p.Address // of today
	w := Why{Code: string(record.WaitingPool)}
	w.Summary = fmt.Sprintf("The job waits for %s: %d of its %d slots are in use, the job takes %d.", address, p.Used(), p.Slots, want)
	switch {
	case p.Slots == 0:
		w.Summary = fmt.Sprintf("The job waits for %s, which has no slots.", address)
	case int(want) > p.Slots:
		w.Summary = fmt.Sprintf("The job waits for %s: %d of its %d slots are in use, the job takes all of them.", address, p.Used(), p.Slots)
	}
	if o := p.Resized; o != nil {
		w.fact("resized to %s by %s %s ago%s", o.Value, o.By, span(in.At-o.At), noted(o.Reason))
		w.fact("lft pool reset %s gives it back what is declared", address)
	}
	w.list(len(p.Holders), "hold slots", func(i int) string {
		h := p.Holders[i]
		return fmt.Sprintf("job %s of execution %s holds %d for %s, on agent %s", h.Job, h.Execution, h.Slots, span(in.At-h.OrderedAt), h.Agent)
	})
	return w
}

// agents tells what each of them says to the job, those that could take it first.
func (in *WhyInput) agents() Why {
	ask := in.Graph.Ask(in.Number)
	agents := make([]*placement.Agent, len(in.Agents))
	for i := range in.Agents {
		a := &in.Agents[i]
		agents[i] = &placement.Agent{
			UID: a.UID, Name: a.Name, Labels: a.Labels, Slots: a.Slots, Used: in.Use[a.UID], Open: in.closed(a) == "",
		}
	}
	verdicts := placement.Explain(ask, agents)
	counts := map[placement.Why]int{}
	order := make([]int, len(verdicts))
	for i, v := range verdicts {
		counts[v.Why]++
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Compare(in.distance(i, verdicts[i].Why), in.distance(j, verdicts[j].Why))
	})
	w := in.verdict(ask, counts)
	w.list(len(order), "agents", func(i int) string {
		a, v := &in.Agents[order[i]], verdicts[order[i]]
		switch v.Why {
		case placement.Takes:
			return fmt.Sprintf("agent %s would take the job: %d of %d slots in use", a.Name, in.Use[a.UID], a.Slots)
		case placement.Full:
			return fmt.Sprintf("agent %s is full: %d of %d slots in use", a.Name, in.Use[a.UID], a.Slots)
		case placement.Closed:
			return fmt.Sprintf("agent %s %s", a.Name, in.closed(a))
		case placement.Label:
			return fmt.Sprintf("agent %s: %s; it has %s", a.Name, v.Why, cmp.Or(labelled(a.Labels), "none"))
		case placement.Named:
		}
		return fmt.Sprintf("agent %s: %s", a.Name, v.Why)
	})
	return w
}

// distance is how far an agent is from taking the job; the dead are farthest.
func (in *WhyInput) distance(agent int, why placement.Why) int {
	switch {
	case in.Agents[agent].State == record.AgentDead:
		return 2
	case why == placement.Named, why == placement.Label:
		return 1
	}
	return 0
}

// verdict sums up what the agents say.
func (in *WhyInput) verdict(ask placement.Ask, counts map[placement.Why]int) Why {
	wants := describe(ask)
	if wants != "" {
		wants = " with " + wants
		if ask.Strategy == placement.Pinned && len(ask.Labels) == 0 {
			wants = " called " + ask.Agent
		}
	}
	noAgent := func(format string, args ...any) Why {
		return Why{Code: string(record.WaitingAgent), Summary: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(in.Agents) == 0:
		return noAgent("No agent has ever registered; lft agent -master ADDRESS starts one.")
	case counts[placement.Takes] > 0 && in.Job.Waiting == record.WaitingReconcile:
		w := Why{
			Code:    string(record.WaitingReconcile),
			Summary: fmt.Sprintf("The job waits until agent %s has told this master what it runs.", in.Job.WaitingArg),
		}
		w.fact("should it be gone for good: lft agents declare-dead %s; to wait for none: lft agents go", in.Job.WaitingArg)
		return w
	case counts[placement.Takes] > 0:
		return Why{Code: string(record.WaitingSlot), Summary: "An agent has a free slot; other jobs may come first."}
	case counts[placement.Full] > 0:
		return Why{Code: string(record.WaitingSlot), Summary: "Every agent" + wants + " that takes work is full."}
	case counts[placement.Closed] > 0:
		return noAgent("No agent%s takes work now.", wants)
	default:
		return noAgent("There is no agent%s.", wants)
	}
}

// closed says why an agent takes no work, and what to do about it; "" when it does.
func (in *WhyInput) closed(a *record.Agent) string {
	heard := span(in.At - a.LastSeen)
	switch {
	case a.State == record.AgentQuarantined:
		return fmt.Sprintf("is QUARANTINED (%s); lft agents release %s ends that", a.Reason, a.Name)
	case a.State == record.AgentDead:
		return "is DEAD, as an operator has declared"
	case a.State != record.AgentActive:
		return fmt.Sprintf("is %s, last heard %s ago", a.State, heard)
	case a.Draining:
		return fmt.Sprintf("drains; lft agents undrain %s ends that", a.Name)
	case a.Reason == record.ReasonDeclines:
		return "declines work: it is being stopped, or cannot write its journal"
	}
	return ""
}
