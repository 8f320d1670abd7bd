package planner_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// wholePlan has everything that a document can have.
func wholePlan(t interface{ Fatal(...any) }) *planner.Plan {
	secret := func(value string) *spec.Flow {
		f := flow("secret", job("j", func(j *spec.Job) { j.Env = map[string]*spec.Value{"TOKEN": literal(value), "A": literal(`"a"`)} }))
		f.Sensitive = []string{"/jobs/j/env/TOKEN"}
		return f
	}
	files := func(digest string, files ...*spec.File) *spec.Dependency {
		return &spec.Dependency{Address: "dependency.etl", Digest: digest, Files: files}
	}
	from := bundle(flow("gone", job("x")), secret(`"one"`), flow("old", job("x")))
	from.Pools = []*spec.Pool{{Address: "pool.small", Slots: 2}}
	from.Schedules = []*spec.Schedule{{Address: "schedule.s", Flow: "flow.secret", Every: spec.Second}}
	from.Dependencies = []*spec.Dependency{files("d1", &spec.File{Path: "a", Size: 2, SHA256: sum("1\n")}, &spec.File{Path: "b"})}
	from.Outputs = []*spec.ProjectOutput{
		{Address: "output.changed", Value: json.RawMessage(`{"n":1}`)},
		{Address: "output.gone", Value: json.RawMessage(`[1]`)},
		{Address: "output.hidden", Value: json.RawMessage(`"one"`), Sensitive: []string{""}},
	}
	to := moving(bundle(flow("new", job("x")), secret(`"two"`), flow("created")), "flow.old > flow.new")
	to.Pools = []*spec.Pool{{Address: "pool.small", Slots: 2}}
	to.Schedules = []*spec.Schedule{{Address: "schedule.s", Flow: "flow.secret", Every: spec.Second, Paused: true}}
	to.Dependencies = []*spec.Dependency{files("d2", &spec.File{Path: "a", Size: 2, SHA256: sum("2\n")}, &spec.File{Path: "c", Executable: true})}
	to.Outputs = []*spec.ProjectOutput{
		{Address: "output.changed", Value: json.RawMessage(`{"n":2}`)},
		{Address: "output.hidden", Value: json.RawMessage(`"two"`), Sensitive: []string{""}},
		{Address: "output.new", Value: json.RawMessage(`true`), Description: "d"},
	}
	to.Checks = []spec.Check{{Name: "good", Passed: true}, {Name: "bad", Message: "no", At: spec.Position{File: "c.hcl", Line: 2}}, {Name: "bad", Message: "nor that"}}
	to.Positions = map[spec.Address]spec.Position{"flow.created": {File: "a.hcl", Line: 7}, "flow.secret.job.j": {File: "b.hcl", Line: 3}}
	old, specs := deployed(from, 3)
	w := planner.Want(to)
	w.LftVersion = "v1"
	w.Variables = []spec.Variable{{Name: "day", Value: json.RawMessage(`"mon"`)}, {Name: "token", Value: json.RawMessage(`"two"`), Sensitive: true}}
	p := makePlan(t, w, old, specs)
	planner.AddTexts(p.Changes,
		func(_ spec.Address, f planner.FileChange) ([]byte, bool) { return []byte("1\n"), f.Path == "a" },
		func(_ spec.Address, f planner.FileChange) ([]byte, bool) { return []byte("2\n"), f.Path == "a" })
	_, all := deployed(from, 3)
	p.Drift = []planner.Drift{
		{Object: previous(old, all, "dependency.etl"), Lost: &planner.Lost{Digest: "d1"}},
		{Object: previous(old, all, "pool.small"), Override: &planner.Override{
			Field: "slots", Declared: json.RawMessage(`2`), Value: json.RawMessage(`9`), Reason: "why", By: "ann", At: "2026-01-01T00:00:00Z",
		}},
	}
	return p
}

func previous(d planner.Deployed, specs map[string][]byte, a spec.Address) planner.Previous {
	i := slices.IndexFunc(d.Objects, func(o planner.Object) bool { return o.Address == a })
	return planner.Previous{Object: d.Objects[i], Data: specs[d.Objects[i].Digest]}
}

// TestTerraformReadsIt: the types that tools for Terraform's plans use understand
// ours: actions, values, markers, drift, outputs and checks.
func TestTerraformReadsIt(t *testing.T) {
	p := wholePlan(t)
	round(t, p)
	var tf tfjson.Plan
	if err := json.Unmarshal(encode(t, p.Mask()), &tf); err != nil {
		t.Fatal(err)
	}
	actions := func(list []*tfjson.ResourceChange) (out []string) {
		for _, c := range list {
			out = append(out, strings.TrimSpace(fmt.Sprint(c.Address, " ", c.Change.Actions, " ", c.PreviousAddress)))
			if c.Mode != tfjson.ManagedResourceMode || c.Type+"."+c.Name != c.Address {
				t.Errorf("%s is %s %s %s", c.Address, c.Mode, c.Type, c.Name)
			}
		}
		return out
	}
	want := []string{
		"dependency.etl [update]", "flow.created [create]", "flow.gone [delete]", "flow.new [no-op] flow.old",
		"flow.secret [update]", "schedule.s [update]",
	}
	if d := cmp.Diff(want, actions(tf.ResourceChanges)); d != "" {
		t.Errorf("resource_changes (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"dependency.etl [delete]", "pool.small [update]"}, actions(tf.ResourceDrift)); d != "" {
		t.Errorf("resource_drift (-want +got):\n%s", d)
	}
	if after := tf.ResourceDrift[1].Change.After.(map[string]any); after["slots"] != 9.0 {
		t.Errorf("drifted to %v", after)
	}
	if !tf.ResourceChanges[1].Change.Actions.Create() || !tf.ResourceChanges[3].Change.Actions.NoOp() {
		t.Error("actions are not Terraform's")
	}
	var outputs []string
	for name, c := range tf.OutputChanges {
		outputs = append(outputs, fmt.Sprint(name, " ", c.Actions, " ", c.Before, " ", c.After, " ", c.BeforeSensitive, " ", c.AfterSensitive))
	}
	slices.Sort(outputs)
	want = []string{
		"changed [update] map[n:1] map[n:2] map[] map[]", "gone [delete] [1] <nil> [false] false",
		"hidden [update] (sensitive value) (sensitive value) true true", "new [create] <nil> true false false",
	}
	if d := cmp.Diff(want, outputs); d != "" {
		t.Errorf("output_changes (-want +got):\n%s", d)
	}
	var checks []string
	for _, c := range tf.Checks {
		checks = append(checks, fmt.Sprint(c.Address.ToDisplay, " ", c.Address.Kind, " ", c.Status, " ", c.Instances[0].Problems))
	}
	if d := cmp.Diff([]string{"check.good check pass []", "check.bad check fail [{no} {nor that}]"}, checks); d != "" {
		t.Errorf("checks (-want +got):\n%s", d)
	}
	secret := tf.ResourceChanges[4].Change
	marks := map[string]any{"jobs": []any{map[string]any{"env": map[string]any{"TOKEN": true}}}}
	if d := cmp.Diff(marks, secret.AfterSensitive); d != "" {
		t.Errorf("after_sensitive (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]any{"day": "mon", "token": nil}, map[string]any{"day": tf.Variables["day"].Value, "token": tf.Variables["token"].Value}); d != "" {
		t.Errorf("variables (-want +got):\n%s", d)
	}
	if tf.Complete == nil || !*tf.Complete {
		t.Error("the plan is not complete")
	}
}

// TestMask: no sensitive value is in what is shown, and what differs still does.
func TestMask(t *testing.T) {
	p := wholePlan(t)
	whole, masked := string(encode(t, p)), string(encode(t, p.Mask()))
	for _, value := range []string{`"one"`, `"two"`} {
		if !strings.Contains(whole, value) || strings.Contains(masked, value) {
			t.Errorf("%s is in the whole plan: %v, in the masked one: %v", value, strings.Contains(whole, value), strings.Contains(masked, value))
		}
	}
	if !strings.Contains(masked, `{"path":["env","TOKEN"],"before":"(sensitive value)","after":"(sensitive value)"}`) {
		t.Error("that the value differs is not shown")
	}
	if !strings.Contains(masked, `"A":"a"`) {
		t.Error("more is masked than is sensitive")
	}
	if _, err := planner.Decode([]byte(masked)); err == nil || !strings.Contains(err.Error(), "masked") {
		t.Errorf("a masked plan: %v", err)
	}
	if p := examplePlan(t); p.Mask() != p {
		t.Error("a plan without secrets is masked")
	}
	if again := string(encode(t, p)); again != whole {
		t.Error("masking has changed the plan itself")
	}
}

// TestMaskOnEitherSide: what is marked on one side of a change is masked on both,
// whatever has become of its object's and its job's name.
func TestMaskOnEitherSide(t *testing.T) {
	side := func(name, jobName, value string, marked bool) *spec.Bundle {
		f := flow(name, job(jobName, func(j *spec.Job) { j.Env = map[string]*spec.Value{"TOKEN": literal(value)} }))
		if marked {
			f.Sensitive = []string{"/jobs/" + jobName + "/env/TOKEN"}
		}
		return bundle(f)
	}
	const one, two = `"value-one"`, `"value-two"`
	for name, tc := range map[string]struct{ from, to *spec.Bundle }{
		"created":                  {bundle(), side("f", "j", one, true)},
		"destroyed":                {side("f", "j", one, true), bundle()},
		"marked from now on":       {side("f", "j", one, false), side("f", "j", two, true)},
		"marked no more":           {side("f", "j", one, true), side("f", "j", two, false)},
		"moved, marked before":     {side("f", "j", one, true), moving(side("g", "j", two, false), "flow.f > flow.g")},
		"moved, marked after":      {side("f", "j", one, false), moving(side("g", "j", two, true), "flow.f > flow.g")},
		"renamed, marked before":   {side("f", "j", one, true), moving(side("f", "k", two, false), "flow.f.job.j > flow.f.job.k")},
		"renamed, marked after":    {side("f", "j", one, false), moving(side("f", "k", two, true), "flow.f.job.j > flow.f.job.k")},
		"renamed, the mark alone":  {side("f", "j", one, true), moving(side("f", "k", one, false), "flow.f.job.j > flow.f.job.k")},
		"replaced by another job":  {side("f", "j", one, true), side("f", "k", one, true)},
		"both, and moved together": {side("f", "j", one, true), moving(side("g", "k", two, false), "flow.f > flow.g", "flow.g.job.j > flow.g.job.k")},
	} {
		old, specs := deployed(tc.from, 3)
		p := makePlan(t, planner.Want(tc.to), old, specs)
		if masked := string(encode(t, p.Mask())); strings.Contains(masked, "value-") || !strings.Contains(masked, "(sensitive value)") {
			t.Errorf("%s: %s", name, masked)
		}
		if whole := string(encode(t, p)); !strings.Contains(whole, "value-") {
			t.Errorf("%s: the plan itself is masked", name)
		}
	}
}

// TestMaskDrift: neither what is declared is shown, nor what is in force.
func TestMaskDrift(t *testing.T) {
	from := bundle()
	from.Pools = []*spec.Pool{{Address: "pool.p", Slots: 1111, Sensitive: []string{"/slots"}}}
	old, specs := deployed(from, 3)
	p := makePlan(t, planner.Want(from), old, specs)
	_, all := deployed(from, 3)
	drift := []planner.Drift{{Object: previous(old, all, "pool.p"), Override: &planner.Override{
		Field: "slots", Declared: json.RawMessage("1111"), Value: json.RawMessage("2222"), By: "ann",
	}}}
	p.SetDrift(drift)
	masked := string(encode(t, p.Mask()))
	if strings.Contains(masked, "1111") || strings.Contains(masked, "2222") || !strings.Contains(masked, "(sensitive value)") {
		t.Error(masked)
	}
	if len(p.Drift) != 1 || string(p.Drift[0].Override.Value) != "2222" || string(drift[0].Override.Value) != "2222" {
		t.Errorf("masking has changed the plan itself: %+v", p.Drift)
	}
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}
