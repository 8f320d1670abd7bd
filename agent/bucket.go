package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/dirblob"
)

// bucket is where the logs go, as the master says at each registration.
type bucket struct {
	mu      sync.Mutex
	address string
	cluster string
	open    *dirblob.Bucket
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
		return b.open, false, nil
	}
	opened, err := dirblob.OpenAddress(address)
	if err == nil {
		if err = blob.Check(ctx, opened, cluster); err != nil {
			opened.Close()
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
	b.open, b.address, b.cluster = opened, address, cluster
	return opened, true, nil
}

func (b *bucket) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.closers {
		c.Close()
	}
}

// useBucket points the shipper at the bucket a master named. A bucket that is
// down keeps the logs in the spool and nothing else; the next registration tries
// again, as does retryBucket.
func (a *agent) useBucket(ctx context.Context, address, cluster string) error {
	if address == "" {
		return nil
	}
	opened, fresh, err := a.bucket.use(ctx, address, cluster)
	switch {
	case errors.Is(err, errBucket):
		return err
	case err != nil:
		a.log.Error("logs stay in the spool", "error", err)
	case fresh:
		a.shipper.SetBucket(opened)
	}
	return nil
}
