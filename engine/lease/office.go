package lease

import (
	"context"
	"time"
)

// Office is the lease as a database keeps it. A Runner is its only user that
// changes anything; every call may be made from any goroutine.
type Office interface {
	// Look reads the seat as it is, without a lock.
	Look(ctx context.Context) (Seat, error)
	// Take makes me the holder under a new epoch, higher than seen's and than
	// floor. It waits for every fenced transaction in flight, and ends the
	// connections of a holder that does not let go. ErrFenced: the seat is no
	// longer as seen.
	Take(ctx context.Context, seen Seat, me Holder, floor int64) (Seat, error)
	// Beat renews the lease of epoch. ErrFenced: another one holds it.
	Beat(ctx context.Context, epoch int64) (Seat, error)
	// Resign gives epoch up, so that another may take the seat at once. Giving
	// up what one no longer holds is no error.
	Resign(ctx context.Context, epoch int64) error
}

// Holder is who may hold the seat.
type Holder struct {
	ID      string // new for each process
	Address string // where its API is reached
}

// Seat is the lease at one moment.
type Seat struct {
	Epoch    int64 // 0 = never held
	Beat     int64 // grows with each renewal of the epoch
	Holder   Holder
	Since    int64 // when the epoch began, µs on the database's clock
	Now      int64 // the database's clock, µs
	Resigned bool
	// Gone says that none of the holder's connections is left: its process has
	// ended, or lost the database.
	Gone bool
	// Connections is the office's own note of the holder's connections.
	Connections string
}

// Timing of the lease.
const (
	BeatEvery  = time.Second            // the holder renews
	TrustFor   = 3 * time.Second        // the holder believes in a renewal, from its beginning
	ExpireIn   = 5 * time.Second        // others wait for a beat that stands still
	LookEvery  = 250 * time.Millisecond // others watch
	MaxJump    = 30 * time.Second       // of the database's clock against the boot-time clock
	beatWithin = 2 * time.Second        // one renewal; a half-open connection must not eat up the trust
	takeWithin = 30 * time.Second
	settleIn   = time.Second // after the database was out of reach, before Gone counts
)
