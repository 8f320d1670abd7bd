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
	"github.com/leifengta/lft/providers"
	"github.com/leifengta/lft/providers/builtin"
)

// bytesOf is a house whose dependencies are by revision.
type bytesOf struct {
	*house
	sources map[int64]map[string]record.Source
	asked   int
	fail    error
}

func (b *bytesOf) find(_ context.Context, project string, revision int64, addresses []string) (map[string]record.Source, error) {
	b.asked++
	if b.fail != nil {
		err := b.fail
		b.fail = nil
		return nil, err
	}
	found := map[string]record.Source{}
	for _, a := range addresses {
		if s, ok := b.sources[revision][a]; ok && project == "p" {
			found[a] = s
		}
	}
	return found, nil
}

func newBytes() *bytesOf {
	b := &bytesOf{house: newHouse(), sources: map[int64]map[string]record.Source{
		1: {
			"dependency.etl":               {Digest: "d1", Object: "o1"},
			`module.m.dependency.x["a b"]`: {Digest: "d2", Form: "archive", Object: "o2"},
			"module.m.dependency.etl":      {Digest: "d3", Object: "o3"},
		},
		2: {"dependency.etl": {Digest: "d9", Object: "o9"}},
	}}
	b.generator = generate.New(builtin.Set(), b.readSpecs, b.readObjects, b.find)
	return b
}

// prepare prepares a job that uses dependencies, as of a revision.
func (b *bytesOf) prepare(t *testing.T, revision int64, n int32, uses ...string) kernel.Prepared {
	t.Helper()
	job := &spec.Job{
		Name: "j", Type: "shell", Uses: uses,
		Args: map[string]*spec.Value{"command": {Literal: json.RawMessage(`["true"]`)}},
	}
	digest := b.put(revision, &spec.Flow{Address: "flow.f", Jobs: []*spec.Job{job}})
	return b.generator.Prepare(t.Context(), kernel.Prepare{
		Key: kernel.JobKey{Execution: "x"}, N: n, ProjectUID: "p", Revision: revision, Flow: "flow.f", FlowDigest: digest,
	})
}

func taskOf(t *testing.T, p kernel.Prepared) providers.Task {
	t.Helper()
	if p.Fault != "" {
		t.Fatalf("%s: %s", p.Fault, p.Error)
	}
	var task providers.Task
	if err := json.Unmarshal(p.Task, &task); err != nil {
		t.Fatal(err)
	}
	return task
}

func TestDependencies(t *testing.T) {
	b := newBytes()
	b.fail = errors.New("no connection")
	got := taskOf(t, b.prepare(t, 1, 1, "dependency.etl", `module.m.dependency.x["a b"]`)).Dependencies
	want := []providers.Dependency{
		{Name: "etl", Variable: "LFT_DEP_ETL", Digest: "d1", Object: "o1"},
		{Name: "x.a_b", Variable: "LFT_DEP_X_A_B", Digest: "d2", Form: spec.FormArchive, Object: "o2"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if b.asked != 2 {
		t.Errorf("asked %d times, the first of which failed", b.asked)
	}
	got = taskOf(t, b.prepare(t, 2, 1, "dependency.etl")).Dependencies
	if len(got) != 1 || got[0].Digest != "d9" {
		t.Errorf("revision 2: %+v", got)
	}
}

func TestDependenciesAreRemembered(t *testing.T) {
	b := newBytes()
	for n := range int32(3) {
		if got := taskOf(t, b.prepare(t, 1, n+1, "dependency.etl")).Dependencies[0].Object; got != "o1" || b.asked != 1 {
			t.Errorf("attempt %d: %s after %d questions", n+1, got, b.asked)
		}
	}
}

func TestDependencyFaults(t *testing.T) {
	for _, tc := range []struct {
		uses []string
		want record.Reason
		text string
	}{
		{[]string{"dependency.none"}, record.ReasonDependency, "dependency.none has no bytes at revision 1"},
		{[]string{"dependency.etl", "module.m.dependency.etl"}, record.ReasonGenerate, "have one name inside the job, LFT_DEP_ETL"},
	} {
		p := newBytes().prepare(t, 1, 1, tc.uses...)
		if p.Fault != tc.want || !strings.Contains(p.Error, tc.text) || p.Task != nil {
			t.Errorf("%v: %s %q", tc.uses, p.Fault, p.Error)
		}
	}
}

func TestQuickWithDependencies(t *testing.T) {
	b := newBytes()
	job := &spec.Job{Name: "j", Type: "shell", Uses: []string{"dependency.etl"}, Args: map[string]*spec.Value{"command": {Literal: json.RawMessage(`["true"]`)}}}
	p := kernel.Prepare{
		N: 1, ProjectUID: "p", Revision: 1, Flow: "flow.f",
		FlowDigest: b.put(1, &spec.Flow{Address: "flow.f", Jobs: []*spec.Job{job}}),
	}
	if b.generator.Quick(p) {
		t.Error("nothing is known, and it is quick")
	}
	b.generator.Prepare(t.Context(), p)
	if !b.generator.Quick(p) {
		t.Error("all is known, and it is not quick")
	}
	p.Revision = 2
	if b.generator.Quick(p) {
		t.Error("the dependency is not known at this revision, and it is quick")
	}
}
