package generate

import (
	"context"
	"fmt"
	"sync"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Sources finds where the bytes of dependencies are as of a project's revision, by
// address; what has none is not in the answer.
type Sources func(ctx context.Context, projectUID string, revision int64, addresses []string) (map[string]record.Source, error)

// maxSources bounds the sources that are remembered.
const maxSources = 4096

// sources knows where the dependencies of revisions are. That changes as little as
// the revisions do: bytes that had vanished are put where they were.
type sources struct {
	find Sources

	mu    sync.Mutex
	known map[pin]record.Source
}

func (c *sources) recall(at pin) (record.Source, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.known[at]
	return s, ok
}

func (c *sources) keep(at pin, s record.Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) == maxSources {
		c.known = make(map[pin]record.Source)
	}
	c.known[at] = s
}

// usePin is where a dependency of the job is found.
func (b *build) usePin(address string) pin { return pin{b.p.ProjectUID, b.p.Revision, address} }

// known reports whether nothing need be asked about the job's dependencies.
func (b *build) known() bool {
	for _, address := range b.job.Uses {
		if _, ok := b.gen.sources.recall(b.usePin(address)); !ok {
			return false
		}
	}
	return true
}

// dependencies are what the job uses, as its execution's revision has them.
func (b *build) dependencies(ctx context.Context) ([]providers.Dependency, error) {
	if len(b.job.Uses) == 0 {
		return nil, nil
	}
	found := map[string]record.Source{}
	if b.known() {
		for _, address := range b.job.Uses {
			found[address], _ = b.gen.sources.recall(b.usePin(address))
		}
	} else {
		err := insist(ctx, func() (err error) {
			found, err = b.gen.sources.find(ctx, b.p.ProjectUID, b.p.Revision, b.job.Uses)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("dependencies at revision %d: %w", b.p.Revision, err)
		}
	}
	out := make([]providers.Dependency, 0, len(b.job.Uses))
	taken := map[string]string{}
	for _, address := range b.job.Uses {
		source, ok := found[address]
		if !ok {
			return nil, &fault{record.ReasonDependency, fmt.Errorf("%s has no bytes at revision %d of the project", address, b.p.Revision)}
		}
		b.gen.sources.keep(b.usePin(address), source)
		d := providers.Dependency{
			Name: spec.Address(address).DependencyName(), Variable: spec.Address(address).DependencyVariable(),
			Digest: source.Digest, Form: spec.Form(source.Form), Object: source.Object,
		}
		if other, ok := taken[d.Variable]; ok {
			return nil, badArguments("%s and %s have one name inside the job, %s", other, address, d.Variable)
		}
		taken[d.Variable] = address
		out = append(out, d)
	}
	return out, nil
}
