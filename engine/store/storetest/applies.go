package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
)

// changeOf is an apply to project name from a revision; its uid is its name.
func changeOf(name string, base int64, objects ...store.ObjectChange) store.DefinitionChange {
	id := fmt.Sprintf("apply-%s-%d", name, base)
	return store.DefinitionChange{
		Project:  record.Project{UID: name, Name: name, Lineage: "l", Origin: "here", Revision: base},
		Revision: record.Revision{ApplyID: id, Author: "ann", Message: "m", Digest: "d", Added: 1, Changed: 2, Destroyed: 3},
		Objects:  objects,
		Audit:    record.Audit{ID: id, By: "ann", Verb: "apply", Object: name},
	}
}

func version(uid, digest string, base int64) store.ObjectChange {
	return store.ObjectChange{Object: record.Object{UID: uid, Kind: "flow", Address: "flow." + uid, Digest: digest}, Base: base}
}

func create(t *testing.T, s *store.Store, name string) record.Revision {
	t.Helper()
	return applied(t, s, changeOf(name, 0, version("a", "d1", 0)))
}

func change(t *testing.T, s *store.Store, name string, base int64) record.Revision {
	t.Helper()
	return applied(t, s, changeOf(name, base))
}

func applied(t *testing.T, s *store.Store, c store.DefinitionChange) record.Revision {
	t.Helper()
	stored(t, s, c)
	rev, repeated, err := s.Apply(t.Context(), c)
	if err != nil || repeated {
		t.Fatalf("repeated = %v, error = %v", repeated, err)
	}
	return rev
}

func applyVersions(t *testing.T, state string) {
	s := Open(t, state)
	ctx := t.Context()
	before := got(s.Now(ctx))(t)
	first := applied(t, s, changeOf("p", 0, version("a", "a1", 0), version("b", "b1", 0), version("c", "c1", 0)))
	moved := version("a", "a1", 1)
	moved.Object.Address = "flow.renamed"
	gone := store.ObjectChange{Object: record.Object{UID: "c"}, Base: 1, Deleted: true}
	second := applied(t, s, changeOf("p", 1, moved, version("b", "b2", 1), gone, version("d", "d1", 0)))

	if first.EffectiveFrom < before || second.EffectiveFrom <= first.EffectiveFrom || second.EffectiveFrom > got(s.Now(ctx))(t) {
		t.Errorf("effective from %d, then %d; it was %d before", first.EffectiveFrom, second.EffectiveFrom, before)
	}
	show := func(revision int64) (list []string) {
		for _, o := range got(s.Objects(ctx, "p", revision))(t) {
			list = append(list, fmt.Sprintf("%s %s %s %d-%d", o.Address, o.UID, o.Digest, o.From, o.Until))
		}
		return list
	}
	newest := []string{"flow.b b b2 2-0", "flow.d d d1 2-0", "flow.renamed a a1 2-0"}
	for revision, want := range map[int64][]string{
		0: newest, 2: newest,
		1: {"flow.a a a1 1-2", "flow.b b b1 1-2", "flow.c c c1 1-2"},
	} {
		if diff := cmp.Diff(want, show(revision)); diff != "" {
			t.Errorf("revision %d (-want +read):\n%s", revision, diff)
		}
	}
	for revision, want := range map[int64]map[string]string{1: {"flow.a": "a1", "flow.b": "b1"}, 2: {"flow.b": "b2"}} {
		found := map[string]string{}
		for address, o := range got(s.ObjectsAt(ctx, "p", revision, []string{"flow.a", "flow.b", "flow.nowhere"}))(t) {
			found[address] = o.Digest
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("objects by address at revision %d (-want +read):\n%s", revision, diff)
		}
	}
	var versions []string
	for _, o := range got(s.Versions(ctx, "p", []string{"c", "a", "nothing"}))(t) {
		versions = append(versions, fmt.Sprintf("%s %s %d-%d", o.UID, o.Address, o.From, o.Until))
	}
	if diff := cmp.Diff([]string{"a flow.a 1-2", "a flow.renamed 2-0", "c flow.c 1-2"}, versions); diff != "" {
		t.Errorf("versions (-want +read):\n%s", diff)
	}
	if ended := one(s.Object(ctx, "p", "c"))(t); ended.From != 1 || ended.Until != 2 {
		t.Errorf("what was destroyed: %+v", ended)
	}
	if newest := one(s.Object(ctx, "p", "b"))(t); newest.From != 2 || newest.Digest != "b2" {
		t.Errorf("what was changed: %+v", newest)
	}
	head := one(s.Project(ctx, "p"))(t)
	want := record.Project{UID: "p", Name: "p", Lineage: "l", Origin: "here", Revision: 2, EffectiveFrom: second.EffectiveFrom}
	if diff := cmp.Diff(want, head); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]record.Project{want}, got(s.Projects(ctx))(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]record.Revision{second, first}, got(s.Revisions(ctx, "p", 0, 10))(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]record.Revision{first}, got(s.Revisions(ctx, "p", 2, 10))(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(second, one(s.RevisionByApplyID(ctx, "apply-p-1"))(t)); diff != "" {
		t.Error(diff)
	}
	audits := got(s.Audits(ctx, 0, "", 10))(t)
	if len(audits) != 2 || audits[0].At != second.EffectiveFrom || audits[0].Verb != "apply" {
		t.Errorf("audits: %+v", audits)
	}
}

// untouched fails when an apply has left anything.
func untouched(t *testing.T, s *store.Store, name string, revision int64) {
	t.Helper()
	ctx := t.Context()
	if revs := got(s.Revisions(ctx, name, 0, 100))(t); int64(len(revs)) != revision {
		t.Errorf("%d revisions, want %d", len(revs), revision)
	}
	if audits := got(s.Audits(ctx, 0, "", 100))(t); int64(len(audits)) != revision {
		t.Errorf("%d audits, want %d", len(audits), revision)
	}
	for _, o := range got(s.Objects(ctx, name, revision+1))(t) {
		if o.From > revision || o.Until > revision {
			t.Errorf("an object of a refused apply: %+v", o)
		}
	}
}

func applyRefusals(t *testing.T, state string) {
	s := Open(t, state)
	create(t, s, "p")
	change(t, s, "p", 1)
	other := changeOf("p", 2)
	other.Project.Lineage = "another"
	future := changeOf("p", 3)
	changed := changeOf("p", 2, version("nobody", "x", 1))
	namesake := changeOf("p", 2)
	namesake.Project.UID = "p2"
	for _, tc := range []struct {
		name string
		c    store.DefinitionChange
		want error
	}{
		{"older base", changeOf("p", 1), store.ErrStale},
		{"as if new", changeOf("p", 0, version("z", "z", 0)), store.ErrStale},
		{"newer base", future, store.ErrStale},
		{"unknown project", changeOf("q", 1), store.ErrStale},
		{"version that is not there", changed, store.ErrStale},
		{"another folder", other, store.ErrLineage},
		{"another project of that name", namesake, store.ErrStale},
	} {
		tc.c.Revision.ApplyID, tc.c.Audit.ID = tc.name, tc.name
		stored(t, s, tc.c)
		if _, _, err := s.Apply(t.Context(), tc.c); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	untouched(t, s, "p", 2)
	other.Adopt = true
	other.Revision.ApplyID, other.Audit.ID = "adopt", "adopt"
	applied(t, s, other)
	if head := one(s.Project(t.Context(), "p"))(t); head.Lineage != "another" || head.Revision != 3 {
		t.Errorf("adopted: %+v", head)
	}
}

func applyRepeated(t *testing.T, state string) {
	s := Open(t, state)
	first := create(t, s, "p")
	change(t, s, "p", 1)
	rev, repeated, err := s.Apply(t.Context(), changeOf("p", 0, version("a", "d1", 0)))
	if err != nil || !repeated {
		t.Fatalf("repeated = %v, error = %v", repeated, err)
	}
	if diff := cmp.Diff(first, rev); diff != "" {
		t.Error(diff)
	}
	untouched(t, s, "p", 2)
}

func applyRace(t *testing.T, state string) {
	s := Open(t, state)
	stores := make([]*store.Store, 8)
	for i := range stores {
		stores[i] = rival(t, state, s)
	}
	for base := range int64(6) {
		var wg sync.WaitGroup
		wins := make([]bool, len(stores))
		for i, r := range stores {
			wg.Go(func() {
				c := changeOf("p", base, version("a", fmt.Sprint("by", i), base), version(fmt.Sprintf("n%d-%d", base, i), "x", 0))
				c.Revision.ApplyID = fmt.Sprintf("%d-%d", base, i)
				c.Audit.ID = c.Revision.ApplyID
				stored(t, r, c)
				_, _, err := r.Apply(t.Context(), c)
				wins[i] = err == nil
				if err != nil && !errors.Is(err, store.ErrStale) {
					t.Errorf("applier %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		winner := -1
		for i, won := range wins {
			if won && winner >= 0 {
				t.Errorf("base %d: both %d and %d have won", base, winner, i)
			}
			if won {
				winner = i
			}
		}
		if winner < 0 {
			t.Fatalf("base %d: nobody has won", base)
		}
		untouched(t, s, "p", base+1)
		objects := got(s.Objects(t.Context(), "p", 0))(t)
		if int64(len(objects)) != base+2 {
			t.Errorf("base %d: %d objects, want %d", base, len(objects), base+2)
		}
		if a := objects[0]; a.UID != "a" || a.Digest != fmt.Sprint("by", winner) {
			t.Errorf("base %d: applier %d has won, but the object is %+v", base, winner, a)
		}
	}
}

// applyRaceApart: rivals from one base that have no object in common meet at the head
// alone. One of them wins.
func applyRaceApart(t *testing.T, state string) {
	s := Open(t, state)
	create(t, s, "p")
	stores := make([]*store.Store, 6)
	for i := range stores {
		stores[i] = rival(t, state, s)
	}
	for base := int64(1); base < 6; base++ {
		var wg sync.WaitGroup
		var wins atomic.Int32
		for i, r := range stores {
			c := changeOf("p", base, version(fmt.Sprintf("n%d-%d", base, i), "d1", 0))
			c.Revision.ApplyID = fmt.Sprintf("%d-%d", base, i)
			c.Audit.ID = c.Revision.ApplyID
			wg.Go(func() {
				_, _, err := r.Apply(t.Context(), c)
				if err == nil {
					wins.Add(1)
				} else if !errors.Is(err, store.ErrStale) {
					t.Errorf("applier %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := wins.Load(); n != 1 {
			t.Fatalf("base %d: %d have won", base, n)
		}
		untouched(t, s, "p", base+1)
	}
}

// applyRaceToCreate: folders that make a project of one name at the same time meet at
// the name. One of them gets it.
func applyRaceToCreate(t *testing.T, state string) {
	s := Open(t, state)
	stores := make([]*store.Store, 6)
	for i := range stores {
		stores[i] = rival(t, state, s)
	}
	for round := range 5 {
		name := fmt.Sprint("p", round)
		var wg sync.WaitGroup
		var wins atomic.Int32
		for i, r := range stores {
			c := changeOf(name, 0)
			c.Project.UID = fmt.Sprint(name, "of", i)
			c.Project.Lineage = fmt.Sprint("l", i)
			c.Revision.ApplyID = c.Project.UID
			c.Audit.ID = c.Project.UID
			wg.Go(func() {
				_, _, err := r.Apply(t.Context(), c)
				if err == nil {
					wins.Add(1)
				} else if !errors.Is(err, store.ErrStale) && !errors.Is(err, store.ErrLineage) {
					t.Errorf("folder %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := wins.Load(); n != 1 {
			t.Fatalf("project %s: %d have made it", name, n)
		}
		head := one(s.Project(t.Context(), name))(t)
		if revs := got(s.Revisions(t.Context(), head.UID, 0, 10))(t); len(revs) != 1 || revs[0].ApplyID != head.UID {
			t.Errorf("the head is of %s, its revisions are %+v", head.UID, revs)
		}
	}
}

// applyAgainstCommit: once an apply has answered, no batch that relies on the
// revision before it is written.
func applyAgainstCommit(t *testing.T, state string) {
	m := master(t, state)
	create(t, m.Store, "p")
	const applies = 20
	deployed := make(chan int64, applies) // revisions that were answered
	go func() {
		defer close(deployed)
		for base := int64(1); base <= applies; base++ {
			if _, _, err := m.Apply(t.Context(), changeOf("p", base)); err != nil {
				t.Error(err)
				return
			}
			deployed <- base + 1
		}
	}()
	answered, known := int64(1), int64(1)
	for open := true; open; {
		select {
		case r, ok := <-deployed:
			if open = ok; ok {
				answered = r
			}
		default:
		}
		floor := answered
		err := m.write(t.Context(), record.Batch{Heads: []record.Head{{ProjectUID: "p", Revision: known}}})
		switch {
		case errors.Is(err, lease.ErrMoved):
			known = one(m.Project(t.Context(), "p"))(t).Revision
		case err != nil:
			t.Fatal(err)
		case known < floor:
			t.Fatalf("a batch relied on revision %d after %d was answered", known, floor)
		}
	}
	if answered != applies+1 {
		t.Errorf("the last revision is %d", answered)
	}
}
