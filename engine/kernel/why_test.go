package kernel

import (
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

func TestExplain(t *testing.T) {
	g, err := Compile(flow("f", []string{"a", "b: a", "c: a b"}, limited(2, 5, ""), job("b", pooled("w", 2)),
		job("c", func(j *spec.Job) {
			j.Placement = &spec.Placement{Labels: map[string]string{"zone": "a"}}
			j.Retry, j.RerunAfter = &spec.Retry{Attempts: 3}, 600*spec.Second
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
		facts   string // each a line, in order, among others
	}{
		"queued": {in(0, "", func(w *WhyInput) {
			w.Execution.State, w.Execution.CreatedAt, w.Limit, w.Ahead = record.Queued, noon-90*second, 2, 3
			w.Running = []record.Execution{{ID: "y", StartedAt: noon - 7260*second}, {ID: "z", StartedAt: noon - second}}
		}), "queued", "flow.f runs at most 2 at once", "queued for 1m30s, 3 come before it\nexecution y runs for 2h01m\nexecution z runs for 1s\nlft status y shows how far it is"},
		"is admitted": {in(0, "", func(w *WhyInput) { w.Execution.State = record.Queued }), "queued", "about to begin", ""},
		"flow is paused": {in(0, "", func(w *WhyInput) {
			w.Execution.State = record.Queued
			w.Paused = &record.Override{By: "ann", At: noon - 60*second, Reason: "disk full"}
		}), "paused", "flow.f is paused", "paused by ann 1m00s ago: disk full\nlft resume flow.f lets it begin"},
		"waits for upstreams": {in(2, record.JobWaiting, func(w *WhyInput) {
			w.Upstreams = []record.Job{{Name: "a", State: record.JobSucceeded}, {Name: "b", State: record.JobActive, StartedAt: noon - 65*second}}
		}), "upstream", "1 of its 2 upstream jobs", "trigger: all_success\nb is ACTIVE, begun 1m05s ago\nlft why x b says why"},
		"pool is full": {in(1, record.JobReady, func(w *WhyInput) {
			w.Execution.StartedAt, w.Upstreams = noon-300*second, []record.Job{{EndedAt: noon - 100*second}}
			w.Pool = PoolUse{Address: "pool.w", Slots: 4, Holders: []record.Holder{
				{Execution: "y", Job: "load", Agent: "one", Slots: 2, OrderedAt: noon - 50*second}, {Execution: "z", Job: "a", Agent: "two", Slots: 1},
			}}
		}), "pool", "3 of its 4 slots are in use, the job takes 2", "ready for 1m40s\njob load of execution y holds 2 for 50s, on agent one"},
		"pool is too small": {in(1, record.JobReady, func(w *WhyInput) {
			w.Pool = PoolUse{Address: "pool.w", Slots: 1, Holders: []record.Holder{{Slots: 1}}}
		}), "pool", "the job takes all of them", ""},
		"pool was emptied": {in(1, record.JobReady, func(w *WhyInput) {
			w.Pool = PoolUse{Address: "pool.new", Resized: &record.Override{Value: "0", By: "ann", At: noon - second}}
		}), "pool", "pool.new, which has no slots", "resized to 0 by ann 1s ago\nlft pool reset pool.new gives it back what is declared"},
		"pool has room": {in(1, record.JobReady, func(w *WhyInput) {
			w.Pool = PoolUse{Address: "pool.w", Slots: 4, Holders: []record.Holder{{Slots: 2}}}
		}), "slot", "An agent has a free slot", "agent one would take the job: 0 of 2 slots in use"},
		"all are full": {in(2, record.JobReady, func(w *WhyInput) {
			w.Use = map[string]int32{"1": 2}
		}), "slot", "Every agent with zone=a that takes work is full", "agent one is full: 2 of 2 slots in use\nagent two: its labels do not match; it has none"},
		"no agent matches": {in(2, record.JobReady, func(w *WhyInput) {
			w.Agents = agents[1:]
		}), "no_agent", "There is no agent with zone=a", "agent two: its labels do not match; it has none"},
		"no agent is open": {in(0, record.JobReady, func(w *WhyInput) {
			w.Agents = []record.Agent{
				{Name: "gone", State: record.AgentUnreachable, LastSeen: noon - 90*second},
				{Name: "twin", State: record.AgentQuarantined, Reason: record.ReasonDuplicateID},
				{Name: "old", State: record.AgentActive, Draining: true},
				{Name: "ending", State: record.AgentActive, Reason: record.ReasonDeclines},
				{Name: "dead", State: record.AgentDead},
			}
		}), "no_agent", "No agent takes work now", "agent gone is UNREACHABLE, last heard 1m30s ago\n" +
			"agent twin is QUARANTINED (duplicate_machine); lft agents release twin ends that\n" +
			"agent old drains; lft agents undrain old ends that\n" +
			"agent ending declines work: it is being stopped, or cannot write its journal\n" +
			"agent dead is DEAD, as an operator has declared"},
		"no agent at all": {in(0, record.JobReady, func(w *WhyInput) { w.Agents = nil }), "no_agent", "No agent has ever registered", ""},
		"agent has not spoken": {
			in(0, record.JobReady, func(w *WhyInput) {
				w.Job.Waiting, w.Job.WaitingArg = record.WaitingReconcile, "one"
			}), "reconcile", "until agent one has told this master what it runs",
			"should it be gone for good: lft agents declare-dead one; to wait for none: lft agents go",
		},
		"is prepared": {in(0, record.JobReady, func(w *WhyInput) {
			w.Job.Waiting, w.Execution.StartedAt = record.WaitingPrepare, noon-3*second
		}), "prepare", "expressions are being evaluated", "ready for 3s"},
		"waits for its retry": {in(2, record.JobRetryWait, func(w *WhyInput) {
			w.Job.NextAt, w.Job.Attempts, w.Job.Failures, w.Job.Reason = noon+75*second, 1, 1, record.ReasonExit
			w.Attempt = &record.Attempt{N: 1, Agent: "one", AgentUID: "1", State: record.Ended, Outcome: record.OutcomeFailed, HasExit: true, ExitCode: 7}
		}), "retry", "Attempt 1 failed (exit); the next one starts in 1m15s, at 2026-03-02 12:01:15Z", "failures so far: 1 of at most 3 attempts\n" +
			"attempt 1 on agent one: failed\nexit code: 7"},
		"runs": {in(0, record.JobActive, func(w *WhyInput) {
			w.Attempt = &record.Attempt{N: 1, Agent: "one", AgentUID: "1", State: record.AttemptRunning, StartedAt: noon - 3700*second}
		}), "active", "Attempt 1 runs on agent one", "for 1h01m"},
		"is to end": {in(0, record.JobActive, func(w *WhyInput) {
			w.Execution.CancelRequested, w.Execution.CancelBy = true, "ann"
			w.Attempt = &record.Attempt{N: 1, Agent: "one", AgentUID: "1", State: record.AttemptRunning, KillWanted: true}
		}), "active", "Attempt 1 runs on agent one", "it is to end, cancelled by ann; it has ended when its last process has"},
		"is ordered": {in(0, record.JobActive, func(w *WhyInput) {
			w.Attempt = &record.Attempt{N: 2, Agent: "one", AgentUID: "1", State: record.Ordered, OrderedAt: noon - second}
		}), "active", "Attempt 2 is ordered from agent one, which has not started it yet", "ordered 1s ago"},
		"order lies": {in(0, record.JobActive, func(w *WhyInput) {
			w.Attempt = &record.Attempt{N: 2, Agent: "one", AgentUID: "1", State: record.Ordered, OrderedAt: noon - 60*second}
		}), "active", "Attempt 2 is ordered from agent one", "ordered 1m00s ago\nan agent starts at once what needs nothing: " +
			"its own log tells whether its keeper or its disk is in trouble"},
		"order needs files": {in(0, record.JobActive, func(w *WhyInput) {
			w.Uses = []string{"dependency.conf", "dependency.etl"}
			w.Attempt = &record.Attempt{N: 1, Agent: "one", AgentUID: "1", State: record.Ordered, OrderedAt: noon - 60*second}
		}), "active", "Attempt 1 is ordered from agent one", "ordered 1m00s ago\n" +
			"before it takes the order, the agent fetches what it has not got of: dependency.conf, dependency.etl\n" +
			"if that is not to be had, the attempt ends as rejected (dependency)"},
		"agent is silent": {in(0, record.JobActive, func(w *WhyInput) {
			w.Attempt = &record.Attempt{N: 1, Agent: "two", AgentUID: "2", State: record.AttemptRunning}
		}), "agent_silent", "on agent two, which is UNREACHABLE", "last heard 1m30s ago\n" +
			"nothing is run again without proof that it is dead: the agent or its host comes back, " +
			"or an operator vouches for it: lft agents declare-dead two"},
		"agent is isolated": {in(2, record.JobActive, func(w *WhyInput) {
			w.Attempt = &record.Attempt{N: 1, Agent: "two", AgentUID: "2", State: record.AttemptRunning}
		}), "agent_silent", "on agent two, which is UNREACHABLE", "rerun_after: its keeper ends it by itself, and it runs again in 9m00s or a little later"},
		"agent is doubted": {in(0, record.JobActive, func(w *WhyInput) {
			w.Agents = []record.Agent{{UID: "3", Name: "twin", State: record.AgentQuarantined, Reason: record.ReasonAlternating}}
			w.Attempt = &record.Attempt{N: 1, Agent: "twin", AgentUID: "3", State: record.Ordered}
		}), "agent_silent", "on agent twin, which is QUARANTINED", "alternating; lft agents release twin ends that"},
		"timer": {in(0, record.JobActive, func(w *WhyInput) {
			w.Job.Waiting, w.Job.NextAt = record.WaitingTimer, noon+5*second
		}), "timer", "waits another 5s, until 2026-03-02 12:00:05Z", ""},
		"sub-flow": {in(0, record.JobActive, func(w *WhyInput) {
			w.Job.NextAt = noon + 60*second
			w.Attempt = &record.Attempt{N: 1, State: record.AttemptRunning, StartedAt: noon - 5*second}
			w.Child = &record.Execution{ID: "c", Flow: "flow.g", State: record.Queued}
		}), "child", "by execution c of flow.g, which is QUEUED", "for 5s\nit may take another 1m00s\nlft status c shows how far it is"},
		"nobody acts": {
			in(2, record.JobReady, func(w *WhyInput) { w.Masterless = true }), "no_master", "No master acts",
			"as it was left: An agent has a free slot; other jobs may come first.\nagent one would take the job: 0 of 2 slots in use",
		},
		"nobody acts while it runs": {in(0, record.JobActive, func(w *WhyInput) {
			w.Masterless, w.Attempt = true, &record.Attempt{N: 1, Agent: "one", AgentUID: "1", State: record.AttemptRunning}
		}), "no_master", "No master acts", "as it was left: Attempt 1 runs on agent one.\nwhat runs goes on, and its result is taken in as soon as a master acts"},
		"nobody needs to act": {in(0, record.JobSucceeded, func(w *WhyInput) { w.Masterless = true }), "succeeded", "The job is SUCCEEDED.", ""},
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
		rest, lacks := got.Facts, false
		for want := range strings.SplitSeq(tc.facts, "\n") {
			if at := slices.Index(rest, want); want != "" && at >= 0 {
				rest = rest[at+1:]
			} else if want != "" {
				lacks = true
				t.Errorf("%s: no fact %q", name, want)
			}
		}
		if got.Code != tc.code || !strings.Contains(got.Summary, tc.summary) || lacks {
			t.Errorf("%s: %s: %s\n\t%s", name, got.Code, got.Summary, strings.Join(got.Facts, "\n\t"))
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
