package lease

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Term is one period in office. Its methods may be called from any goroutine.
type Term struct {
	office Office
	me     Holder
	clock  Clock
	start  int64

	turn    chan struct{} // held by the one call that changes the seat
	epoch   atomic.Int64
	beat    atomic.Int64
	renewed atomic.Int64 // own clock when the last renewal began, ns
	offset  atomic.Int64 // database's clock less own clock, µs
	last    atomic.Int64 // highest time told, µs
	jump    atomic.Int64 // µs
}

// newTerm begins with a seat that Take returned, asked for at began.
func newTerm(office Office, me Holder, clock Clock, s Seat, began, ended time.Duration) *Term {
	t := &Term{office: office, me: me, clock: clock, start: s.Now, turn: make(chan struct{}, 1)}
	t.offset.Store(s.Now - ended.Microseconds())
	t.renew(s, began)
	return t
}

// Epoch is the number every fenced write and every order carries. It grows with
// Rebump.
func (t *Term) Epoch() int64 { return t.epoch.Load() }

// Beat is the counter of the last renewal.
func (t *Term) Beat() int64 { return t.beat.Load() }

// Start is when the term began, µs on the database's clock.
func (t *Term) Start() int64 { return t.start }

// Trust says whether orders and answers to agents may leave: the last renewal
// began at most TrustFor ago. The database itself waits longer.
func (t *Term) Trust() bool {
	return t.clock()-time.Duration(t.renewed.Load()) <= TrustFor
}

// Now is the database's clock in µs, carried on by the boot-time clock since the
// last renewal. It never runs ahead of the database and never goes back.
func (t *Term) Now() int64 {
	now := t.offset.Load() + t.clock().Microseconds()
	for {
		last := t.last.Load()
		if now <= last {
			return last
		}
		if t.last.CompareAndSwap(last, now) {
			return now
		}
	}
}

// Jump tells how far the database's clock has left the boot-time clock behind,
// when that is more than MaxJump; 0 otherwise. While it is not 0, Now goes on as
// if there had been no jump, and nothing that waits for a time may happen: nobody
// knows what time it is. The Runner ends the term when it does (see settled).
func (t *Term) Jump() time.Duration { return time.Duration(t.jump.Load()) * time.Microsecond }

// Rebump takes a new epoch above floor for the same holder. When it returns, no
// transaction of the old epoch is in doubt any more. ErrFenced: the term is over.
func (t *Term) Rebump(ctx context.Context, floor int64) error {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, takeWithin)
	defer cancel()
	began := t.clock()
	seat, err := t.retake(ctx, floor)
	if err != nil {
		return fmt.Errorf("take a new epoch after %d: %w", t.Epoch(), err)
	}
	t.renew(seat, began)
	t.sample(seat.Now, t.clock())
	return nil
}

// retake looks first, because an earlier try whose answer was lost may have
// succeeded: then the seat is ours under an epoch we do not know.
func (t *Term) retake(ctx context.Context, floor int64) (Seat, error) {
	seen, err := t.office.Look(ctx)
	if err != nil {
		return Seat{}, err
	}
	if seen.Holder.ID != t.me.ID {
		return Seat{}, ErrFenced
	}
	return t.office.Take(ctx, seen, t.me, floor)
}

// tick renews the lease once.
func (t *Term) tick(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	began := t.clock()
	seat, err := t.office.Beat(ctx, t.Epoch())
	if err != nil {
		return err
	}
	t.renew(seat, began)
	t.sample(seat.Now, t.clock())
	return nil
}

// settled tells a jump after which the database's clock and this machine's say the
// same time: it was the clock before that was wrong, or the boot-time clock that
// stood still, as in a virtual machine that was paused.
func (t *Term) settled(wall time.Time) bool {
	jump := t.Jump()
	return jump != 0 && wall.Sub(time.UnixMicro(t.Now()).Add(jump)).Abs() <= MaxJump
}

func (t *Term) renew(s Seat, began time.Duration) {
	t.epoch.Store(s.Epoch)
	t.beat.Store(s.Beat)
	t.renewed.Store(int64(began))
}

// sample takes in the database's clock as read at ended or before. Taking ended
// keeps Now behind the database: nothing fires early.
func (t *Term) sample(now int64, ended time.Duration) {
	offset := now - ended.Microseconds()
	diff := offset - t.offset.Load()
	if time.Duration(max(diff, -diff))*time.Microsecond > MaxJump {
		t.jump.Store(diff)
		return
	}
	t.jump.Store(0)
	t.offset.Store(offset)
}
