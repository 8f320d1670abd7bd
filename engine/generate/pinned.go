package generate

import (
	"context"
	"fmt"
	"sync"

	"github.com/leifengta/lft/engine/record"
)

// Objects finds objects of a project's revision by address; what that does not
// hold is not in the answer.
type Objects func(ctx context.Context, projectUID string, revision int64, addresses []string) (map[string]record.Object, error)

// maxPinned bounds the objects that are remembered.
const maxPinned = 4096

// pinned knows objects as the revision of an execution declares them. That never
// changes, so nothing is ever stale.
type pinned struct {
	objects Objects

	mu    sync.Mutex
	known map[pin]record.Object
}

type pin struct {
	project  string
	revision int64
	address  string
}

func (c *pinned) recall(at pin) (record.Object, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.known[at]
	return o, ok
}

// get waits while the objects cannot be read; one that is not in the revision is
// an error at once.
func (c *pinned) get(ctx context.Context, at pin) (record.Object, error) {
	if o, ok := c.recall(at); ok {
		return o, nil
	}
	var found map[string]record.Object
	err := insist(ctx, func() (err error) {
		found, err = c.objects(ctx, at.project, at.revision, []string{at.address})
		return err
	})
	if err != nil {
		return record.Object{}, fmt.Errorf("%s at revision %d: %w", at.address, at.revision, err)
	}
	o, ok := found[at.address]
	if !ok {
		return record.Object{}, badArguments("%s is not in revision %d of the project", at.address, at.revision)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) == maxPinned {
		c.known = make(map[pin]record.Object)
	}
	c.known[at] = o
	return o, nil
}
