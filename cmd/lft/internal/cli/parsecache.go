package cli

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// cacheRoot keeps what files of flows mean from one plan to the next. It can be
	// removed at any time.
	cacheRoot = ".lft/cache"
	// cacheAge is how long an entry nobody asks for stays.
	cacheAge = 24 * time.Hour
)

// parseCache is a lang.Cache in a folder, one file an entry. Entries hold text of
// the configuration, and so are for the user alone. It only ever helps: what
// cannot be read or written is as if it were not there.
type parseCache struct {
	dir string // of this very program: another one may mean something else

	mu     sync.Mutex
	kept   map[string][]byte // entries of the last load; nil = not kept in memory
	used   map[string]struct{}
	filled bool // something was put
}

// newParseCache returns nil when this program cannot be told from others. keep
// holds entries in memory, too, for a process that loads often.
func newParseCache(version string, keep bool) *parseCache {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	info, err := os.Stat(self)
	if err != nil {
		return nil
	}
	id := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", version, info.Size(), info.ModTime().UnixNano()))
	c := &parseCache{dir: filepath.Join(cacheRoot, fmt.Sprintf("%x", id[:8])), used: map[string]struct{}{}}
	if keep {
		c.kept = map[string][]byte{}
	}
	return c
}

// Get implements lang.Cache.
func (c *parseCache) Get(key string) ([]byte, bool) {
	c.mu.Lock()
	c.used[key] = struct{}{}
	entry, ok := c.kept[key]
	c.mu.Unlock()
	if ok {
		return entry, true
	}
	entry, err := os.ReadFile(filepath.Join(c.dir, key))
	if err != nil {
		return nil, false
	}
	c.keep(key, entry)
	return entry, true
}

// Put implements lang.Cache. Entries have checksums, so that a file half written
// is no harm, and nothing is synced.
func (c *parseCache) Put(key string, entry []byte) {
	c.keep(key, entry)
	c.mu.Lock()
	if !c.filled {
		c.filled = true
		_ = c.prepare() // the other goroutine has to wait for it
	}
	c.mu.Unlock()
	_ = replaceFile(filepath.Join(c.dir, key), entry, 0o600)
}

func (c *parseCache) keep(key string, entry []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept != nil {
		c.kept[key] = entry
	}
}

// prepare makes the folder, and hides it from git.
func (c *parseCache) prepare() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(cacheRoot, ".gitignore"), []byte("*\n"), 0o600)
}

// tidy ends a load: entries that it had no use for are let go, on disk when they
// are old.
func (c *parseCache) tidy() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.kept {
		if _, ok := c.used[key]; !ok {
			delete(c.kept, key)
		}
	}
	if c.filled {
		for _, dir := range glob(filepath.Join(cacheRoot, "[0-9a-f]*")) {
			c.clean(dir)
		}
	}
	c.used, c.filled = map[string]struct{}{}, false
}

func (c *parseCache) clean(dir string) {
	for _, path := range glob(filepath.Join(dir, "*")) {
		_, used := c.used[filepath.Base(path)]
		if info, err := os.Stat(path); err == nil && (!used || dir != c.dir) && time.Since(info.ModTime()) > cacheAge {
			_ = os.Remove(path)
		}
	}
	if dir != c.dir {
		_ = os.Remove(dir) // once it is empty
	}
}

func glob(pattern string) []string {
	names, _ := filepath.Glob(pattern) // the pattern is well formed
	return names
}
