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

// dependency is an object that stands for the tree of a digest.
func dependency(uid, tree string, base int64) store.ObjectChange {
	c := version(uid, "spec of "+tree, base)
	c.Object.Kind, c.Object.Address = "dependency", "dependency."+uid
	c.Dependency = &record.Dependency{Digest: tree, Form: "archive"}
	return c
}

// put makes a blob that is there; its lease has ended when it is negative.
func put(t testing.TB, s *store.Store, digest, upload string, lease time.Duration) {
	t.Helper()
	b := record.Blob{Digest: digest, Upload: upload, Size: 7}
	if err := errors.Join(s.BeginBlob(t.Context(), b, time.Hour), s.EndBlob(t.Context(), b, lease)); err != nil {
		t.Fatal(err)
	}
}

// kept is the newest revision alone.
var kept = store.Kept{Revisions: 1}

func doomed(t testing.TB, s *store.Store) (digests []string) {
	t.Helper()
	got(s.DoomBlobs(t.Context(), kept, 100))(t)
	for _, b := range got(s.DoomedBlobs(t.Context(), 100))(t) {
		digests = append(digests, b.Digest+"."+b.Upload)
	}
	slices.Sort(digests)
	return digests
}

func blobLeases(t *testing.T, state string) {
	s := Open(t, state)
	ctx := t.Context()
	b := record.Blob{Digest: "a", Upload: "1", Size: 7}
	if err := s.BeginBlob(ctx, b, -time.Second); err != nil {
		t.Fatal(err)
	}
	if list := got(s.LeaseBlobs(ctx, []string{"a"}, time.Hour))(t); len(list) != 0 {
		t.Errorf("an upload that has not ended is there: %+v", list)
	}
	if diff := cmp.Diff([]string{"a.1"}, doomed(t, s)); diff != "" {
		t.Errorf("an upload that was given up (-want +got):\n%s", diff)
	}
	if err := s.EndBlob(ctx, b, time.Hour); err == nil {
		t.Error("an upload that was given up has ended")
	}
	if err := s.DropBlob(ctx, b); err != nil {
		t.Fatal(err)
	}

	put(t, s, "a", "2", -time.Second)
	put(t, s, "b", "1", -time.Second)
	put(t, s, "c", "1", time.Hour)
	before := got(s.Now(ctx))(t)
	list := got(s.LeaseBlobs(ctx, []string{"a", "unknown", "a"}, time.Hour))(t)
	if len(list) != 1 || list[0].Upload != "2" || list[0].Size != 7 || list[0].LeaseUntil < before+3600_000_000 {
		t.Errorf("leased: %+v", list)
	}
	got(s.LeaseBlobs(ctx, []string{"a"}, time.Minute))(t)
	if again := got(s.Blobs(ctx, []string{"a"}))(t); again[0].LeaseUntil != list[0].LeaseUntil {
		t.Errorf("a shorter lease has replaced a longer one: %+v", again)
	}
	if diff := cmp.Diff([]string{"b.1"}, doomed(t, s)); diff != "" {
		t.Errorf("doomed (-want +got):\n%s", diff)
	}
	if list := got(s.LeaseBlobs(ctx, []string{"b"}, time.Hour))(t); len(list) != 0 {
		t.Errorf("a doomed blob is leased: %+v", list)
	}
	put(t, s, "b", "2", -time.Second)
	put(t, s, "b", "3", time.Hour) // slower than the second
	if list := got(s.Blobs(ctx, []string{"b"}))(t); len(list) != 1 || list[0].Upload != "2" {
		t.Errorf("blobs of b: %+v", list)
	}
	if diff := cmp.Diff([]string{"b.1", "b.3"}, doomed(t, s)); diff != "" {
		t.Errorf("doomed (-want +got):\n%s", diff)
	}
}

func applyNeedsBlobs(t *testing.T, state string) {
	s := Open(t, state)
	ctx := t.Context()
	bare := changeOf("p", 0, dependency("d", "t1", 0))
	stored(t, s, bare)
	if _, _, err := s.Apply(ctx, bare); !errors.Is(err, store.ErrNoBlob) {
		t.Errorf("without bytes: %v", err)
	}
	untouched(t, s, "p", 0)
	put(t, s, "t1", "1", time.Hour)
	applied(t, s, changeOf("p", 0, dependency("d", "t1", 0), version("f", "x", 0)))
	put(t, s, "t2", "1", time.Hour)
	applied(t, s, changeOf("p", 1, dependency("d", "t2", 1)))
	gone := dependency("d", "nowhere", 2)
	gone.Deleted = true
	applied(t, s, changeOf("p", 2, gone))
	for revision, want := range map[int64]map[string]record.Source{
		3: {},
		1: {"dependency.d": {Digest: "t1", Form: "archive", Object: "dep/t1/t1.1"}},
		2: {"dependency.d": {Digest: "t2", Form: "archive", Object: "dep/t2/t2.1"}},
	} {
		list := got(s.Dependencies(ctx, "p", revision, []string{"dependency.d", "flow.f", "dependency.none"}))(t)
		if diff := cmp.Diff(want, list); diff != "" {
			t.Errorf("revision %d (-want +got):\n%s", revision, diff)
		}
	}
}

// collection keeps what a kept revision, the adopted one, or a live execution
// relies on, and nothing else.
func collection(t *testing.T, state string) {
	m := master(t, state)
	const past = -time.Second
	for n := range int64(5) { // revisions 1 to 5 have t1 to t5
		put(t, m.Store, fmt.Sprint("t", n+1), "1", past)
		applied(t, m.Store, changeOf("p", n, dependency("d", fmt.Sprint("t", n+1), n)))
	}
	put(t, m.Store, "other", "1", past)
	live := record.Execution{ID: "x", ProjectUID: "p", Revision: 2, State: record.Running}
	m.must(t, record.Batch{Executions: []record.Execution{live}, Adopted: []record.Adopted{{ProjectUID: "p", Revision: 4}}})
	if diff := cmp.Diff([]string{"other.1", "t1.1", "t3.1"}, doomed(t, m.Store)); diff != "" {
		t.Errorf("with an execution of 2 and 4 adopted (-want +got):\n%s", diff)
	}
	live.State = record.ExecutionSucceeded
	m.must(t, record.Batch{
		Executions: []record.Execution{live}, Finished: []string{"x"},
		Adopted: []record.Adopted{{ProjectUID: "p", Revision: 5}},
	})
	generous := kept
	generous.Revisions = 2
	if n := got(m.DoomBlobs(t.Context(), generous, 100))(t); n != 1 {
		t.Errorf("%d were doomed with two revisions kept, want t2 alone", n)
	}
	lately := kept
	lately.Span = time.Hour
	if n := got(m.DoomBlobs(t.Context(), lately, 100))(t); n != 0 {
		t.Errorf("%d were doomed that were in force lately", n)
	}
	if diff := cmp.Diff([]string{"other.1", "t1.1", "t2.1", "t3.1", "t4.1"}, doomed(t, m.Store)); diff != "" {
		t.Errorf("at the end (-want +got):\n%s", diff)
	}
}

// applyAgainstCollection: an apply that has succeeded never relies on a doomed
// blob, although no lease keeps them apart.
func applyAgainstCollection(t *testing.T, state string) {
	s := Open(t, state)
	other := rival(t, state, s)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			if _, err := other.DoomBlobs(t.Context(), kept, 3); err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer wg.Wait()
	defer stop()
	won, lost := 0, 0
	for base := int64(0); won < 10 && lost < 500; {
		tree := fmt.Sprint("t", won+lost)
		put(t, s, tree, "1", -time.Second)
		c := changeOf("p", base, dependency("d", tree, base))
		c.Revision.ApplyID, c.Audit.ID = tree, tree
		stored(t, s, c)
		switch _, _, err := s.Apply(t.Context(), c); {
		case err == nil:
			won, base = won+1, base+1
			if list := got(s.Dependencies(t.Context(), "p", base, []string{"dependency.d"}))(t); len(list) != 1 {
				t.Errorf("revision %d relies on %s, which is doomed", base, tree)
			}
		case errors.Is(err, store.ErrNoBlob):
			lost++
		default:
			t.Error(err)
			won = 10
		}
	}
	t.Logf("%d applies were faster than the collection, %d were not", won, lost)
}
