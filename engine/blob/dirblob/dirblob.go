// Package dirblob is a bucket in a directory of a local or shared file system.
//
// An object is a file; the slashes of its key are folders. It is written beside
// its place, synced, renamed, and its folder is synced, so that it is there
// whole or not at all, also after a loss of power. Nothing outside the directory
// can be reached by any key or link.
package dirblob

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/leifengta/lft/engine/blob"
)

// Bucket is a bucket in a directory.
type Bucket struct{}

var _ blob.Bucket = (*Bucket)(nil)

var errUnfinished = errors.New("dirblob: not there yet")

// Open opens the bucket in the existing directory dir.
func Open(dir string) (*Bucket, error) { return nil, errUnfinished }

// OpenAddress opens a bucket by its address, file:///ABSOLUTE/PATH.
func OpenAddress(address string) (*Bucket, error) { return nil, errUnfinished }

// Put implements blob.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	return errUnfinished
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	return nil, errUnfinished
}

// List implements blob.Bucket.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[blob.Object, error] { return nil }

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error { return errUnfinished }

// Close releases the directory.
func (b *Bucket) Close() error { return nil }
