package engine

import (
	"context"
	"sync"
	"time"
)

// When the acting master looks for packs of dependencies that nothing relies on:
// not at once, when there is more to do, and seldom.
const (
	collectFirst = time.Minute
	collectEvery = 10 * time.Minute
	collectPause = time.Second // between batches while there are more
)

// collecting collects until the function it returns is called, which waits for
// what is under way.
func (e *Engine) collecting(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for pause := collectFirst; ; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			more, err := e.depot.Collect(ctx)
			if err != nil && ctx.Err() == nil {
				e.cfg.Log.Warn("packs that nobody needs are not deleted; trying again", "error", err)
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
