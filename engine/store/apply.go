package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// DefinitionChange is one apply: what it was made from, and what it leads to.
type DefinitionChange struct {
	// Project is the head as it shall be. Its Revision is the one the change was
	// made from, 0 for a project that does not exist yet; EffectiveFrom is set
	// by Apply.
	Project record.Project
	// Adopt allows Project.Lineage to differ from the deployed one.
	Adopt bool
	// Revision holds ApplyID, Author, Message, Digest and the counts; the rest
	// is set by Apply.
	Revision record.Revision
	Objects  []ObjectChange
	Audit    record.Audit // At is set by Apply
}

// ObjectChange replaces one version of an object by another.
type ObjectChange struct {
	// Object is the new version: UID, Kind, Address, Digest. ProjectUID, From
	// and Until are set by Apply.
	Object  record.Object
	Base    int64 // From of the version it replaces, 0 = none
	Deleted bool  // no new version follows
	// Dependency holds Digest and Form of an object of that kind; the rest is set
	// by Apply.
	Dependency *record.Dependency
}

// Refusals of Apply. Nothing was written.
var (
	// ErrStale: the project has moved on since the change was made.
	ErrStale = errors.New("the plan is stale")
	// ErrLineage: the project belongs to another folder.
	ErrLineage = errors.New("the project belongs to another folder")
)

// Apply commits a change whole or not at all. The same ApplyID again is no second
// apply: its revision is returned with repeated set. ErrStale, ErrLineage, ErrNoSpec
// and ErrNoBlob say that it was refused; lease.ErrUnknown, that the database was
// lost for long right after the COMMIT: the same ApplyID tells later what became
// of it.
func (s *Store) Apply(ctx context.Context, c DefinitionChange) (rev record.Revision, repeated bool, err error) {
	a := apply{s: s, c: c}
	limit, cancel := context.WithTimeout(ctx, applyWithin)
	defer cancel()
	for tries := 1; ; tries++ {
		rev, repeated, err = a.once(ctx)
		if errors.Is(err, lease.ErrUnknown) {
			a.doubt = true
		}
		lost := a.s.judge(err) == again && tries < maxTries
		if !lost && !a.doubt || limit.Err() != nil {
			break
		}
		if lost && a.doubt {
			// What is in doubt holds the head: its connection hangs.
			if err := a.s.fence.rivals.end(limit, a.line); err != nil {
				a.s.log.Warn("cannot end the connection of an apply in doubt", "error", err)
			}
			continue
		}
		if a.doubt {
			wait(limit, retryEvery)
		}
	}
	switch {
	case err == nil:
		// What an earlier try of this very call has made is no repetition.
		return rev, repeated && !a.settled, nil
	case a.doubt && !errors.Is(err, lease.ErrUnknown):
		err = fmt.Errorf("%w: %w", lease.ErrUnknown, err)
	}
	return record.Revision{}, false, fmt.Errorf("apply to project %q: %w", c.Project.Name, err)
}

const (
	applyWithin = 30 * time.Second
	retryEvery  = 250 * time.Millisecond
)

// apply is one call of Apply.
type apply struct {
	s       *Store
	c       DefinitionChange
	line    string // of the last try
	doubt   bool   // the COMMIT of a try was not answered, and we do not know yet
	settled bool   // it was not answered, but now we know
}

// once is one transaction: what can wait for nobody first, the head last. In doubt
// about an earlier try the head comes first: its lock waits until that try has
// come to its end.
func (a *apply) once(ctx context.Context) (rev record.Revision, repeated bool, err error) {
	conn, err := a.s.write.Conn(ctx)
	if err != nil {
		return record.Revision{}, false, err
	}
	defer func() { a.s.giveBack(conn, err) }()
	ctx, cancel := unhurried(ctx, writeWithin)
	defer cancel()

	if err = a.s.dialect.begin(ctx, conn); err != nil {
		return record.Revision{}, false, err
	}
	if a.doubt {
		if _, _, err = a.lockHead(ctx, conn); err != nil {
			return record.Revision{}, false, err
		}
	}
	if a.line, err = a.s.fence.rivals.name(ctx, conn); err != nil {
		return record.Revision{}, false, err
	}
	rev, repeated, err = revisionTable.first(ctx, conn, " WHERE t.apply_id=?", a.c.Revision.ApplyID)
	if err != nil {
		return record.Revision{}, false, err
	}
	if a.doubt {
		a.doubt, a.settled = false, true
	}
	if repeated {
		_, err = conn.ExecContext(ctx, "ROLLBACK")
		return rev, repeated, err
	}
	// Early, without a lock: most losers need not write anything first.
	head, found, err := projectTable.first(ctx, conn, " WHERE t.name=?", a.c.Project.Name)
	if err != nil {
		return record.Revision{}, false, err
	}
	if err = a.c.fits(head, found); err != nil {
		return record.Revision{}, false, err
	}
	rev, err = a.writeAll(ctx, conn)
	return rev, false, err
}

func (a *apply) writeAll(ctx context.Context, conn *sql.Conn) (record.Revision, error) {
	if err := a.putObjects(ctx, conn); err != nil {
		return record.Revision{}, err
	}
	if err := a.holdSpecs(ctx, conn); err != nil {
		return record.Revision{}, err
	}
	if err := a.holdBlobs(ctx, conn); err != nil {
		return record.Revision{}, err
	}
	if a.c.Project.Revision == 0 {
		// The key of the new head is what a rival waits for, and then stumbles over.
		head := a.c.Project
		if err := a.s.stale(a.s.dialect.send(ctx, conn, projectTable.plain([]record.Project{head})...)); err != nil {
			return record.Revision{}, err
		}
	}
	head, found, err := a.lockHead(ctx, conn)
	if err != nil {
		return record.Revision{}, err
	}
	if err := a.c.fits(head, found); err != nil {
		return record.Revision{}, err
	}
	now, err := a.s.dialect.now(ctx, conn)
	if err != nil {
		return record.Revision{}, err
	}
	next, rev, audit := a.c.made(head, now)
	list := slices.Concat(
		projectTable.upsert(a.s.dialect, []record.Project{next}),
		revisionTable.plain([]record.Revision{rev}),
		auditTable.plain([]record.Audit{audit}))
	if err := a.s.dialect.send(ctx, conn, list...); err != nil {
		return record.Revision{}, err
	}
	return rev, a.s.commit(ctx, conn)
}

// putObjects ends old versions and adds new ones. Rivals from the same base meet
// here, at the keys of the new versions.
func (a *apply) putObjects(ctx context.Context, conn *sql.Conn) error {
	number := a.c.Project.Revision + 1
	var added []record.Object
	var ended []string
	for _, o := range a.c.Objects {
		if o.Base != 0 {
			ended = append(ended, o.Object.UID)
		}
		if !o.Deleted {
			object := o.Object
			object.ProjectUID, object.From, object.Until = a.c.Project.UID, number, 0
			added = append(added, object)
		}
	}
	slices.Sort(ended)
	for chunk := range slices.Chunk(ended, 5000) {
		args := append([]any{number, a.c.Project.UID, number}, anys(chunk)...)
		n, err := affected(ctx, conn, "UPDATE object SET valid_until=? WHERE project_uid=? AND valid_until=0 AND valid_from<? AND uid IN ("+
			marks(len(chunk))+")", args...)
		if err != nil {
			return err
		}
		if n != int64(len(chunk)) {
			return fmt.Errorf("%w: %d of its objects have changed", ErrStale, int64(len(chunk))-n)
		}
	}
	return a.s.stale(a.s.dialect.send(ctx, conn, objectTable.plain(added)...))
}

// stale turns the news that a key is taken into what it means here.
func (s *Store) stale(err error) error {
	if s.judge(err) == taken {
		return fmt.Errorf("%w: another apply was faster", ErrStale)
	}
	return err
}

func (a *apply) lockHead(ctx context.Context, conn *sql.Conn) (record.Project, bool, error) {
	list, err := projectTable.where(ctx, conn, " WHERE t.name=?"+a.s.dialect.lock(true), a.c.Project.Name)
	if err != nil || len(list) == 0 {
		return record.Project{}, false, err
	}
	return list[0], true, nil
}

// fits compares the head with what the change was made from.
func (c *DefinitionChange) fits(head record.Project, found bool) error {
	switch {
	case !found && c.Project.Revision == 0:
		return nil
	case !found:
		return fmt.Errorf("%w: the project does not exist", ErrStale)
	case head.Lineage != c.Project.Lineage && !c.Adopt:
		return fmt.Errorf("%w: it was made by %s", ErrLineage, head.Origin)
	case head.UID != c.Project.UID || head.Revision != c.Project.Revision:
		return fmt.Errorf("%w: it was made from revision %d, the project is at %d", ErrStale, c.Project.Revision, head.Revision)
	}
	return nil
}

// made is what the change leads to, at now or just after the revision before.
func (c *DefinitionChange) made(head record.Project, now record.Time) (record.Project, record.Revision, record.Audit) {
	next, rev, audit := c.Project, c.Revision, c.Audit
	next.Revision++
	next.EffectiveFrom = max(now, head.EffectiveFrom+1)
	rev.ProjectUID, rev.Number, rev.EffectiveFrom = next.UID, next.Revision, next.EffectiveFrom
	audit.At = next.EffectiveFrom
	return next, rev, audit
}

// giveBack returns a connection to its pool, outside of any transaction.
func (s *Store) giveBack(conn *sql.Conn, err error) {
	if err != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
			discard(conn)
			return
		}
	}
	_ = conn.Close()
}
