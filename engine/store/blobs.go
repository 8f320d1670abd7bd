package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/record"
)

// The tables of what lies in the bucket for dependencies. Apply and collection
// meet at the rows of blobs: an apply holds a share lock on each blob that it
// comes to rely on until it is committed; who dooms a blob locks it first and
// only then looks for what relies on it.

var blobTable = table[record.Blob]{
	name:    "stored_blob",
	key:     2,
	columns: strings.Fields("digest upload state size lease_until"),
	values: func(args []any, r *record.Blob) []any {
		return append(args, r.Digest, r.Upload, string(r.State), r.Size, int64(r.LeaseUntil))
	},
	fields: func(r *record.Blob) []any {
		return []any{&r.Digest, &r.Upload, (*string)(&r.State), &r.Size, (*int64)(&r.LeaseUntil)}
	},
	compare: func(a, b record.Blob) int {
		return cmp.Or(cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Upload, b.Upload))
	},
}

var dependencyTable = table[record.Dependency]{
	name:    "dependency",
	key:     3,
	columns: strings.Fields("project_uid uid valid_from digest form"),
	values: func(args []any, r *record.Dependency) []any {
		return append(args, r.ProjectUID, r.UID, r.From, r.Digest, r.Form)
	},
	fields: func(r *record.Dependency) []any {
		return []any{&r.ProjectUID, &r.UID, &r.From, &r.Digest, &r.Form}
	},
	compare: func(a, b record.Dependency) int {
		return cmp.Or(cmp.Compare(a.ProjectUID, b.ProjectUID), cmp.Compare(a.UID, b.UID), cmp.Compare(a.From, b.From))
	},
}

// ErrNoBlob says that the bytes of a dependency are not in the bucket.
var ErrNoBlob = errors.New("the bytes of a dependency are not in the bucket")

// LeaseBlobs keeps the blobs of these digests that are there until at least the
// given span from now, and returns one of each.
func (s *Store) LeaseBlobs(ctx context.Context, digests []string, span time.Duration) ([]record.Blob, error) {
	digests = slices.Compact(slices.Sorted(slices.Values(digests)))
	var found []record.Blob
	for chunk := range slices.Chunk(digests, 1000) {
		var list []record.Blob
		err := s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
			now, err := s.dialect.now(ctx, conn)
			if err != nil {
				return err
			}
			until := int64(now) + span.Microseconds()
			in := " state=? AND digest IN (" + marks(len(chunk)) + ")"
			args := append([]any{string(record.BlobPresent)}, anys(chunk)...)
			if _, err := conn.ExecContext(ctx, "UPDATE stored_blob SET lease_until=? WHERE lease_until<? AND"+in,
				append([]any{until, until}, args...)...); err != nil {
				return err
			}
			list, err = blobTable.where(ctx, conn, " WHERE"+in+" ORDER BY t.digest", args...)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("lease blobs: %w", err)
		}
		found = append(found, list...)
	}
	return slices.CompactFunc(found, func(a, b record.Blob) bool { return a.Digest == b.Digest }), nil
}

// BeginBlob notes, before anything is put into the bucket, that an upload of this
// name may be there from now on.
func (s *Store) BeginBlob(ctx context.Context, b record.Blob, span time.Duration) error {
	err := s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
		now, err := s.dialect.now(ctx, conn)
		if err != nil {
			return err
		}
		b.State, b.LeaseUntil = record.BlobUploading, now+record.Time(span.Microseconds())
		return s.dialect.send(ctx, conn, blobTable.plain([]record.Blob{b})...)
	})
	if err != nil {
		return fmt.Errorf("begin blob %s: %w", b.Digest, err)
	}
	return nil
}

// EndBlob says that the object of an upload is in the bucket, whole. Where another
// upload of the same digest was faster, that one stays, and this one goes.
func (s *Store) EndBlob(ctx context.Context, b record.Blob, span time.Duration) error {
	err := s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
		now, err := s.dialect.now(ctx, conn)
		if err != nil {
			return err
		}
		all, err := blobTable.where(ctx, conn, " WHERE t.digest=?"+s.dialect.lock(true), b.Digest)
		if err != nil {
			return err
		}
		mine := slices.IndexFunc(all, func(o record.Blob) bool { return o.Upload == b.Upload })
		if mine < 0 || all[mine].State == record.BlobDoomed {
			return errors.New("the upload took so long that it was given up")
		}
		until := now + record.Time(span.Microseconds())
		first := slices.IndexFunc(all, func(o record.Blob) bool { return o.State == record.BlobPresent })
		switch {
		case first < 0:
			all[mine].State, all[mine].LeaseUntil = record.BlobPresent, until
		case first != mine:
			all[mine].State = record.BlobDoomed
			fallthrough
		default:
			all[first].LeaseUntil = max(all[first].LeaseUntil, until)
		}
		return s.dialect.send(ctx, conn, blobTable.upsert(s.dialect, all)...)
	})
	if err != nil {
		return fmt.Errorf("end blob %s: %w", b.Digest, err)
	}
	return nil
}

// Blobs returns one blob that is there of each of the digests that has any.
func (s *Store) Blobs(ctx context.Context, digests []string) ([]record.Blob, error) {
	digests = slices.Compact(slices.Sorted(slices.Values(digests)))
	var found []record.Blob
	for chunk := range slices.Chunk(digests, 1000) {
		list, err := blobTable.where(ctx, s.read, " WHERE t.state=? AND t.digest IN ("+marks(len(chunk))+") ORDER BY t.digest",
			append([]any{string(record.BlobPresent)}, anys(chunk)...)...)
		if err != nil {
			return nil, fmt.Errorf("read blobs: %w", err)
		}
		found = append(found, list...)
	}
	return slices.CompactFunc(found, func(a, b record.Blob) bool { return a.Digest == b.Digest }), nil
}

// holdBlobs notes which bytes the new versions stand for, and holds the blobs
// until the transaction has ended.
func (a *apply) holdBlobs(ctx context.Context, conn *sql.Conn) error {
	var list []record.Dependency
	digests := map[string]struct{}{}
	for _, o := range a.c.Objects {
		if o.Dependency == nil || o.Deleted {
			continue
		}
		d := *o.Dependency
		d.ProjectUID, d.UID, d.From = a.c.Project.UID, o.Object.UID, a.c.Project.Revision+1
		list = append(list, d)
		digests[d.Digest] = struct{}{}
	}
	if len(list) == 0 {
		return nil
	}
	if err := a.s.stale(a.s.dialect.send(ctx, conn, dependencyTable.plain(list)...)); err != nil {
		return err
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(digests)), 1000) {
		found, err := blobTable.where(ctx, conn, " WHERE t.state=? AND t.digest IN ("+marks(len(chunk))+") ORDER BY t.digest"+a.s.dialect.lock(false),
			append([]any{string(record.BlobPresent)}, anys(chunk)...)...)
		if err != nil {
			return err
		}
		for _, b := range found {
			delete(digests, b.Digest)
		}
	}
	if missing := slices.Sorted(maps.Keys(digests)); len(missing) > 0 {
		return fmt.Errorf("%w: %s", ErrNoBlob, missing[0])
	}
	return nil
}

// Dependencies finds where the bytes of dependencies are, as of a revision, by
// address. What does not exist, or has no bytes, is left out.
func (s *Store) Dependencies(ctx context.Context, projectUID string, revision int64, addresses []string) (map[string]record.Source, error) {
	found := make(map[string]record.Source, len(addresses))
	text := `SELECT o.address,d.digest,d.form,b.upload FROM object o
		JOIN dependency d ON d.project_uid=o.project_uid AND d.uid=o.uid AND d.valid_from=o.valid_from
		JOIN stored_blob b ON b.digest=d.digest AND b.state=?
		WHERE o.project_uid=? AND o.valid_from<=? AND (o.valid_until=0 OR o.valid_until>?) AND o.address IN (` + marks(len(addresses)) + ")"
	args := append([]any{string(record.BlobPresent), projectUID, revision, revision}, anys(addresses)...)
	err := rows(ctx, s.read, query{
		statement: statement{text: text, args: args},
		scan: func(r *sql.Rows) error {
			var address, upload string
			var source record.Source
			err := r.Scan(&address, &source.Digest, &source.Form, &upload)
			source.Object = blob.DependencyKey(source.Digest, upload)
			found[address] = source
			return err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("read dependencies: %w", err)
	}
	return found, nil
}

// change is one short transaction on definitions, repeated while it loses against
// others.
func (s *Store) change(ctx context.Context, do func(context.Context, *sql.Conn) error) error {
	ctx, cancel := unhurried(ctx, writeWithin)
	defer cancel()
	once := func() (err error) {
		conn, err := s.write.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { s.giveBack(conn, err) }()
		if err = s.dialect.begin(ctx, conn); err != nil {
			return err
		}
		if err = do(ctx, conn); err != nil {
			return err
		}
		return s.commit(ctx, conn)
	}
	for range maxTries - 1 {
		if err := once(); s.judge(err) != again {
			return err
		}
	}
	return once()
}
