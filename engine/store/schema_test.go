package store_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/engine/store/storetest"
)

func TestAddressesThatAreRefused(t *testing.T) {
	for _, tc := range []struct{ state, want string }{
		{"", "mysql://USER:PASS@HOST:PORT/DB or sqlite://PATH"},
		{"postgres://u@h/d", "mysql://USER:PASS@HOST:PORT/DB or sqlite://PATH"},
		{"sqlite://", "names no file"},
		{"mysql://u:p@h", "must end in the name of one database"},
		{"mysql://u:p@h/a/b", "must end in the name of one database"},
		{"mysql://h/d", "names no user"},
		{"mysql://u:p@/d", "names no host"},
		{"mysql://u:p@h/d?charset=x", `unknown option "charset"`},
		{"mysql://u:p%zz@h/d", "%XX"},
		{"mysql://u:secret@127.0.0.1:1/d", "cannot reach the database at mysql://u@127.0.0.1:1/d"},
	} {
		_, err := store.Open(t.Context(), tc.state, store.Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %q", tc.state, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is told: %v", err)
		}
	}
}

func TestLoginsThatAreRefused(t *testing.T) {
	state := storetest.MySQL(t)
	for _, tc := range []struct{ old, new, want string }{
		{":lft@", ":wrong@", "check user, password and rights"},
		{"lft_test_", "lft_nowhere_", "create it first"},
	} {
		_, err := store.Open(t.Context(), strings.Replace(state, tc.old, tc.new, 1), store.Options{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v, want %q", err, tc.want)
		}
	}
}

func TestSchemaVersions(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) (string, *sql.DB){
		"sqlite": func(t *testing.T) (string, *sql.DB) {
			t.Helper()
			state := storetest.SQLite(t)
			return state, rawDB(t, state)
		},
		"mysql": func(t *testing.T) (string, *sql.DB) {
			t.Helper()
			state := storetest.MySQL(t)
			return state, storetest.DB(t, state)
		},
	} {
		t.Run(name, func(t *testing.T) {
			state, db := make(t)
			s, err := store.Open(t.Context(), state, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id,is_applied) VALUES (9999,1)"); err != nil {
				t.Fatal(err)
			}
			for _, migrate := range []bool{false, true} {
				_, err := store.Open(t.Context(), state, store.Options{Migrate: migrate})
				if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "9999") {
					t.Errorf("newer schema, migrate = %v: %v", migrate, err)
				}
			}
		})
	}
}

// TestOlderState: what an older lft has written is refused until it may be brought
// up to date, and is all there afterwards, however often that is begun.
func TestOlderState(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "mysql": storetest.MySQL} {
		t.Run(name, func(t *testing.T) {
			state := fresh(t)
			if err := store.MigrateTo(t.Context(), state, 1); err != nil {
				t.Fatal(err)
			}
			db := rawDB(t, state)
			exec := func(text string) {
				t.Helper()
				if _, err := db.ExecContext(t.Context(), text); err != nil {
					t.Fatal(err)
				}
			}
			exec(`INSERT INTO execution (id,project_uid,project,flow_uid,flow,flow_digest,revision,state,origin,schedule_uid,scheduled_for,
				zone,window_start,window_end,cancel_requested,cancel_by,reason,asked_by,created_at,started_at,ended_at)
				VALUES ('x','p','sales','u','flow.f','d',1,'RUNNING','manual','',5,'UTC',5,5,0,'','','ann',5,6,0)`)
			exec("INSERT INTO live_execution (id) VALUES ('x')")
			exec("INSERT INTO spec (digest,data) VALUES ('applied',x'7b7d'),('planned',x'7b7d')")
			exec(`INSERT INTO object (project_uid,uid,valid_from,valid_until,kind,address,digest)
				VALUES ('p','u',1,2,'flow','flow.f','applied'),('p','u',2,0,'flow','flow.f','applied')`)
			if _, err := store.Open(t.Context(), state, store.Options{}); !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "-migrate") {
				t.Fatalf("an older state is opened: %v", err)
			}
			for range 2 {
				s, err := store.Open(t.Context(), state, store.Options{Migrate: true})
				if err != nil {
					t.Fatal(err)
				}
				live, err := s.Load(t.Context(), storetest.Take(t, s, "m"))
				if err != nil {
					t.Fatal(err)
				}
				if len(live.Executions) != 1 || live.Executions[0].ID != "x" || live.Executions[0].By != "ann" || live.Executions[0].Parent != "" {
					t.Errorf("after the migration: %+v", live.Executions)
				}
				if _, err := s.CollectSpecs(t.Context(), 10); err != nil {
					t.Error(err)
				}
				left, err := s.Specs(t.Context(), []string{"applied", "planned"})
				if _, ok := left["applied"]; len(left) != 1 || !ok || err != nil {
					t.Errorf("specs after the migration: %v, %v", left, err)
				}
				s.Close()
				if name == "sqlite" {
					break // one transaction: done, or not begun
				}
				exec("DELETE FROM goose_db_version WHERE version_id>1") // a crash before it was noted
			}
		})
	}
}

func rawDB(t *testing.T, state string) *sql.DB {
	t.Helper()
	path, embedded := strings.CutPrefix(state, "sqlite://")
	if !embedded {
		return storetest.DB(t, state)
	}
	db, err := sql.Open("sqlite", filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Two servers that start on an empty database make its schema once.
func TestFirstStartRace(t *testing.T) {
	state := storetest.MySQL(t)
	stores := make([]*store.Store, 4)
	var wg sync.WaitGroup
	for i := range stores {
		wg.Go(func() {
			var err error
			if stores[i], err = store.Open(t.Context(), state, store.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range stores {
		if s == nil {
			continue
		}
		if s.ClusterID() != stores[0].ClusterID() {
			t.Errorf("clusters %q and %q", s.ClusterID(), stores[0].ClusterID())
		}
		s.Close()
	}
}
