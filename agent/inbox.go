package agent

import "sync"

// inbox collects what other goroutines want done by the owner of the brain, so
// that the owner takes all that waits at once: one fsync and one message serve
// many.
type inbox struct {
	wake  chan struct{} // holds one token while something waits
	mu    sync.Mutex
	queue []func()
	spare []func()
}

// post hands work to the owner. It never blocks.
func (in *inbox) post(work ...func()) {
	in.mu.Lock()
	in.queue = append(in.queue, work...)
	in.mu.Unlock()
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// take returns all that waits. The result is valid until the next call.
func (in *inbox) take() []func() {
	in.mu.Lock()
	defer in.mu.Unlock()
	work := in.queue
	clear(in.spare)
	in.queue, in.spare = in.spare[:0], work
	return work
}
