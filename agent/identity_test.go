package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/blob/blobtest"
)

// TestKeptIDIsDurable: an id is on disk before anyone hears it, and stays.
func TestKeptIDIsDurable(t *testing.T) {
	dir := t.TempDir()
	var first, again string
	var err error
	steps := blobtest.Durable(t, dir, func() { first, err = keptID(filepath.Join(dir, "id")) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"sync id.next", "rename", "sync ."}, steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if again, err = keptID(filepath.Join(dir, "id")); err != nil || again != first || first == "" {
		t.Errorf("id %q, then %q: %v", first, again, err)
	}
}

// An id that was emptied is not drawn anew: the agent would be another one.
func TestEmptyIDIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(path, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id, err := keptID(path); err == nil {
		t.Errorf("id %q", id)
	}
}

func TestStartTime(t *testing.T) {
	stat := "1 (a) b (c) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 4242 23 24"
	if got, err := startTime([]byte(stat)); err != nil || got != 4242 {
		t.Errorf("%d, %v", got, err)
	}
	for _, stat := range []string{"", "1 (init) S 4 5", "1 init S"} {
		if got, err := startTime([]byte(stat)); err == nil {
			t.Errorf("%q: %d", stat, got)
		}
	}
}
