package store

import (
	"cmp"
	"context"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// The tables that say where the bytes of a log are, and how many there are.

var chunkTable = table[record.Chunk]{
	name:    "chunk",
	key:     2,
	columns: strings.Fields("token from_byte to_byte object object_offset sha256"),
	values: func(args []any, r *record.Chunk) []any {
		return append(args, r.Token, r.From, r.To, text(r.Object), r.ObjectOffset, r.SHA256)
	},
	fields: func(r *record.Chunk) []any {
		return []any{&r.Token, &r.From, &r.To, &r.Object, &r.ObjectOffset, &r.SHA256}
	},
	compare: func(a, b record.Chunk) int {
		return cmp.Or(cmp.Compare(a.Token, b.Token), cmp.Compare(a.From, b.From))
	},
}

var logEndTable = table[record.LogEnd]{
	name:    "log_end",
	key:     1,
	columns: strings.Fields("token bytes sha256 state cut"),
	values: func(args []any, r *record.LogEnd) []any {
		return append(args, r.Token, r.Bytes, r.SHA256, string(r.State), r.Cut)
	},
	fields: func(r *record.LogEnd) []any {
		return []any{&r.Token, &r.Bytes, &r.SHA256, (*string)(&r.State), &r.Cut}
	},
	compare: func(a, b record.LogEnd) int { return cmp.Compare(a.Token, b.Token) },
}

// LogEnds of an execution's attempts, by token.
func (s *Store) LogEnds(ctx context.Context, execution string) (map[string]record.LogEnd, error) {
	list, err := logEndTable.where(ctx, s.read, " JOIN attempt a ON a.token=t.token WHERE a.execution=?", execution)
	ends := make(map[string]record.LogEnd, len(list))
	for _, e := range list {
		ends[e.Token] = e
	}
	return ends, err
}

// LogEnd of one attempt.
func (s *Store) LogEnd(ctx context.Context, token string) (record.LogEnd, bool, error) {
	return logEndTable.first(ctx, s.read, " WHERE t.token=?", token)
}

// Chunks of an attempt's log that hold bytes at from or after, in order, at most
// limit.
func (s *Store) Chunks(ctx context.Context, token string, from int64, limit int) ([]record.Chunk, error) {
	return chunkTable.where(ctx, s.read, " WHERE t.token=? AND t.to_byte>? ORDER BY t.from_byte LIMIT ?", token, from, limit)
}
