package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync/atomic"
)

// lines are the connections fenced writes go by.
type lines interface {
	// take is the connection for a purpose, made when there is none. fresh says
	// that the beat row does not name it yet.
	take(ctx context.Context, l line) (conn *sql.Conn, fresh bool, err error)
	// done gives a good one back; drop ends one that is broken or in doubt.
	done(conn *sql.Conn)
	drop(conn *sql.Conn)
	// refresh replaces the batch line before a take-over, so that nothing in
	// doubt is sent by the new one.
	refresh(ctx context.Context) error
}

// rivals is what holders of the lease can see of each other's lines.
type rivals interface {
	// note is what the beat row says about the own lines; name is the same for
	// any connection.
	note() string
	name(ctx context.Context, conn *sql.Conn) (string, error)
	// gone says that none of the lines noted by a holder is left.
	gone(ctx context.Context, holder, note string) (bool, error)
	// end cuts the lines noted by a holder that does not let go.
	end(ctx context.Context, note string) error
	// self is told who this process is when it takes the seat.
	self(holder string)
}

// line is a purpose of a connection.
type line int

const (
	batchLine line = iota
	seatLine
)

// file is SQLite's only writing connection, taken in turn by everybody. A holder
// that is not this process cannot live: the file is ours.
type file struct {
	db *sql.DB
	me atomic.Pointer[string] // who this process is, once it took the seat; anybody may look meanwhile
}

func (f *file) take(ctx context.Context, _ line) (*sql.Conn, bool, error) {
	conn, err := f.db.Conn(ctx)
	return conn, false, err
}

func (f *file) done(conn *sql.Conn)                             { _ = conn.Close() }
func (f *file) drop(conn *sql.Conn)                             { discard(conn) }
func (f *file) refresh(context.Context) error                   { return nil }
func (f *file) note() string                                    { return "" }
func (f *file) name(context.Context, *sql.Conn) (string, error) { return "", nil }
func (f *file) end(context.Context, string) error               { return nil }
func (f *file) self(holder string)                              { f.me.Store(&holder) }
func (f *file) gone(_ context.Context, holder, _ string) (bool, error) {
	me := f.me.Load()
	return me == nil || holder != *me, nil
}

// discard closes a connection for good instead of giving it back to its pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
