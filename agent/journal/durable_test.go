package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/engine/blob/blobtest"
)

// TestDurable: what a journal promises to be on disk is synced, in an order in
// which no crash loses both the old and the new.
func TestDurable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	whole := []string{"sync journal.next", "rename", "sync ."}
	var j *Journal
	for _, step := range []struct {
		name string
		call func() error
		want []string
	}{
		{"make", func() (err error) { j, _, err = Open(path); return err }, whole},
		{"append", func() error { return j.Append(sample(), false) }, nil},
		{"append what must be durable", func() error { return j.Append(sample()[:1], true) }, []string{"sync journal"}},
		{"nothing new", func() error { return j.Append(nil, true) }, nil},
		{"sync of what is not", func() error { return j.Append([]brain.Record{brain.Obeyed{Epoch: 8}}, false) }, nil},
		{"sync", func() error { return j.Sync() }, []string{"sync journal"}},
		{"rewrite", func() error { return j.Rewrite(sample()[:2]) }, whole},
		{"sync of what was put in place", func() error { return j.Sync() }, nil},
		{"append again", func() error { return j.Append(sample(), true) }, []string{"sync journal"}},
		{"tear", func() error { return os.Truncate(path, j.Size()-1) }, nil},
		{"cut the torn tail", func() (err error) { j, _, err = Open(path); return err }, []string{"sync journal"}},
	} {
		var err error
		steps := blobtest.Durable(t, dir, func() { err = step.call() })
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if diff := cmp.Diff(step.want, steps); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
