package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/leifengta/lft/engine/lease"
)

// fence is the lease in the database, and the way by which everything under it
// is written.
type fence struct {
	s      *Store
	lines  lines
	rivals rivals
	// Turns are taken in this order. batch goes with the batch line; seat with
	// the seat line, and with every change of the beat row, so that an older
	// note never replaces a newer one.
	batch, seat turn
}

func newFence(s *Store, l lines, r rivals) *fence {
	return &fence{s: s, lines: l, rivals: r, batch: make(turn, 1), seat: make(turn, 1)}
}

// turn is a lock whose wait can be given up.
type turn chan struct{}

func (t turn) lock(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (t turn) unlock() { <-t }

// seatQuery reads the beat row into seat. Since and the rest of Now are the
// caller's.
func (f *fence) seatQuery(seat *lease.Seat, lock string) query {
	return query{
		statement: statement{text: "SELECT epoch,beat,holder,address,connections,resigned,since FROM beat WHERE id=1" + lock},
		scan: func(r *sql.Rows) error {
			return r.Scan(&seat.Epoch, &seat.Beat, &seat.Holder.ID, &seat.Holder.Address, &seat.Connections, &seat.Resigned, &seat.Since)
		},
	}
}

// Look implements lease.Office. It uses no line of the fence: any process may
// look.
func (f *fence) Look(ctx context.Context) (lease.Seat, error) {
	var seat lease.Seat
	if err := rows(ctx, f.s.read, f.seatQuery(&seat, "")); err != nil {
		return lease.Seat{}, fmt.Errorf("look at the lease: %w", err)
	}
	now, err := f.s.dialect.now(ctx, f.s.read)
	if err != nil {
		return lease.Seat{}, fmt.Errorf("read the database's clock: %w", err)
	}
	seat.Now = int64(now)
	if seat.Epoch > 0 && !seat.Resigned {
		seat.Gone, err = f.rivals.gone(ctx, seat.Holder.ID, seat.Connections)
	}
	return seat, err
}

// Take implements lease.Office.
func (f *fence) Take(ctx context.Context, seen lease.Seat, me lease.Holder, floor int64) (lease.Seat, error) {
	if err := f.batch.lock(ctx); err != nil {
		return lease.Seat{}, err
	}
	defer f.batch.unlock()
	if err := f.seat.lock(ctx); err != nil {
		return lease.Seat{}, err
	}
	defer f.seat.unlock()
	if err := f.lines.refresh(ctx); err != nil {
		return lease.Seat{}, fmt.Errorf("connect for batches: %w", err)
	}
	for {
		seat, err := f.take(ctx, seen, me, floor)
		if err == nil {
			f.rivals.self(me.ID)
		}
		if f.s.judge(err) != again || ctx.Err() != nil {
			return seat, err
		}
		if err := f.cut(ctx); err != nil {
			return lease.Seat{}, err
		}
	}
}

// take tries once. The locking read waits for every fenced write in flight.
func (f *fence) take(ctx context.Context, seen lease.Seat, me lease.Holder, floor int64) (seat lease.Seat, err error) {
	conn, _, err := f.lines.take(ctx, seatLine)
	if err != nil {
		return lease.Seat{}, fmt.Errorf("connect for the lease: %w", err)
	}
	defer func() { f.settle(conn, err) }()
	d := f.s.dialect
	var last int64
	err = d.begin(ctx, conn, epochQuery(&last, d.lock(true)), f.seatQuery(&seat, d.lock(true)))
	if err != nil {
		return lease.Seat{}, fmt.Errorf("lock the lease: %w", err)
	}
	if seat.Epoch != seen.Epoch || seat.Beat != seen.Beat {
		return lease.Seat{}, lease.ErrFenced
	}
	now, err := d.now(ctx, conn)
	if err != nil {
		return lease.Seat{}, fmt.Errorf("read the database's clock: %w", err)
	}
	if seat.Holder.ID != me.ID {
		seat.Since = int64(now)
	}
	seat = lease.Seat{
		Epoch: max(last, seat.Epoch, floor) + 1, Holder: me, Since: seat.Since, Now: int64(now), Connections: f.rivals.note(),
	}
	err = d.send(ctx, conn,
		statement{"UPDATE epoch SET epoch=?,owner=? WHERE id=1", []any{seat.Epoch, me.ID}},
		statement{
			"UPDATE beat SET epoch=?,beat=0,holder=?,address=?,connections=?,resigned=0,since=?,renewed_at=? WHERE id=1",
			[]any{seat.Epoch, me.ID, text(me.Address), seat.Connections, seat.Since, seat.Now},
		})
	if err != nil {
		return lease.Seat{}, fmt.Errorf("write the lease: %w", err)
	}
	if _, err = conn.ExecContext(ctx, "COMMIT"); err != nil {
		return lease.Seat{}, fmt.Errorf("commit the lease: %w", err)
	}
	return seat, nil
}

// cut ends the holder's lines, as the beat row names them now.
func (f *fence) cut(ctx context.Context) error {
	var seat lease.Seat
	if err := rows(ctx, f.s.read, f.seatQuery(&seat, "")); err != nil {
		return fmt.Errorf("look at the lease: %w", err)
	}
	f.s.log.Warn("a former master does not let go of the lease; ending its connections", "connections", seat.Connections)
	return f.rivals.end(ctx, seat.Connections)
}

// Beat implements lease.Office.
func (f *fence) Beat(ctx context.Context, epoch int64) (seat lease.Seat, err error) {
	if err := f.seat.lock(ctx); err != nil {
		return lease.Seat{}, err
	}
	defer f.seat.unlock()
	conn, _, err := f.lines.take(ctx, seatLine)
	if err != nil {
		return lease.Seat{}, fmt.Errorf("connect for the lease: %w", err)
	}
	defer func() { f.settle(conn, err) }()
	before, err := f.s.dialect.now(ctx, conn)
	if err != nil {
		return lease.Seat{}, fmt.Errorf("read the database's clock: %w", err)
	}
	err = f.change(ctx, conn, "beat=beat+1,connections=?,renewed_at=?", epoch, f.rivals.note(), int64(before))
	if err != nil {
		return lease.Seat{}, err
	}
	if err = rows(ctx, conn, f.seatQuery(&seat, "")); err != nil {
		return lease.Seat{}, fmt.Errorf("read the lease: %w", err)
	}
	now, err := f.s.dialect.now(ctx, conn)
	if err != nil {
		return lease.Seat{}, fmt.Errorf("read the database's clock: %w", err)
	}
	seat.Now = int64(now)
	if seat.Epoch != epoch {
		return lease.Seat{}, lease.ErrFenced
	}
	return seat, nil
}

// Resign implements lease.Office.
func (f *fence) Resign(ctx context.Context, epoch int64) (err error) {
	if err := f.seat.lock(ctx); err != nil {
		return err
	}
	defer f.seat.unlock()
	conn, _, err := f.lines.take(ctx, seatLine)
	if err != nil {
		return fmt.Errorf("connect for the lease: %w", err)
	}
	defer func() { f.settle(conn, err) }()
	if err = f.change(ctx, conn, "resigned=1", epoch); errors.Is(err, lease.ErrFenced) {
		err = nil
	}
	return err
}

// change updates the beat row if epoch is still the holder's.
func (f *fence) change(ctx context.Context, conn *sql.Conn, set string, epoch int64, args ...any) error {
	n, err := affected(ctx, conn, "UPDATE beat SET "+set+" WHERE id=1 AND epoch=?", append(args, epoch)...)
	if err != nil {
		return fmt.Errorf("write the lease: %w", err)
	}
	if n == 0 {
		return lease.ErrFenced
	}
	return nil
}

// settle gives a line back. After an error it may be inside a transaction, or
// dead.
func (f *fence) settle(conn *sql.Conn, err error) {
	if err == nil {
		f.lines.done(conn)
		return
	}
	f.rollback(conn)
}

func (f *fence) rollback(conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		f.lines.drop(conn)
		return
	}
	f.lines.done(conn)
}

func epochQuery(epoch *int64, lock string) query {
	return query{
		statement: statement{text: "SELECT epoch FROM epoch WHERE id=1" + lock},
		scan:      func(r *sql.Rows) error { return r.Scan(epoch) },
	}
}

// Leader is the seat as the database has it, for those who ask and do not stand
// for it.
func (s *Store) Leader(ctx context.Context) (lease.Seat, error) { return s.fence.Look(ctx) }

var _ lease.Office = (*fence)(nil)
