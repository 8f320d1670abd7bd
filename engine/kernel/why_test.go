package kernel

import (
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

func TestExplain(t *testing.T) {
	g, err := Compile(flow("f", []string{"a", "b: a", "c: a b"}, limited(2, 5, ""), job("b", pooled("w", 2)),
		job("c", func(j *spec.Job) {
			j.Placement = &spec.Placement{Labels: map[string]string{"zone": "a"}}
			j.Retry = &spec.Retry{Attempts: 3}
		})))
	if err != nil {
		t.Fatal(err)
	}
	agents := []record.Agent{
		{UID: "1", Name: "one", State: record.AgentActive, Slots: 2, Labels: map[string]string{"zone": "a"}},
		{UID: "2", Name: "two", State: record.AgentUnreachable, Slots: 4, LastSeen: noon - 90*second},
	}
	running := record.Execution{ID: "x", Flow: "flow.f", State: record.Running}
	in := func(number int32, state record.JobState, change func(*WhyInput)) WhyInput {
		w := WhyInput{
			At: noon, Graph: g, Execution: running, Number: number, Agents: agents,
			Job: record.Job{Execution: "x", Number: number, Name: g.Name(number), State: state},
		}
		if change != nil {
			change(&w)
		}
		return w
	}
	for name, tc := range map[string]struct {
		in      WhyInput
		code    string
		summary string
		fact    string
	}{
		"queued": {in(0, "", func(w *WhyInput) {
			w.Execution.State, w.Running, w.Ahead = record.Queued, 2, 3
		}), "queued", "flow.f runs at most 2 at once", "queued before this one: 3"},
		"waits for upstreams": {in(2, record.JobWaiting, func(w *WhyInput) {
			w.Upstreams = []record.Job{{Name: "a", State: record.JobSucceeded}, {Name: "b", State: record.JobActive}}
		}), "upstream", "1 of its 2 upstream jobs", "b is ACTIVE"},
		"pool is full": {in(1, record.JobReady, func(w *WhyInput) {
			w.Pool = PoolUse{Address: "pool.w", Slots: 4, Used: 3}
		}), "pool", "3 of its 4 slots are in use, the job takes 2", ""},
		"pool has room": {in(1, record.JobReady, func(w *WhyInput) {
			w.Pool = PoolUse{Address: "pool.w", Slots: 4, Used: 2}
		}), "slot", "An agent has a free slot", "agent one: it would take the job (ACTIVE, 0 of 2 slots in use)"},
		"all are full": {in(2, record.JobReady, func(w *WhyInput) {
			w.Use = map[string]int32{"1": 2}
		}), "slot", "Every agent that takes the job with zone=a is full", "agent one: all its slots are in use"},
		"no agent matches": {in(2, record.JobReady, func(w *WhyInput) {
			w.Agents = agents[1:]
		}), "no_agent", "No agent with zone=a takes work now", "agent two: its labels do not match"},
		"no agent at all": {in(0, record.JobReady, func(w *WhyInput) { w.Agents = nil }), "no_agent", "No agent has ever registered", ""},
		"is prepared": {in(0, record.JobReady, func(w *WhyInput) {
			w.Job.Waiting = record.WaitingPrepare
		}), "prepare", "expressions are being evaluated", ""},
		"waits for its retry": {in(2, record.JobRetryWait, func(w *WhyInput) {
			w.Job.NextAt, w.Job.Attempts, w.Job.Failures, w.Job.Reason = noon+75*second, 1, 1, record.ReasonExit
		}), "retry", "Attempt 1 failed (exit); the next one starts in 1m15s", "failures so far: 1 of at most 3 attempts"},
		"runs": {in(0, record.JobActive, func(w *WhyInput) {
			w.Attempt = &record.Attempt{N: 1, Agent: "one", AgentUID: "1", State: record.AttemptRunning, StartedAt: noon - 3700*second}
		}), "active", "Attempt 1 runs on agent one", "since: 1h01m"},
		"is ordered": {in(0, record.JobActive, func(w *WhyInput) {
			w.Attempt = &record.Attempt{N: 2, Agent: "one", AgentUID: "1", State: record.Ordered, OrderedAt: noon - second}
		}), "active", "Attempt 2 is ordered from agent one", "since: 1s"},
		"agent is silent": {in(0, record.JobActive, func(w *WhyInput) {
			w.Attempt = &record.Attempt{N: 1, Agent: "two", AgentUID: "2", State: record.AttemptRunning}
		}), "agent_silent", "on agent two, which is UNREACHABLE", "last heard: 1m30s ago"},
		"timer": {in(0, record.JobActive, func(w *WhyInput) {
			w.Job.Waiting, w.Job.NextAt = record.WaitingTimer, noon+5*second
		}), "timer", "waits another 5s", ""},
		"failed": {in(0, record.JobFailed, func(w *WhyInput) {
			w.Job.Reason = record.ReasonExit
			w.Attempt = &record.Attempt{N: 3, Agent: "one", State: record.Ended, Outcome: record.OutcomeFailed, HasExit: true, ExitCode: 9}
		}), "exit", "The job is FAILED (exit)", "exit code: 9"},
		"upstream failed": {in(1, record.JobUpstreamFailed, func(w *WhyInput) {
			w.Job.Reason = record.ReasonUpstream
			w.Upstreams = []record.Job{{Name: "a", State: record.JobFailed}}
		}), "upstream", "its trigger can no longer hold", "a is FAILED"},
		"succeeded":   {in(0, record.JobSucceeded, nil), "succeeded", "The job is SUCCEEDED.", ""},
		"nonsense":    {WhyInput{Graph: g, Number: 99}, "internal", "not in the execution's flow", ""},
		"new version": {in(0, "HOVERING", nil), "", "HOVERING, which this version does not know", ""},
	} {
		got := Explain(tc.in)
		if got.Code != tc.code || !strings.Contains(got.Summary, tc.summary) || !strings.Contains(strings.Join(got.Facts, "\n"), tc.fact) {
			t.Errorf("%s: %+v", name, got)
		}
		if strings.Count(got.Summary, ".") < 1 || strings.Contains(got.Summary, "\n") {
			t.Errorf("%s: %q is no sentence", name, got.Summary)
		}
	}
}

// TestExplainIsBounded: however many upstreams and agents, the answer is short.
func TestExplainIsBounded(t *testing.T) {
	w := WhyInput{Execution: record.Execution{State: record.Running}, Job: record.Job{State: record.JobWaiting}}
	w.Graph, _ = Compile(flow("f", []string{"a"}))
	for range 1000 {
		w.Upstreams = append(w.Upstreams, record.Job{State: record.JobReady})
		w.Agents = append(w.Agents, record.Agent{State: record.AgentActive})
	}
	if got := Explain(w); len(got.Facts) > 2*maxFacts {
		t.Errorf("%d facts", len(got.Facts))
	}
	w.Job.State = record.JobReady
	if got := Explain(w); len(got.Facts) > 2*maxFacts {
		t.Errorf("%d facts", len(got.Facts))
	}
}
