package deploy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
)

// ErrBytes says that the bytes of a dependency are not in the bucket.
var ErrBytes = store.ErrNoBlob

// Bounds of packs.
const (
	MaxPack   = 16 << 30 // bytes of one
	MaxRead   = 1 << 20  // bytes of one Read
	maxHeld   = 100_000  // digests of one Hold
	leaseSpan = 24 * time.Hour
	tidyIn    = 5 * time.Second // to note that an upload has failed
)

// Stock is what the state knows of the packs in the bucket.
type Stock interface {
	LeaseBlobs(ctx context.Context, digests []string, span time.Duration) ([]record.Blob, error)
	BeginBlob(ctx context.Context, b record.Blob, span time.Duration) error
	EndBlob(ctx context.Context, b record.Blob, span time.Duration) error
	Blobs(ctx context.Context, digests []string) ([]record.Blob, error)
	DoomBlob(ctx context.Context, b record.Blob) error
}

// Depot puts the packs of dependencies into the bucket, where agents find them,
// and takes those away that nothing relies on.
//
// A row comes before its object and goes after it, so nothing is in the bucket
// that no row tells of, and nothing is ever looked for in a listing. What Hold did
// not miss and what Put has stored stays for a day without any other reason; an
// Apply within that day always finds it. Apply looks itself whether the bytes are
// there, so a day that was too short costs a refusal, never a revision without
// its bytes.
type Depot struct {
	stock   Stock
	refuse  Refuse
	bucket  blob.Bucket
	cluster string
}

// NewDepot returns a Depot of the bucket that is marked with the cluster's id.
func NewDepot(s interface {
	Stock
	Refuse
}, bucket blob.Bucket, cluster string,
) *Depot {
	return &Depot{stock: s, refuse: s, bucket: bucket, cluster: cluster}
}

// open refuses a bucket that is not the cluster's: one whose disk is not mounted
// would swallow what is put there.
func (d *Depot) open(ctx context.Context) error {
	if err := blob.Check(ctx, d.bucket, d.cluster); err != nil {
		return fmt.Errorf("bucket: %w", err)
	}
	return nil
}

// Hold keeps those of the packs that are there, and returns the digests of the
// others. A pack whose object has vanished is missing.
func (d *Depot) Hold(ctx context.Context, digests []string) (missing []string, err error) {
	if len(digests) > maxHeld {
		return nil, fmt.Errorf("%w: %d digests are over the limit of %d", ErrInvalid, len(digests), maxHeld)
	}
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	held, err := d.stock.LeaseBlobs(ctx, digests, leaseSpan)
	if err != nil {
		return nil, err
	}
	// One whose object has vanished keeps its row: Put fills its place again, where
	// tasks that name it look.
	there := make(map[string]bool, len(held))
	for _, b := range held {
		if there[b.Digest], err = d.exists(ctx, b); err != nil {
			return nil, err
		}
	}
	for _, digest := range digests {
		if !there[digest] {
			there[digest] = true // name it once
			missing = append(missing, digest)
		}
	}
	return missing, nil
}

// exists looks for the object of a blob.
func (d *Depot) exists(ctx context.Context, b record.Blob) (bool, error) {
	r, err := d.bucket.Get(ctx, blob.DependencyKey(b.Digest, b.Upload), 0, 1)
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, r.Close()
}

// Put stores a pack. It is read once, and nobody gets to see what is not the
// whole content of the digest.
func (d *Depot) Put(ctx context.Context, digest string, r io.Reader) error {
	p, err := pack.Decode(r)
	if err == nil {
		err = p.Check(digest)
	}
	if err != nil {
		return fmt.Errorf("%w: pack %.16s…: %w", ErrInvalid, digest, err)
	}
	size := pack.Size(p.Files())
	if size < 0 || size > MaxPack {
		return fmt.Errorf("%w: pack %.16s… is over the limit of %d bytes", ErrInvalid, digest, MaxPack)
	}
	if err := d.open(ctx); err != nil {
		return err
	}
	// What is there stays where it is: it is leased, so nobody takes it away now.
	held, err := d.stock.LeaseBlobs(ctx, []string{digest}, leaseSpan)
	if err != nil {
		return err
	}
	if len(held) > 0 {
		if there, err := d.exists(ctx, held[0]); there || err != nil {
			return err
		}
		return d.fill(ctx, held[0], p)
	}
	b := record.Blob{Digest: digest, Upload: strings.ToLower(rand.Text()), Size: size}
	if err := d.stock.BeginBlob(ctx, b, leaseSpan); err != nil {
		return err
	}
	if err := d.fill(ctx, b, p); err != nil {
		tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyIn)
		defer cancel()
		return errors.Join(err, d.stock.DoomBlob(tidy, b))
	}
	return d.stock.EndBlob(ctx, b, leaseSpan)
}

// fill puts a pack where a blob's object belongs.
func (d *Depot) fill(ctx context.Context, b record.Blob, p *pack.Reader) error {
	err := d.bucket.Put(ctx, blob.DependencyKey(b.Digest, b.Upload), p.Relay(), pack.Size(p.Files()))
	if errors.Is(err, pack.ErrDamaged) {
		err = fmt.Errorf("%w: pack %.16s…: %w", ErrInvalid, b.Digest, err)
	}
	return err
}

// Read returns n bytes of a pack from off on, at most MaxRead, fewer at its end.
func (d *Depot) Read(ctx context.Context, digest string, off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || n > MaxRead {
		return nil, fmt.Errorf("%w: [%d, +%d) is no part of a pack", ErrInvalid, off, n)
	}
	list, err := d.stock.Blobs(ctx, []string{digest})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: %.16q", ErrBytes, digest)
	}
	r, err := d.bucket.Get(ctx, blob.DependencyKey(digest, list[0].Upload), off, n)
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrBytes, err)
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
