package agent

import (
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
