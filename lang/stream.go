package lang

import (
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/spec"
)

// stream parses the files that hold flows and nothing else only when all else is
// known, decodes each at once, and lets its syntax tree go: trees take some
// hundred times the memory of what they mean.
type stream struct {
	*loader
	whole  bool // nothing waits
	first  []*file
	later  []*file
	broken *findings // of files that cannot be parsed
}

// split parses what must be known first, and finds out what may wait.
func (s *stream) split() {
	s.broken = newFindings(s.found.files)
	all := s.first
	waits := make([]bool, len(all))
	twoAtOnce(len(all), func(i int) {
		all[i].read(s.fsys)
		if waits[i] = !s.whole && len(all) > 1 && all[i].flowsOnly(); !waits[i] {
			all[i].parse()
		}
	})
	s.first = nil
	for i, f := range all {
		if waits[i] {
			s.later = append(s.later, f)
			continue
		}
		s.first = append(s.first, f)
		f.report(s.broken)
	}
}

// made is what one flow block has become, without its tree.
type made struct {
	name  string
	at    hcl.Range // of its label
	flows []*loadedFlow
}

// flows decodes on two goroutines, each with findings of its own. It is false
// when a file that was to wait holds what should have been known before.
func (s *stream) flows(bundle *spec.Bundle) bool {
	var foundBy [2]*findings
	var workers [2]*worker
	for i := range workers {
		foundBy[i] = newFindings(s.found.files)
		workers[i] = s.worker(foundBy[i])
	}
	known := make([]made, len(s.root.flows))
	twoAtOnce(len(known), func(i int) { known[i] = workers[i%2].flow(s.root.flows[i]) })
	s.root.flows = nil
	late := make([][]made, len(s.later))
	strange := make([]bool, len(s.later))
	twoAtOnce(len(s.later), func(i int) { late[i], strange[i] = workers[i%2].file(s.later[i]) })
	if slices.Contains(strange, true) {
		return false
	}
	for _, f := range s.later {
		f.report(s.broken)
	}
	for _, found := range foundBy {
		s.found.list = append(s.found.list, found.list...)
	}
	s.disabled = map[spec.Address]struct{}{}
	for _, m := range known {
		s.keep(m, bundle)
	}
	for _, batch := range late {
		for _, m := range batch {
			if s.loader.first("flow."+m.name, m.at) {
				s.keep(m, bundle)
			}
		}
	}
	if s.jobs.Load() > maxJobs {
		s.found.error(CodeLimit, "", hcl.Range{}, "Too many jobs", "The folder declares more than %d jobs.", maxJobs)
	}
	slices.SortFunc(bundle.Flows, func(a, b *spec.Flow) int { return cmp.Compare(a.Address, b.Address) })
	return true
}

// file parses and decodes a file of flows, and lets its tree go.
func (w *worker) file(f *file) (batch []made, strange bool) {
	f.parse()
	if f.body == nil {
		return nil, false
	}
	if len(f.body.Attributes) > 0 {
		return nil, true
	}
	voc, _ := w.voc.Block("flow")
	for _, block := range f.body.Blocks {
		if block.Type != "flow" {
			return nil, true
		}
		if w.found.labels(voc, block, "") {
			batch = append(batch, w.flow(declaration{file: f, block: block, name: block.Labels[0]}))
		}
	}
	f.body = nil
	return batch, false
}

func (w *worker) flow(d declaration) made {
	return made{name: d.name, at: d.block.LabelRanges[0], flows: w.flows(d)}
}

func (s *stream) keep(m made, bundle *spec.Bundle) {
	s.root.flowNames = append(s.root.flowNames, m.name)
	for _, f := range m.flows {
		if !f.enabled {
			s.disabled[f.spec.Address] = struct{}{}
			continue
		}
		bundle.Flows = append(bundle.Flows, f.spec)
		bundle.Positions[f.spec.Address] = position(f.at)
		for name, at := range f.jobsAt {
			bundle.Positions[f.spec.Address.Job(name)] = position(at)
		}
	}
}
