package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/engine/store/storetest"
)

// held is a transaction that holds a lock by a statement until it is let go.
func held(t *testing.T, db *sql.DB, text string, args ...any) (letGo func()) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), text, args...); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

// waits passes the time until a statement that begins so is under way.
func waits(t *testing.T, db *sql.DB, begins string) {
	t.Helper()
	eventually(t, begins, func() bool {
		var n int
		err := db.QueryRowContext(context.WithoutCancel(t.Context()),
			"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB=DATABASE() AND ID<>CONNECTION_ID() AND INFO LIKE ?", begins+"%").Scan(&n)
		if err != nil {
			t.Error(err)
		}
		return n > 0 || err != nil
	})
}

// applyTo applies nothing to the project p at a revision.
func applyTo(t *testing.T, s *store.Store, revision int64) record.Revision {
	t.Helper()
	id := fmt.Sprint("apply", revision)
	rev, _, err := s.Apply(t.Context(), store.DefinitionChange{
		Project:  record.Project{UID: "p", Name: "p", Lineage: "l", Revision: revision},
		Revision: record.Revision{ApplyID: id},
		Audit:    record.Audit{ID: id},
	})
	if err != nil {
		t.Error(err)
	}
	return rev
}

// A revision takes effect after all that was decided by the one before: its time is
// read when nobody can decide any more.
func TestEffectiveFromIsReadUnderTheLock(t *testing.T) {
	t.Parallel()
	state := storetest.MySQL(t)
	s, db := storetest.Open(t, state), storetest.DB(t, state)
	applyTo(t, s, 0)
	// As a master holds it while it decides.
	letGo := held(t, db, "SELECT revision FROM project WHERE uid='p' LOCK IN SHARE MODE")
	applied := make(chan record.Time)
	go func() {
		applied <- applyTo(t, s, 1).EffectiveFrom
	}()
	waits(t, db, "SELECT t.uid,t.name")
	decided, err := s.Now(t.Context())
	if err != nil {
		t.Error(err)
	}
	letGo()
	if effective := <-applied; effective < decided {
		t.Errorf("effective from %d, but the revision before decided until %d", effective, decided)
	}
}

// A clock that went back does not bring revisions out of order.
func TestEffectiveFromGrows(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "mysql": storetest.MySQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := fresh(t)
			s := storetest.Open(t, state)
			first := applyTo(t, s, 0)
			later := first.EffectiveFrom + 3600_000_000
			if _, err := rawDB(t, state).ExecContext(t.Context(), "UPDATE project SET effective_from=?", int64(later)); err != nil {
				t.Fatal(err)
			}
			if second := applyTo(t, s, 1); second.EffectiveFrom != later+1 {
				t.Errorf("effective from %d, the revision before from %d", second.EffectiveFrom, later)
			}
			if audits, err := s.Audits(t.Context(), 0, "", 1); err != nil || audits[0].At != later+1 {
				t.Errorf("audit: %+v, %v", audits, err)
			}
			if head, _, err := s.Project(t.Context(), "p"); err != nil || head.EffectiveFrom != later+1 {
				t.Errorf("head: %+v, %v", head, err)
			}
		})
	}
}
