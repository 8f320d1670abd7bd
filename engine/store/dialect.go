package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// dialect is where the two databases differ; statements are the same otherwise.
type dialect interface {
	// conflict ends an INSERT: what happens when a row of the same key is there.
	// Without columns the row stays as it is.
	conflict(key, columns []string) string
	// lock ends a SELECT inside a transaction.
	lock(exclusive bool) string
	// now is the database's clock; it never waits for a lock.
	now(ctx context.Context, on querier) (record.Time, error)
	// begin opens a transaction and sends the queries with it, handing the rows
	// of each to its scan. send executes. Both use as few round trips as they can.
	begin(ctx context.Context, conn *sql.Conn, queries ...query) error
	send(ctx context.Context, conn *sql.Conn, list ...statement) error
}

// querier is a database, or one of its connections.
type querier interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// affected executes a statement and returns how many rows it has found.
func affected(ctx context.Context, on querier, text string, args ...any) (int64, error) {
	result, err := on.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// statement is one SQL statement with the arguments of its placeholders.
type statement struct {
	text string
	args []any
}

// query is a statement that returns rows.
type query struct {
	statement
	scan func(*sql.Rows) error // called for each row
}

// verdict is what an error of the database means for the transaction it hit.
type verdict int

const (
	unclear verdict = iota // no answer, or one that says nothing about the rows
	again                  // lost against another transaction: try the whole again
	poison                 // the rows are refused and always will be
	taken                  // a row of a unique key is there already
)

// rows runs a query and scans each row.
func rows(ctx context.Context, on querier, q query) error {
	r, err := on.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return err
	}
	defer r.Close()
	for r.Next() {
		if err := q.scan(r); err != nil {
			return fmt.Errorf("read a row: %w", err)
		}
	}
	return r.Err()
}

// marks is "?, ?, …" for an IN list.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// anys are the arguments of an IN list.
func anys[T any](list []T) []any {
	args := make([]any, len(list))
	for i, v := range list {
		args[i] = v
	}
	return args
}
