package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"unicode/utf8"
)

// table ties the columns of a table to a row's Go shape. Columns, values and
// fields are in the same order, key columns first.
type table[T any] struct {
	name    string
	key     int // how many columns make up the primary key
	columns []string
	values  func(args []any, r *T) []any // appends one per column
	fields  func(r *T) []any             // where to scan each column
	compare func(a, b T) int             // order of the keys
	replace map[int]string               // what to read in place of a column
}

// Bounds of one statement: 1 MiB of text, and SQLite's number of variables.
const (
	maxStatement = 1 << 20
	maxVariables = 32_000
)

// upsert writes whole rows in the order of their keys, so that two transactions
// that meet wait for each other instead of deadlocking. The rows are not changed.
func (t *table[T]) upsert(d dialect, rows []T) []statement {
	return t.insert(rows, d.conflict(t.columns[:t.key], t.columns[t.key:]))
}

// keep writes rows whose keys are not there yet, and leaves the others alone.
func (t *table[T]) keep(d dialect, rows []T) []statement {
	return t.insert(rows, d.conflict(t.columns[:t.key], nil))
}

// plain writes rows whose keys must not be there yet.
func (t *table[T]) plain(rows []T) []statement { return t.insert(rows, "") }

func (t *table[T]) insert(rows []T, tail string) []statement {
	if len(rows) == 0 {
		return nil
	}
	if !slices.IsSortedFunc(rows, t.compare) {
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, t.compare)
	}
	head := "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ",") + ") VALUES "
	one := "(" + marks(len(t.columns)) + ")"

	var list []statement
	args := make([]any, 0, min(len(rows)*len(t.columns), maxVariables))
	size, from := 0, 0
	flush := func() {
		n := (len(args) - from) / len(t.columns)
		text := head + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + tail
		list = append(list, statement{text: text, args: args[from:len(args):len(args)]})
		size, from = 0, len(args)
	}
	for i := range rows {
		begin := len(args)
		args = t.values(args, &rows[i])
		size += weight(args[begin:])
		if size >= maxStatement*3/4 || len(args)-from > maxVariables-len(t.columns) {
			flush()
		}
	}
	if len(args) > from {
		flush()
	}
	return list
}

// weight guesses how many bytes arguments take up in a statement's text. Bytes
// are JSON, whose quotes are escaped.
func weight(args []any) int {
	n := 0
	for _, a := range args {
		switch v := a.(type) {
		case string:
			n += len(v) + 3
		case []byte:
			n += len(v) + len(v)/2 + 12
		default:
			n += 18
		}
	}
	return n
}

// where reads the rows that match the rest of a SELECT, which begins with a join
// or a condition. The table is called t in it.
func (t *table[T]) where(ctx context.Context, on querier, rest string, args ...any) ([]T, error) {
	var list []T
	err := rows(ctx, on, query{
		statement: statement{text: t.selects() + rest, args: args},
		scan: func(r *sql.Rows) error {
			var row T
			list = append(list, row)
			return r.Scan(t.fields(&list[len(list)-1])...)
		},
	})
	return list, err
}

// first reads one row at most.
func (t *table[T]) first(ctx context.Context, on querier, rest string, args ...any) (T, bool, error) {
	var none T
	list, err := t.where(ctx, on, rest+" LIMIT 1", args...)
	if err != nil || len(list) == 0 {
		return none, false, err
	}
	return list[0], true, nil
}

func (t *table[T]) selects() string {
	terms := make([]string, len(t.columns))
	for i, c := range t.columns {
		terms[i] = cmp.Or(t.replace[i], "t."+c)
	}
	return "SELECT " + strings.Join(terms, ",") + " FROM " + t.name + " t"
}

// with is the table read with an expression in place of a column.
func (t table[T]) with(column, expression string) *table[T] {
	t.replace = map[int]string{slices.Index(t.columns, column): expression}
	return &t
}

// text is s as the databases take it: bytes that are not UTF-8 come from the
// outside (a file name, a program's message) and must not poison a batch.
func text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// data keeps absent content apart from present.
func data(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
