package kernel

import (
	"fmt"
	"strings"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// active tells of a job that is under way.
func (in *WhyInput) active() Why {
	a := in.Attempt
	switch {
	case in.Job.Waiting == record.WaitingTimer:
		return Why{
			Code:    string(record.WaitingTimer),
			Summary: fmt.Sprintf("The job waits another %s, until %s.", span(in.Job.NextAt-in.At), utc(in.Job.NextAt)),
		}
	case a == nil:
		return Why{Code: "active", Summary: "The job is being carried out."}
	case a.AgentUID == "":
		return in.child()
	}
	w := Why{Code: "active"}
	if a.State == record.Ordered {
		in.ordered(&w)
	} else {
		w.Summary = fmt.Sprintf("Attempt %d runs on agent %s.", a.N, a.Agent)
		w.fact("for %s", span(in.At-a.StartedAt))
	}
	if a.KillWanted {
		w.fact("it is to end%s; it has ended when its last process has", in.cancelledBy())
	}
	for i := range in.Agents {
		if agent := &in.Agents[i]; agent.UID == a.AgentUID && agent.State != record.AgentActive {
			in.silent(&w, agent)
		}
	}
	return w
}

func (in *WhyInput) cancelledBy() string {
	if in.Execution.CancelRequested && in.Execution.CancelBy != "" {
		return ", cancelled by " + in.Execution.CancelBy
	}
	return ""
}

// suspiciously is how long an order may lie before it is worth a look.
const suspiciously = 10 * record.Time(spec.Second)

// ordered tells of an attempt that its agent has not said to run. What it needs
// first is fetched before the agent takes the order.
func (in *WhyInput) ordered(w *Why) {
	a := in.Attempt
	w.Summary = fmt.Sprintf("Attempt %d is ordered from agent %s, which has not started it yet.", a.N, a.Agent)
	w.fact("ordered %s ago", span(in.At-a.OrderedAt))
	switch n := len(in.Uses); {
	case n > 0:
		w.fact("before it takes the order, the agent fetches what it has not got of: %s", strings.Join(in.Uses[:min(n, maxFacts)], ", "))
		w.fact("if that is not to be had, the attempt ends as rejected (dependency)")
	case in.At-a.OrderedAt >= suspiciously:
		w.fact("an agent starts at once what needs nothing: its own log tells whether its keeper or its disk is in trouble")
	}
}

// silent tells of an attempt whose agent is not there: nothing is run again without
// proof that it is dead.
func (in *WhyInput) silent(w *Why, agent *record.Agent) {
	a := in.Attempt
	w.Code = string(record.WaitingSilent)
	w.Summary = fmt.Sprintf("Attempt %d is on agent %s, which is %s.", a.N, a.Agent, agent.State)
	w.fact("last heard %s ago", span(in.At-agent.LastSeen))
	if agent.State == record.AgentQuarantined {
		w.fact("%s; lft agents release %s ends that", agent.Reason, agent.Name)
	}
	if after := record.Time(in.Graph.jobs[in.Number].rerunAfter); after > 0 && agent.State == record.AgentUnreachable {
		w.fact("rerun_after: its keeper ends it by itself, and it runs again in %s or a little later",
			span(later(agent.LastSeen, in.Graph.jobs[in.Number].rerunAfter)+record.Time(DefaultRerunMargin)-in.At))
		return
	}
	w.fact("nothing is run again without proof that it is dead: the agent or its host comes back, or an operator vouches for it: "+
		"lft agents declare-dead %s", agent.Name)
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
	w.fact("for %s", span(in.At-a.StartedAt))
	if in.Job.NextAt > 0 {
		w.fact("it may take another %s", span(in.Job.NextAt-in.At))
	}
	if a.KillWanted || x != nil && x.CancelRequested {
		w.fact("it is to be cancelled")
	}
	if x != nil {
		w.fact("lft status %s shows how far it is", x.ID)
	}
	return w
}
