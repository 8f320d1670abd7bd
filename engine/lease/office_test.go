package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leifengta/lft/engine/lease"
)

var errDown = errors.New("the database is down")

// table is the lease as a database keeps it, in memory, with the faults a
// database has.
type table struct {
	mu     sync.Mutex
	seat   lease.Seat
	shift  time.Duration // of the database's clock
	begun  time.Time
	takes  []string
	locked chan struct{} // a fenced transaction is open until it is closed
}

// line is one process's way to the table.
type line struct {
	*table
	mu   sync.Mutex
	down bool // connections fail
	hang bool // calls end only with their context
	slow time.Duration
}

func newTable() *table { return &table{begun: time.Now()} }

func (l *line) set(change func(*line)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(l)
}

func (l *line) pass(ctx context.Context) error {
	l.mu.Lock()
	down, hang, slow := l.down, l.hang, l.slow
	l.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if down {
		return errDown
	}
	time.Sleep(slow)
	return nil
}

func (t *table) now() int64 { return (time.Since(t.begun) + t.shift).Microseconds() }

func (l *line) Look(ctx context.Context) (lease.Seat, error) {
	if err := l.pass(ctx); err != nil {
		return lease.Seat{}, err
	}
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	s := l.seat
	s.Now = l.now()
	return s, nil
}

func (l *line) Take(ctx context.Context, seen lease.Seat, me lease.Holder, floor int64) (lease.Seat, error) {
	if err := l.pass(ctx); err != nil {
		return lease.Seat{}, err
	}
	l.table.mu.Lock()
	locked := l.locked
	l.table.mu.Unlock()
	if locked != nil {
		<-locked
	}
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	if l.seat.Epoch != seen.Epoch || l.seat.Beat != seen.Beat {
		return lease.Seat{}, lease.ErrFenced
	}
	since := l.now()
	if l.seat.Holder.ID == me.ID {
		since = l.seat.Since
	}
	l.seat = lease.Seat{Epoch: max(l.seat.Epoch, floor) + 1, Holder: me, Since: since, Now: l.now()}
	l.takes = append(l.takes, me.ID)
	return l.seat, nil
}

func (l *line) Beat(ctx context.Context, epoch int64) (lease.Seat, error) {
	if err := l.pass(ctx); err != nil {
		return lease.Seat{}, err
	}
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	if l.seat.Epoch != epoch {
		return lease.Seat{}, lease.ErrFenced
	}
	l.seat.Beat++
	s := l.seat
	s.Now = l.now()
	return s, nil
}

func (l *line) Resign(ctx context.Context, epoch int64) error {
	if err := l.pass(ctx); err != nil {
		return err
	}
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	if l.seat.Epoch == epoch {
		l.seat.Resigned = true
	}
	return nil
}

func (t *table) change(f func(*table)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(t)
}

// server is a process that stands for the seat.
type server struct {
	*lease.Runner
	line  *line
	stop  context.CancelFunc
	done  chan error
	terms chan *lease.Term // each term as it begins
	ended chan error       // why each term's context ended
}

func start(t *testing.T, db *table, name string) *server {
	t.Helper()
	begun := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	s := &server{
		line: &line{table: db}, stop: cancel, done: make(chan error, 1),
		terms: make(chan *lease.Term, 10), ended: make(chan error, 10),
	}
	s.Runner = &lease.Runner{
		Office: s.line, Me: lease.Holder{ID: name, Address: name + ":1"},
		// Each process's clock begins somewhere else.
		Clock: func() time.Duration { return time.Since(begun) + time.Duration(len(name))*time.Hour },
		Log:   slog.New(slog.DiscardHandler),
	}
	go func() {
		s.done <- s.Run(ctx, func(ctx context.Context, term *lease.Term) error {
			s.terms <- term
			<-ctx.Done()
			s.ended <- context.Cause(ctx)
			return ctx.Err()
		})
	}()
	t.Cleanup(func() {
		s.line.set(func(l *line) { l.hang, l.slow = false, 0 })
		cancel()
		synctest.Wait()
		time.Sleep(time.Minute) // what still hangs runs into its time limit
	})
	return s
}
