package storetest

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
)

// rival is another process's store; a SQLite file has none beside the owner's.
func rival(t *testing.T, state string, s *store.Store) *store.Store {
	if strings.HasPrefix(state, "sqlite:") {
		return s
	}
	return Open(t, state)
}

func staleEpochWritesNothing(t *testing.T, state string) {
	old := master(t, state)
	old.must(t, record.Batch{Audits: []record.Audit{{ID: "before"}}})
	next := rival(t, state, old.Store)
	epoch := Take(t, next, "second")
	if epoch <= old.epoch {
		t.Fatalf("epoch %d after %d", epoch, old.epoch)
	}
	if err := old.write(t.Context(), record.Batch{Audits: []record.Audit{{ID: "stale"}}}); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("stale write: %v", err)
	}
	if _, err := old.Load(t.Context(), old.epoch); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("stale load: %v", err)
	}
	if _, err := old.Office().Beat(t.Context(), old.epoch); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("stale beat: %v", err)
	}
	if err := old.Office().Resign(t.Context(), old.epoch); err != nil {
		t.Errorf("stale resign: %v", err)
	}
	// An epoch that nobody has taken yet is no better.
	if err := next.Commit(t.Context(), epoch+1, 1, &record.Batch{}); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("write of a future epoch: %v", err)
	}
	now := &writer{Store: next, epoch: epoch}
	now.must(t, record.Batch{Audits: []record.Audit{{ID: "after"}}})
	var ids []string
	for _, a := range got(next.Audits(t.Context(), 0, "", 10))(t) {
		ids = append(ids, a.ID)
	}
	if strings.Join(ids, " ") != "before after" && strings.Join(ids, " ") != "after before" {
		t.Errorf("rows: %v", ids)
	}
	if seat := got(next.Office().Look(t.Context()))(t); seat.Resigned {
		t.Error("a stale resign has unseated the holder")
	}
}

func movedHeadIsRefused(t *testing.T, state string) {
	m := master(t, state)
	create(t, m.Store, "p")
	b := record.Batch{
		Heads:  []record.Head{{ProjectUID: "p", Revision: 1}},
		Audits: []record.Audit{{ID: "a"}},
	}
	m.must(t, b)
	change(t, m.Store, "p", 1)
	b.Audits[0].ID = "b"
	if err := m.write(t.Context(), b); !errors.Is(err, lease.ErrMoved) {
		t.Errorf("moved head: %v", err)
	}
	b.Heads = []record.Head{{ProjectUID: "p", Revision: 2}, {ProjectUID: "nobody", Revision: 1}}
	if err := m.write(t.Context(), b); !errors.Is(err, lease.ErrMoved) {
		t.Errorf("head that does not exist: %v", err)
	}
	var ids int
	for _, a := range got(m.Audits(t.Context(), 0, "", 10))(t) {
		if a.ID == "b" {
			ids++
		}
	}
	if ids > 0 {
		t.Error("a refused batch has left a row")
	}
}

func lastBatch(t *testing.T, state string) {
	m := master(t, state)
	if n := got(m.LastBatch(t.Context(), m.epoch))(t); n != 0 {
		t.Errorf("before any batch: %d", n)
	}
	m.serial = 41
	m.must(t, record.Batch{})
	old := m.epoch
	m.epoch = Take(t, m.Store, "first")
	if n := got(m.LastBatch(t.Context(), old))(t); n != 42 {
		t.Errorf("after a new epoch: %d, want 42", n)
	}
	if n := got(m.LastBatch(t.Context(), m.epoch))(t); n != 0 {
		t.Errorf("of a new epoch before any batch: %d", n)
	}
	m.must(t, record.Batch{})
	if n := got(m.LastBatch(t.Context(), old))(t); n != 0 {
		t.Errorf("after a batch of the new epoch: %d, want 0", n)
	}
}

func seat(t *testing.T, state string) {
	s := Open(t, state)
	office, ctx := s.Office(), t.Context()
	vacant := got(office.Look(ctx))(t)
	if vacant.Epoch != 0 || vacant.Now == 0 {
		t.Errorf("a new database: %+v", vacant)
	}
	me := lease.Holder{ID: "me", Address: "127.0.0.1:1"}
	taken := got(office.Take(ctx, vacant, me, 0))(t)
	if taken.Epoch != 1 || taken.Holder != me || taken.Since == 0 || taken.Now < vacant.Now {
		t.Errorf("taken: %+v", taken)
	}
	for beat := range int64(3) {
		if b := got(office.Beat(ctx, 1))(t); b.Beat != beat+1 || b.Epoch != 1 || b.Now < taken.Now {
			t.Errorf("beat %d: %+v", beat+1, b)
		}
	}
	// What was seen before the beats is not the seat any more.
	if _, err := office.Take(ctx, taken, lease.Holder{ID: "other"}, 0); !errors.Is(err, lease.ErrFenced) {
		t.Errorf("take of a seat that has moved: %v", err)
	}
	seen := got(office.Look(ctx))(t)
	if seen.Gone || seen.Resigned || seen.Beat != 3 || seen.Holder != me {
		t.Errorf("looked at: %+v", seen)
	}
	above := got(office.Take(ctx, seen, me, 70))(t)
	if above.Epoch != 71 || above.Since != taken.Since {
		t.Errorf("taken again above 70: %+v, the term began at %d", above, taken.Since)
	}
	if err := office.Resign(ctx, 71); err != nil {
		t.Fatal(err)
	}
	resigned := got(office.Look(ctx))(t)
	if !resigned.Resigned {
		t.Errorf("resigned: %+v", resigned)
	}
	other := got(office.Take(ctx, resigned, lease.Holder{ID: "other"}, 0))(t)
	if other.Epoch != 72 || other.Resigned {
		t.Errorf("taken after a resignation: %+v", other)
	}
}

func racingTakers(t *testing.T, state string) {
	s := Open(t, state)
	rivals := make([]*store.Store, 6)
	for i := range rivals {
		rivals[i] = rival(t, state, s)
	}
	for round := range 5 {
		seen := got(s.Office().Look(t.Context()))(t)
		var mu sync.Mutex
		var winners []int64
		var wg sync.WaitGroup
		for i, r := range rivals {
			wg.Go(func() {
				taken, err := r.Office().Take(t.Context(), seen, lease.Holder{ID: string(rune('a' + i))}, 0)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					winners = append(winners, taken.Epoch)
				} else if !errors.Is(err, lease.ErrFenced) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(winners) != 1 || winners[0] != int64(round+1) {
			t.Errorf("round %d: winners of epochs %v", round, winners)
		}
	}
}

func reopen(t *testing.T, state string) {
	s, err := store.Open(t.Context(), state, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id := s.ClusterID()
	m := &writer{Store: s, epoch: Take(t, s, "first")}
	m.must(t, record.Batch{Audits: []record.Audit{{ID: "a"}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := Open(t, state)
	if again.ClusterID() != id || id == "" {
		t.Errorf("cluster id %q, then %q", id, again.ClusterID())
	}
	if audits := got(again.Audits(t.Context(), 0, "", 10))(t); len(audits) != 1 {
		t.Errorf("audits: %v", audits)
	}
	seen := got(again.Office().Look(t.Context()))(t)
	if !seen.Gone || seen.Epoch != m.epoch {
		t.Errorf("the holder has closed its connections, but its seat is %+v", seen)
	}
}
