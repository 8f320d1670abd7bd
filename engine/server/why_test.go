package server_test

import (
	"strings"
	"testing"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// TestWhyTakesTheRowsItNeeds: what the kernel explains is what was read here.
func TestWhyTakesTheRowsItNeeds(t *testing.T) {
	w := newWorld()
	flow := &spec.Flow{Address: "flow.f", Concurrency: &spec.Concurrency{Max: 2}, Jobs: []*spec.Job{
		{Name: "a", Type: "shell"}, {Name: "b", Type: "shell", Upstreams: []string{"a"}, Uses: []string{"dependency.etl"}},
	}}
	w.deploy("p", flow)
	old := &spec.Flow{Address: "flow.f", Concurrency: &spec.Concurrency{Max: 1}, Jobs: flow.Jobs}
	digest := spec.Digest(old.Canonical())
	w.specs[digest] = old.Canonical()
	execution := func(id string, state record.ExecutionState) record.Execution {
		return record.Execution{ID: id, ProjectUID: "uid-p", FlowUID: "uid-flow.f", Flow: "flow.f", FlowDigest: digest, State: state, StartedAt: 1_000_000}
	}
	w.executions = []record.Execution{execution("next", record.Queued), execution("x", record.Running)}
	w.jobs["x"] = []record.Job{
		{Execution: "x", Number: 0, Name: "a", State: record.JobSucceeded},
		{Execution: "x", Number: 1, Name: "b", State: record.JobActive},
	}
	w.attempts["x"] = []record.Attempt{
		{Execution: "x", Number: 0, N: 7, Agent: "other", AgentUID: "u", State: record.AttemptRunning},
		{Execution: "x", Number: 1, N: 1, Agent: "one", AgentUID: "u", State: record.Ordered, OrderedAt: 3_000_000},
	}
	client := w.client(t)
	for _, tc := range []struct{ id, job, code, text string }{
		{"x", "b", "active", "Attempt 1 is ordered from agent one"},
		{"x", "b", "active", "ordered 2s ago"},
		{"x", "b", "active", "fetches what it has not got of: dependency.etl"},
		{"next", "a", "queued", "flow.f runs at most 2 at once"}, // by the newest revision
		{"next", "a", "queued", "execution x runs for 4s"},
		{"x", "b", "no_master", "as it was left: Attempt 1 is ordered"},
	} {
		w.orphaned = tc.code == "no_master"
		why, err := client.Why(t.Context(), &lftv1.WhyRequest{Id: tc.id, Job: tc.job})
		if err != nil || why.GetCode() != tc.code || !strings.Contains(why.GetSummary()+strings.Join(why.GetFacts(), "; "), tc.text) {
			t.Errorf("%s: %v, %v", tc.text, why, err)
		}
	}
}

// TestWhyOfAMovedPool: what limits is the pool that the execution's revision called so, whatever it is called now.
func TestWhyOfAMovedPool(t *testing.T) {
	w := newWorld()
	w.deploy("p", &spec.Flow{Address: "flow.f", Jobs: []*spec.Job{{Name: "a", Type: "shell", Pool: "pool.old"}}})
	w.projects[0].Revision = 2
	pool := func(uid, address string, slots int, from, until int64) {
		data := (&spec.Pool{Slots: slots}).Canonical()
		w.specs[spec.Digest(data)] = data
		w.objects["uid-p"] = append(w.objects["uid-p"], record.Object{
			ProjectUID: "uid-p", UID: uid, Kind: spec.PoolKind, Address: address, Digest: spec.Digest(data), From: from, Until: until,
		})
	}
	pool("one", "pool.old", 0, 1, 2)
	pool("one", "pool.new", 0, 2, 0)
	pool("two", "pool.old", 5, 2, 0)
	flow := w.objects["uid-p"][0]
	w.executions = []record.Execution{{
		ID: "x", ProjectUID: "uid-p", FlowUID: flow.UID, Flow: "flow.f", FlowDigest: flow.Digest, Revision: 1, State: record.Running,
	}}
	w.jobs["x"] = []record.Job{{Execution: "x", Name: "a", State: record.JobReady}}
	why, err := w.client(t).Why(t.Context(), &lftv1.WhyRequest{Id: "x", Job: "a"})
	if err != nil || why.GetCode() != "pool" || !strings.Contains(why.GetSummary(), "has no slots") {
		t.Errorf("%v, %v", why, err)
	}
}
