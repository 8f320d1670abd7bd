package dirblob_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/blobtest"
	"github.com/leifengta/lft/engine/blob/dirblob"
)

func open(t *testing.T, dir string) *dirblob.Bucket {
	t.Helper()
	b, err := dirblob.OpenAddress(dirblob.Address(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestBucket(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) (blob.Bucket, func() blob.Bucket) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "a b?c%")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return open(t, dir), func() blob.Bucket { return open(t, dir) }
	})
}

func TestAddress(t *testing.T) {
	for _, address := range []string{
		"", "/tmp", "file:tmp", "file://tmp", "file://host/tmp", "hdfs://host/tmp", "file:///tmp?x=1", "file:///tmp#x", "file:///no/such/folder", "%",
	} {
		if b, err := dirblob.OpenAddress(address); err == nil {
			b.Close()
			t.Errorf("%q is opened", address)
		}
	}
}

// Links that lead out of the bucket are no way out.
func TestConfined(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"folder": outside, "file": filepath.Join(outside, "secret")} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, dir)
	for _, key := range []string{"folder/secret", "file"} {
		if r, err := b.Get(t.Context(), key, 0, -1); err == nil {
			r.Close()
			t.Errorf("%s is read", key)
		}
	}
	if err := b.Put(t.Context(), "folder/new", strings.NewReader("x"), 1); err == nil {
		t.Error("written through a link")
	}
	if err := b.Delete(t.Context(), "folder/secret"); err == nil {
		t.Error("deleted through a link")
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Errorf("outside: %v, %v", entries, err)
	}
	for o, err := range b.List(t.Context(), "") {
		t.Errorf("listed: %v %v", o, err)
	}
}

// What a crash left behind is no object.
func TestLeftover(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".tmp-X"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, dir)
	for o, err := range b.List(t.Context(), "") {
		t.Errorf("listed: %v %v", o, err)
	}
	if _, err := b.Get(t.Context(), ".tmp-X", 0, -1); !errors.Is(err, blob.ErrKey) {
		t.Errorf("get: %v", err)
	}
}

// TestDurable: content before its name, and each folder in the one above it.
func TestDurable(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	put := func() {
		if err := b.Put(t.Context(), "log/a/0", strings.NewReader("content"), 7); err != nil {
			t.Error(err)
		}
	}
	steps := blobtest.Durable(t, dir, put)
	for i, step := range steps {
		if name, ok := strings.CutPrefix(step, "sync log/a/"); ok && name != "" {
			steps[i] = "sync the content"
		}
	}
	want := []string{"sync .", "sync log", "sync the content", "rename", "sync log/a"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("the first in a folder (-want +got):\n%s", diff)
	}
	if steps := blobtest.Durable(t, dir, put); len(steps) != 3 {
		t.Errorf("one more: %v", steps)
	}
	steps = blobtest.Durable(t, dir, func() {
		if err := b.Delete(t.Context(), "log/a/0"); err != nil {
			t.Error(err)
		}
	})
	if diff := cmp.Diff([]string{"sync log/a"}, steps); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}
