package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// When the acting master looks for packs of dependencies that nothing relies on, and
// for specs that were never applied: not at once, when there is more to do, and
// seldom.
const (
	collectFirst = time.Minute
	collectEvery = 10 * time.Minute
	collectPause = time.Second // between batches while there are more
)

// collecting collects, a small batch at a time, until the function it returns is
// called, which waits for what is under way.
func collecting(ctx context.Context, collect func(context.Context) (more bool, err error), log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for pause := collectFirst; ; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			more, err := collect(ctx)
			if err != nil && ctx.Err() == nil {
				log.Warn("what nobody needs is not deleted; trying again", "error", err)
			}
			if pause = collectEvery; more {
				pause = collectPause
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}
