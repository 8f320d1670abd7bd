package depcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/agent/launch"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/lang/tree"
)

// memory is a bucket that counts and can be broken.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	gets    int
	fail    error
	gate    chan struct{} // if not nil, Get waits until it is closed
	asked   chan struct{} // if not nil, Get says so before that
	failed  chan struct{} // if not nil, Get says that it fails
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

func (m *memory) Get(ctx context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	m.mu.Lock()
	gate := m.gate
	m.mu.Unlock()
	if m.asked != nil {
		m.asked <- struct{}{}
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	if m.fail != nil {
		select {
		case m.failed <- struct{}{}:
		default:
		}
		return nil, m.fail
	}
	data, ok := m.objects[key]
	if !ok {
		return nil, blob.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (m *memory) Put(context.Context, string, io.Reader, int64) error        { panic("not used") }
func (m *memory) List(context.Context, string) iter.Seq2[blob.Object, error] { panic("not used") }
func (m *memory) Delete(context.Context, string) error                       { panic("not used") }

func (m *memory) got() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.gets
}

// add puts a tree into the bucket.
func (m *memory) add(tb testing.TB, contents map[string]string) Item {
	tb.Helper()
	var files []tree.File
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		files = append(files, tree.File{
			Path: path, Executable: strings.HasSuffix(path, ".sh"),
			Size: int64(len(contents[path])), SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(contents[path]))),
		})
	}
	data, err := io.ReadAll(pack.Encode(files, func(path string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(contents[path])), nil
	}))
	if err != nil {
		tb.Fatal(err)
	}
	item := Item{Digest: tree.Digest(files)}
	item.Object = blob.DependencyKey(item.Digest, "1")
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[item.Object] = data
	return item
}

func open(tb testing.TB, dir string, m *memory, c Config) *Cache {
	tb.Helper()
	c.Dir = dir
	cache, err := Open(c)
	if err != nil {
		tb.Fatal(err)
	}
	if m != nil {
		cache.SetBucket(m)
	}
	tb.Cleanup(func() {
		cache.Close()
		unlock(dir)
	})
	return cache
}

func acquire(tb testing.TB, c *Cache, token string, items ...Item) []string {
	tb.Helper()
	paths, err := c.Acquire(tb.Context(), token, items)
	if err != nil {
		tb.Fatal(err)
	}
	return paths
}

// places are the names in the cache's folder.
func places(tb testing.TB, c *Cache) (names []string) {
	tb.Helper()
	list, err := os.ReadDir(c.dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, d := range list {
		names = append(names, d.Name())
	}
	return names
}

func TestAcquire(t *testing.T) {
	m := newMemory()
	scripts := m.add(t, map[string]string{"a.sh": "#!/bin/sh\n", "conf/x": "1"})
	archive := m.add(t, map[string]string{"lib.tar": string(tarOf(t, item{name: "jar", body: "j"}))})
	asFile := archive
	archive.Archive = true
	dir := t.TempDir()
	c := open(t, dir, m, Config{})
	paths := acquire(t, c, "t", scripts, archive, asFile)
	for i, want := range [][]string{
		{"a.sh -r-xr-xr-x #!/bin/sh\n", "conf dr-xr-xr-x ", "conf/x -r--r--r-- 1"},
		{"jar -r--r--r-- j"},
	} {
		if diff := cmp.Diff(want, listing(t, paths[i])); diff != "" {
			t.Errorf("%d (-want +got):\n%s", i, diff)
		}
	}
	if list := listing(t, paths[2]); len(list) != 1 || !strings.HasPrefix(list[0], "lib.tar -r--r--r-- ") {
		t.Errorf("an archive that stays one: %.60q", list)
	}
	if path, ok := c.Path("t", scripts); !ok || path != paths[0] {
		t.Errorf("path %q, %v", path, ok)
	}
	c.SetBucket(m) // said at each registration
	acquire(t, c, "u", scripts)
	c.Close()
	if _, err := c.Acquire(t.Context(), "v", []Item{m.add(t, map[string]string{"late": ""})}); !errors.Is(err, errClosed) {
		t.Errorf("after the end: %v", err)
	}
	acquire(t, open(t, dir, m, Config{}), "t", scripts, archive, asFile)
	if m.got() != 3 {
		t.Errorf("%d fetches of 3 items", m.got())
	}
}

func TestOneFetchForMany(t *testing.T) {
	m := newMemory()
	m.gate = make(chan struct{})
	it := m.add(t, map[string]string{"a": "a"})
	c := open(t, t.TempDir(), m, Config{})
	given, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Acquire(given, "gone", []Item{it}); !errors.Is(err, context.Canceled) {
		t.Errorf("who gave up: %v", err)
	}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() { acquire(t, c, fmt.Sprint(i), it) })
	}
	close(m.gate)
	group.Wait()
	if m.got() != 1 {
		t.Errorf("%d fetches", m.got())
	}
}

// Whatever a job does to the files, no later job gets to see it, and no job that
// runs loses anything.
func TestChangedEntryIsFetchedAgain(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"content": func(dir string) error { return os.WriteFile(filepath.Join(dir, "d", "a"), []byte("B"), 0o600) },
		"same content": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "d", "a"), []byte("a"), 0o600)
		},
		"new file": func(dir string) error { return os.WriteFile(filepath.Join(dir, "new"), nil, 0o600) },
		"removed":  func(dir string) error { return os.Remove(filepath.Join(dir, "d", "a")) },
		"renamed":  func(dir string) error { return os.Rename(filepath.Join(dir, "d"), filepath.Join(dir, "e")) },
		"mode":     func(dir string) error { return os.Chmod(filepath.Join(dir, "d", "a"), 0o777) },
		"linked": func(dir string) error {
			return os.Link(filepath.Join(dir, "d", "a"), filepath.Join(dir, "..", "..", "x"))
		},
		"whole":   func(dir string) error { return launch.RemoveAll(dir) },
		"seal":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "..", sealName), []byte("1\n"), 0o600) },
		"no seal": func(dir string) error { return os.Remove(filepath.Join(dir, "..", sealName)) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			it := m.add(t, map[string]string{"d/a": "a"})
			c := open(t, t.TempDir(), m, Config{})
			first := acquire(t, c, "first", it)[0]
			for _, dir := range []string{first, filepath.Join(first, "d")} {
				if err := os.Chmod(dir, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(filepath.Join(first, "d", "a"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := harm(first); err != nil {
				t.Fatal(err)
			}
			c.mu.Lock()
			for _, e := range c.entries[it.key()] {
				if time.Until(e.trusted) > mostTrust {
					t.Errorf("trusted until %v", e.trusted)
				}
				e.trusted = time.Time{} // as if a while had passed
			}
			c.mu.Unlock()
			second := acquire(t, c, "second", it)[0]
			if diff := cmp.Diff([]string{"d dr-xr-xr-x ", "d/a -r--r--r-- a"}, listing(t, second)); diff != "" || second == first {
				t.Errorf("%s: (-want +got):\n%s", second, diff)
			}
			if _, err := os.Stat(filepath.Dir(first)); err != nil {
				t.Errorf("what a running job has is gone: %v", err)
			}
			c.PinAll("blind")
			acquire(t, c, "one more", it) // of the entry in use
			c.Release("one more")
			c.Release("first")
			c.tasks.Wait()
			if _, err := os.Stat(filepath.Dir(first)); err != nil {
				t.Errorf("what an attempt of which nothing is known may have is gone: %v", err)
			}
			c.Release("blind")
			c.Pin("first", []Item{it})
			c.Release("first")
			c.tasks.Wait()
			if _, err := os.Stat(filepath.Dir(first)); err == nil {
				t.Error("the changed entry is still there")
			}
			acquire(t, c, "third", it)
			if m.got() != 2 {
				t.Errorf("%d fetches", m.got())
			}
		})
	}
}

func TestEviction(t *testing.T) {
	m := newMemory()
	var items []Item
	for i := range 5 {
		items = append(items, m.add(t, map[string]string{"a": strings.Repeat(fmt.Sprint(i), 50_000)}))
	}
	const each = 50_000 + 2*blockSize
	dir := t.TempDir()
	c := open(t, dir, m, Config{MaxBytes: 3 * each})
	has := func(want ...int) {
		t.Helper()
		c.tasks.Wait()
		var names []string
		for _, i := range want {
			names = append(names, items[i].key())
		}
		slices.Sort(names)
		if diff := cmp.Diff(names, places(t, c)); diff != "" {
			t.Errorf("in the cache (-want +got):\n%s", diff)
		}
	}
	for i := range 3 {
		acquire(t, c, fmt.Sprint(i), items[i])
	}
	if _, err := c.Acquire(t.Context(), "3", items[3:4]); !errors.Is(err, ErrFull) {
		t.Errorf("all are pinned: %v", err)
	}
	has(0, 1, 2)
	c.Release("0")
	c.Release("1")
	acquire(t, c, "again", items[0]) // so that 1 was used longest ago
	c.Release("again")
	acquire(t, c, "3", items[3])
	has(0, 2, 3)
	c.PinAll("blind")
	if _, err := c.Acquire(t.Context(), "4", items[4:]); !errors.Is(err, ErrFull) {
		t.Errorf("with an attempt of which nothing is known: %v", err)
	}
	c.Release("blind")
	acquire(t, c, "4", items[4])
	has(2, 3, 4)
	c.Close()

	// The next life knows what is there, and is told what earlier attempts use.
	again := open(t, dir, m, Config{MaxBytes: 3 * each})
	again.Pin("2", items[2:3])
	again.Pin("3", items[3:4])
	acquire(t, again, "1", items[1])
	c = again
	has(1, 2, 3)
	if path, ok := again.Path("2", items[2]); !ok || !exists(filepath.Join(path, "a")) {
		t.Errorf("path %q, %v", path, ok)
	}
}

// What was used longest ago goes first, also when that was in an earlier life.
func TestEvictionAfterRestart(t *testing.T) {
	m := newMemory()
	var items []Item
	for i := range 4 {
		items = append(items, m.add(t, map[string]string{"a": strings.Repeat(fmt.Sprint(i), 50_000)}))
	}
	dir := t.TempDir()
	config := Config{MaxBytes: 3 * (50_000 + 2*blockSize)}
	c := open(t, dir, m, config)
	for i := range 3 {
		acquire(t, c, "t", items[i])
	}
	c.entries[items[0].key()][0].trusted = time.Time{} // as if a while had passed
	acquire(t, c, "t", items[0])
	c.Close()
	again := open(t, dir, m, config)
	acquire(t, again, "t", items[3])
	if again.entries[items[1].key()] != nil || again.entries[items[0].key()] == nil {
		t.Errorf("in the cache: %v", again.entries)
	}
}

// With the cache end its fetches.
func TestCloseEndsFetches(t *testing.T) {
	m := newMemory()
	m.gate, m.asked = make(chan struct{}), make(chan struct{})
	it := m.add(t, map[string]string{"a": ""})
	c := open(t, t.TempDir(), m, Config{})
	done := make(chan error)
	go func() { done <- c.await(t.Context(), it) }()
	<-m.asked
	c.Close()
	if len(c.fetches) > 0 {
		t.Error("a fetch goes on")
	}
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the fetch: %v", err)
	}
}

func TestFailures(t *testing.T) {
	m := newMemory()
	good := m.add(t, map[string]string{"a": "a"})
	damaged := m.add(t, map[string]string{"b": "b"})
	m.objects[damaged.Object][len(m.objects[damaged.Object])-1] ^= 1
	exchanged := m.add(t, map[string]string{"c": "c"})
	m.objects[exchanged.Object] = m.objects[good.Object]
	evil := m.add(t, map[string]string{"evil.tar": string(tarOf(t, item{name: "../x"}))})
	evil.Archive = true
	torn := m.add(t, map[string]string{"torn.tgz": "\x1f\x8b"})
	torn.Archive = true
	two := m.add(t, map[string]string{"a.tar": string(tarOf(t, item{name: "x"})), "b": "b"})
	two.Archive = true
	missing := Item{Digest: strings.Repeat("0", 64), Object: "dep/none"}
	c := open(t, t.TempDir(), m, Config{})
	for _, tc := range []struct {
		item Item
		want error
	}{{damaged, pack.ErrDamaged}, {exchanged, pack.ErrDamaged}, {missing, blob.ErrNotFound}, {evil, errRefused}, {torn, errRefused}, {two, errRefused}} {
		if _, err := c.Acquire(t.Context(), "t", []Item{good, tc.item}); !errors.Is(err, tc.want) {
			t.Errorf("%v, want %v", err, tc.want)
		}
	}
	if diff := cmp.Diff([]string{good.key()}, places(t, c)); diff != "" {
		t.Errorf("in the cache (-want +got):\n%s", diff)
	}
	if len(c.pins) > 0 {
		t.Errorf("pins after failures: %v", c.pins)
	}

	down := errors.New("no route")
	m.fail = down
	late := m.add(t, map[string]string{"late": "l"})
	c = open(t, t.TempDir(), m, Config{Patience: 50 * time.Millisecond})
	if _, err := c.Acquire(t.Context(), "t", []Item{late}); !errors.Is(err, down) {
		t.Errorf("a bucket that is down: %v", err)
	}
	c = open(t, t.TempDir(), m, Config{})
	done := make(chan error)
	m.mu.Lock()
	m.failed = make(chan struct{}, 1)
	m.mu.Unlock()
	go func() {
		_, err := c.Acquire(t.Context(), "t", []Item{late})
		done <- err
	}()
	<-m.failed
	m.mu.Lock()
	m.fail = nil
	m.mu.Unlock()
	if err := <-done; err != nil {
		t.Errorf("a bucket that comes back: %v", err)
	}
	c = open(t, t.TempDir(), nil, Config{Patience: 50 * time.Millisecond})
	if _, err := c.Acquire(t.Context(), "t", []Item{late}); err == nil {
		t.Error("fetched from no bucket")
	}
}

// unlock lets a test's folder be removed.
func unlock(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
}

// What a crash leaves is swept: nothing that was not renamed counts.
// TestOpenWithBrokenSeal: the agent begins all the same, and what uses the entry keeps it.
func TestOpenWithBrokenSeal(t *testing.T) {
	m, dir := newMemory(), filepath.Join(t.TempDir(), "deps")
	item := m.add(t, map[string]string{"a": "A"})
	first := open(t, dir, m, Config{})
	old := acquire(t, first, "earlier", item)[0]
	first.Close()
	if err := os.WriteFile(filepath.Join(filepath.Dir(old), sealName), []byte("what is this?\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir, m, Config{})
	c.Pin("earlier", []Item{item})
	if fresh := acquire(t, c, "now", item)[0]; fresh == old || m.got() != 2 {
		t.Errorf("%s is used, after %d fetches", fresh, m.got())
	}
	if _, err := os.Stat(filepath.Join(old, "a")); err != nil {
		t.Errorf("what is in use is gone: %v", err)
	}
	c.Release("earlier")
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what nobody uses is kept: %v", err)
	}
	// In the next life nobody uses the entry whose seal is broken by then.
	c.Close() // waits for what it removes
	name := places(t, c)[0]
	if err := os.WriteFile(filepath.Join(dir, name, sealName), []byte("and this?\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = open(t, dir, m, Config{})
	acquire(t, c, "later", item)
	c.Close()
	if names := places(t, c); len(names) != 1 || names[0] == name {
		t.Errorf("in the folder: %q, where %s is broken", names, name)
	}
}

func TestOpenSweeps(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{tempName + "x", goneName + "y", "half"} {
		if err := os.MkdirAll(filepath.Join(dir, name, contentName), 0o700); err != nil {
			t.Fatal(err)
		}
		if name == "half" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name, sealName), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := open(t, dir, nil, Config{})
	if names := places(t, c); len(names) > 0 {
		t.Errorf("left: %q", names)
	}
}

func BenchmarkAcquireCached(b *testing.B) {
	for _, files := range []int{1, 100, 5000} {
		b.Run(fmt.Sprint(files, "_files"), func(b *testing.B) {
			m := newMemory()
			contents := map[string]string{}
			for i := range files {
				contents[fmt.Sprintf("d%d/f%d", i%50, i)] = "x"
			}
			it := m.add(b, contents)
			c := open(b, b.TempDir(), m, Config{})
			acquire(b, c, "first", it)
			for b.Loop() {
				c.mu.Lock()
				c.entries[it.key()][0].trusted = time.Time{}
				c.mu.Unlock()
				acquire(b, c, "t", it)
				c.Release("t")
			}
		})
	}
}
