package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/dirblob"
)

// bucket is where logs go and dependencies come from, as the master says at each registration.
type bucket struct {
	mu      sync.Mutex
	address string
	cluster string
	open    *dirblob.Bucket
	wanted  [2]string         // address and cluster of one that is down
	closers []*dirblob.Bucket // all ever opened; an upload may still use an earlier one
}

// errBucket says that the bucket is certainly not the cluster's: work done here
// would leave its logs where nobody finds them.
var errBucket = errors.New("this host does not see the cluster's bucket")

// use opens the bucket and checks that it is the cluster's. fresh says that it
// is another one than before. An error that is not errBucket may pass.
func (b *bucket) use(ctx context.Context, address, cluster string) (_ blob.Bucket, fresh bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open != nil && b.address == address && b.cluster == cluster {
		b.wanted = [2]string{} // who named another has been followed by one who names this
		return b.open, false, nil
	}
	opened, err := dirblob.OpenAddress(address)
	if err == nil {
		if err = blob.Check(ctx, opened, cluster); err != nil {
			_ = opened.Close()
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, blob.ErrForeign), errors.Is(err, blob.ErrUnmarked), errors.Is(err, fs.ErrNotExist):
		return nil, false, fmt.Errorf("%w: %s: %w", errBucket, address, err)
	default:
		return nil, false, fmt.Errorf("bucket %s: %w", address, err)
	}
	b.closers = append(b.closers, opened)
	b.open, b.address, b.cluster, b.wanted = opened, address, cluster, [2]string{}
	return opened, true, nil
}

func (b *bucket) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.closers {
		_ = c.Close()
	}
}

// bucketPause is how long a bucket that is down is left alone.
const bucketPause = 3 * time.Second

// useBucket points the shipper at the bucket a master named. One that is down
// keeps the logs in the spool and nothing else; it is tried again until ctx, that
// of the agent's work, ends.
func (a *agent) useBucket(ctx context.Context, address, cluster string) error {
	if address == "" {
		return nil
	}
	err := a.tryBucket(ctx, address, cluster)
	if err == nil || errors.Is(err, errBucket) {
		return err
	}
	a.log.Error("logs stay in the spool; trying again", "error", err)
	if !a.bucket.want(address, cluster) {
		return nil // somebody is at it
	}
	go func() {
		for err != nil && a.bucket.wants(address, cluster) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(bucketPause):
				err = a.tryBucket(ctx, address, cluster)
			}
		}
	}()
	return nil
}

func (a *agent) tryBucket(ctx context.Context, address, cluster string) error {
	opened, fresh, err := a.bucket.use(ctx, address, cluster)
	if fresh {
		a.shipper.SetBucket(opened)
		a.deps.SetBucket(opened)
	}
	return err
}

// want notes which bucket is to be tried again; it reports whether that is news.
func (b *bucket) want(address, cluster string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	want := [2]string{address, cluster}
	news := b.wanted != want
	b.wanted = want
	return news
}

func (b *bucket) wants(address, cluster string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wanted == [2]string{address, cluster}
}
