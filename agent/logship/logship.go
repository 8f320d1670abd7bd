// Package logship carries what jobs wrote from the spool to the bucket.
//
// It reads a spool file from where it last got to, writes numbered immutable
// objects, and reports a manifest row for each; only when the master has that
// row for good are the spool bytes freed. So a byte is always in the spool, in
// the bucket with its row, or in both.
//
// It never delays a result: a bucket that is down makes the spool grow, and the
// shipper tries again. It never changes an object: one key is one content.
package logship

import (
	"context"
	"errors"
	"log/slog"

	"github.com/leifengta/lft/engine/blob"
)

// Chunk is a manifest row: bytes [From, To) of an attempt's log lie in Object
// from ObjectOffset on. After a crash rows may overlap; the bytes are equal.
type Chunk struct {
	Token        string
	From, To     int64
	Object       string
	ObjectOffset int64
	SHA256       string
}

// Config is what a Shipper needs. All fields but Log are required.
type Config struct {
	Dir    string                             // the keeper's spool directory
	Report func([]Chunk)                      // rows for the master; called from several goroutines, must not block for long
	Free   func(token string, to int64) error // the keeper's Free
	Log    *slog.Logger
}

// Shipper ships the logs of one agent.
type Shipper struct{}

// New returns a Shipper; Run makes it work.
func New(c Config) *Shipper { return &Shipper{} }

// Run ships until ctx ends.
func (s *Shipper) Run(ctx context.Context) error { return errors.New("logship: not there yet") }

// SetBucket says where to ship to. Before the first call nothing is shipped.
func (s *Shipper) SetBucket(b blob.Bucket) {}

// Grown says that an attempt has a spool file whose bytes before from are
// already shipped and acknowledged.
func (s *Shipper) Grown(token string, from int64) {}

// Finish says that an attempt has ended with a log of that many bytes, and ships
// what is left. It waits for that as long as ctx allows, so that the rows can
// travel with the attempt's result; they are returned and not reported again.
// What is not shipped by then is tried again and reported.
func (s *Shipper) Finish(ctx context.Context, token string, bytes int64) []Chunk { return nil }

// Acked says that the master has the rows of a log up to to for good.
func (s *Shipper) Acked(token string, to int64) {}
