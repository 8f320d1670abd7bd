package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/lang/spec"
)

func TestSubFlowEmbedded(t *testing.T) {
	testSubFlow(t, engine.Config{State: sqlite(t), Mode: engine.ModeDev, Blobs: t.TempDir()})
}

func TestSubFlowMariaDB(t *testing.T) {
	testSubFlow(t, engine.Config{State: mariadb(t), Mode: engine.ModeServer, Listen: "127.0.0.1:0", Blobs: t.TempDir()})
}

// family is a flow whose job starts another, gives it a parameter and uses what
// comes back; no agent is needed.
func family(wait string) (parent, child *spec.Flow) {
	text := spec.Type(`"string"`)
	literal := func(s string) *spec.Value { return &spec.Value{Literal: json.RawMessage(s)} }
	child = &spec.Flow{
		Address: "flow.child", Params: []*spec.Param{{Name: "day", Type: text}},
		Jobs: []*spec.Job{{
			Name: "pause", Type: "wait", Kind: spec.KindTimer, Args: map[string]*spec.Value{"duration": literal(`"` + wait + `"`)},
		}},
		Outputs: []*spec.FlowOutput{{Name: "said", Type: text, Value: &spec.Value{Expr: `"${param.day}: ${job.pause.status}"`}}},
	}
	parent = &spec.Flow{
		Address: "flow.parent", Params: []*spec.Param{{Name: "day", Type: text, Default: literal(`"monday"`)}},
		Jobs: []*spec.Job{
			{
				Name: "sub", Type: "flow", Kind: spec.KindFlow, Flow: child.Address,
				Params: map[string]*spec.Value{"day": {Expr: "upper(param.day)"}}, Outputs: []*spec.Output{{Name: "said", Type: text}},
			},
			{
				Name: "use", Type: "noop", Kind: spec.KindInstant, Upstreams: []string{"sub"},
				When: &spec.Value{Expr: `job.sub.output.said == "MONDAY: succeeded"`},
			},
		},
	}
	return parent, child
}

// child waits for the execution that the only attempt of a job has started.
func (n *node) child(id, job string) (child string) {
	n.tb.Helper()
	n.await("a child of "+id, func() bool {
		for _, j := range n.status(id).GetJobs() {
			if j.GetName() == job && len(j.GetAttempts()) == 1 {
				child = j.GetAttempts()[0].GetChild()
			}
		}
		return child != ""
	})
	return child
}

func (n *node) override(object, field, value string) {
	n.tb.Helper()
	if _, err := n.run.PutOverride(n.tb.Context(), &lftv1.PutOverrideRequest{Object: object, Field: field, Value: value, Reason: "a test"}); err != nil {
		n.tb.Fatal(err)
	}
}

// testSubFlow: a parent and its child go through a restart together; a pause of the
// child's flow holds the next one, and the cancel of a child fails its parent.
func testSubFlow(t *testing.T, cfg engine.Config) {
	t.Helper()
	n := start(t, cfg)
	parent, child := family("1500ms")
	n.apply(parent, child)
	n.begin("flow.parent", "first")
	id := n.child("first", "sub")
	n.stop()

	n = start(t, cfg)
	if again := n.child("first", "sub"); again != id {
		t.Fatalf("the child was %s and is %s", id, again)
	}
	res := n.succeed("first")
	for _, j := range res.GetJobs() {
		if j.GetState() != "SUCCEEDED" || j.GetName() == "sub" && (j.GetOutput() != `{"said":"MONDAY: succeeded"}` || len(j.GetAttempts()) != 1) {
			t.Errorf("%s is %s, %s", j.GetName(), j.GetState(), j.GetOutput())
		}
	}
	x := n.status(id).GetExecution()
	if x.GetState() != "SUCCEEDED" || x.GetParent() != "first" || x.GetParentJob() != "sub" || x.GetOrigin() != "flow" || x.GetParams() != `{"day":"MONDAY"}` {
		t.Errorf("the child is %v", x)
	}

	n.override("flow.child", "paused", "true")
	n.begin("flow.parent", "second")
	id = n.child("second", "sub")
	why, err := n.run.Why(t.Context(), &lftv1.WhyRequest{Id: id, Job: "pause"})
	if err != nil || why.GetCode() != "paused" || !strings.Contains(strings.Join(why.GetFacts(), "; "), "a test") {
		t.Errorf("why: %v, %v", why, err)
	}
	n.stop()
	n = start(t, cfg)
	n.begin("flow.parent", "third") // so a master acts
	if state := n.status(id).GetExecution().GetState(); state != "QUEUED" {
		t.Errorf("the flow is paused, its execution %s", state)
	}
	list, err := n.run.ListOverrides(t.Context(), &lftv1.ListOverridesRequest{Project: "p"})
	if err != nil || len(list.GetOverrides()) != 1 || list.GetOverrides()[0].GetObject() != "flow.child" {
		t.Errorf("overrides: %v, %v", list, err)
	}
	third := n.child("third", "sub")
	if _, err := n.run.Cancel(t.Context(), &lftv1.CancelRequest{Id: third}); err != nil {
		t.Fatal(err)
	}
	if state := n.finish("third").GetExecution().GetState(); state != "FAILED" {
		t.Errorf("its child is cancelled, third is %s", state)
	}
	n.override("flow.child", "paused", "")
	n.succeed("second")
}
