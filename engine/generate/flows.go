package generate

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/lang/spec"
)

// Bounds of the decoded flows that are kept. Memory is some ten times the
// canonical bytes.
const (
	maxFlows     = 1024
	maxFlowBytes = 16 << 20
)

// How long to wait before the state is asked again.
const (
	retryFirst = 50 * time.Millisecond
	retryMost  = 2 * time.Second
)

// flows keeps the flows used last, by digest. A digest's content never changes,
// so nothing is ever stale.
type flows struct {
	specs Specs

	mu    sync.Mutex
	byKey map[string]*list.Element // of *decoded
	used  *list.List               // latest first
	bytes int
}

type decoded struct {
	digest string
	size   int
	flow   *spec.Flow
	graph  *kernel.Graph // made when another flow starts this one
}

func newFlows(specs Specs) *flows {
	return &flows{specs: specs, byKey: make(map[string]*list.Element), used: list.New()}
}

func (f *flows) has(digest string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byKey[digest] != nil
}

// get returns a decoded flow. It waits while the specs cannot be read; a flow
// that does not exist or makes no sense is an error at once.
func (f *flows) get(ctx context.Context, digest string, address spec.Address) (*spec.Flow, error) {
	if flow := f.recall(digest); flow != nil {
		return flow, nil
	}
	data, err := f.read(ctx, digest)
	if err != nil {
		return nil, err
	}
	flow, err := spec.DecodeFlow(data, address)
	if err != nil {
		return nil, fmt.Errorf("internal error: stored %w", err)
	}
	f.keep(&decoded{digest: digest, size: len(data), flow: flow})
	return flow, nil
}

// compiled is get with the flow's graph.
func (f *flows) compiled(ctx context.Context, digest string, address spec.Address) (*spec.Flow, *kernel.Graph, error) {
	flow, err := f.get(ctx, digest, address)
	if err != nil {
		return nil, nil, err
	}
	if graph := f.graph(digest, nil); graph != nil {
		return flow, graph, nil
	}
	graph, err := kernel.Compile(flow)
	if err != nil {
		return nil, nil, fmt.Errorf("internal error: stored %w", err)
	}
	return flow, f.graph(digest, graph), nil
}

// graph returns the graph that is kept beside a flow; one that is made is kept
// when there is none.
func (f *flows) graph(digest string, made *kernel.Graph) *kernel.Graph {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.byKey[digest]
	if e == nil {
		return made
	}
	d := e.Value.(*decoded)
	d.graph = cmp.Or(d.graph, made)
	return d.graph
}

func (f *flows) read(ctx context.Context, digest string) ([]byte, error) {
	var found map[string][]byte
	err := insist(ctx, func() (err error) {
		found, err = f.specs(ctx, []string{digest})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("spec %s: %w", digest, err)
	}
	data, ok := found[digest]
	if !ok {
		return nil, fmt.Errorf("internal error: the spec %s is not in the state", digest)
	}
	return data, nil
}

// insist repeats a read until it succeeds or ctx ends.
func insist(ctx context.Context, read func() error) error {
	for wait := retryFirst; ; wait = min(2*wait, retryMost) {
		err := read()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

func (f *flows) recall(digest string) *spec.Flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.byKey[digest]
	if e == nil {
		return nil
	}
	f.used.MoveToFront(e)
	return e.Value.(*decoded).flow
}

func (f *flows) keep(d *decoded) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byKey[d.digest] != nil {
		return
	}
	f.byKey[d.digest] = f.used.PushFront(d)
	f.bytes += d.size
	for f.used.Len() > 1 && (f.used.Len() > maxFlows || f.bytes > maxFlowBytes) {
		old := f.used.Remove(f.used.Back()).(*decoded)
		delete(f.byKey, old.digest)
		f.bytes -= old.size
	}
}
