package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/leifengta/lft/engine/record"
)

// Collection: mark (DoomBlobs), delete from the bucket, drop (DropBlob). Each step
// may be the last of a process; the next one goes on from the rows.

// Kept says which revisions are: the newest ones, and those that were in force
// lately.
type Kept struct {
	Revisions int64         // of each project
	Span      time.Duration // since another took its place
}

// relied is true of a blob b that a kept revision, the adopted one or a live
// execution relies on.
const relied = `EXISTS (
	SELECT 1 FROM dependency d
	JOIN object o ON o.project_uid=d.project_uid AND o.uid=d.uid AND o.valid_from=d.valid_from
	JOIN project p ON p.uid=o.project_uid
	WHERE d.digest=b.digest AND (
		o.valid_until=0 OR o.valid_until>p.revision+1-?
		OR EXISTS (SELECT 1 FROM revision r WHERE r.project_uid=o.project_uid AND r.number=o.valid_until AND r.effective_from>?)
		OR EXISTS (SELECT 1 FROM adopted a WHERE a.project_uid=o.project_uid AND a.revision<o.valid_until)
		OR EXISTS (SELECT 1 FROM live_execution l JOIN execution x ON x.id=l.id
			WHERE x.project_uid=o.project_uid AND x.revision>=o.valid_from AND x.revision<o.valid_until)))`

// DoomBlobs marks at most limit blobs that nothing relies on and whose lease has
// ended, and returns how many. A marked one is of no use to anybody any more.
func (s *Store) DoomBlobs(ctx context.Context, kept Kept, limit int) (int, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return 0, err
	}
	rest := " WHERE b.state<>? AND b.lease_until<? AND (b.state=? OR NOT " + relied + ")"
	args := []any{
		string(record.BlobDoomed), int64(now), string(record.BlobUploading), // nobody relies on an upload that has not ended
		kept.Revisions, int64(now) - kept.Span.Microseconds(),
	}
	free, err := s.freeBlobs(ctx, s.read, rest+" LIMIT ?", append(args, limit)...)
	if err != nil || len(free) == 0 {
		return 0, err
	}
	doomed := 0
	err = s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
		// Locked, so that no apply relies on them from here on; then looked at again:
		// one that was faster is seen now.
		these := " AND b.digest IN (" + marks(len(free)) + ") ORDER BY b.digest,b.upload"
		digests := make([]string, len(free))
		for i, b := range free {
			digests[i] = b.Digest
		}
		if _, err := s.freeBlobs(ctx, conn, " WHERE b.state<>?"+these+s.dialect.lock(true),
			append([]any{string(record.BlobDoomed)}, anys(digests)...)...); err != nil {
			return err
		}
		free, err := s.freeBlobs(ctx, conn, rest+these, append(args, anys(digests)...)...)
		if err != nil {
			return err
		}
		doomed = len(free)
		for i := range free {
			free[i].State = record.BlobDoomed
		}
		return s.dialect.send(ctx, conn, blobTable.upsert(s.dialect, free)...)
	})
	if err != nil {
		return 0, fmt.Errorf("doom blobs: %w", err)
	}
	return doomed, nil
}

func (s *Store) freeBlobs(ctx context.Context, on querier, rest string, args ...any) ([]record.Blob, error) {
	var list []record.Blob
	err := rows(ctx, on, query{
		statement: statement{text: "SELECT b.digest,b.upload,b.state,b.size,b.lease_until FROM stored_blob b" + rest, args: args},
		scan: func(r *sql.Rows) error {
			var b record.Blob
			err := r.Scan(blobTable.fields(&b)...)
			list = append(list, b)
			return err
		},
	})
	return list, err
}

// DoomBlob gives an upload up that has failed.
func (s *Store) DoomBlob(ctx context.Context, b record.Blob) error {
	_, err := s.write.ExecContext(ctx, "UPDATE stored_blob SET state=? WHERE digest=? AND upload=?",
		string(record.BlobDoomed), b.Digest, b.Upload)
	if err != nil {
		return fmt.Errorf("doom blob %s: %w", b.Digest, err)
	}
	return nil
}

// DoomedBlobs lists what is to be deleted, at most limit.
func (s *Store) DoomedBlobs(ctx context.Context, limit int) ([]record.Blob, error) {
	list, err := blobTable.where(ctx, s.read, " WHERE t.state=? LIMIT ?", string(record.BlobDoomed), limit)
	if err != nil {
		return nil, fmt.Errorf("read blobs: %w", err)
	}
	return list, nil
}

// DropBlob forgets a doomed blob whose object is gone.
func (s *Store) DropBlob(ctx context.Context, b record.Blob) error {
	_, err := s.write.ExecContext(ctx, "DELETE FROM stored_blob WHERE digest=? AND upload=? AND state=?",
		b.Digest, b.Upload, string(record.BlobDoomed))
	if err != nil {
		return fmt.Errorf("drop blob %s: %w", b.Digest, err)
	}
	return nil
}
