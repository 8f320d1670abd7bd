package master

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

const (
	specsAtOnce = 512 // specs read in one query
	adoptAtOnce = 64  // revisions compiled before they are adopted: each is as large as its project
)

// heads knows which revision of each project the kernel acts on, and compiles
// newer ones, off the loop.
type heads struct {
	defs Definitions
	solo bool
	io   sync.Mutex // held by the one call that reads and compiles

	mu       sync.Mutex
	acted    map[string]int64        // revision by project uid
	good     map[string]kernel.Adopt // the last one the kernel has digested
	rejected map[string]int64        // the last one it could not
}

func (h *heads) init(defs Definitions, solo bool) {
	h.defs, h.solo = defs, solo
	h.acted, h.good, h.rejected = map[string]int64{}, map[string]kernel.Adopt{}, map[string]int64{}
}

// due reports whether a is still news.
func (h *heads) due(a kernel.Adopt) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return a.Revision > h.acted[a.ProjectUID]
}

func (h *heads) adopted(a kernel.Adopt) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acted[a.ProjectUID] = a.Revision
	h.good[a.ProjectUID] = a
}

// reject notes that the kernel cannot digest a revision; it reports whether that
// is news.
func (h *heads) reject(a kernel.Adopt) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := h.rejected[a.ProjectUID] != a.Revision
	h.rejected[a.ProjectUID] = a.Revision
	return news
}

// newer compiles, in order, the revisions the kernel does not act on yet, at most
// adoptAtOnce of them: then there may be more. Instants between two revisions belong
// to the older one, so none is left out.
func (h *heads) newer(ctx context.Context, l *loop) ([]kernel.Adopt, error) {
	h.io.Lock()
	defer h.io.Unlock()
	projects, err := h.defs.Projects(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the project heads: %w", err)
	}
	var out []kernel.Adopt
	for _, p := range projects {
		h.mu.Lock()
		from := h.acted[p.UID]
		h.mu.Unlock()
		if p.Revision <= from {
			continue
		}
		due, err := h.between(ctx, p, from)
		if err != nil {
			return nil, err
		}
		last := h.digested(p.UID)
		for _, head := range due {
			if len(out) == adoptAtOnce {
				return out, nil
			}
			if last, err = h.compile(ctx, l, head, last); err != nil {
				return nil, err
			}
			out = append(out, last)
		}
	}
	return out, nil
}

// between returns the head as it was at each revision after from, oldest first.
func (h *heads) between(ctx context.Context, p record.Project, from int64) ([]record.Project, error) {
	due := []record.Project{p}
	if h.solo || p.Revision == from+1 {
		return due, nil
	}
	revisions, err := h.defs.Revisions(ctx, p.UID, p.Revision, int(p.Revision-from-1))
	if err != nil {
		return nil, fmt.Errorf("read the revisions of project %s: %w", p.Name, err)
	}
	for _, r := range revisions {
		if r.Number > from && r.Number < p.Revision {
			older := p
			older.Revision, older.EffectiveFrom = r.Number, r.EffectiveFrom
			due = append(due, older)
		}
	}
	slices.Reverse(due)
	return due, nil
}

// digested is what the kernel has acted on last.
func (h *heads) digested(project string) kernel.Adopt {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.good[project]
}

// compile makes the event that adopts a revision. One that makes no sense keeps
// its number and gets the content of the one before.
func (h *heads) compile(ctx context.Context, l *loop, p record.Project, last kernel.Adopt) (kernel.Adopt, error) {
	h.mu.Lock()
	bad := h.rejected[p.UID] == p.Revision
	h.mu.Unlock()
	if !bad {
		a, senseless, err := h.read(ctx, p, graphsOf(last))
		if err != nil || senseless == nil {
			return a, err
		}
		l.log.Error("revision makes no sense to this version; going on with the one before", "error", senseless)
	}
	last.ProjectUID, last.Project = p.UID, p.Name
	last.Revision, last.EffectiveFrom = p.Revision, p.EffectiveFrom
	return last, nil
}

// read compiles the objects of a revision. When err is nil and senseless is not,
// they were read but cannot be compiled, and that will not change.
func (h *heads) read(ctx context.Context, p record.Project, graphs map[string]*kernel.Graph) (a kernel.Adopt, senseless, err error) {
	objects, err := h.defs.Objects(ctx, p.UID, p.Revision)
	if err != nil {
		return a, nil, fmt.Errorf("read project %s at revision %d: %w", p.Name, p.Revision, err)
	}
	var digests []string
	for _, o := range objects {
		if graphs[o.Digest] == nil {
			digests = append(digests, o.Digest)
		}
	}
	specs, err := h.specs(ctx, digests)
	if err != nil {
		return a, nil, err
	}
	a, senseless = kernel.CompileProject(p, objects,
		func(digest string) ([]byte, bool) { data, ok := specs[digest]; return data, ok },
		func(digest string) (*kernel.Graph, bool) { g, ok := graphs[digest]; return g, ok })
	if len(a.Pools) > 0 {
		uids := make([]string, len(a.Pools))
		for i := range a.Pools {
			uids[i] = a.Pools[i].UID
		}
		versions, err := h.defs.Versions(ctx, p.UID, uids)
		if err != nil {
			return a, nil, fmt.Errorf("read the pools of project %s: %w", p.Name, err)
		}
		a.NameFormerly(versions)
	}
	return a, senseless, nil
}

func (h *heads) specs(ctx context.Context, digests []string) (map[string][]byte, error) {
	all := make(map[string][]byte, len(digests))
	slices.Sort(digests)
	for some := range slices.Chunk(slices.Compact(digests), specsAtOnce) {
		specs, err := h.defs.Specs(ctx, some)
		if err != nil {
			return nil, fmt.Errorf("read specs: %w", err)
		}
		for digest, data := range specs {
			all[digest] = data
		}
	}
	return all, nil
}

func graphsOf(a kernel.Adopt) map[string]*kernel.Graph {
	graphs := make(map[string]*kernel.Graph, len(a.Flows))
	for _, f := range a.Flows {
		graphs[f.Digest] = f.Graph
	}
	return graphs
}

// snapshot adds to the live rows what they name: the revisions acted on and the
// graphs of what runs.
func (h *heads) snapshot(ctx context.Context, l *loop, live record.Live) (s kernel.Snapshot, err error) {
	err = l.insist(ctx, func() error {
		s, err = h.gather(ctx, l, live)
		return err
	})
	return s, err
}

func (h *heads) gather(ctx context.Context, l *loop, live record.Live) (kernel.Snapshot, error) {
	h.io.Lock()
	defer h.io.Unlock()
	s := kernel.Snapshot{Live: live, Graphs: make(map[string]*kernel.Graph)}
	projects, err := h.defs.Projects(ctx)
	if err != nil {
		return s, fmt.Errorf("read the project heads: %w", err)
	}
	acted := make(map[string]int64, len(live.Adopted))
	for _, old := range live.Adopted {
		acted[old.ProjectUID] = old.Revision
		a, ok, err := h.at(ctx, l, projects, old)
		if err != nil {
			return s, err
		}
		if ok {
			s.Projects = append(s.Projects, a)
			for digest, graph := range graphsOf(a) {
				s.Graphs[digest] = graph
			}
		}
	}
	h.mu.Lock()
	h.acted = acted
	for _, a := range s.Projects {
		h.good[a.ProjectUID] = a
	}
	h.mu.Unlock()
	return s, h.graphs(ctx, l, &s)
}

// at compiles the revision of a project that the kernel acted on.
func (h *heads) at(ctx context.Context, l *loop, projects []record.Project, old record.Adopted) (kernel.Adopt, bool, error) {
	at := slices.IndexFunc(projects, func(p record.Project) bool { return p.UID == old.ProjectUID })
	if at < 0 {
		l.log.Error("the state acts on a project it does not hold", "project_uid", old.ProjectUID)
		return kernel.Adopt{}, false, nil
	}
	head := projects[at]
	if head.Revision != old.Revision {
		revisions, err := h.defs.Revisions(ctx, head.UID, old.Revision+1, 1)
		if err != nil {
			return kernel.Adopt{}, false, fmt.Errorf("read the revisions of project %s: %w", head.Name, err)
		}
		head.Revision = old.Revision
		if len(revisions) == 1 {
			head.EffectiveFrom = revisions[0].EffectiveFrom
		}
	}
	last := h.digested(head.UID)
	if last.Revision == head.Revision {
		return last, true, nil
	}
	a, err := h.compile(ctx, l, head, last)
	return a, err == nil, err
}

// graphs compiles what live executions run and no adopted revision holds. What
// cannot be compiled is left out, and with it its executions.
func (h *heads) graphs(ctx context.Context, l *loop, s *kernel.Snapshot) error {
	addresses := make(map[string]spec.Address)
	for _, x := range s.Live.Executions {
		if s.Graphs[x.FlowDigest] == nil {
			addresses[x.FlowDigest] = spec.Address(x.Flow)
		}
	}
	digests := make([]string, 0, len(addresses))
	for digest := range addresses {
		digests = append(digests, digest)
	}
	specs, err := h.specs(ctx, digests)
	if err != nil {
		return err
	}
	for _, digest := range digests {
		flow, err := spec.DecodeFlow(specs[digest], addresses[digest])
		if err == nil {
			s.Graphs[digest], err = kernel.Compile(flow)
		}
		if err != nil {
			delete(s.Graphs, digest)
			l.log.Error("the flow of live executions cannot be compiled", "digest", digest, "error", err)
		}
	}
	return nil
}
