package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/engine/store/storetest"
)

func TestOneOwnerOfAFile(t *testing.T) {
	state := storetest.SQLite(t)
	s, err := store.Open(t.Context(), state, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(t.Context(), state, store.Options{})
	var owned *store.OwnedError
	if !errors.Is(err, store.ErrOwned) || !errors.As(err, &owned) || owned.PID != os.Getpid() {
		t.Errorf("the second owner: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	storetest.Open(t, state)
}

// TestLookWhileTheSeatIsTaken: who leads is asked at any moment, also by the race
// detector.
func TestLookWhileTheSeatIsTaken(t *testing.T) {
	s := storetest.Open(t, storetest.SQLite(t))
	storetest.Take(t, s, "me")
	ctx, stop := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	looking.Go(func() {
		for ctx.Err() == nil {
			if seat, err := s.Leader(t.Context()); err != nil || seat.Gone {
				t.Errorf("the holder is this process, and what is said of it is %+v, %v", seat, err)
				return
			}
		}
	})
	for range 30 {
		storetest.Take(t, s, "me")
	}
	stop()
	looking.Wait()
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	storetest.Open(t, "sqlite://"+dir+"/new/ä %?#.db")
	entries, err := os.ReadDir(filepath.Join(dir, "new"))
	if err != nil || len(entries) < 2 {
		t.Fatalf("%d files, error = %v", len(entries), err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "ä %?#.db") {
			t.Errorf("file %q", e.Name())
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

func TestUnusableFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, state := range map[string]string{
		"no database":  "sqlite://" + text,
		"a folder":     "sqlite://" + dir,
		"below a file": "sqlite://" + text + "/lft.db",
	} {
		if s, err := store.Open(t.Context(), state, store.Options{}); err == nil {
			s.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

func TestSocketPath(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	deep := filepath.Join(dir, strings.Repeat("x", 100), strings.Repeat("y", 100))
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(deep, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	path := func(p string) string {
		s, err := store.SocketPath(p)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	long := path(filepath.Join(deep, "lft.db"))
	if len(long)-len(dir) > 50 || len(long) > 107 && len(dir) < 50 {
		t.Errorf("%q is too long", long)
	}
	if other := path(filepath.Join(dir, "link", "lft.db")); other != long {
		t.Errorf("one file, two sockets: %q and %q", long, other)
	}
	if other := path(filepath.Join(deep, "other.db")); other == long {
		t.Error("two files, one socket")
	}
	if err := os.Chmod(filepath.Dir(long), 0o755); err != nil {
		t.Fatal(err)
	}
	if s, err := store.SocketPath("lft.db"); err == nil {
		t.Errorf("a folder open to others is used: %q", s)
	}
}
