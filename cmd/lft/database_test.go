package main_test

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// newDatabase makes an empty database on the server of LFT_TEST_MYSQL and returns its address as -state takes it.
func newDatabase(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv("LFT_TEST_MYSQL")
	if server == "" {
		if strings.Contains(os.Getenv("LFT_TEST_REQUIRE"), "mysql") {
			tb.Fatal("LFT_TEST_REQUIRE names mysql and LFT_TEST_MYSQL is empty")
		}
		tb.Skip("no MariaDB: LFT_TEST_MYSQL is empty")
	}
	return databaseOn(tb, server)
}

func databaseOn(tb testing.TB, server string) string {
	tb.Helper()
	db := openServer(tb, server)
	name := "lft_test_" + strings.ToLower(rand.Text()[:12])
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_, _ = db.Exec("DROP DATABASE " + name)
		db.Close()
	})
	return server + name
}

// openServer opens mysql://USER:PASS@HOST:PORT/.
func openServer(tb testing.TB, server string) *sql.DB {
	tb.Helper()
	user, host, ok := strings.Cut(strings.TrimPrefix(server, "mysql://"), "@")
	if !ok {
		tb.Fatalf("not an address of a server: %s", server)
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", strings.TrimSuffix(host, "/")
	cfg.User, cfg.Passwd, _ = strings.Cut(user, ":")
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return sql.OpenDB(connector)
}

// A server of one's own, to be killed. It is durable: what was committed is there after kill -9.
type mariadb struct {
	tb      testing.TB
	dir     string
	port    string
	address string
}

func newMariaDB(tb testing.TB) *mariadb {
	tb.Helper()
	if os.Getenv("LFT_TEST_MYSQL") == "" {
		newDatabase(tb) // skips or fails
	}
	dir, err := os.MkdirTemp("", "lft-db") //nolint:usetesting // short, for the server's socket
	if err != nil {
		tb.Fatal(err)
	}
	m := &mariadb{tb: tb, dir: dir}
	// Not the next one after the default's: while it is dead another test would take that.
	if _, m.port, err = net.SplitHostPort(freeAddress(tb)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		m.script("stop", "-purge")
		os.RemoveAll(dir)
	})
	m.script("start")
	m.address = strings.TrimSpace(m.script("url"))
	return m
}

func (m *mariadb) script(args ...string) string {
	m.tb.Helper()
	cmd := exec.Command("../../.ci/mariadb", args...)
	cmd.Env = append(os.Environ(), "LFT_MARIADB_DIR="+m.dir, "LFT_MARIADB_PORT="+m.port)
	out, err := cmd.Output()
	if err != nil {
		m.tb.Fatalf(".ci/mariadb %s: %v", args, err)
	}
	return string(out)
}

// kill -9; start brings it back under the same address.
func (m *mariadb) kill() {
	m.tb.Helper()
	b, err := os.ReadFile(filepath.Join(m.dir, "pid"))
	if err != nil {
		m.tb.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		m.tb.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		m.tb.Fatal(fmt.Errorf("kill -9 of MariaDB: %w", err))
	}
}
