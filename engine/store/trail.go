package store

import (
	"cmp"
	"context"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// The tables of what was done by whom, and of events that could not be digested.

var auditTable = table[record.Audit]{
	name:    "audit",
	key:     1,
	columns: strings.Fields("id at_time done_by verb object detail"),
	values: func(args []any, r *record.Audit) []any {
		return append(args, r.ID, int64(r.At), text(r.By), text(r.Verb), text(r.Object), text(r.Detail))
	},
	fields: func(r *record.Audit) []any {
		return []any{&r.ID, (*int64)(&r.At), &r.By, &r.Verb, &r.Object, &r.Detail}
	},
	compare: func(a, b record.Audit) int { return cmp.Compare(a.ID, b.ID) },
}

var deadLetterTable = table[record.DeadLetter]{
	name:    "dead_letter",
	key:     1,
	columns: strings.Fields("id execution event error at_time"),
	values: func(args []any, r *record.DeadLetter) []any {
		return append(args, r.ID, r.Execution, text(r.Event), text(r.Error), int64(r.At))
	},
	fields: func(r *record.DeadLetter) []any {
		return []any{&r.ID, &r.Execution, &r.Event, &r.Error, (*int64)(&r.At)}
	},
	compare: func(a, b record.DeadLetter) int { return cmp.Compare(a.ID, b.ID) },
}

// Audits are the newest first, before a time and an id (0 and "" = from the
// newest).
func (s *Store) Audits(ctx context.Context, before record.Time, id string, limit int) ([]record.Audit, error) {
	return newest(ctx, s, &auditTable, before, id, limit)
}

// DeadLetters are the newest first, paged as Audits.
func (s *Store) DeadLetters(ctx context.Context, before record.Time, id string, limit int) ([]record.DeadLetter, error) {
	return newest(ctx, s, &deadLetterTable, before, id, limit)
}

func newest[T any](ctx context.Context, s *Store, t *table[T], before record.Time, id string, limit int) ([]T, error) {
	var c conditions
	if before != 0 {
		c.add("t.at_time<=?", int64(before))
		c.add("(t.at_time<? OR t.id<?)", int64(before), id)
	}
	return t.where(ctx, s.read, c.String()+" ORDER BY t.at_time DESC,t.id DESC LIMIT ?", append(c.args, limit)...)
}
