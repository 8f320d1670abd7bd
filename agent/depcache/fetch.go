package depcache

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/lang/tree"
)

// await fetches an item, or waits for the fetch that is under way.
func (c *Cache) await(ctx context.Context, item Item) error {
	key := item.key()
	c.mu.Lock()
	f := c.fetches[key]
	if f == nil {
		if c.life.Err() != nil {
			c.mu.Unlock()
			return errClosed
		}
		f = &fetch{done: make(chan struct{})}
		c.fetches[key] = f
		c.tasks.Go(func() {
			f.err = c.fetch(item)
			c.mu.Lock()
			delete(c.fetches, key)
			c.mu.Unlock()
			close(f.done)
		})
	}
	c.mu.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-f.done:
		return f.err
	}
}

// Pauses between two tries with a bucket that does not answer, and how often one
// is asked that answers with something else than the content.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	maxWrong   = 3
)

// fetch tries until the item is in the cache, it is certain that it never will
// be, or patience ends, which begins anew with each byte that none before has
// brought.
func (c *Cache) fetch(item Item) error {
	ctx, cancel := context.WithCancel(c.life)
	defer cancel()
	idle := time.AfterFunc(c.patience, cancel)
	defer idle.Stop()
	wrong, most := 0, int64(0)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := c.fetchOnce(ctx, item, func(read int64) {
			if read > most {
				most = read
				idle.Reset(c.patience)
			}
		})
		switch {
		case err == nil, errors.Is(err, errRefused), errors.Is(err, ErrFull):
			return err
		case errors.Is(err, blob.ErrNotFound), errors.Is(err, pack.ErrDamaged):
			if wrong++; wrong == maxWrong {
				return err
			}
		}
		c.log.Warn("a dependency cannot be fetched; trying again", "digest", item.Digest, "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("given up after %s without news: %w", c.patience, err)
		case <-time.After(pause):
		}
	}
}

func (c *Cache) source(ctx context.Context) (blob.Bucket, error) {
	select {
	case <-ctx.Done():
		return nil, errors.New("no bucket is known yet")
	case <-c.arrived:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bucket, nil
}

// counted tells of each byte that was read.
type counted struct {
	r    io.Reader
	read int64
	tell func(int64)
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.read += int64(n)
	c.tell(c.read)
	return n, err
}

// fetchOnce brings an item into a folder of its own, and that into its place.
func (c *Cache) fetchOnce(ctx context.Context, item Item, tell func(read int64)) error {
	bucket, err := c.source(ctx)
	if err != nil {
		return err
	}
	temp := filepath.Join(c.dir, tempName+rand.Text())
	if err := os.MkdirAll(filepath.Join(temp, contentName), 0o700); err != nil {
		return err
	}
	defer func() { _ = launch.RemoveAll(temp) }()
	r, err := bucket.Get(ctx, item.Object, 0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	into, err := c.unpack(item, &counted{r: r, tell: tell}, temp)
	if err != nil {
		return err
	}
	if err := settle(temp, into.entries); err != nil {
		return err
	}
	bytes, err := sealedBytes(filepath.Join(temp, sealName))
	if err != nil {
		return err
	}
	return c.admit(item, temp, bytes)
}

// unpack makes the content of an item from its pack.
func (c *Cache) unpack(item Item, r io.Reader, temp string) (*sink, error) {
	p, err := pack.Decode(r)
	if err == nil {
		err = p.Check(item.Digest)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(filepath.Join(temp, contentName))
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	if item.Archive {
		return unpackArchive(p, root, filepath.Join(temp, archiveName))
	}
	into := newSink(root, math.MaxInt64-1)
	err = p.Each(func(f tree.File, content io.Reader) error { return into.file(f.Path, f.Executable, content) })
	if err != nil {
		return nil, err
	}
	return into, into.finish()
}

func unpackArchive(p *pack.Reader, root *os.Root, temp string) (*sink, error) {
	if n := len(p.Files()); n != 1 {
		return nil, refused("%d files are no archive", n)
	}
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temp) }()
	defer f.Close()
	if err := p.Each(func(_ tree.File, content io.Reader) error { _, err := io.Copy(f, content); return err }); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	archive := p.Files()[0]
	into := newSink(root, limitOf(archive.Size))
	if err := extract(archive.Path, f, into); err != nil {
		// Its bytes are right, so another try finds the same.
		return nil, fmt.Errorf("archive %s: %w: %w", archive.Path, errRefused, err)
	}
	return into, nil
}

// syncEach is how many files are synced one by one; for more it is quicker to sync
// the file system they are on.
const syncEach = 64

// settle makes what is below a folder durable, and seals it.
func settle(dir string, entries int) error {
	if err := syncBelow(filepath.Join(dir, contentName), entries); err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	if err := seal(filepath.Join(dir, contentName), filepath.Join(dir, sealName)); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return syncDir(dir)
}

func syncBelow(dir string, entries int) error {
	if entries > syncEach {
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		defer f.Close()
		return unix.Syncfs(int(f.Fd()))
	}
	return filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.Type()&os.ModeSymlink != 0 {
			return err
		}
		return syncDir(name)
	})
}

// syncDir syncs a folder or a file.
func syncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// admit renames a finished folder into its place, and makes room.
func (c *Cache) admit(item Item, temp string, bytes int64) error {
	e := &entry{key: item.key(), bytes: bytes, used: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.room(e.bytes) {
		return fmt.Errorf("%w: %d bytes are needed, and the bound is %d", ErrFull, e.bytes, c.max)
	}
	e.place = e.key
	for n := 2; exists(filepath.Join(c.dir, e.place)); n++ {
		e.place = e.key + "~" + strconv.Itoa(n) // an earlier one was changed and is still in use
	}
	if err := os.Rename(temp, filepath.Join(c.dir, e.place)); err != nil {
		return err
	}
	if err := syncDir(c.dir); err != nil {
		return err
	}
	for _, old := range slices.Clone(c.entries[e.key]) {
		if old.stale && old.pins == 0 && len(c.blind) == 0 {
			c.remove(old) // of an earlier life, and nobody's
		}
	}
	c.entries[e.key] = append(c.entries[e.key], e)
	c.bytes += e.bytes
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// room removes what was used longest ago until so many bytes fit. The caller holds
// mu.
func (c *Cache) room(bytes int64) bool {
	for c.bytes+bytes > c.max {
		var oldest *entry
		for _, list := range c.entries {
			for _, e := range list {
				if e.pins == 0 && (oldest == nil || e.used.Before(oldest.used)) {
					oldest = e
				}
			}
		}
		if oldest == nil || len(c.blind) > 0 {
			return false
		}
		c.log.Info("a dependency leaves the cache", "folder", oldest.place, "bytes", oldest.bytes)
		c.remove(oldest)
	}
	return true
}
