// Package storetest is the exam of a store, the databases to take it on, and a
// proxy that loses what MySQL says at the worst moment.
//
// It is for tests alone. Every database it hands out is empty, the caller's own,
// and gone when the test ends.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// SQLite is the state address of a new file.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite://" + filepath.Join(t.TempDir(), "lft.db")
}

// MySQL is the state address of a new database on the server LFT_TEST_MYSQL names.
// Without one the test is skipped, or fails where LFT_TEST_REQUIRE lists mysql.
func MySQL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("LFT_TEST_MYSQL")
	if server == "" {
		const missing = "no MySQL or MariaDB: LFT_TEST_MYSQL is not set"
		if strings.Contains(os.Getenv("LFT_TEST_REQUIRE"), "mysql") {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	name := "lft_test_" + strings.ToLower(rand.Text())
	db := serverDB(t, server)
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer db.Close()
		// The test's own context has ended.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if _, err := db.ExecContext(ctx, "DROP DATABASE "+name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return server + name
}

// DB opens the database of a MySQL state address without the store, to look at
// what the store has done or to do what others do.
func DB(t testing.TB, state string) *sql.DB {
	t.Helper()
	db := serverDB(t, state)
	t.Cleanup(func() { db.Close() })
	return db
}

func serverDB(t testing.TB, state string) *sql.DB {
	t.Helper()
	rest := strings.TrimPrefix(state, "mysql://")
	at := strings.LastIndex(rest, "@")
	host, name, _ := strings.Cut(rest[at+1:], "/")
	c := mysql.NewConfig()
	c.User, c.Passwd, _ = strings.Cut(rest[:max(at, 0)], ":")
	c.Net, c.Addr, c.DBName = "tcp", host, name
	c.InterpolateParams = true
	connector, err := mysql.NewConnector(c)
	if err != nil {
		t.Fatalf("LFT_TEST_MYSQL: %v", err)
	}
	return sql.OpenDB(connector)
}
