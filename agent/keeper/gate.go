package keeper

import (
	"sync"
	"time"
)

// gate lets everybody in, until it is closed to have all stand still. What is
// done inside is done wholly or not at all, as far as one can see who closed it;
// nobody waits inside for what may take long.
type gate struct {
	mu     sync.Mutex
	inside int
	opened chan struct{} // nil = it is open, else closed when it is opened
	quiet  chan struct{} // closed when the last one has left a closed gate
}

func (g *gate) enter() {
	g.mu.Lock()
	for g.opened != nil {
		opened := g.opened
		g.mu.Unlock()
		<-opened
		g.mu.Lock()
	}
	g.inside++
	g.mu.Unlock()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.opened != nil && g.inside == 0 {
		close(g.quiet)
	}
}

// close reports whether nobody is inside any more; if that takes too long it
// opens again. One at a time may close it.
func (g *gate) close(within time.Duration) bool {
	g.mu.Lock()
	g.opened, g.quiet = make(chan struct{}), make(chan struct{})
	if g.inside == 0 {
		close(g.quiet)
	}
	quiet := g.quiet
	g.mu.Unlock()
	select {
	case <-quiet:
		return true
	case <-time.After(within):
		g.open()
		return false
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.opened)
	g.opened = nil
}
