// Package store keeps everything durable in MySQL, MariaDB or SQLite, by one
// set of statements and a small dialect.
//
// Two groups of tables have two owners. Definitions (definitions.go) change only
// by Apply, in any process, and end in a short compare-and-set of the project's
// head. All the rest changes only by Commit: one transaction per batch whose
// first statement is a locking read of the epoch, so that a deposed master
// cannot write. Live executions are listed in a table of their own, so that Load
// never reads history. Reads (the other files) take no locks, never touch the
// writer's connection, and are paged by key.
//
// It promises that a batch is written whole or not at all, that an error says
// which (the words of package lease), and that times come from the database's
// clock. It never decides anything, never repeats a COMMIT, and never lets the
// database count ids.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// Options of Open.
type Options struct {
	Log     *slog.Logger // nil = silent
	Migrate bool         // bring an older schema up to date
}

// Store is an open database. All methods may be called from any goroutine.
type Store struct {
	dialect dialect
	judge   func(error) verdict
	log     *slog.Logger
	read    *sql.DB // history and heads; on SQLite it cannot write
	write   *sql.DB // definitions; on SQLite its one connection is the fence's, too
	fence   *fence
	cluster string
	close   []func() error // in this order
}

// Open connects to mysql://user:pass@host:port/db or sqlite://path. An empty
// database gets its schema. An older schema is refused without Options.Migrate,
// a newer one always. ErrOwned: another process has the SQLite file.
func Open(ctx context.Context, state string, opt Options) (*Store, error) {
	a, err := parseAddress(state)
	if err != nil {
		return nil, err
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{log: opt.Log}
	if a.sqlite != "" {
		err = s.openSQLite(ctx, a.sqlite, opt.Migrate)
	} else {
		err = s.openMySQL(ctx, a, opt.Migrate)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) openSQLite(ctx context.Context, path string, migrate bool) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("path of the state: %w", err)
	}
	if err := makeFolder(path); err != nil {
		return err
	}
	release, err := own(path)
	if err != nil {
		return err
	}
	s.close = append(s.close, release)
	if err := makeFile(path); err != nil {
		return err
	}
	s.dialect, s.judge = sqliteDialect{}, judgeSQLite
	s.write, s.read = openSQLite(path, false), openSQLite(path, true)
	s.close = append([]func() error{s.read.Close, s.write.Close}, s.close...)
	f := &file{db: s.write}
	s.fence = newFence(s, f, f)

	m, err := migrator(s.write, goose.DialectSQLite3, sqliteTypes)
	if err != nil {
		return fmt.Errorf("prepare the schema: %w", err)
	}
	if err := settle(ctx, m, migrate); err != nil {
		return fmt.Errorf("state %s: %w", path, err)
	}
	s.cluster, err = plant(ctx, s.write, s.dialect)
	return err
}

func (s *Store) openMySQL(ctx context.Context, a address, migrate bool) error {
	s.dialect, s.judge = mysqlDialect{}, judgeMySQL
	config := mysqlConfig(a)
	var err error
	if s.read, err = openMySQL(config, 8); err != nil {
		return err
	}
	s.close = append(s.close, s.read.Close)
	if err := reach(ctx, s.read, a); err != nil {
		return err
	}
	joined := config.Clone()
	joined.MultiStatements = true // many statements in one packet
	// An apply whose link has broken must not hold its locks for hours.
	joined.Params["wait_timeout"] = "60"
	if s.write, err = openMySQL(joined, 8); err != nil {
		return err
	}
	s.close = append(s.close, s.write.Close)
	pins := &pins{db: s.write, list: s.read}
	s.close = append([]func() error{pins.Close}, s.close...)
	s.fence = newFence(s, pins, pins)

	if s.cluster, err = settleMySQL(ctx, config, migrate); err != nil {
		return fmt.Errorf("state %s: %w", a, err)
	}
	return nil
}

// Close ends all connections and gives a SQLite file up.
func (s *Store) Close() error {
	var errs []error
	for _, end := range s.close {
		errs = append(errs, end())
	}
	s.close = nil
	return errors.Join(errs...)
}

// Office is the lease in this database.
func (s *Store) Office() lease.Office { return s.fence }

// ClusterID was made with the schema. A bucket's marker file holds the same.
func (s *Store) ClusterID() string { return s.cluster }

// Now is the database's clock.
func (s *Store) Now(ctx context.Context) (record.Time, error) { return s.dialect.now(ctx, s.read) }

// unhurried bounds a transaction that must not be cut off by its caller's
// context: cutting a COMMIT off makes its outcome unknown.
func unhurried(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// wait passes the time until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
