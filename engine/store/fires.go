package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// The tables of what schedules have decided, and how far.

var fireTable = table[record.Fire]{
	name:    "fire",
	key:     2,
	columns: strings.Fields("schedule_uid instant schedule decision reason execution decided_at"),
	values: func(args []any, r *record.Fire) []any {
		return append(args, r.ScheduleUID, int64(r.Instant), text(r.Schedule), string(r.Decision), string(r.Reason),
			r.Execution, int64(r.DecidedAt))
	},
	fields: func(r *record.Fire) []any {
		return []any{
			&r.ScheduleUID, (*int64)(&r.Instant), &r.Schedule, (*string)(&r.Decision), (*string)(&r.Reason),
			&r.Execution, (*int64)(&r.DecidedAt),
		}
	},
	compare: func(a, b record.Fire) int {
		return cmp.Or(cmp.Compare(a.ScheduleUID, b.ScheduleUID), cmp.Compare(a.Instant, b.Instant))
	},
}

var rangeTable = table[record.FireRange]{
	name:    "fire_range",
	key:     2,
	columns: strings.Fields("schedule_uid from_at to_at schedule instants reason decided_at"),
	values: func(args []any, r *record.FireRange) []any {
		return append(args, r.ScheduleUID, int64(r.From), int64(r.To), text(r.Schedule), r.Count, string(r.Reason),
			int64(r.DecidedAt))
	},
	fields: func(r *record.FireRange) []any {
		return []any{
			&r.ScheduleUID, (*int64)(&r.From), (*int64)(&r.To), &r.Schedule, &r.Count, (*string)(&r.Reason),
			(*int64)(&r.DecidedAt),
		}
	},
	compare: func(a, b record.FireRange) int {
		return cmp.Or(cmp.Compare(a.ScheduleUID, b.ScheduleUID), cmp.Compare(a.From, b.From))
	},
}

var cursorTable = table[record.Cursor]{
	name:    "schedule_cursor",
	key:     1,
	columns: strings.Fields("schedule_uid project_uid instant"),
	values: func(args []any, r *record.Cursor) []any {
		return append(args, r.ScheduleUID, r.ProjectUID, int64(r.Instant))
	},
	fields: func(r *record.Cursor) []any {
		return []any{&r.ScheduleUID, &r.ProjectUID, (*int64)(&r.Instant)}
	},
	compare: func(a, b record.Cursor) int { return cmp.Compare(a.ScheduleUID, b.ScheduleUID) },
}

var adoptedTable = table[record.Adopted]{
	name:    "adopted",
	key:     1,
	columns: strings.Fields("project_uid revision"),
	values: func(args []any, r *record.Adopted) []any {
		return append(args, r.ProjectUID, r.Revision)
	},
	fields:  func(r *record.Adopted) []any { return []any{&r.ProjectUID, &r.Revision} },
	compare: func(a, b record.Adopted) int { return cmp.Compare(a.ProjectUID, b.ProjectUID) },
}

// FirePage asks for decisions of a schedule, newest first. One of ScheduleUID and
// Schedule is set; by address it finds what was decided under that address,
// whatever the uid.
type FirePage struct {
	ScheduleUID string
	Schedule    string
	Before      record.Time // Key of the last row of the page before, 0 = from the newest
	BeforeUID   string      // and its UID
	Limit       int
}

// Decided is a decided instant or a range of skipped ones; one of them is set.
type Decided struct {
	Fire  *record.Fire
	Range *record.FireRange
}

// Key is what the next page begins before.
func (d Decided) Key() record.Time {
	if d.Fire != nil {
		return d.Fire.Instant
	}
	return d.Range.From
}

// UID is that of the schedule.
func (d Decided) UID() string {
	if d.Fire != nil {
		return d.Fire.ScheduleUID
	}
	return d.Range.ScheduleUID
}

// Compare orders as pages are: newest first.
func (d Decided) Compare(other Decided) int {
	return cmp.Or(cmp.Compare(other.Key(), d.Key()), cmp.Compare(other.UID(), d.UID()))
}

// Fires reads one page.
func (s *Store) Fires(ctx context.Context, p FirePage) ([]Decided, error) {
	ask := func(instant string) (string, []any) {
		var c conditions
		if p.ScheduleUID != "" {
			c.add("t.schedule_uid=?", p.ScheduleUID)
		} else {
			c.add("t.schedule=?", p.Schedule)
		}
		if p.Before != 0 {
			c.add("t."+instant+"<=?", int64(p.Before))
			c.add("(t."+instant+"<? OR t.schedule_uid<?)", int64(p.Before), p.BeforeUID)
		}
		return c.String() + " ORDER BY t." + instant + " DESC,t.schedule_uid DESC LIMIT ?", append(c.args, p.Limit)
	}
	rest, args := ask("instant")
	fires, err := fireTable.where(ctx, s.read, rest, args...)
	if err != nil {
		return nil, err
	}
	rest, args = ask("from_at")
	ranges, err := rangeTable.where(ctx, s.read, rest, args...)
	if err != nil {
		return nil, err
	}
	all := make([]Decided, 0, len(fires)+len(ranges))
	for i := range fires {
		all = append(all, Decided{Fire: &fires[i]})
	}
	for i := range ranges {
		all = append(all, Decided{Range: &ranges[i]})
	}
	slices.SortStableFunc(all, Decided.Compare)
	return all[:min(len(all), p.Limit)], nil
}
