package deploy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

func TestPutSpecsChecksDigests(t *testing.T) {
	f := newFolder(t)
	data := flow("a").Canonical()
	good := record.Spec{Digest: spec.Digest(data), Data: data}
	bad := record.Spec{Digest: strings.Repeat("0", 64), Data: data}
	if err := f.PutSpecs(t.Context(), []record.Spec{good, bad}); !errors.Is(err, deploy.ErrInvalid) {
		t.Errorf("error %v", err)
	}
	if got, err := f.Specs(t.Context(), []string{good.Digest, bad.Digest}); len(got) != 0 || err != nil {
		t.Errorf("refused, but stored: %v, %v", got, err)
	}
}

func TestSpecsThatHaveGone(t *testing.T) {
	f := newFolder(t)
	b := bundle(flow("a", job("x")), flow("b"))
	set, rival := f.set(t, b), f.set(t, b)
	rival.Project = "no project"
	if _, err := f.Preview(t.Context(), rival); !errors.Is(err, deploy.ErrInvalid) {
		t.Fatal(err)
	}
	f.clean(t, set) // those of the rival were the same ones
	if _, err := f.Preview(t.Context(), set); !errors.Is(err, deploy.ErrSpecs) {
		t.Errorf("preview: %v", err)
	}
	f.put(t, flow("a", job("x")).Canonical())
	if _, err := f.Apply(t.Context(), request("1", set)); !errors.Is(err, deploy.ErrSpecs) || !strings.Contains(err.Error(), "flow.b") {
		t.Errorf("apply: %v", err)
	}
	f.put(t, flow("b").Canonical()) // that of flow.a is kept meanwhile
	if _, err := f.Apply(t.Context(), request("1", set)); err != nil {
		t.Error(err)
	}
}

func TestCollectSpecs(t *testing.T) {
	f := newFolder(t)
	f.apply(t, "1", bundle(flow("a")))
	set := f.set(t, bundle(flow("a", job("x"))))
	var old []record.Spec
	for i := range 100 {
		old = append(old, record.Spec{Digest: fmt.Sprint(i), Data: []byte("{}")})
	}
	if err := f.store.PutSpecs(t.Context(), old, -1); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		if more, err := f.Collect(t.Context()); more != want || err != nil {
			t.Errorf("more = %v, want %v, error = %v", more, want, err)
		}
	}
	for _, spec := range old {
		if left, err := f.Specs(t.Context(), []string{spec.Digest}); len(left) > 0 || err != nil {
			t.Errorf("%s is left: %v", spec.Digest, err)
		}
	}
	if _, err := f.Apply(t.Context(), request("2", set)); err != nil {
		t.Errorf("what was just put was collected: %v", err)
	}
}

// clean asserts that of the specs of a change set only those are stored that a
// revision refers to.
func (f folder) clean(t *testing.T, set deploy.ChangeSet) {
	t.Helper()
	used := map[string]bool{}
	before, _, err := f.Deployed(t.Context(), "p", 0)
	if err != nil {
		t.Fatal(err)
	}
	for r := range before.Project.Revision {
		for _, o := range f.deployed(t, r+1) {
			used[o.Digest] = true
		}
	}
	var digests []string
	for _, c := range set.Changes {
		if !used[c.Digest] {
			digests = append(digests, c.Digest)
		}
	}
	if left, err := f.Specs(t.Context(), digests); len(left) > 0 || err != nil {
		t.Errorf("refused, but its specs are there: %v, %v", left, err)
	}
}
