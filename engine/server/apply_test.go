package server

import (
	"errors"
	"strings"
	"testing"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/auth"
	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/store/storetest"
	"github.com/leifengta/lft/lang/spec"
)

// nudged counts how often the master is told of a revision.
type nudged struct {
	Runs
	times int
}

func (n *nudged) Nudge() { n.times++ }

// An apply says who has made it, on what, and tells the master; what is refused
// tells nobody.
func TestApply(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t))
	master := &nudged{}
	d := &definitions{Deps{Deploy: deploy.New(s), Definitions: s, Runs: master}}
	ctx := auth.With(t.Context(), auth.Local("ann"))
	flow := &spec.Flow{Address: "flow.f"}
	data := flow.Canonical()
	if _, err := d.PutSpecs(ctx, &lftv1.PutSpecsRequest{Specs: []*lftv1.Spec{{Digest: spec.Digest(data), Data: data}}}); err != nil {
		t.Fatal(err)
	}
	apply := func(id, project, kind string) error {
		_, err := d.Apply(ctx, &lftv1.ApplyRequest{ApplyId: id, Changes: &lftv1.ChangeSet{
			Project: project, Lineage: "l", Origin: "o",
			Changes: []*lftv1.Change{{Action: "create", Kind: kind, Address: "flow.f", Digest: spec.Digest(data)}},
		}})
		return err
	}
	if err := apply("1", "p", "flow"); err != nil {
		t.Fatal(err)
	}
	if err := apply("2", "p", "flow"); !errors.Is(err, deploy.ErrStale) {
		t.Errorf("on what is not there any more: %v", err)
	}
	if err := apply("3", "", "flow"); !errors.Is(err, errInvalid) {
		t.Errorf("to no project: %v", err)
	}
	if _, err := d.Preview(ctx, &lftv1.PreviewRequest{}); !errors.Is(err, errInvalid) {
		t.Errorf("a preview of nothing: %v", err)
	}
	if master.times != 1 {
		t.Errorf("the master is told of %d revisions", master.times)
	}
	res, err := d.ListRevisions(ctx, &lftv1.ListRevisionsRequest{Project: "p"})
	if err != nil || len(res.GetRevisions()) != 1 || res.GetRevisions()[0].GetAuthor() != "ann" {
		t.Errorf("%v, %v", res, err)
	}
}

// An answer is bounded; what is left over is asked for again.
func TestSpecsOfOneAnswer(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t))
	d := &definitions{Deps{Deploy: deploy.New(s)}}
	const each = 1 << 19
	var digests []string
	for i := range maxAnswer/each + 2 {
		flow := &spec.Flow{Address: "flow.f", Description: strings.Repeat(string(rune('a'+i)), each)}
		data := flow.Canonical()
		digests = append(digests, spec.Digest(data))
		if _, err := d.PutSpecs(t.Context(), &lftv1.PutSpecsRequest{Specs: []*lftv1.Spec{{Digest: digests[i], Data: data}}}); err != nil {
			t.Fatal(err)
		}
	}
	for ask, want := range map[int]int{1: 1, len(digests): maxAnswer/each - 1} {
		res, err := d.GetSpecs(t.Context(), &lftv1.GetSpecsRequest{Digests: digests[:ask]})
		if err != nil || len(res.GetSpecs()) != want {
			t.Errorf("of %d there are %d, %v", ask, len(res.GetSpecs()), err)
		}
	}
}
