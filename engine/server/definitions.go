package server

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/spec"
)

// Definitions is what apply has written.
type Definitions interface {
	Projects(ctx context.Context) ([]record.Project, error)
	Project(ctx context.Context, name string) (record.Project, bool, error)
	// Objects are those of a revision, by address.
	Objects(ctx context.Context, projectUID string, revision int64) ([]record.Object, error)
	Specs(ctx context.Context, digests []string) (map[string][]byte, error)
}

// address writes a name as an address of a kind: a bare name gets the kind
// before it.
func address(kind, name string) (spec.Address, error) {
	text := name
	if !strings.HasPrefix(name, kind+".") && !strings.Contains(name, "."+kind+".") {
		text = kind + "." + name
	}
	a, err := spec.ParseAddress(text)
	if err != nil || a.Kind() != kind {
		return "", invalid("%q names no %s; write %s.NAME", name, kind, kind)
	}
	return a, nil
}

// flowAt finds a deployed flow. Without a project the flow must be in only one.
func (s *runs) flowAt(ctx context.Context, project, name string) (record.Project, record.Object, error) {
	a, err := address(spec.FlowKind, name)
	if err != nil {
		return record.Project{}, record.Object{}, err
	}
	heads, err := s.heads(ctx, project)
	if err != nil {
		return record.Project{}, record.Object{}, err
	}
	var in []record.Project
	var found record.Object
	for _, head := range heads {
		object, ok, err := s.objectAt(ctx, head, a)
		if err != nil {
			return record.Project{}, record.Object{}, err
		}
		if ok {
			in, found = append(in, head), object
		}
	}
	switch len(in) {
	case 1:
		return in[0], found, nil
	case 0:
		others, err := s.addressesOf(ctx, heads, []string{spec.FlowKind})
		if err != nil {
			return record.Project{}, record.Object{}, err
		}
		return record.Project{}, record.Object{}, notFound("no %s is deployed%s", a, instead("flows", others))
	default:
		return record.Project{}, record.Object{}, invalid("%s is in the projects %s and %s; name one", a, in[0].Name, in[1].Name)
	}
}

func (s *runs) heads(ctx context.Context, project string) ([]record.Project, error) {
	if project == "" {
		heads, err := s.deps.Definitions.Projects(ctx)
		if err == nil && len(heads) == 0 {
			err = notFound("nothing is deployed yet; lft apply deploys a folder")
		}
		return heads, err
	}
	head, found, err := s.deps.Definitions.Project(ctx, project)
	if err == nil && !found {
		err = notFound("no project %q is deployed", project)
	}
	return []record.Project{head}, err
}

func (s *runs) addressesOf(ctx context.Context, heads []record.Project, kinds []string) (addresses []string, err error) {
	for _, head := range heads {
		objects, err := s.objects.of(ctx, s.deps.Definitions, head)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			if slices.Contains(kinds, o.Kind) {
				addresses = append(addresses, o.Address)
			}
		}
	}
	return addresses, nil
}

// instead lists what there is, when that is little enough to read.
func instead(what string, names []string) string {
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return "; there are no " + what
	case len(names) > 8:
		return fmt.Sprintf("; there are %d other %s", len(names), what)
	default:
		return "; there are " + strings.Join(names, ", ")
	}
}

// objectCache keeps the objects of each project's newest revision. Those of a
// revision never change.
type objectCache struct {
	mu    sync.Mutex
	known map[string]projectObjects // by project uid
}

type projectObjects struct {
	revision int64
	objects  []record.Object // by address; never changed
}

func (c *objectCache) of(ctx context.Context, d Definitions, head record.Project) ([]record.Object, error) {
	c.mu.Lock()
	kept, ok := c.known[head.UID]
	c.mu.Unlock()
	if ok && kept.revision == head.Revision {
		return kept.objects, nil
	}
	objects, err := d.Objects(ctx, head.UID, head.Revision)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(objects, func(a, b record.Object) int { return strings.Compare(a.Address, b.Address) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]projectObjects{}
	}
	c.known[head.UID] = projectObjects{head.Revision, objects}
	return objects, nil
}

// flowCache keeps a few decoded flows by digest, for readers that ask again and
// again. A decoded flow is never changed.
type flowCache struct {
	mu    sync.Mutex
	known []*keptFlow // the least lately used first
}

type keptFlow struct {
	digest string
	flow   *spec.Flow
}

const keptFlows = 8

func (c *flowCache) of(ctx context.Context, d Definitions, digest string, a spec.Address) (*spec.Flow, error) {
	if flow := c.find(digest); flow != nil {
		return flow, nil
	}
	specs, err := d.Specs(ctx, []string{digest})
	if err != nil {
		return nil, err
	}
	data, ok := specs[digest]
	if !ok {
		return nil, fmt.Errorf("the spec %s of %s is missing", digest, a)
	}
	flow, err := spec.DecodeFlow(data, a)
	if err != nil {
		return nil, fmt.Errorf("the spec %s of %s: %w", digest, a, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) == keptFlows {
		c.known = c.known[1:]
	}
	c.known = append(c.known, &keptFlow{digest, flow})
	return flow, nil
}

func (c *flowCache) find(digest string) *spec.Flow {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.known, func(k *keptFlow) bool { return k.digest == digest })
	if at < 0 {
		return nil
	}
	kept := c.known[at]
	c.known = append(slices.Delete(c.known, at, at+1), kept)
	return kept.flow
}

// scheduleCache keeps the addresses of schedules by uid, as they were when an
// instant of theirs was decided.
type scheduleCache struct {
	mu    sync.Mutex
	known map[string]string
}

const keptSchedules = 10_000

func (c *scheduleCache) of(ctx context.Context, h History, uid string) (string, error) {
	if uid == "" {
		return "", nil // a manual run
	}
	c.mu.Lock()
	a, ok := c.known[uid]
	c.mu.Unlock()
	if ok {
		return a, nil
	}
	rows, err := h.Fires(ctx, store.FirePage{ScheduleUID: uid, Limit: 1})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	if rows[0].Fire != nil {
		a = rows[0].Fire.Schedule
	} else {
		a = rows[0].Range.Schedule
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) == keptSchedules {
		c.known = map[string]string{}
	}
	c.known[uid] = a
	return a, nil
}
