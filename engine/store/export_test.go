package store

import (
	"context"
	"fmt"

	"github.com/pressly/goose/v3"
)

// MigrateTo makes the schema of an older lft in an empty database.
func MigrateTo(ctx context.Context, state string, version int64) error {
	a, err := parseAddress(state)
	if err != nil {
		return err
	}
	dialect, types := goose.DialectSQLite3, sqliteTypes
	db := openSQLite(a.sqlite, false)
	if a.sqlite == "" {
		config := mysqlConfig(a)
		config.ParseTime = true
		dialect, types = goose.DialectMySQL, mysqlTypes
		if db, err = openMySQL(config, 4); err != nil {
			return err
		}
	}
	defer db.Close()
	m, err := migrator(db, dialect, types)
	if err == nil {
		_, err = m.UpTo(ctx, version)
	}
	if err != nil {
		return fmt.Errorf("migrate to %d: %w", version, err)
	}
	return nil
}
