package generate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/generate"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers/builtin"
)

// house is the definitions of a project, by revision.
type house struct {
	specs     map[string][]byte
	objects   map[int64]map[string]record.Object
	failures  int // reads that fail before one succeeds
	reads     int
	generator *generate.Generator
}

func newHouse() *house {
	h := &house{specs: map[string][]byte{}, objects: map[int64]map[string]record.Object{}}
	h.generator = generate.New(builtin.Set(), h.readSpecs, h.readObjects, nil)
	return h
}

func (h *house) readSpecs(_ context.Context, digests []string) (map[string][]byte, error) {
	found := map[string][]byte{}
	for _, d := range digests {
		if data, ok := h.specs[d]; ok {
			found[d] = data
		}
	}
	return found, nil
}

func (h *house) readObjects(_ context.Context, project string, revision int64, addresses []string) (map[string]record.Object, error) {
	h.reads++
	if h.failures > 0 {
		h.failures--
		return nil, errors.New("no connection")
	}
	found := map[string]record.Object{}
	for _, a := range addresses {
		if o, ok := h.objects[revision][a]; ok && project == "p" {
			found[a] = o
		}
	}
	return found, nil
}

func (h *house) put(revision int64, f *spec.Flow) string {
	data := f.Canonical()
	digest := spec.Digest(data)
	h.specs[digest] = data
	if h.objects[revision] == nil {
		h.objects[revision] = map[string]record.Object{}
	}
	h.objects[revision][string(f.Address)] = record.Object{UID: "uid." + string(f.Address), Kind: spec.FlowKind, Address: string(f.Address), Digest: digest}
	return digest
}

func expression(text string) *spec.Value { return &spec.Value{Expr: text} }

func param(name, ty string, preset *spec.Value) *spec.Param {
	return &spec.Param{Name: name, Type: spec.Type(`"` + ty + `"`), Default: preset}
}

// child gives its rows, doubled.
func child(job string) *spec.Flow {
	return &spec.Flow{
		Address: "flow.c",
		Params:  []*spec.Param{param("day", "string", nil), param("n", "number", &spec.Value{Literal: json.RawMessage("1")})},
		Jobs:    []*spec.Job{{Name: job, Type: "noop", Kind: spec.KindInstant, Outputs: []*spec.Output{{Name: "rows", Type: spec.Type(`"number"`)}}}},
		Outputs: []*spec.FlowOutput{{Name: "rows", Type: spec.Type(`"number"`), Value: expression("job." + job + ".output.rows * 2")}},
	}
}

func parent(params map[string]*spec.Value) *spec.Flow {
	return &spec.Flow{
		Address: "flow.p", Params: []*spec.Param{param("day", "string", nil)},
		Jobs: []*spec.Job{{Name: "sub", Type: "flow", Kind: spec.KindFlow, Flow: "flow.c", Params: params}},
	}
}

func (h *house) prepare(t *testing.T, revision int64, digest string) kernel.Prepared {
	t.Helper()
	return h.generator.Prepare(t.Context(), kernel.Prepare{
		Key: kernel.JobKey{Execution: "x"}, N: 1, ProjectUID: "p", Revision: revision, Flow: "flow.p", FlowDigest: digest,
		Zone: "UTC", ScheduledFor: 1_772_409_600_000_000, Params: []byte(`{"day":"monday"}`),
	})
}

func TestChild(t *testing.T) {
	h := newHouse()
	digest := h.put(1, parent(map[string]*spec.Value{"day": expression("upper(param.day)"), "n": expression("length(param.day)")}))
	old := h.put(1, child("a"))
	h.put(2, parent(nil))
	newer := h.put(2, child("b"))
	p := kernel.Prepare{ProjectUID: "p", Revision: 1, FlowDigest: digest}
	if h.generator.Quick(p) {
		t.Error("nothing is known, yet the answer is quick")
	}
	h.failures = 1
	got := h.prepare(t, 1, digest)
	if got.Fault != "" || string(got.Params) != `{"day":"MONDAY","n":6}` || got.Child == nil || got.Child.Digest != old ||
		got.Child.UID != "uid.flow.c" || got.Child.Graph.Name(0) != "a" {
		t.Fatalf("%+v", got)
	}
	reads := h.reads
	again := h.prepare(t, 1, digest)
	if again.Child.Graph != got.Child.Graph || h.reads != reads || !h.generator.Quick(p) {
		t.Error("what was read before is read again")
	}
	// The same job of an execution that is pinned to another revision.
	if got := h.prepare(t, 2, digest); got.Child == nil || got.Child.Digest != newer || got.Child.Graph.Name(0) != "b" {
		t.Errorf("%+v", got)
	}
}

// Flows that are alike, or one that has moved since, have one digest, and still
// their own names.
func TestChildIsNamedAsItIsNow(t *testing.T) {
	h := newHouse()
	day := map[string]*spec.Value{"day": expression("param.day")}
	old := h.put(1, parent(day))
	h.put(1, child("a"))
	moved, calls := child("a"), parent(day)
	moved.Address, calls.Jobs[0].Flow = "module.m.flow.d", "module.m.flow.d"
	now := h.put(2, calls)
	h.put(2, moved)
	for _, tc := range []struct {
		revision int64
		digest   string
		want     spec.Address
	}{{1, old, "flow.c"}, {2, now, "module.m.flow.d"}, {1, old, "flow.c"}} {
		got := h.prepare(t, tc.revision, tc.digest)
		if got.Child == nil || got.Child.Address != tc.want || got.Child.UID != "uid."+string(tc.want) {
			t.Errorf("revision %d: %+v, want %s", tc.revision, got.Child, tc.want)
		}
	}
}

func TestChildFaults(t *testing.T) {
	day := expression("param.day")
	for want, params := range map[string]map[string]*spec.Value{
		`flow.c has no parameter "when"`:   {"day": day, "when": day},
		`flow.c needs the parameter "day"`: {"n": {Literal: json.RawMessage("2")}},
		`needs the parameter "day"`:        {"day": {Literal: json.RawMessage("null")}},
		"params.n":                         {"day": day, "n": day},
		"more than 65536":                  {"day": {Literal: json.RawMessage(`"` + strings.Repeat("x", record.MaxParams) + `"`)}},
	} {
		h := newHouse()
		digest := h.put(1, parent(params))
		h.put(1, child("a"))
		if got := h.prepare(t, 1, digest); got.Fault == "" || got.Child != nil || !strings.Contains(got.Error, want) {
			t.Errorf("got %q, want %q", got.Error, want)
		}
	}
	h := newHouse()
	digest := h.put(1, parent(map[string]*spec.Value{"day": day}))
	if got := h.prepare(t, 1, digest); got.Fault != record.ReasonGenerate || !strings.Contains(got.Error, "flow.c is not in revision 1") {
		t.Errorf("%+v", got)
	}
}

func TestOutputs(t *testing.T) {
	h := newHouse()
	digest := h.put(1, child("a"))
	ask := func(output string) kernel.Prepared {
		return h.generator.Prepare(t.Context(), kernel.Prepare{
			Key: kernel.JobKey{Execution: "x", Number: kernel.OutputsNumber}, Outputs: true, ProjectUID: "p", Revision: 1, Flow: "flow.c",
			FlowDigest: digest, Zone: "UTC", Params: []byte(`{"day":"monday"}`),
			Upstreams: []kernel.Upstream{{Name: "a", State: record.JobSucceeded, Output: []byte(output)}},
		})
	}
	if got := ask(`{"rows":21}`); got.Fault != "" {
		t.Errorf("%+v", got)
	} else if diff := cmp.Diff(`{"rows":42}`, string(got.Output)); diff != "" {
		t.Error(diff)
	}
	if got := ask(`{}`); got.Fault != record.ReasonExpression || !strings.Contains(got.Error, "output.rows") || got.Output != nil {
		t.Errorf("%+v", got)
	}
}
