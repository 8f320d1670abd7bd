package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leifengta/lft/engine/record"
)

// Specs are put ahead of the apply that refers to them. Until then each has a
// lease; the apply ends the lease for good, in its own transaction, and finds out
// by that whether the spec is there. Whoever forgets specs looks for a lease in the
// statement that deletes, so no version ever refers to one that is gone, and
// nobody needs to know which versions refer to a spec.

// ErrNoSpec says that a spec which a change refers to is not stored, or not any more:
// put it again.
var ErrNoSpec = errors.New("the content of the change is not stored")

// leasedSpec is a spec on its way in.
type leasedSpec struct {
	record.Spec
	until record.Time
}

var specTable = table[leasedSpec]{
	name:    "spec",
	key:     1,
	columns: []string{"digest", "data", "lease_until"},
	values: func(args []any, r *leasedSpec) []any {
		return append(args, r.Digest, data(r.Data), int64(r.until))
	},
	fields:  func(r *leasedSpec) []any { return []any{&r.Digest, &r.Data, (*int64)(&r.until)} },
	compare: func(a, b leasedSpec) int { return cmp.Compare(a.Digest, b.Digest) },
}

// specChunk is how many digests one statement names.
const specChunk = 1000

// Specs reads canonical JSON by digest; unknown digests are left out.
func (s *Store) Specs(ctx context.Context, digests []string) (map[string][]byte, error) {
	found := make(map[string][]byte, len(digests))
	for chunk := range slices.Chunk(digests, specChunk) {
		list, err := specTable.where(ctx, s.read, " WHERE t.digest IN ("+marks(len(chunk))+")", anys(chunk)...)
		if err != nil {
			return nil, err
		}
		for _, spec := range list {
			found[spec.Digest] = spec.Data
		}
	}
	return found, nil
}

// PutSpecs stores canonical JSON by digest, all or nothing, and keeps it for at least
// the given span from now. What is there stays.
func (s *Store) PutSpecs(ctx context.Context, specs []record.Spec, span time.Duration) error {
	err := s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
		now, err := s.dialect.now(ctx, conn)
		if err != nil {
			return err
		}
		until := now + record.Time(span.Microseconds())
		leased := make([]leasedSpec, len(specs))
		digests := make([]string, len(specs))
		for i, spec := range specs {
			leased[i], digests[i] = leasedSpec{spec, until}, spec.Digest
		}
		list := specTable.keep(s.dialect, leased)
		slices.Sort(digests)
		for chunk := range slices.Chunk(digests, specChunk) {
			list = append(list, statement{
				text: "UPDATE spec SET lease_until=? WHERE lease_until>0 AND lease_until<? AND digest IN (" + marks(len(chunk)) + ")",
				args: append([]any{int64(until), int64(until)}, anys(chunk)...),
			})
		}
		return s.dialect.send(ctx, conn, list...)
	})
	if err != nil {
		return fmt.Errorf("store specs: %w", err)
	}
	return nil
}

// holdSpecs makes the specs of the new versions ones that are never forgotten.
func (a *apply) holdSpecs(ctx context.Context, conn *sql.Conn) error {
	var digests []string
	for _, o := range a.c.Objects {
		if !o.Deleted {
			digests = append(digests, o.Object.Digest)
		}
	}
	slices.Sort(digests)
	for chunk := range slices.Chunk(slices.Compact(digests), specChunk) {
		n, err := affected(ctx, conn, "UPDATE spec SET lease_until=0 WHERE digest IN ("+marks(len(chunk))+")", anys(chunk)...)
		if err != nil {
			return err
		}
		if n != int64(len(chunk)) {
			return fmt.Errorf("%w: %d of %d specs", ErrNoSpec, int64(len(chunk))-n, len(chunk))
		}
	}
	return nil
}

// ForgetSpecs deletes those of the digests that no version refers to.
func (s *Store) ForgetSpecs(ctx context.Context, digests []string) error {
	digests = slices.Compact(slices.Sorted(slices.Values(digests)))
	for chunk := range slices.Chunk(digests, specChunk) {
		if err := s.forgetSpecs(ctx, chunk, "lease_until>0"); err != nil {
			return err
		}
	}
	return nil
}

// CollectSpecs deletes at most limit specs that no version refers to and whose lease
// has ended, and returns how many it found.
func (s *Store) CollectSpecs(ctx context.Context, limit int) (int, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	const ended = "lease_until>0 AND lease_until<?"
	var digests []string
	err = rows(ctx, s.read, query{
		statement: statement{text: "SELECT digest FROM spec WHERE " + ended + " ORDER BY lease_until LIMIT ?", args: []any{int64(now), limit}},
		scan: func(r *sql.Rows) error {
			var digest string
			err := r.Scan(&digest)
			digests = append(digests, digest)
			return err
		},
	})
	if err != nil {
		return 0, fmt.Errorf("find specs: %w", err)
	}
	slices.Sort(digests)
	return len(digests), s.forgetSpecs(ctx, digests, ended, int64(now))
}

// forgetSpecs deletes those of the digests that a condition is true of.
func (s *Store) forgetSpecs(ctx context.Context, digests []string, condition string, args ...any) error {
	if len(digests) == 0 {
		return nil
	}
	err := s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "DELETE FROM spec WHERE "+condition+" AND digest IN ("+marks(len(digests))+")",
			append(args, anys(digests)...)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget specs: %w", err)
	}
	return nil
}
