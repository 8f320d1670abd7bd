// Package blobtest is the exam of a bucket. What passes it may keep logs and
// shared files; a new kind of bucket is done when it passes.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/blob"
)

// Run examines buckets. open returns an empty one for each call; opening it
// again by reopen shows what is durable.
func Run(t *testing.T, open func(t *testing.T) (b blob.Bucket, reopen func() blob.Bucket)) {
	for _, exam := range []struct {
		name string
		run  func(*testing.T, blob.Bucket, func() blob.Bucket)
	}{
		{"put and get", putGet},
		{"ranges", ranges},
		{"missing", missing},
		{"keys", keys},
		{"broken content", brokenContent},
		{"put again", putAgain},
		{"list", list},
		{"delete", remove},
		{"many at once", concurrent},
		{"ended context", endedContext},
		{"marker", marker},
	} {
		t.Run(exam.name, func(t *testing.T) {
			b, reopen := open(t)
			exam.run(t, b, reopen)
		})
	}
}

func put(t *testing.T, b blob.Bucket, key, content string) {
	t.Helper()
	if err := b.Put(t.Context(), key, strings.NewReader(content), int64(len(content))); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func get(t *testing.T, b blob.Bucket, key string, off, n int64) string {
	t.Helper()
	r, err := b.Get(t.Context(), key, off, n)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return string(content)
}

func names(t *testing.T, b blob.Bucket, prefix string) []string {
	t.Helper()
	var out []string
	for o, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		out = append(out, fmt.Sprint(o.Key, ":", o.Size))
	}
	slices.Sort(out)
	return out
}

func putGet(t *testing.T, b blob.Bucket, reopen func() blob.Bucket) {
	large := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB
	for key, content := range map[string]string{"a": "", "b/c/d": "x\x00y\n", "large": large} {
		put(t, b, key, content)
		for _, bucket := range []blob.Bucket{b, reopen()} {
			if got := get(t, bucket, key, 0, -1); got != content {
				t.Errorf("%s: %d bytes, want %d", key, len(got), len(content))
			}
		}
	}
}

func ranges(t *testing.T, b blob.Bucket, _ func() blob.Bucket) {
	put(t, b, "k", "0123456789")
	for _, tc := range []struct {
		off, n int64
		want   string
	}{
		{0, -1, "0123456789"}, {0, 0, ""}, {0, 3, "012"}, {3, 4, "3456"}, {8, 10, "89"}, {9, -1, "9"}, {10, 1, ""}, {99, -1, ""},
	} {
		if got := get(t, b, "k", tc.off, tc.n); got != tc.want {
			t.Errorf("[%d, +%d): %q, want %q", tc.off, tc.n, got, tc.want)
		}
	}
	if r, err := b.Get(t.Context(), "k", -1, 1); err == nil {
		r.Close()
		t.Error("a negative offset is accepted")
	}
}

func missing(t *testing.T, b blob.Bucket, _ func() blob.Bucket) {
	put(t, b, "folder/k", "x")
	for _, key := range []string{"k", "folder", "folder/k2", "other/k"} {
		if _, err := b.Get(t.Context(), key, 0, -1); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("get %s: %v", key, err)
		}
	}
}

func keys(t *testing.T, b blob.Bucket, _ func() blob.Bucket) {
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".a", "a/.b", "a b", "a\nb", "a\x00", "a\\b",
		"ä", "a:b", "a?b", strings.Repeat("a", 201), strings.Repeat("a/", 256) + "a",
	} {
		if err := b.Put(t.Context(), key, strings.NewReader("x"), 1); !errors.Is(err, blob.ErrKey) {
			t.Errorf("put %q: %v", key, err)
		}
		if _, err := b.Get(t.Context(), key, 0, -1); !errors.Is(err, blob.ErrKey) {
			t.Errorf("get %q: %v", key, err)
		}
		if err := b.Delete(t.Context(), key); !errors.Is(err, blob.ErrKey) {
			t.Errorf("delete %q: %v", key, err)
		}
	}
	for _, key := range []string{blob.Marker, blob.LogKey("abc", 0, 1<<40), "A-b_c=d+e.f/g..h/0"} {
		put(t, b, key, key)
		if got := get(t, b, key, 0, -1); got != key {
			t.Errorf("%s: %q", key, got)
		}
	}
}

// failing is a content that breaks off.
type failing struct{}

var errBroken = errors.New("content broke off")

func (failing) Read([]byte) (int, error) { return 0, errBroken }

func brokenContent(t *testing.T, b blob.Bucket, reopen func() blob.Bucket) {
	half := func() io.Reader { return io.MultiReader(strings.NewReader("half"), failing{}) }
	if err := b.Put(t.Context(), "k", half(), 8); !errors.Is(err, errBroken) {
		t.Errorf("broken content: %v", err)
	}
	for name, size := range map[string]int64{"less": 3, "more": 5} {
		if err := b.Put(t.Context(), name, strings.NewReader("four"), size); err == nil {
			t.Errorf("content of 4 bytes is put as %d", size)
		}
	}
	if got := names(t, reopen(), ""); len(got) != 0 {
		t.Errorf("objects in part: %q", got)
	}
	put(t, b, "k", "whole")
	if got := get(t, b, "k", 0, -1); got != "whole" {
		t.Errorf("after a failure: %q", got)
	}
}

func putAgain(t *testing.T, b blob.Bucket, _ func() blob.Bucket) {
	put(t, b, "k", "same")
	r, err := b.Get(t.Context(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	put(t, b, "k", "same")
	if content, err := io.ReadAll(r); err != nil || string(content) != "same" {
		t.Errorf("an open object: %q, %v", content, err)
	}
	if diff := cmp.Diff([]string{"k:4"}, names(t, b, "")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func list(t *testing.T, b blob.Bucket, _ func() blob.Bucket) {
	if got := names(t, b, ""); len(got) != 0 {
		t.Errorf("empty bucket lists %q", got)
	}
	for _, key := range []string{"log/aa/x.0-1", "log/aa/y", "log/ab/z", "log2", "dep/1"} {
		put(t, b, key, "12")
	}
	for prefix, want := range map[string][]string{
		"":          {"dep/1:2", "log/aa/x.0-1:2", "log/aa/y:2", "log/ab/z:2", "log2:2"},
		"log":       {"log/aa/x.0-1:2", "log/aa/y:2", "log/ab/z:2", "log2:2"},
		"log/":      {"log/aa/x.0-1:2", "log/aa/y:2", "log/ab/z:2"},
		"log/aa/x":  {"log/aa/x.0-1:2"},
		"none/such": nil,
		"../":       nil,
	} {
		if diff := cmp.Diff(want, names(t, b, prefix)); diff != "" {
			t.Errorf("list %q (-want +got):\n%s", prefix, diff)
		}
	}
	n := 0
	for _, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Error(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("a list that was left went on: %d", n)
	}
}

func remove(t *testing.T, b blob.Bucket, reopen func() blob.Bucket) {
	put(t, b, "a/b", "x")
	put(t, b, "a/c", "y")
	for range 2 {
		if err := b.Delete(t.Context(), "a/b"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if err := b.Delete(t.Context(), "no/such"); err != nil {
		t.Errorf("delete what is missing: %v", err)
	}
	if diff := cmp.Diff([]string{"a/c:1"}, names(t, reopen(), "")); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

func concurrent(t *testing.T, b blob.Bucket, _ func() blob.Bucket) {
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			own, shared := fmt.Sprint("own/", i), fmt.Sprint("shared/", i%4)
			for _, key := range []string{own, shared} {
				content := bytes.Repeat([]byte(key), 1000)
				if err := b.Put(t.Context(), key, bytes.NewReader(content), int64(len(content))); err != nil {
					t.Errorf("put %s: %v", key, err)
				}
			}
		})
	}
	wg.Wait()
	for i := range 16 {
		for _, key := range []string{fmt.Sprint("own/", i), fmt.Sprint("shared/", i%4)} {
			if got := get(t, b, key, 0, -1); got != strings.Repeat(key, 1000) {
				t.Errorf("%s: %d bytes", key, len(got))
			}
		}
	}
}

func endedContext(t *testing.T, b blob.Bucket, _ func() blob.Bucket) {
	put(t, b, "k", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Put(ctx, "l", strings.NewReader("x"), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	if _, err := b.Get(ctx, "k", 0, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("get: %v", err)
	}
	for _, err := range b.List(ctx, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list: %v", err)
		}
	}
	if err := b.Delete(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
}

func marker(t *testing.T, b blob.Bucket, reopen func() blob.Bucket) {
	ctx := t.Context()
	if err := blob.Check(ctx, b, "one"); !errors.Is(err, blob.ErrUnmarked) {
		t.Errorf("an empty bucket: %v", err)
	}
	put(t, b, "stray", "x")
	if err := blob.Claim(ctx, b, "one"); !errors.Is(err, blob.ErrUnmarked) {
		t.Errorf("claim of what holds something else: %v", err)
	}
	if err := b.Delete(ctx, "stray"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := blob.Claim(ctx, b, "one"); err != nil {
			t.Errorf("claim: %v", err)
		}
	}
	again := reopen()
	if err := blob.Check(ctx, again, "one"); err != nil {
		t.Errorf("check: %v", err)
	}
	for _, f := range []func(context.Context, blob.Bucket, string) error{blob.Check, blob.Claim} {
		if err := f(ctx, again, "two"); !errors.Is(err, blob.ErrForeign) {
			t.Errorf("another cluster: %v", err)
		}
	}
}
