package main_test

import (
	"database/sql"
	"path/filepath"
	"testing"
)

// TestUpgradeOfAFolder: a newer lft brings the state of a folder up to date by itself, because nobody else can be at work
// on it; a server asks for -migrate.
func TestUpgradeOfAFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.apply(`pool "p" { slots = 1 }`)
	path := filepath.Join(w.dir, ".lft", "lft.db")
	back := func() {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		// What the newest migration did, taken back.
		for _, statement := range []string{
			"DROP INDEX spec_by_lease", "ALTER TABLE spec DROP COLUMN lease_until", "DELETE FROM goose_db_version WHERE version_id=4",
		} {
			if _, err := db.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(statement, err)
			}
		}
	}
	back()
	w.must(0, "plan", "-detailed-exitcode")
	back()
	w.must(1, "server", "-state=sqlite://"+path, "-blobs="+filepath.Join(w.run, "blobs"), "-listen="+freeAddress(t))
}
