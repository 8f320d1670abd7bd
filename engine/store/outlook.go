package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/leifengta/lft/engine/record"
)

// What the preview of a change asks of the live set, in few questions however
// many objects the change is about.

// LiveOf are the executions of some flows, by uid, that have not ended, oldest
// first.
func (s *Store) LiveOf(ctx context.Context, flows map[string]bool) ([]record.Execution, error) {
	if len(flows) == 0 {
		return nil, nil
	}
	ids, err := liveList(ctx, s.read)
	if err != nil {
		return nil, err
	}
	list, err := among(ctx, s.read, &executionTable, "", "t.id", ids, "")
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(e record.Execution) bool { return !flows[e.FlowUID] })
	slices.SortStableFunc(list, func(a, b record.Execution) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	return list, nil
}

// Cursors of some schedules, by uid.
func (s *Store) Cursors(ctx context.Context, schedules []string) ([]record.Cursor, error) {
	return among(ctx, s.read, &cursorTable, "", "t.schedule_uid", schedules, "")
}

// History counts the executions of a flow, under whatever addresses it has had, at
// most limit of them.
func (s *Store) History(ctx context.Context, flow record.Object, limit int) (int, error) {
	list, err := historyIDs.where(ctx, s.read, " WHERE t.flow_uid=? ORDER BY t.created_at LIMIT ?", flow.UID, limit)
	return len(list), err
}

// historyIDs reads an execution's id and nothing else.
var historyIDs = table[string]{
	name:    "execution",
	columns: []string{"id"},
	fields:  func(r *string) []any { return []any{r} },
}
