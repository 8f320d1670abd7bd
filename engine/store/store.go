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
// clock. It never decides anything, never retries a COMMIT, and never lets the
// database count ids.
package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"

	"github.com/leifengta/lft/engine/lease"
)

// Options of Open.
type Options struct {
	Log     *slog.Logger // nil = silent
	Migrate bool         // bring an older schema up to date
}

// Store is an open database. All methods may be called from any goroutine.
type Store struct {
	dialect dialect
	log     *slog.Logger
	read    *sql.DB // history and heads; on SQLite it cannot write
	write   *sql.DB // definitions; on SQLite its one connection is the fence's, too
	fence   *fence
	cluster string
	release func() error // gives the file up, SQLite only
}

// ErrOwned: another process owns the SQLite file. OwnedError says which.
var ErrOwned = errors.New("the state is in use by another process")

// Open connects to mysql://user:pass@host:port/db or sqlite://path. An empty
// database gets its schema. An older schema is refused without Options.Migrate,
// a newer one always.
func Open(ctx context.Context, address string, opt Options) (*Store, error) {
	return nil, errors.New("not built yet")
}

// Close ends all connections and gives a SQLite file up.
func (s *Store) Close() error { return nil }

// Office is the lease in this database.
func (s *Store) Office() lease.Office { return s.fence }

// ClusterID was made with the schema. A bucket's marker file holds the same.
func (s *Store) ClusterID() string { return s.cluster }
