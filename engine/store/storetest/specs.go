package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
)

// putSpecs stores specs by name; their lease has ended when it is negative.
func putSpecs(t testing.TB, s *store.Store, lease time.Duration, digests ...string) {
	t.Helper()
	list := make([]record.Spec, len(digests))
	for i, d := range digests {
		list[i] = record.Spec{Digest: d, Data: []byte("{}")}
	}
	if err := s.PutSpecs(t.Context(), list, lease); err != nil {
		t.Fatal(err)
	}
}

// stored puts the specs of a change.
func stored(t testing.TB, s *store.Store, c store.DefinitionChange) {
	t.Helper()
	var digests []string
	for _, o := range c.Objects {
		digests = append(digests, o.Object.Digest)
	}
	putSpecs(t, s, time.Hour, digests...)
}

// there are those of the specs that are stored.
func there(t testing.TB, s *store.Store, digests ...string) []string {
	t.Helper()
	found := got(s.Specs(t.Context(), digests))(t)
	return slices.DeleteFunc(digests, func(d string) bool { return found[d] == nil })
}

func specs(t *testing.T, state string) {
	s := Open(t, state)
	ctx := t.Context()
	var list []record.Spec
	var digests []string
	for i := range 2500 {
		list = append(list, record.Spec{Digest: fmt.Sprintf("d%04d", 2499-i), Data: fmt.Appendf(nil, `{"n":%d}`, i)})
		digests = append(digests, list[i].Digest)
	}
	for range 2 { // what is there stays
		if err := s.PutSpecs(ctx, list, time.Hour); err != nil {
			t.Fatal(err)
		}
		list[0].Data = []byte("{}")
	}
	found := got(s.Specs(ctx, append(digests, "unknown")))(t)
	if len(found) != 2500 || string(found["d2499"]) != `{"n":0}` || string(found["d0000"]) != `{"n":2499}` {
		t.Errorf("%d specs, the first is %s", len(found), found["d2499"])
	}
	if err := s.ForgetSpecs(ctx, digests[1:]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"d2499"}, there(t, s, digests...)); diff != "" {
		t.Errorf("after the others were forgotten (-want +got):\n%s", diff)
	}
}

// applyNeedsSpecs: an apply is refused whole when any spec that it refers to is not
// stored; those of what it takes away are of no interest.
func applyNeedsSpecs(t *testing.T, state string) {
	s := Open(t, state)
	ctx := t.Context()
	putSpecs(t, s, time.Hour, "a1", "b1")
	// 1200 are more than one statement names.
	many := []store.ObjectChange{version("a", "a1", 0), version("b", "b1", 0)}
	for i := range 1200 {
		many = append(many, version(fmt.Sprint("m", i), fmt.Sprint("m", i), 0))
	}
	if _, _, err := s.Apply(ctx, changeOf("p", 0, many...)); !errors.Is(err, store.ErrNoSpec) {
		t.Errorf("with two of many: %v", err)
	}
	untouched(t, s, "p", 0)
	applied(t, s, changeOf("p", 0, many...))

	gone := store.ObjectChange{Object: record.Object{UID: "b", Digest: "nowhere"}, Base: 1, Deleted: true}
	if _, _, err := s.Apply(ctx, changeOf("p", 1, version("a", "a2", 1), gone)); !errors.Is(err, store.ErrNoSpec) {
		t.Errorf("without: %v", err)
	}
	untouched(t, s, "p", 1)
	putSpecs(t, s, time.Hour, "a2")
	if _, _, err := s.Apply(ctx, changeOf("p", 1, version("a", "a2", 1), gone)); err != nil {
		t.Error(err)
	}
}

// specsAreForgotten: what no version has ever referred to goes, when its lease has
// ended or its change was refused; what one has, stays.
func specsAreForgotten(t *testing.T, state string) {
	s := Open(t, state)
	ctx := t.Context()
	const past = -time.Second
	all := []string{"ended", "fresh", "old", "other", "renewed", "used"}
	putSpecs(t, s, past, "ended", "old", "other", "used", "renewed")
	putSpecs(t, s, time.Hour, "fresh", "renewed", "renewed") // it may come twice
	putSpecs(t, s, past, "renewed", "fresh")                 // a shorter lease replaces no longer one
	for _, change := range []store.DefinitionChange{changeOf("p", 0, version("f", "old", 0)), changeOf("p", 1, version("f", "used", 1))} {
		if _, _, err := s.Apply(ctx, change); err != nil {
			t.Fatal(err)
		}
	}
	putSpecs(t, s, past, "used") // a lease is not what keeps it
	if n := got(s.CollectSpecs(ctx, 1))(t); n != 1 {
		t.Errorf("%d were collected, want as many as allowed", n)
	}
	if n := got(s.CollectSpecs(ctx, 100))(t); n != 1 {
		t.Errorf("%d were collected, want what was left", n)
	}
	if n := got(s.CollectSpecs(ctx, 100))(t); n != 0 {
		t.Errorf("%d were collected of nothing", n)
	}
	if diff := cmp.Diff([]string{"fresh", "old", "renewed", "used"}, there(t, s, slices.Clone(all)...)); diff != "" {
		t.Errorf("after the collection (-want +got):\n%s", diff)
	}
	if err := s.ForgetSpecs(ctx, append(all, "fresh", "unknown")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"old", "used"}, there(t, s, all...)); diff != "" {
		t.Errorf("after all was forgotten (-want +got):\n%s", diff)
	}
}

// applyAgainstForgetting: an apply that has succeeded never refers to a spec that is
// gone, although no lease keeps it from those who forget.
func applyAgainstForgetting(t *testing.T, state string) {
	s := Open(t, state)
	other := rival(t, state, s)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			if _, err := other.CollectSpecs(t.Context(), 3); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer wg.Wait()
	defer stop()
	won, lost := 0, 0
	for base := int64(0); won < 10 && lost < 500; {
		var objects []store.ObjectChange
		var digests []string
		for i := range 8 {
			digests = append(digests, fmt.Sprintf("s%d-%d", won+lost, i))
			objects = append(objects, version(fmt.Sprint("f", i), digests[i], base))
		}
		putSpecs(t, s, -time.Second, digests...)
		c := changeOf("p", base, objects...)
		c.Revision.ApplyID, c.Audit.ID = digests[0], digests[0]
		switch _, _, err := s.Apply(t.Context(), c); {
		case err == nil:
			won, base = won+1, base+1
			if err := other.ForgetSpecs(t.Context(), digests); err != nil {
				t.Error(err)
			}
			if left := there(t, s, slices.Clone(digests)...); len(left) != len(digests) {
				t.Errorf("revision %d refers to %v, but there is %v", base, digests, left)
			}
		case errors.Is(err, store.ErrNoSpec):
			lost++
		default:
			t.Error(err)
			won = 10
		}
	}
	t.Logf("%d applies were faster than the collection, %d were not", won, lost)
}
