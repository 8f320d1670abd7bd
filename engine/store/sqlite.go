package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/leifengta/lft/engine/record"
)

// sqliteDialect needs no locking reads: BEGIN IMMEDIATE lets one writer in.
type sqliteDialect struct{}

func (sqliteDialect) conflict(key, columns []string) string {
	if len(columns) == 0 {
		return " ON CONFLICT (" + strings.Join(key, ",") + ") DO NOTHING"
	}
	var b strings.Builder
	b.WriteString(" ON CONFLICT (" + strings.Join(key, ",") + ") DO UPDATE SET ")
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c + "=excluded." + c)
	}
	return b.String()
}

func (sqliteDialect) lock(bool) string { return "" }

// now is the machine's clock: file and process are on one machine, and SQLite
// itself would tell milliseconds only.
func (sqliteDialect) now(context.Context, querier) (record.Time, error) {
	return record.Time(time.Now().UnixMicro()), nil
}

func (sqliteDialect) begin(ctx context.Context, conn *sql.Conn, queries ...query) error {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, q := range queries {
		if err := rows(ctx, conn, q); err != nil {
			return err
		}
	}
	return nil
}

func (sqliteDialect) send(ctx context.Context, conn *sql.Conn, list ...statement) error {
	for _, s := range list {
		if _, err := conn.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

func judgeSQLite(err error) verdict {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return unclear
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return again
	case sqlite3.SQLITE_CONSTRAINT:
		if code := e.Code(); code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || code == sqlite3.SQLITE_CONSTRAINT_UNIQUE {
			return taken
		}
		return poison
	case sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
		return poison
	}
	return unclear
}

// openSQLite opens a file that this process owns already. Readers cannot write.
func openSQLite(path string, readers bool) *sql.DB {
	pragmas := []string{
		"busy_timeout(5000)",
		"journal_mode(WAL)",
		"synchronous(FULL)", // a commit that was answered survives a power cut
		// Checkpoints at the default of 1000 pages sit in the path of commits.
		"wal_autocheckpoint(20000)",
		"cache_size(-16000)",
	}
	if readers {
		pragmas = append(pragmas, "query_only(1)")
	}
	dsn := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	// The driver is linked in by this package, so Open cannot fail.
	db, _ := sql.Open("sqlite", dsn.String())
	connections := 1
	if readers {
		connections = 4
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db
}

func makeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the state: %w", err)
	}
	return nil
}

// makeFile creates the database's file for its owner alone. SQLite gives the
// files beside it the same mode.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	return f.Close()
}
