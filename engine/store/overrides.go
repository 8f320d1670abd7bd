package store

import (
	"cmp"
	"context"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// The table of what operators have put in place of declared values.

var overrideTable = table[record.Override]{
	name:    "override",
	key:     2,
	columns: strings.Fields("object_uid field project_uid object value declared revision reason done_by at_time"),
	values: func(args []any, r *record.Override) []any {
		return append(args, r.ObjectUID, string(r.Field), r.ProjectUID, text(r.Object), text(r.Value), text(r.Declared),
			r.Revision, text(r.Reason), text(r.By), int64(r.At))
	},
	fields: func(r *record.Override) []any {
		return []any{
			&r.ObjectUID, (*string)(&r.Field), &r.ProjectUID, &r.Object, &r.Value, &r.Declared,
			&r.Revision, &r.Reason, &r.By, (*int64)(&r.At),
		}
	},
	compare: func(a, b record.Override) int {
		return cmp.Or(cmp.Compare(a.ObjectUID, b.ObjectUID), cmp.Compare(a.Field, b.Field))
	},
}

// withdrawn deletes overrides that hold no more. They are few: people make them.
func withdrawn(keys []record.OverrideKey) []statement {
	list := make([]statement, len(keys))
	for i, k := range keys {
		list[i] = statement{text: "DELETE FROM override WHERE object_uid=? AND field=?", args: []any{k.ObjectUID, string(k.Field)}}
	}
	return list
}

// Overrides of a project's objects ("" = of all), by object and field.
func (s *Store) Overrides(ctx context.Context, projectUID string) ([]record.Override, error) {
	var c conditions
	if projectUID != "" {
		c.add("t.project_uid=?", projectUID)
	}
	return overrideTable.where(ctx, s.read, c.String()+" ORDER BY t.object_uid,t.field", c.args...)
}
