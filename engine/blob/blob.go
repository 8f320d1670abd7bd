// Package blob is the port to the bucket: where logs and shared files are kept.
//
// A bucket is a flat map from keys to immutable contents. It promises that an
// object is there whole or not at all, and that a Put that returned survives the
// loss of power. It promises no order, no append and no atomic replace by two
// writers: one key is one content, for ever, so none of these is needed.
//
// Readers address objects by manifest rows and digests. List exists for
// collection alone; nothing is ever found by it.
package blob

import (
	"context"
	"errors"
	"io"
	"iter"
)

// ErrNotFound is wrapped when a key has no object.
var ErrNotFound = errors.New("no such object")

// Bucket keeps objects by key. All methods may be called at the same time.
type Bucket interface {
	// Put stores size bytes of r under key. Putting the same content again is
	// allowed. After an error the object may be there or not, never in part.
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	// Get reads n bytes of the object from off on; n < 0 means up to its end. A
	// range that ends behind the object is cut short.
	Get(ctx context.Context, key string, off, n int64) (io.ReadCloser, error)
	// List yields the objects whose key begins with prefix, in no order.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Delete removes an object; a missing one is no error.
	Delete(ctx context.Context, key string) error
}

// Object is what List knows of an object.
type Object struct {
	Key  string
	Size int64
}
