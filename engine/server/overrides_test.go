package server_test

import (
	"strings"
	"testing"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

func (w *world) object(project, kind, address string, data []byte) {
	digest := spec.Digest(data)
	w.specs[digest] = data
	uid := "uid-" + project
	w.objects[uid] = append(w.objects[uid], record.Object{ProjectUID: uid, UID: "uid-" + address, Kind: kind, Address: address, Digest: digest, From: 1})
}

func TestOverrides(t *testing.T) {
	w := newWorld()
	w.deploy("p", sales(), &spec.Flow{Address: "flow.nightly"})
	w.object("p", spec.ScheduleKind, "schedule.nightly", (&spec.Schedule{Flow: "flow.sales", Every: spec.Second}).Canonical())
	w.object("p", spec.PoolKind, "pool.w", (&spec.Pool{Slots: 4}).Canonical())
	client := w.client(t)
	ask := func(object, field, value string) error {
		_, err := client.PutOverride(t.Context(), &lftv1.PutOverrideRequest{Object: object, Field: field, Value: value, Reason: "why not"})
		return err
	}
	for _, tc := range []struct {
		object, field string
		code          connect.Code
		text          string
	}{
		{"nightly", "paused", connect.CodeInvalidArgument, "is schedule.nightly and flow.nightly; write one of them"},
		{"pool.w", "paused", connect.CodeNotFound, `no schedule or flow "pool.w"`},
		{"sales", "slots", connect.CodeNotFound, `no pool "sales" is deployed; there are pool.w`},
		{"sales", "cron", connect.CodeInvalidArgument, `"cron" cannot be overridden; there are paused`},
	} {
		if err := ask(tc.object, tc.field, "true"); connect.CodeOf(err) != tc.code || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s %s: %v", tc.object, tc.field, err)
		}
	}
	for _, name := range []string{"schedule.nightly", "sales"} {
		if err := ask(name, "paused", "true"); err != nil {
			t.Fatal(err)
		}
	}
	res, err := client.ListOverrides(t.Context(), &lftv1.ListOverridesRequest{Project: "p"})
	if err != nil || len(res.GetOverrides()) != 2 {
		t.Fatalf("%v, %v", res, err)
	}
	first := res.GetOverrides()[0]
	if first.GetObject() != "flow.sales" || first.GetProject() != "p" || first.GetValue() != "true" || first.GetDeclared() != "false" ||
		first.GetReason() != "why not" || first.GetBy() != "local" || first.GetAt().AsTime().Unix() != 1 {
		t.Errorf("%v", first)
	}
	if res, err := client.ListOverrides(t.Context(), &lftv1.ListOverridesRequest{}); err != nil || len(res.GetOverrides()) != 2 {
		t.Errorf("of all projects: %v, %v", res, err)
	}
	if res, err := newWorld().client(t).ListOverrides(t.Context(), &lftv1.ListOverridesRequest{}); err != nil || len(res.GetOverrides()) != 0 {
		t.Errorf("nothing deployed: %v, %v", res, err)
	}
}

// TestFamily: what is told of a job that another execution carries out, and of that
// execution.
func TestFamily(t *testing.T) {
	w := newWorld()
	parent := &spec.Flow{Address: "flow.p", Jobs: []*spec.Job{{Name: "sub", Type: "flow", Kind: spec.KindFlow, Flow: "flow.c"}}}
	child := &spec.Flow{Address: "flow.c", Jobs: []*spec.Job{{Name: "a", Type: "shell"}}}
	w.deploy("p", parent, child)
	id := record.ChildID("x", 0, "", 2)
	w.executions = []record.Execution{
		{ID: "x", ProjectUID: "uid-p", Flow: "flow.p", FlowDigest: spec.Digest(parent.Canonical()), State: record.Running},
		{
			ID: id, ProjectUID: "uid-p", Flow: "flow.c", FlowUID: "uid-flow.c", FlowDigest: spec.Digest(child.Canonical()), State: record.Queued,
			Parent: "x", ParentN: 2,
		},
	}
	w.jobs["x"] = []record.Job{{Execution: "x", Name: "sub", State: record.JobActive, Attempts: 2}}
	w.attempts["x"] = []record.Attempt{
		{Execution: "x", N: 1, State: record.Ended, Outcome: record.OutcomeRejected, Message: "flow.c takes no more"},
		{Execution: "x", N: 2, State: record.AttemptRunning},
	}
	w.overrides = []record.Override{{ProjectUID: "uid-p", ObjectUID: "uid-flow.c", Object: "flow.c", Field: record.FieldPaused, Value: "true", By: "bob", Reason: "moving house"}}
	client := w.client(t)
	res, err := client.GetExecution(t.Context(), &lftv1.GetExecutionRequest{Id: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if a := res.GetJobs()[0].GetAttempts(); a[0].GetChild() != "" || a[1].GetChild() != id {
		t.Errorf("attempts: %v", a)
	}
	res, err = client.GetExecution(t.Context(), &lftv1.GetExecutionRequest{Id: id})
	if x := res.GetExecution(); err != nil || x.GetParent() != "x" || x.GetParentJob() != "sub" || x.GetParentAttempt() != 2 {
		t.Errorf("%v, %v", x, err)
	}
	for _, tc := range []struct{ id, job, code, text string }{
		{"x", "sub", "child", "is carried out by execution " + id + " of flow.c, which is QUEUED"},
		{id, "a", "paused", "flow.c is paused"},
		{id, "a", "paused", "paused by bob"},
		{id, "a", "paused", "moving house"},
		{id, "a", "paused", "started by job sub of execution x"},
	} {
		why, err := client.Why(t.Context(), &lftv1.WhyRequest{Id: tc.id, Job: tc.job})
		if err != nil || why.GetCode() != tc.code || !strings.Contains(why.GetSummary()+strings.Join(why.GetFacts(), "; "), tc.text) {
			t.Errorf("%s: %v, %v", tc.text, why, err)
		}
	}
	for attempt, text := range map[int32]string{1: "started no execution: flow.c takes no more", 2: "it is carried out by execution " + id} {
		stream, err := client.ReadLog(t.Context(), &lftv1.ReadLogRequest{Id: "x", Job: "sub", Attempt: attempt})
		if err == nil {
			stream.Receive()
			err = stream.Err()
		}
		if connect.CodeOf(err) != connect.CodeFailedPrecondition || !strings.Contains(err.Error(), text) {
			t.Errorf("log of attempt %d: %v", attempt, err)
		}
	}
}
