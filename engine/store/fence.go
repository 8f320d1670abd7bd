package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// Commit writes a batch in one transaction of epoch, and notes serial with it.
// lease.ErrFenced, ErrMoved, ErrUnknown and ErrPoison say what became of it; after
// any other error nothing was written and the same batch may be tried again.
func (s *Store) Commit(ctx context.Context, epoch int64, serial uint64, b *record.Batch) error {
	list := append([]statement{noteBatch(s.dialect, epoch, serial)}, batchStatements(s.dialect, b)...)
	if err := s.fence.write(ctx, epoch, b.Heads, list); err != nil {
		return fmt.Errorf("commit batch %d of epoch %d: %w", serial, epoch, err)
	}
	return nil
}

// LastBatch is the serial of the last batch that epoch has committed, 0 when it
// has committed none or a later epoch has. Ask after Term.Rebump with the epoch
// the doubtful batch was sent under.
func (s *Store) LastBatch(ctx context.Context, epoch int64) (uint64, error) {
	var serial uint64
	err := rows(ctx, s.read, query{
		statement: statement{text: "SELECT serial FROM batch WHERE writer=? AND epoch=?", args: []any{loopWriter, epoch}},
		scan:      func(r *sql.Rows) error { return r.Scan(&serial) },
	})
	if err != nil {
		return 0, fmt.Errorf("read the last batch: %w", err)
	}
	return serial, nil
}

// loopWriter is the only writer so far; each has its row of batch.
const loopWriter = "loop"

func noteBatch(d dialect, epoch int64, serial uint64) statement {
	return statement{
		text: "INSERT INTO batch (writer,epoch,serial) VALUES (?,?,?)" + d.conflict([]string{"writer"}, []string{"epoch", "serial"}),
		args: []any{loopWriter, epoch, int64(serial)},
	}
}

// batchStatements are a batch's rows, one kind after the other, always in the
// same order.
func batchStatements(d dialect, b *record.Batch) []statement {
	var list []statement
	list = append(list, executionTable.upsert(d, b.Executions)...)
	list = append(list, liveTable.keep(d, liveIDs(b))...)
	list = append(list, jobTable.upsert(d, b.Jobs)...)
	list = append(list, attemptTable.upsert(d, b.Attempts)...)
	list = append(list, fireTable.upsert(d, b.Fires)...)
	list = append(list, rangeTable.upsert(d, b.Ranges)...)
	list = append(list, cursorTable.upsert(d, b.Cursors)...)
	list = append(list, adoptedTable.upsert(d, b.Adopted)...)
	list = append(list, agentTable.upsert(d, b.Agents)...)
	list = append(list, chunkTable.upsert(d, b.Chunks)...)
	list = append(list, logEndTable.upsert(d, b.LogEnds)...)
	list = append(list, deadLetterTable.upsert(d, b.DeadLetters)...)
	list = append(list, auditTable.upsert(d, b.Audits)...)
	list = append(list, overrideTable.upsert(d, b.Overrides)...)
	list = append(list, withdrawn(b.OverridesGone)...)
	return append(list, forget(b.Finished)...)
}

// write runs one fenced transaction, and repeats it while it loses against
// others: after a deadlock or a lock's timeout InnoDB may have undone a part of
// it only.
func (f *fence) write(ctx context.Context, epoch int64, heads []record.Head, list []statement) error {
	if err := f.batch.lock(ctx); err != nil {
		return err
	}
	defer f.batch.unlock()
	ctx, cancel := unhurried(ctx, writeWithin)
	defer cancel()
	for range maxTries - 1 {
		err := f.writeOnce(ctx, epoch, heads, list)
		if f.s.judge(err) != again {
			return err
		}
	}
	return f.writeOnce(ctx, epoch, heads, list)
}

const (
	writeWithin = 15 * time.Second
	maxTries    = 5
)

func (f *fence) writeOnce(ctx context.Context, epoch int64, heads []record.Head, list []statement) (err error) {
	conn, err := f.batchConn(ctx, epoch)
	if err != nil {
		return err
	}
	defer func() { f.settle(conn, err) }()
	if err = f.enter(ctx, conn, epoch, heads); err != nil {
		return err
	}
	if err = f.s.dialect.send(ctx, conn, list...); err != nil {
		if v := f.s.judge(err); v == poison || v == taken {
			return fmt.Errorf("%w: %w", lease.ErrPoison, err)
		}
		return err
	}
	return f.s.commit(ctx, conn)
}

// batchConn is the batch line; a new one is named in the beat row before it
// writes anything.
func (f *fence) batchConn(ctx context.Context, epoch int64) (*sql.Conn, error) {
	conn, fresh, err := f.lines.take(ctx, batchLine)
	if err != nil {
		return nil, fmt.Errorf("connect for batches: %w", err)
	}
	if !fresh {
		return conn, nil
	}
	if err := f.seat.lock(ctx); err != nil {
		return nil, err
	}
	defer f.seat.unlock()
	if err := f.change(ctx, conn, "connections=?", epoch, f.rivals.note()); err != nil {
		// Unnamed, it must not be found here by the next write.
		f.lines.drop(conn)
		return nil, err
	}
	return conn, nil
}

// enter begins a transaction of epoch. The locking read keeps a take-over out
// until the transaction ends; nothing is written before it has answered. The
// heads are locked next, so that no apply moves them meanwhile.
func (f *fence) enter(ctx context.Context, conn *sql.Conn, epoch int64, heads []record.Head) error {
	var now int64
	queries := []query{epochQuery(&now, f.s.dialect.lock(false))}
	revisions := make(map[string]int64, len(heads))
	if len(heads) > 0 {
		queries = append(queries, headsQuery(revisions, heads, f.s.dialect.lock(false)))
	}
	if err := f.s.dialect.begin(ctx, conn, queries...); err != nil {
		return err
	}
	if now != epoch {
		return fmt.Errorf("%w: the epoch is %d", lease.ErrFenced, now)
	}
	for _, h := range heads {
		if revisions[h.ProjectUID] != h.Revision {
			return fmt.Errorf("%w: project %s is at revision %d, not %d", lease.ErrMoved, h.ProjectUID, revisions[h.ProjectUID], h.Revision)
		}
	}
	return nil
}

// commit sends the COMMIT. Once sent, only an answer says what became of it.
func (s *Store) commit(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "COMMIT")
	if err == nil || s.judge(err) == again {
		return err
	}
	return fmt.Errorf("%w: %w", lease.ErrUnknown, err)
}

func headsQuery(revisions map[string]int64, heads []record.Head, lock string) query {
	uids := make([]any, len(heads))
	for i, h := range heads {
		uids[i] = h.ProjectUID
	}
	return query{
		statement: statement{text: "SELECT uid,revision FROM project WHERE uid IN (" + marks(len(uids)) + ") ORDER BY uid" + lock, args: uids},
		scan: func(r *sql.Rows) error {
			var uid string
			var revision int64
			err := r.Scan(&uid, &revision)
			revisions[uid] = revision
			return err
		},
	}
}
