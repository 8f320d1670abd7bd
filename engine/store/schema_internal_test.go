package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/pressly/goose/v3"
)

// An older schema is brought up to date only when that was asked for.
func TestOlderSchema(t *testing.T) {
	db := openSQLite(filepath.Join(t.TempDir(), "lft.db"), false)
	defer db.Close()
	provider := func(versions int) *goose.Provider {
		t.Helper()
		var list []*goose.Migration
		for v := range versions {
			list = append(list, goose.NewGoMigration(int64(v+1), run([]string{"SELECT 1"}, true), nil))
		}
		p, err := goose.NewProvider(goose.DialectSQLite3, db, nil,
			goose.WithGoMigrations(list...), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	ctx := t.Context()
	if err := settle(ctx, provider(1), false); err != nil {
		t.Fatalf("empty: %v", err)
	}
	if err := settle(ctx, provider(2), false); !errors.Is(err, ErrSchema) {
		t.Errorf("older: %v", err)
	}
	if err := settle(ctx, provider(2), true); err != nil {
		t.Errorf("older, to be migrated: %v", err)
	}
	if err := settle(ctx, provider(2), false); err != nil {
		t.Errorf("migrated: %v", err)
	}
}

// A migration that a crash has cut off is repeated from its beginning.
func TestMigrationsCanBeRepeated(t *testing.T) {
	db := openSQLite(filepath.Join(t.TempDir(), "lft.db"), false)
	defer db.Close()
	source, err := migrations.ReadFile("migrations/00001_first.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, types := range []columnTypes{mysqlTypes, sqliteTypes} {
		statements, err := types.statements(string(source))
		if err != nil || len(statements) < 20 {
			t.Fatalf("%d statements, error = %v", len(statements), err)
		}
		if types.inline {
			continue // no MySQL here; storetest runs it
		}
		for range 2 {
			if err := runAll(t.Context(), db, statements); err != nil {
				t.Error(err)
			}
		}
	}
}

func runAll(ctx context.Context, db *sql.DB, statements []string) error {
	return run(statements, false).RunDB(ctx, db)
}
