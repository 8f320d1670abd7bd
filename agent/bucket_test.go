package agent

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/leifengta/lft/engine/blob/dirblob"
)

// depotOf makes a bucket of a cluster.
func depotOf(t *testing.T, cluster string) (address string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lft-cluster"), []byte(cluster+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dirblob.Address(dir)
}

// TestWhichBucket: only the cluster's own is used, and the same is opened once.
func TestWhichBucket(t *testing.T) {
	var b bucket
	t.Cleanup(b.close)
	one, other := depotOf(t, "c"), depotOf(t, "c")
	for i, address := range []string{one, one, other, one} {
		opened, fresh, err := b.use(t.Context(), address, "c")
		if err != nil || opened == nil || fresh != (i != 1) {
			t.Errorf("%d: fresh = %v, %v", i, fresh, err)
		}
	}
	for name, address := range map[string]string{
		"foreign": depotOf(t, "another"), "unmarked": dirblob.Address(t.TempDir()),
		"missing": dirblob.Address(filepath.Join(t.TempDir(), "none")),
	} {
		if _, _, err := b.use(t.Context(), address, "c"); !errors.Is(err, errBucket) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := b.use(t.Context(), one, "another"); !errors.Is(err, errBucket) {
		t.Errorf("of a cluster that has changed: %v", err)
	}
	if _, _, err := b.use(t.Context(), "hdfs://h/p", "c"); err == nil || errors.Is(err, errBucket) {
		t.Errorf("of another kind: %v", err)
	}
}

// TestWantedBucket: one that is down is tried again until a master names another one.
func TestWantedBucket(t *testing.T) {
	var b bucket
	t.Cleanup(b.close)
	up := depotOf(t, "c")
	if _, _, err := b.use(t.Context(), up, "c"); err != nil {
		t.Fatal(err)
	}
	if !b.want("down", "c") || b.want("down", "c") || !b.wants("down", "c") || b.wants("down", "d") {
		t.Error("what is wanted is not known")
	}
	if _, _, err := b.use(t.Context(), up, "c"); err != nil || b.wants("down", "c") {
		t.Errorf("the one that was named before is still wanted: %v", err)
	}
}
