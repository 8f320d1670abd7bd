package depcache

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leifengta/lft/agent/launch"
	"github.com/leifengta/lft/engine/blob"
)

// Item is a dependency as a job wants it.
type Item struct {
	Digest  string
	Object  string // key of its pack in the bucket
	Archive bool   // unpacked
}

// key names what becomes of an item.
func (i Item) key() string {
	if i.Archive {
		return i.Digest + unpacked
	}
	return i.Digest
}

const unpacked = ".unpacked"

// Config is what a Cache needs.
type Config struct {
	Dir      string
	MaxBytes int64         // 0 = DefaultMaxBytes
	Patience time.Duration // with a bucket that gives nothing; 0 = DefaultPatience
	Log      *slog.Logger  // nil = none
}

// Defaults of Config.
const (
	DefaultMaxBytes = 20 << 30
	DefaultPatience = 2 * time.Minute
)

// Errors of Acquire, besides those of the bucket.
var (
	ErrFull   = errors.New("the dependencies of running jobs fill the cache")
	errClosed = errors.New("the cache is closed")
)

// Cache keeps dependencies by digest. All methods may be called at any time.
type Cache struct {
	dir      string
	max      int64
	patience time.Duration
	log      *slog.Logger

	life  context.Context //nolint:containedctx // of fetches, which outlive those who asked first
	end   context.CancelFunc
	tasks sync.WaitGroup

	mu      sync.Mutex
	entries map[string][]*entry // by key, the one in use last
	pins    map[string][]*entry // by token
	blind   map[string]struct{} // tokens that may use anything
	fetches map[string]*fetch   // by key
	bytes   int64
	bucket  blob.Bucket
	arrived chan struct{} // closed when there is a bucket
}

// entry is one folder of the cache.
type entry struct {
	key     string
	place   string // name below the cache's folder
	bytes   int64
	used    time.Time
	trusted time.Time // until then it needs no look
	pins    int
	stale   bool // changed by somebody: goes with its last pin
}

// fetch is on its way; err is set when done is closed.
type fetch struct {
	done chan struct{}
	err  error
}

// Names in the cache's folder, and in an entry's.
const (
	tempName    = ".tmp-"
	goneName    = ".gone-"
	contentName = "content"
	sealName    = "seal"
	archiveName = "archive"
)

// Open takes over what an earlier life has left in the folder.
func Open(c Config) (*Cache, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cache of dependencies: %w", err)
	}
	out := &Cache{
		dir: c.Dir, max: cmp.Or(c.MaxBytes, DefaultMaxBytes), patience: cmp.Or(c.Patience, DefaultPatience),
		log:     cmp.Or(c.Log, slog.New(slog.DiscardHandler)),
		entries: map[string][]*entry{}, pins: map[string][]*entry{}, blind: map[string]struct{}{},
		fetches: map[string]*fetch{}, arrived: make(chan struct{}),
	}
	out.life, out.end = context.WithCancel(context.Background())
	list, err := os.ReadDir(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("cache of dependencies: %w", err)
	}
	for _, d := range list {
		path := filepath.Join(c.Dir, d.Name(), sealName)
		st, err := os.Stat(path)
		if strings.HasPrefix(d.Name(), ".") || err != nil {
			if err := launch.RemoveAll(filepath.Join(c.Dir, d.Name())); err != nil {
				return nil, fmt.Errorf("cache of dependencies: %w", err)
			}
			continue
		}
		key, _, _ := strings.Cut(d.Name(), "~")
		e := &entry{key: key, place: d.Name(), used: st.ModTime()}
		if e.bytes, err = sealedBytes(path); err != nil {
			// One bad entry stops nothing; a job of an earlier life may use it still.
			out.log.Warn("the seal of a dependency cannot be read; it is fetched again", "folder", d.Name(), "error", err)
			e.stale = true
		}
		out.entries[key] = append(out.entries[key], e)
		out.bytes += e.bytes
	}
	return out, nil
}

// Close ends fetches.
func (c *Cache) Close() {
	c.end()
	c.tasks.Wait()
}

// SetBucket says where to fetch from, from now on.
func (c *Cache) SetBucket(b blob.Bucket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bucket == nil {
		close(c.arrived)
	}
	c.bucket = b
}

// Acquire makes sure that all items are in the cache, and pins them until the
// token is released. It returns where each is, in order. After an error nothing
// is pinned.
func (c *Cache) Acquire(ctx context.Context, token string, items []Item) ([]string, error) {
	paths := make([]string, len(items))
	var pinned []*entry
	for i, item := range items {
		e, err := c.acquire(ctx, token, item)
		if err != nil {
			c.takeBack(token, pinned...)
			return nil, err
		}
		pinned = append(pinned, e)
		paths[i] = c.content(e)
	}
	return paths, nil
}

// takeBack takes some pins of a token off.
func (c *Cache) takeBack(token string, pinned ...*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range pinned {
		i := slices.Index(c.pins[token], e)
		if i < 0 {
			continue // released meanwhile
		}
		if c.pins[token] = slices.Delete(c.pins[token], i, i+1); len(c.pins[token]) == 0 {
			delete(c.pins, token)
		}
		c.unpin(e)
	}
}

func (c *Cache) content(e *entry) string { return filepath.Join(c.dir, e.place, contentName) }

// maxRounds bounds how often one Acquire fetches the same item, each time to find
// it broken or evicted.
const maxRounds = 3

func (c *Cache) acquire(ctx context.Context, token string, item Item) (*entry, error) {
	for range maxRounds {
		if e := c.pin(token, item.key()); e != nil {
			if c.intact(e) {
				return e, nil
			}
			c.spoil(token, e)
		}
		if err := c.await(ctx, item); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("dependency %.16s… does not stay in the cache: %w", item.Digest, errBroken)
}

// pin pins the entry in use, nil = there is none.
func (c *Cache) pin(token, key string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.entries[key]
	if len(list) == 0 || list[len(list)-1].stale {
		return nil
	}
	e := list[len(list)-1]
	e.pins++
	e.used = time.Now()
	c.pins[token] = append(c.pins[token], e)
	return e
}

// After a look an entry is trusted for so many times as long as that took, at most
// mostTrust: many starts at a time share one look at a large tree.
const (
	trustRatio = 20
	mostTrust  = time.Second
)

// intact looks whether an entry is as it was fetched.
func (c *Cache) intact(e *entry) bool {
	c.mu.Lock()
	begin := time.Now()
	trusted := begin.Before(e.trusted)
	c.mu.Unlock()
	if trusted {
		return true
	}
	path := filepath.Join(c.dir, e.place, sealName)
	if err := sealed(c.content(e), path); err != nil {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // for the next life's order of use
	c.mu.Lock()
	e.trusted = now.Add(min(trustRatio*now.Sub(begin), mostTrust))
	c.mu.Unlock()
	return true
}

// spoil takes an entry out of use. Who has it pinned keeps it.
func (c *Cache) spoil(token string, e *entry) {
	c.log.Warn("a dependency in the cache was changed by somebody; it is fetched again", "folder", e.place)
	c.mu.Lock()
	e.stale = true
	c.mu.Unlock()
	c.takeBack(token, e)
}

// unpin takes one pin off. The caller holds mu.
func (c *Cache) unpin(e *entry) {
	if e.pins--; e.pins == 0 && e.stale && len(c.blind) == 0 {
		c.remove(e)
	}
}

// remove deletes an entry. The caller holds mu.
func (c *Cache) remove(e *entry) {
	c.entries[e.key] = slices.DeleteFunc(c.entries[e.key], func(o *entry) bool { return o == e })
	if len(c.entries[e.key]) == 0 {
		delete(c.entries, e.key)
	}
	c.bytes -= e.bytes
	gone := filepath.Join(c.dir, goneName+rand.Text())
	if err := os.Rename(filepath.Join(c.dir, e.place), gone); err != nil {
		c.log.Warn("a dependency stays on the disk", "folder", e.place, "error", err)
		return
	}
	c.tasks.Go(func() {
		if err := launch.RemoveAll(gone); err != nil {
			c.log.Warn("a dependency stays on the disk", "folder", gone, "error", err)
		}
	})
}

// Pin pins, for an attempt of an earlier life, whatever is there of the items.
func (c *Cache) Pin(token string, items []Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, item := range items {
		for _, e := range c.entries[item.key()] {
			e.pins++
			c.pins[token] = append(c.pins[token], e)
		}
	}
}

// PinAll pins everything there is or will be: nobody knows what the attempt uses.
func (c *Cache) PinAll(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blind[token] = struct{}{}
}

// Release takes a token's pins off.
func (c *Cache) Release(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.blind, token)
	for _, e := range c.pins[token] {
		c.unpin(e)
	}
	delete(c.pins, token)
}

// Path is where an item is that the token has pinned.
func (c *Cache) Path(token string, item Item) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range slices.Backward(c.pins[token]) {
		if e.key == item.key() {
			return c.content(e), true
		}
	}
	return "", false
}
