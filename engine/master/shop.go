package master

import (
	"context"
	"sync"

	"github.com/leifengta/lft/engine/kernel"
)

// shop answers Prepares beside the loop: those that need I/O, and those that
// would take a turn too long.
type shop struct {
	gen  Generator
	done chan []kernel.Prepared

	mu    sync.Mutex
	queue []kernel.Prepare
	more  chan struct{} // buffered by one: the queue is not empty
}

// shopBatch is how many answers one worker brings at a time, so that the loop
// can commit them together.
const shopBatch = 64

func newShop(gen Generator) *shop {
	return &shop{gen: gen, done: make(chan []kernel.Prepared), more: make(chan struct{}, 1)}
}

func (s *shop) add(ps ...kernel.Prepare) {
	s.mu.Lock()
	s.queue = append(s.queue, ps...)
	s.mu.Unlock()
	s.ring()
}

func (s *shop) ring() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// work is one worker, until ctx ends.
func (s *shop) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.more:
		}
		for ps := s.take(); len(ps) > 0; ps = s.take() {
			answers := make([]kernel.Prepared, len(ps))
			for i, p := range ps {
				answers[i] = s.gen.Prepare(ctx, p)
			}
			if ctx.Err() != nil {
				return // the last answers may be those of giving up
			}
			select {
			case s.done <- answers:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (s *shop) take() []kernel.Prepare {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.queue), shopBatch)
	ps := s.queue[:n:n]
	s.queue = s.queue[n:]
	if len(s.queue) > 0 {
		s.ring()
	}
	return ps
}
