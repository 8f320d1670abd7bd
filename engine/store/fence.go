package store

import (
	"context"
	"errors"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

var errUnbuilt = errors.New("not built yet")

type fence struct{}

func (f *fence) Look(ctx context.Context) (lease.Seat, error) { return lease.Seat{}, errUnbuilt }
func (f *fence) Take(ctx context.Context, seen lease.Seat, me lease.Holder, floor int64) (lease.Seat, error) {
	return lease.Seat{}, errUnbuilt
}
func (f *fence) Beat(ctx context.Context, epoch int64) (lease.Seat, error) {
	return lease.Seat{}, errUnbuilt
}
func (f *fence) Resign(ctx context.Context, epoch int64) error { return errUnbuilt }

// Commit writes a batch in one transaction of epoch, and notes serial with it.
// lease.ErrFenced, ErrMoved, ErrUnknown and ErrPoison say what became of it; after
// any other error nothing was written and the same batch may be tried again.
func (s *Store) Commit(ctx context.Context, epoch int64, serial uint64, b *record.Batch) error {
	return errUnbuilt
}

// LastBatch is the serial of the last batch that epoch has committed, 0 when it
// has committed none or a later epoch has. Ask after Term.Rebump with the epoch
// the doubtful batch was sent under.
func (s *Store) LastBatch(ctx context.Context, epoch int64) (uint64, error) { return 0, errUnbuilt }

// Load reads the live set, under the fence of epoch.
func (s *Store) Load(ctx context.Context, epoch int64) (record.Live, error) {
	return record.Live{}, errUnbuilt
}
