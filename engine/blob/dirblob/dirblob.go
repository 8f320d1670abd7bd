// Package dirblob is a bucket in a directory of a local or shared file system.
//
// An object is a file; the slashes of its key are folders. It is written beside
// its place, synced, renamed, and its folder is synced, so that it is there
// whole or not at all, also after a loss of power. Nothing outside the directory
// can be reached by any key or link.
package dirblob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/leifengta/lft/engine/blob"
)

// tempName begins the names of files that are being written. No key has it, and
// what a crash left of them is no object.
const tempName = ".tmp-"

// Bucket is a bucket in a directory.
type Bucket struct{ root *os.Root }

var _ blob.Bucket = (*Bucket)(nil)

// Open opens the bucket in the existing directory dir. It is not made: a
// directory that should be there and is not means that a disk is not mounted.
func Open(dir string) (*Bucket, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	return &Bucket{root}, nil
}

// OpenAddress opens a bucket by its address, file:///ABSOLUTE/PATH.
func OpenAddress(address string) (*Bucket, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("address of the bucket: %w", err)
	}
	if u.Scheme != "file" || u.Host != "" || !path.IsAbs(u.Path) || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("address of the bucket: %q is not file:///ABSOLUTE/PATH", address)
	}
	return Open(u.Path)
}

// Address is the address of the bucket in the absolute path dir.
func Address(dir string) string {
	return (&url.URL{Scheme: "file", Path: dir}).String()
}

// Close releases the directory.
func (b *Bucket) Close() error { return b.root.Close() }

// Put implements blob.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	dir := path.Dir(key)
	if err := b.mkdir(dir); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	temp := path.Join(dir, tempName+rand.Text())
	if err := b.write(ctx, temp, r, size); err != nil {
		_ = b.root.Remove(temp)
		return fmt.Errorf("put %s: %w", key, err)
	}
	if err := b.root.Rename(temp, key); err != nil {
		_ = b.root.Remove(temp)
		return fmt.Errorf("put %s: %w", key, err)
	}
	if err := b.sync(dir); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

func (b *Bucket) write(ctx context.Context, name string, r io.Reader, size int64) error {
	f, err := b.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	// One byte more, so that a reader that has more than it should is noticed.
	n, err := io.Copy(f, io.LimitReader(contextReader{ctx, r}, size+1))
	if err != nil {
		return err
	}
	if n != size {
		return fmt.Errorf("content is not the %d bytes it was said to be", size)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// mkdir makes a folder and those above it, each durable before what is in it.
func (b *Bucket) mkdir(dir string) error {
	if dir == "." {
		return nil
	}
	if st, err := b.root.Stat(dir); err == nil && st.IsDir() {
		return nil
	}
	if err := b.mkdir(path.Dir(dir)); err != nil {
		return err
	}
	if err := b.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return b.sync(path.Dir(dir))
}

func (b *Bucket) sync(dir string) error {
	f, err := b.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, fmt.Errorf("get %s: negative offset %d", key, off)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := b.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("get %s: %w", key, blob.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(fmt.Errorf("get %s: %w", key, blob.ErrNotFound), err)
	}
	rest := max(0, st.Size()-off)
	if n < 0 || n > rest {
		n = rest
	}
	return object{contextReader{ctx, io.NewSectionReader(f, off, n)}, f}, nil
}

type object struct {
	io.Reader
	io.Closer
}

// contextReader ends a copy between two reads when its context has ended.
type contextReader struct {
	ctx context.Context //nolint:containedctx // lives as long as the one call that made it
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// List implements blob.Bucket.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) {
		// The deepest folder that holds all of them; the rest is a filter.
		top := "."
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			top = prefix[:i]
		}
		if !fs.ValidPath(top) {
			return // no key begins so
		}
		err := fs.WalkDir(b.root.FS(), top, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return unlessMissing(err)
			case ctx.Err() != nil:
				return ctx.Err()
			case !d.Type().IsRegular() || !strings.HasPrefix(name, prefix) || !isKey(name):
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return unlessMissing(err)
			}
			if !yield(blob.Object{Key: name, Size: info.Size()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(blob.Object{}, fmt.Errorf("list %q: %w", prefix, err))
		}
	}
}

func isKey(name string) bool { return blob.CheckKey(name) == nil }

// unlessMissing drops the error of what was deleted meanwhile, or never there.
func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := b.root.Remove(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return b.sync(path.Dir(key))
}
