package deploy

import (
	"context"
	"fmt"
	"time"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
)

// Refuse is what nothing relies on any more.
type Refuse interface {
	DoomBlobs(ctx context.Context, kept store.Kept, limit int) (int, error)
	DoomedBlobs(ctx context.Context, limit int) ([]record.Blob, error)
	DropBlob(ctx context.Context, b record.Blob) error
}

// keptRevisions is what a rollback can go back to without the source: whatever is
// more of the two.
var keptRevisions = store.Kept{Revisions: 100, Span: 180 * 24 * time.Hour}

// collectBatch bounds what one Collect marks and deletes.
const collectBatch = 64

// Collect takes away a few packs that nothing relies on: no kept revision, no live
// execution, no lease. It reports whether there may be more. It can be left at any
// point, by any process, and gone on with by any other: first a row is marked, for
// good, then its object is deleted, then the row goes.
func (d *Depot) Collect(ctx context.Context) (more bool, err error) {
	if err := d.open(ctx); err != nil {
		return false, err
	}
	if _, err := d.refuse.DoomBlobs(ctx, keptRevisions, collectBatch); err != nil {
		return false, err
	}
	doomed, err := d.refuse.DoomedBlobs(ctx, collectBatch)
	if err != nil {
		return false, err
	}
	for _, b := range doomed {
		if err := d.bucket.Delete(ctx, blob.DependencyKey(b.Digest, b.Upload)); err != nil {
			return false, fmt.Errorf("collect: %w", err)
		}
		if err := d.refuse.DropBlob(ctx, b); err != nil {
			return false, err
		}
	}
	return len(doomed) == collectBatch, nil
}

// Collect takes away a few specs that were put and never applied. It reports whether
// there may be more. Any number of processes can do so at once.
func (s *Service) Collect(ctx context.Context) (more bool, err error) {
	n, err := s.store.CollectSpecs(ctx, collectBatch)
	return n == collectBatch, err
}
