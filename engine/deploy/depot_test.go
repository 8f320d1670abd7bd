package deploy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/dirblob"
	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/lang/tree"
)

// depot is a depot on a state and a bucket of its own.
type depot struct {
	*deploy.Depot
	folder
	bucket *dirblob.Bucket
}

func newDepot(t *testing.T) depot {
	t.Helper()
	f := newFolder(t)
	b, err := dirblob.Open(t.TempDir())
	if err == nil {
		err = blob.Claim(t.Context(), b, f.store.ClusterID())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return depot{Depot: deploy.NewDepot(f.store, b, f.store.ClusterID()), folder: f, bucket: b}
}

// packOf makes the pack of some contents by path.
func packOf(t *testing.T, contents map[string]string) (*spec.Dependency, []byte) {
	t.Helper()
	var files []tree.File
	d := &spec.Dependency{Address: "dependency.d"}
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		f := tree.File{Path: path, Size: int64(len(contents[path])), SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(contents[path])))}
		files = append(files, f)
		d.Files = append(d.Files, &spec.File{Path: f.Path, Size: f.Size, SHA256: f.SHA256})
	}
	d.Digest = tree.Digest(files)
	data, err := io.ReadAll(pack.Encode(files, func(path string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(contents[path])), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return d, data
}

func (d depot) put(t *testing.T, digest string, data []byte) {
	t.Helper()
	if err := d.Put(t.Context(), digest, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
}

func (d depot) missing(t *testing.T, digests ...string) []string {
	t.Helper()
	missing, err := d.Hold(t.Context(), digests)
	if err != nil {
		t.Fatal(err)
	}
	return missing
}

// objects lists what is in the bucket besides its marker, by digest.
func (d depot) objects(t *testing.T) (digests []string) {
	t.Helper()
	for o, err := range d.bucket.List(t.Context(), "dep/") {
		if err != nil {
			t.Fatal(err)
		}
		name := o.Key[strings.LastIndex(o.Key, "/")+1:]
		digests = append(digests, name[:64])
	}
	slices.Sort(digests)
	return digests
}

func TestUpload(t *testing.T) {
	d := newDepot(t)
	dep, data := packOf(t, map[string]string{"a": "hello", "b/c": "x"})
	if diff := cmp.Diff([]string{dep.Digest}, d.missing(t, dep.Digest, dep.Digest)); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	for range 2 { // again is nothing new
		d.put(t, dep.Digest, data)
		if missing := d.missing(t, dep.Digest); len(missing) > 0 {
			t.Errorf("missing: %v", missing)
		}
	}
	if more, err := d.Depot.Collect(t.Context()); more || err != nil {
		t.Error(more, err)
	}
	if diff := cmp.Diff([]string{dep.Digest}, d.objects(t)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	for _, tc := range []struct{ off, n, want int64 }{{0, 10, 10}, {int64(len(data)) - 3, 10, 3}, {int64(len(data)) + 5, 1, 0}} {
		got, err := d.Read(t.Context(), dep.Digest, tc.off, tc.n)
		if err != nil || int64(len(got)) != tc.want || tc.want > 0 && !bytes.Equal(got, data[tc.off:tc.off+tc.want]) {
			t.Errorf("[%d, +%d): %q, %v", tc.off, tc.n, got, err)
		}
	}
	for _, n := range []int64{-1, deploy.MaxRead + 1} {
		if _, err := d.Read(t.Context(), dep.Digest, 0, n); !errors.Is(err, deploy.ErrInvalid) {
			t.Errorf("read of %d bytes: %v", n, err)
		}
	}
	if _, err := d.Read(t.Context(), strings.Repeat("0", 64), 0, 1); !errors.Is(err, deploy.ErrBytes) {
		t.Errorf("read of what is not there: %v", err)
	}
}

// puts counts what is put into a bucket.
type puts struct {
	blob.Bucket
	n int
}

func (b *puts) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	b.n++
	return b.Bucket.Put(ctx, key, r, size)
}

// What is there is not written again.
func TestUploadTwice(t *testing.T) {
	d := newDepot(t)
	bucket := &puts{Bucket: d.bucket}
	d.Depot = deploy.NewDepot(d.store, bucket, d.store.ClusterID())
	dep, data := packOf(t, map[string]string{"a": "hello"})
	for range 2 {
		d.put(t, dep.Digest, data)
	}
	if bucket.n != 1 {
		t.Errorf("written %d times", bucket.n)
	}
}

// What does not arrive whole and right is nowhere, and is not left lying either.
func TestUploadFails(t *testing.T) {
	d := newDepot(t)
	dep, data := packOf(t, map[string]string{"a": "hello", "b/c": "x"})
	flipped := slices.Clone(data)
	flipped[len(flipped)-1] ^= 1
	broken := errors.New("the line broke")
	for name, tc := range map[string]struct {
		r    io.Reader
		want error
	}{
		"nothing":    {bytes.NewReader(nil), deploy.ErrInvalid},
		"other tree": {bytes.NewReader([]byte("lft pack 1\n\n")), deploy.ErrInvalid},
		"flipped":    {bytes.NewReader(flipped), deploy.ErrInvalid},
		"cut":        {bytes.NewReader(data[:len(data)-1]), deploy.ErrInvalid},
		"longer":     {bytes.NewReader(append(slices.Clone(data), 0)), deploy.ErrInvalid},
		"line":       {io.MultiReader(bytes.NewReader(data[:len(data)-1]), iotest.ErrReader(broken)), broken},
	} {
		if err := d.Put(t.Context(), dep.Digest, tc.r); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Those that failed while they were written are given up.
	if given, err := d.store.DoomedBlobs(t.Context(), 10); len(given) != 4 || err != nil {
		t.Errorf("given up: %v, %v", given, err)
	}
	large := []tree.File{{Path: "a", Size: deploy.MaxPack, SHA256: strings.Repeat("0", 64)}}
	if err := d.Put(t.Context(), tree.Digest(large), bytes.NewReader(pack.Header(large))); !errors.Is(err, deploy.ErrInvalid) || !strings.Contains(err.Error(), "over the limit") {
		t.Errorf("too large: %v", err)
	}
	given, cancel := context.WithCancel(t.Context())
	interrupted := readerFunc(func([]byte) (int, error) { cancel(); return 0, given.Err() })
	if err := d.Put(given, dep.Digest, io.MultiReader(bytes.NewReader(data[:len(data)-1]), interrupted)); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if missing := d.missing(t, dep.Digest); len(missing) != 1 {
		t.Error("it is there")
	}
	if _, err := d.Depot.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err := d.store.DoomedBlobs(t.Context(), 10); len(left) > 0 || err != nil || len(d.objects(t)) > 0 {
		t.Errorf("left: %v, %v, objects %v", left, err, d.objects(t))
	}
	d.put(t, dep.Digest, data)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestForeignBucket(t *testing.T) {
	d := newDepot(t)
	dep, data := packOf(t, map[string]string{"a": "hello"})
	for name, tc := range map[string]struct {
		harm func() error
		want error
	}{
		"another cluster's": {func() error { return d.bucket.Put(t.Context(), blob.Marker, strings.NewReader("x"), 1) }, blob.ErrForeign},
		"not mounted":       {func() error { return d.bucket.Delete(t.Context(), blob.Marker) }, blob.ErrUnmarked},
	} {
		if err := tc.harm(); err != nil {
			t.Fatal(err)
		}
		_, hold := d.Hold(t.Context(), []string{dep.Digest})
		_, collect := d.Depot.Collect(t.Context())
		for verb, err := range map[string]error{"hold": hold, "collect": collect, "put": d.Put(t.Context(), dep.Digest, bytes.NewReader(data))} {
			if !errors.Is(err, tc.want) {
				t.Errorf("%s, %s: %v", name, verb, err)
			}
		}
	}
}

func TestApplyWithDependency(t *testing.T) {
	d := newDepot(t)
	dep, data := packOf(t, map[string]string{"a": "hello"})
	b := &spec.Bundle{Project: "p", Dependencies: []*spec.Dependency{dep}}
	set := d.set(t, b)
	request := func(id string, set deploy.ChangeSet) error {
		_, err := d.Apply(t.Context(), deploy.Request{ApplyID: id, Changes: set, By: "ann"})
		return err
	}
	if err := request("1", set); !errors.Is(err, deploy.ErrBytes) || !strings.HasPrefix(err.Error(), "dependency.d: ") {
		t.Errorf("without bytes: %v", err)
	}
	d.clean(t, set)
	d.put(t, dep.Digest, data)
	if err := request("1", d.set(t, b)); err != nil {
		t.Fatal(err)
	}
	sources, err := d.store.Dependencies(t.Context(), d.head(t), 1, []string{"dependency.d"})
	if err != nil || sources["dependency.d"].Digest != dep.Digest {
		t.Fatalf("sources: %v, %v", sources, err)
	}

	// Its object vanishes: who holds it is told, and an upload mends it.
	if err := d.bucket.Delete(t.Context(), sources["dependency.d"].Object); err != nil {
		t.Fatal(err)
	}
	if missing := d.missing(t, dep.Digest); len(missing) != 1 {
		t.Error("what has vanished is not missing")
	}
	d.put(t, dep.Digest, data)
	if again, err := d.store.Dependencies(t.Context(), d.head(t), 1, []string{"dependency.d"}); err != nil || again["dependency.d"] != sources["dependency.d"] {
		t.Errorf("after the upload: %v, %v", again, err)
	}
	if missing := d.missing(t, dep.Digest); len(missing) > 0 {
		t.Errorf("after the upload: %v", missing)
	}

	// A spec that lies is no spec.
	for name, change := range map[string]func(*spec.Dependency){
		"other digest": func(x *spec.Dependency) { x.Digest = strings.Repeat("0", 64) },
		"bad path":     func(x *spec.Dependency) { x.Files[0].Path = "../a" },
		"unknown form": func(x *spec.Dependency) { x.Form = "disk" },
		"two archives": func(x *spec.Dependency) {
			two, _ := packOf(t, map[string]string{"a": "1", "b": "2"})
			*x = *two
			x.Form = spec.FormArchive
		},
	} {
		lie := *dep
		file := *dep.Files[0]
		lie.Files = []*spec.File{&file}
		change(&lie)
		set := d.set(t, &spec.Bundle{Project: "p", Dependencies: []*spec.Dependency{&lie}})
		if err := request(name, set); !errors.Is(err, deploy.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// head is the uid of project p.
func (d depot) head(t *testing.T) string {
	t.Helper()
	p, ok, err := d.store.Project(t.Context(), "p")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return p.UID
}

// Collection goes on from wherever another process has left it.
func TestCollect(t *testing.T) {
	d := newDepot(t)
	ctx := t.Context()
	used, usedData := packOf(t, map[string]string{"a": "used"})
	d.put(t, used.Digest, usedData)
	set := d.set(t, &spec.Bundle{Project: "p", Dependencies: []*spec.Dependency{used}})
	if _, err := d.Apply(ctx, deploy.Request{ApplyID: "1", Changes: set, By: "ann"}); err != nil {
		t.Fatal(err)
	}
	fresh, freshData := packOf(t, map[string]string{"a": "fresh"})
	d.put(t, fresh.Digest, freshData)
	// Of these nobody takes care any more: an upload that has ended, one that never
	// did, and one that was being collected when its collector died.
	const past = -time.Second
	for i, upload := range []string{"old", "lost", "half"} {
		b := record.Blob{Digest: strings.Repeat(fmt.Sprint(i), 64), Upload: upload, Size: 1}
		lease := time.Hour
		if upload == "lost" {
			lease = past
		}
		if err := d.store.BeginBlob(ctx, b, lease); err != nil {
			t.Fatal(err)
		}
		if upload != "half" {
			if err := d.bucket.Put(ctx, blob.DependencyKey(b.Digest, b.Upload), strings.NewReader("x"), 1); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		switch upload {
		case "old":
			err = d.store.EndBlob(ctx, b, past)
		case "half":
			err = d.store.DoomBlob(ctx, b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 70 { // more than are collected at once
		b := record.Blob{Digest: strings.Repeat("f", 64), Upload: fmt.Sprint("many", i), Size: 1}
		if err := d.store.BeginBlob(ctx, b, past); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []bool{true, false} {
		if more, err := d.Depot.Collect(ctx); more != want || err != nil {
			t.Fatal(more, err)
		}
	}
	want := []string{used.Digest, fresh.Digest}
	slices.Sort(want)
	if diff := cmp.Diff(want, d.objects(t)); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if left, err := d.store.DoomedBlobs(ctx, 10); len(left) > 0 || err != nil {
		t.Errorf("rows left: %v, %v", left, err)
	}
	if n, err := d.store.DoomBlobs(ctx, store.Kept{Revisions: 1}, 10); n > 0 || err != nil {
		t.Errorf("%d more are doomed, %v", n, err)
	}
}
