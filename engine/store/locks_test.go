package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/lease"
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

// waits passes the time until a statement with these words is under way.
func waits(t *testing.T, db *sql.DB, words string) {
	t.Helper()
	eventually(t, words, func() bool {
		var n int
		err := db.QueryRowContext(context.WithoutCancel(t.Context()),
			"SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB=DATABASE() AND ID<>CONNECTION_ID() AND INFO LIKE ?", "%"+words+"%").Scan(&n)
		if err != nil {
			t.Error(err)
		}
		return n > 0 || err != nil
	})
}

// applyTo applies objects, or nothing, to the project p at a revision.
func applyTo(t *testing.T, s *store.Store, revision int64, objects ...store.ObjectChange) record.Revision {
	t.Helper()
	id := fmt.Sprint("apply", revision)
	rev, _, err := s.Apply(t.Context(), store.DefinitionChange{
		Project:  record.Project{UID: "p", Name: "p", Lineage: "l", Revision: revision},
		Revision: record.Revision{ApplyID: id},
		Objects:  objects,
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

// A batch that relies on a head waits for the apply that is about to move it.
func TestBatchWaitsForTheHead(t *testing.T) {
	t.Parallel()
	state := storetest.MySQL(t)
	s, db := storetest.Open(t, state), storetest.DB(t, state)
	epoch := storetest.Take(t, s, "me")
	applyTo(t, s, 0)
	rival, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rival.ExecContext(t.Context(), "UPDATE project SET revision=2"); err != nil {
		t.Fatal(err)
	}
	committed := make(chan error)
	go func() {
		committed <- s.Commit(t.Context(), epoch, 1, &record.Batch{Heads: []record.Head{{ProjectUID: "p", Revision: 1}}})
	}()
	waits(t, db, "SELECT uid,revision FROM project")
	if err := rival.Commit(); err != nil {
		t.Error(err)
	}
	if err := <-committed; !errors.Is(err, lease.ErrMoved) {
		t.Errorf("error = %v", err)
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

// What came to be relied on after it was found free is not doomed: it is looked at
// again once nobody else can change it.
func TestDoomLooksAgain(t *testing.T) {
	t.Parallel()
	state := storetest.MySQL(t)
	s, db := storetest.Open(t, state), storetest.DB(t, state)
	b := record.Blob{Digest: "d", Upload: "1"}
	if err := errors.Join(s.BeginBlob(t.Context(), b, time.Hour), s.EndBlob(t.Context(), b, -time.Second)); err != nil {
		t.Fatal(err)
	}
	rival, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rival.ExecContext(t.Context(), "UPDATE stored_blob SET lease_until=?", int64(math.MaxInt64)); err != nil {
		t.Fatal(err)
	}
	doomed := make(chan int)
	go func() {
		n, err := s.DoomBlobs(t.Context(), store.Kept{Revisions: 1}, 10)
		if err != nil {
			t.Error(err)
		}
		doomed <- n
	}()
	waits(t, db, "SELECT b.digest")
	if err := rival.Commit(); err != nil {
		t.Error(err)
	}
	if n := <-doomed; n != 0 {
		t.Errorf("%d were doomed that had a lease by then", n)
	}
}

// Of two uploads of one tree that end at the same time, the slower one gives way.
func TestUploadSeesWhoWasFaster(t *testing.T) {
	t.Parallel()
	state := storetest.MySQL(t)
	s, db := storetest.Open(t, state), storetest.DB(t, state)
	for _, upload := range []string{"1", "2"} {
		if err := s.BeginBlob(t.Context(), record.Blob{Digest: "d", Upload: upload}, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	faster, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := faster.ExecContext(t.Context(), "UPDATE stored_blob SET state=? WHERE upload='2'", string(record.BlobPresent)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.EndBlob(t.Context(), record.Blob{Digest: "d", Upload: "1"}, time.Hour) }()
	waits(t, db, "FROM stored_blob t WHERE t.digest")
	if err := errors.Join(faster.Commit(), <-ended); err != nil {
		t.Error(err)
	}
	list, err := s.Blobs(t.Context(), []string{"d"})
	given, doomErr := s.DoomedBlobs(t.Context(), 10)
	if len(list) != 1 || list[0].Upload != "2" || len(given) != 1 || given[0].Upload != "1" {
		t.Errorf("there is %+v, given up %+v; %v", list, given, errors.Join(err, doomErr))
	}
}

// Whoever loses against another transaction tries again, whole.
func TestLosersTryAgain(t *testing.T) {
	for _, code := range []int{1205, 1213, 1020} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			state := storetest.MySQL(t)
			s, db := storetest.Open(t, state), storetest.DB(t, state)
			epoch := storetest.Take(t, s, "me")
			exec := func(text string) {
				if _, err := db.ExecContext(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			}
			exec("CREATE TABLE lost (what VARCHAR(64)) ENGINE=MyISAM") // outside of transactions
			for _, table := range []string{"stored_blob", "revision", "dead_letter"} {
				exec(fmt.Sprintf(`CREATE TRIGGER loses_%[1]s AFTER INSERT ON %[1]s FOR EACH ROW BEGIN
					INSERT INTO lost VALUES ('%[1]s');
					IF (SELECT COUNT(*) FROM lost WHERE what='%[1]s')<3 THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO=%[2]d; END IF;
				END`, table, code))
			}
			if err := s.BeginBlob(t.Context(), record.Blob{Digest: "d", Upload: "1"}, time.Hour); err != nil {
				t.Errorf("a change: %v", err)
			}
			applyTo(t, s, 0)
			if err := s.Commit(t.Context(), epoch, 1, &record.Batch{DeadLetters: []record.DeadLetter{{ID: "d"}}}); err != nil {
				t.Errorf("a batch: %v", err)
			}
			var n int
			if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM lost").Scan(&n); err != nil || n != 9 {
				t.Errorf("%d tries, %v", n, err)
			}
		})
	}
}

// What counts for a version that came to its end is when that was.
func TestKeptSinceTheEnd(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "mysql": storetest.MySQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state := fresh(t)
			s, db := storetest.Open(t, state), rawDB(t, state)
			b := record.Blob{Digest: "d", Upload: "1"}
			spec := []record.Spec{{Digest: "d", Data: []byte("{}")}}
			err := errors.Join(s.BeginBlob(t.Context(), b, time.Hour), s.EndBlob(t.Context(), b, -time.Second), s.PutSpecs(t.Context(), spec, time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			with := store.ObjectChange{
				Object:     record.Object{UID: "u", Kind: "dependency", Address: "dependency.d", Digest: "d"},
				Dependency: &record.Dependency{Digest: "d"},
			}
			without := with
			without.Base, without.Deleted = 1, true
			applyTo(t, s, 0, with)
			applyTo(t, s, 1, without)
			for _, tc := range []struct{ ago, doomed int }{{1, 0}, {2, 1}} {
				if _, err := db.ExecContext(t.Context(), "UPDATE revision SET effective_from=1 WHERE number<=?", tc.ago); err != nil {
					t.Fatal(err)
				}
				if n, err := s.DoomBlobs(t.Context(), store.Kept{Revisions: 1, Span: time.Hour}, 10); n != tc.doomed || err != nil {
					t.Errorf("revisions up to %d are old: %d doomed, %v", tc.ago, n, err)
				}
			}
		})
	}
}
