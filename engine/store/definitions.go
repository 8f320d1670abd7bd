package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/leifengta/lft/engine/record"
)

// The tables of what is declared. They change only by apply.go, in any process;
// specs.go has the content.

var projectTable = table[record.Project]{
	name:    "project",
	key:     1,
	columns: strings.Fields("uid name lineage origin revision effective_from"),
	values: func(args []any, r *record.Project) []any {
		return append(args, r.UID, text(r.Name), r.Lineage, text(r.Origin), r.Revision, int64(r.EffectiveFrom))
	},
	fields: func(r *record.Project) []any {
		return []any{&r.UID, &r.Name, &r.Lineage, &r.Origin, &r.Revision, (*int64)(&r.EffectiveFrom)}
	},
	compare: func(a, b record.Project) int { return cmp.Compare(a.UID, b.UID) },
}

var revisionTable = table[record.Revision]{
	name: "revision",
	key:  2,
	columns: strings.Fields(`project_uid number apply_id author message digest added changed destroyed
		effective_from`),
	values: func(args []any, r *record.Revision) []any {
		return append(args, r.ProjectUID, r.Number, r.ApplyID, text(r.Author), text(r.Message), r.Digest,
			int64(r.Added), int64(r.Changed), int64(r.Destroyed), int64(r.EffectiveFrom))
	},
	fields: func(r *record.Revision) []any {
		return []any{
			&r.ProjectUID, &r.Number, &r.ApplyID, &r.Author, &r.Message, &r.Digest,
			&r.Added, &r.Changed, &r.Destroyed, (*int64)(&r.EffectiveFrom),
		}
	},
	compare: func(a, b record.Revision) int {
		return cmp.Or(cmp.Compare(a.ProjectUID, b.ProjectUID), cmp.Compare(a.Number, b.Number))
	},
}

var objectTable = table[record.Object]{
	name:    "object",
	key:     3,
	columns: strings.Fields("project_uid uid valid_from valid_until kind address digest"),
	values: func(args []any, r *record.Object) []any {
		return append(args, r.ProjectUID, r.UID, r.From, r.Until, r.Kind, text(r.Address), r.Digest)
	},
	fields: func(r *record.Object) []any {
		return []any{&r.ProjectUID, &r.UID, &r.From, &r.Until, &r.Kind, &r.Address, &r.Digest}
	},
	compare: func(a, b record.Object) int {
		return cmp.Or(cmp.Compare(a.ProjectUID, b.ProjectUID), cmp.Compare(a.UID, b.UID), cmp.Compare(a.From, b.From))
	},
}

// Projects are the heads of all projects, by name. It is cheap enough to be
// polled.
func (s *Store) Projects(ctx context.Context) ([]record.Project, error) {
	return projectTable.where(ctx, s.read, " ORDER BY t.name")
}

// Project is the head of the project of that name.
func (s *Store) Project(ctx context.Context, name string) (record.Project, bool, error) {
	return projectTable.first(ctx, s.read, " WHERE t.name=?", name)
}

// Objects are a project's objects as of a revision (0 = newest), by address.
func (s *Store) Objects(ctx context.Context, projectUID string, revision int64) ([]record.Object, error) {
	rest, args := " WHERE t.project_uid=? AND t.valid_until=0", []any{projectUID}
	if revision > 0 {
		rest = " WHERE t.project_uid=? AND t.valid_from<=? AND (t.valid_until=0 OR t.valid_until>?)"
		args = append(args, revision, revision)
	}
	list, err := objectTable.where(ctx, s.read, rest, args...)
	// Sorted here: the order of text in SQL depends on the server.
	slices.SortFunc(list, func(a, b record.Object) int { return cmp.Compare(a.Address, b.Address) })
	return list, err
}

// ObjectsAt are the objects of some addresses as of a revision; what that does not
// hold is left out.
func (s *Store) ObjectsAt(ctx context.Context, projectUID string, revision int64, addresses []string) (map[string]record.Object, error) {
	found := make(map[string]record.Object, len(addresses))
	for chunk := range slices.Chunk(addresses, 500) {
		args := append([]any{projectUID, revision, revision}, anys(chunk)...)
		list, err := objectTable.where(ctx, s.read, ` WHERE t.project_uid=? AND t.valid_from<=? AND (t.valid_until=0 OR t.valid_until>?)
			AND t.address IN (`+marks(len(chunk))+")", args...)
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			found[o.Address] = o
		}
	}
	return found, nil
}

// Object is the newest version of an object, ended or not.
func (s *Store) Object(ctx context.Context, projectUID, uid string) (record.Object, bool, error) {
	return objectTable.first(ctx, s.read, " WHERE t.project_uid=? AND t.uid=? ORDER BY t.valid_from DESC", projectUID, uid)
}

// Versions are all versions of some objects of a project, by uid and revision.
func (s *Store) Versions(ctx context.Context, projectUID string, uids []string) ([]record.Object, error) {
	var all []record.Object
	for chunk := range slices.Chunk(uids, 500) {
		list, err := objectTable.where(ctx, s.read, " WHERE t.project_uid=? AND t.uid IN ("+marks(len(chunk))+") ORDER BY t.uid,t.valid_from",
			append([]any{projectUID}, anys(chunk)...)...)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// Revisions of a project, newest first, below before (0 = from the newest).
func (s *Store) Revisions(ctx context.Context, projectUID string, before int64, limit int) ([]record.Revision, error) {
	var c conditions
	c.add("t.project_uid=?", projectUID)
	if before > 0 {
		c.add("t.number<?", before)
	}
	return revisionTable.where(ctx, s.read, c.String()+" ORDER BY t.number DESC LIMIT ?", append(c.args, limit)...)
}

// RevisionByApplyID finds what became of an apply.
func (s *Store) RevisionByApplyID(ctx context.Context, applyID string) (record.Revision, bool, error) {
	return revisionTable.first(ctx, s.read, " WHERE t.apply_id=?", applyID)
}
