package cli

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestMintLineageOnce(t *testing.T) {
	dir := t.TempDir()
	if got, err := readLineage(dir); got != "" || err != nil {
		t.Fatalf("a new folder has the lineage %q, %v", got, err)
	}
	const writers = 16
	lineages := make([]string, writers)
	var all sync.WaitGroup
	for i := range lineages {
		all.Go(func() {
			var err error
			if lineages[i], err = mintLineage(dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, l := range lineages {
		if l == "" || l != lineages[0] {
			t.Fatalf("lineages %q", lineages)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
	if again, err := mintLineage(dir); again != lineages[0] || err != nil {
		t.Errorf("minted again as %q, %v", again, err)
	}
}

func TestMintLineageInAFolderThatCannotBeWritten(t *testing.T) {
	if _, err := mintLineage(filepath.Join(t.TempDir(), "nowhere")); err == nil {
		t.Error("no error")
	}
}

func FuzzParseLineage(f *testing.F) {
	f.Add([]byte("lineage = \"r71911q2hae3sdmfp71fnlekmg\"\n"))
	f.Add([]byte("lineage = null"))
	f.Add([]byte("lineage = \"${x}\""))
	f.Add([]byte("lineage = 1\nprovider \"x\" {}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if lineage, err := parseLineage(data); (lineage == "") != (err != nil) {
			t.Errorf("lineage %q, %v", lineage, err)
		}
	})
}
