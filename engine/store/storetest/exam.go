package storetest

import (
	"context"
	"testing"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
)

// Run is the exam every database passes. fresh makes an empty one.
func Run(t *testing.T, fresh func(testing.TB) string) {
	for _, q := range []struct {
		name string
		ask  func(*testing.T, string)
	}{
		{"EveryColumnComesBack", everyColumnComesBack},
		{"RowsAreReplacedWhole", rowsAreReplacedWhole},
		{"OverridesAreWithdrawn", overridesAreWithdrawn},
		{"LoadReadsTheLiveSetOnly", loadReadsTheLiveSetOnly},
		{"LoadReadsCursorsOnce", loadReadsCursorsOnce},
		{"LargeBatch", largeBatch},
		{"StrangeBytes", strangeBytes},
		{"Poison", poisonIsRefusedWhole},
		{"StaleEpoch", staleEpochWritesNothing},
		{"MovedHead", movedHeadIsRefused},
		{"LastBatch", lastBatch},
		{"Seat", seat},
		{"RacingTakers", racingTakers},
		{"Reopen", reopen},
		{"ExecutionPages", executionPages},
		{"FirePages", firePages},
		{"ChunkPages", chunkPages},
		{"AuditPages", auditPages},
		{"Use", use},
		{"ApplyVersions", applyVersions},
		{"ApplyRefusals", applyRefusals},
		{"ApplyRepeated", applyRepeated},
		{"ApplyRace", applyRace},
		{"ApplyRaceApart", applyRaceApart},
		{"ApplyRaceToCreate", applyRaceToCreate},
		{"ApplyAgainstCommit", applyAgainstCommit},
		{"Specs", specs},
		{"ApplyNeedsSpecs", applyNeedsSpecs},
		{"SpecsAreForgotten", specsAreForgotten},
		{"ApplyAgainstForgetting", applyAgainstForgetting},
		{"BlobLeases", blobLeases},
		{"ApplyNeedsBlobs", applyNeedsBlobs},
		{"Collection", collection},
		{"ApplyAgainstCollection", applyAgainstCollection},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			q.ask(t, fresh(t))
		})
	}
}

// Open opens a store and closes it with the test.
func Open(t testing.TB, state string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), state, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Take makes a new holder of that id master, and returns its epoch.
func Take(t testing.TB, s *store.Store, id string) int64 {
	t.Helper()
	seen, err := s.Office().Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	taken, err := s.Office().Take(t.Context(), seen, lease.Holder{ID: id, Address: id + ":1"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return taken.Epoch
}

// writer commits batches as one master, counting serials.
type writer struct {
	*store.Store
	epoch  int64
	serial uint64
}

func master(t testing.TB, state string) *writer {
	t.Helper()
	s := Open(t, state)
	return &writer{Store: s, epoch: Take(t, s, "first")}
}

func (w *writer) write(ctx context.Context, b record.Batch) error {
	w.serial++
	return w.Commit(ctx, w.epoch, w.serial, &b)
}

func (w *writer) must(t testing.TB, b record.Batch) {
	t.Helper()
	if err := w.write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// got fails the test on an error.
func got[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func one[T any](v T, found bool, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil || !found {
			t.Fatalf("found = %v, error = %v", found, err)
		}
		return v
	}
}
