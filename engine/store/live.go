package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/leifengta/lft/engine/record"
)

// liveTable lists the ids of executions that have not ended, and nothing else:
// what a restart reads does not grow with history.
var liveTable = table[string]{
	name:    "live_execution",
	key:     1,
	columns: []string{"id"},
	values:  func(args []any, id *string) []any { return append(args, *id) },
	fields:  func(id *string) []any { return []any{id} },
	compare: cmp.Compare[string],
}

func liveIDs(b *record.Batch) []string {
	var ids []string
	for i := range b.Executions {
		if e := &b.Executions[i]; !e.State.Terminal() && !slices.Contains(b.Finished, e.ID) {
			ids = append(ids, e.ID)
		}
	}
	return ids
}

// forget takes executions off the list.
func forget(ids []string) []statement {
	ids = slices.Sorted(slices.Values(ids))
	var list []statement
	for chunk := range slices.Chunk(ids, 5000) {
		list = append(list, statement{
			text: "DELETE FROM live_execution WHERE id IN (" + marks(len(chunk)) + ")",
			args: anys(chunk),
		})
	}
	return list
}

// Load reads the live set, under the fence of epoch: after it, no master of an
// earlier epoch can add to it.
func (s *Store) Load(ctx context.Context, epoch int64) (live record.Live, err error) {
	if err := s.fence.batch.lock(ctx); err != nil {
		return record.Live{}, err
	}
	defer s.fence.batch.unlock()
	conn, err := s.fence.batchConn(ctx, epoch)
	if err != nil {
		return record.Live{}, err
	}
	// It has only read: rolling back is the way out, whatever happened.
	defer s.fence.rollback(conn)
	if err = s.fence.enter(ctx, conn, epoch, nil); err != nil {
		return record.Live{}, fmt.Errorf("load the live set: %w", err)
	}
	if err = s.load(ctx, conn, &live); err != nil {
		return record.Live{}, fmt.Errorf("load the live set: %w", err)
	}
	return live, nil
}

func (s *Store) load(ctx context.Context, conn *sql.Conn, live *record.Live) (err error) {
	if live.Now, err = s.dialect.now(ctx, conn); err != nil {
		return err
	}
	ids, err := liveList(ctx, conn)
	if err != nil {
		return err
	}
	if live.Executions, err = among(ctx, conn, &executionTable, "", "t.id", ids, ""); err != nil {
		return err
	}
	if live.Jobs, err = among(ctx, conn, &jobTable, "", "t.execution", ids, ",t.number,t.map_key"); err != nil {
		return err
	}
	const job = " JOIN job j ON j.execution=t.execution AND j.number=t.number AND j.map_key=t.map_key AND j.attempts=t.n"
	if live.Attempts, err = among(ctx, conn, liveAttempts, job, "t.execution", ids, ",t.number,t.map_key,t.n"); err != nil {
		return err
	}
	// Schedules that the adopted revision no longer holds stay behind as history.
	live.Cursors, err = cursorTable.where(ctx, conn, ` JOIN adopted a ON a.project_uid=t.project_uid
		JOIN object o ON o.project_uid=t.project_uid AND o.uid=t.schedule_uid
		AND o.valid_from<=a.revision AND (o.valid_until=0 OR o.valid_until>a.revision) ORDER BY t.schedule_uid`)
	if err != nil {
		return err
	}
	if live.Adopted, err = adoptedTable.where(ctx, conn, " ORDER BY t.project_uid"); err != nil {
		return err
	}
	if live.Agents, err = agentTable.where(ctx, conn, " ORDER BY t.uid"); err != nil {
		return err
	}
	live.Overrides, err = overrideTable.where(ctx, conn, " ORDER BY t.object_uid,t.field")
	return err
}

// liveList reads the ids of the live set, in order.
func liveList(ctx context.Context, on querier) ([]string, error) {
	return liveTable.where(ctx, on, " ORDER BY t.id")
}

// among reads the rows whose column is one of ids, in the order of ids and then of
// further columns. The ids are named one by one: a join with the live set leaves
// it to the database where to begin, and some begin with all of history.
func among[T any](ctx context.Context, on querier, t *table[T], join, column string, ids []string, further string) ([]T, error) {
	var all []T
	for chunk := range slices.Chunk(ids, 500) {
		list, err := t.where(ctx, on, join+" WHERE "+column+" IN ("+marks(len(chunk))+") ORDER BY "+column+further, anys(chunk)...)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// liveAttempts leaves out the Task of attempts that have ended: it is used up.
var liveAttempts = attemptTable.with("task", "CASE WHEN t.state='"+string(record.Ended)+"' THEN NULL ELSE t.task END")
