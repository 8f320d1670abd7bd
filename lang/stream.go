package lang

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/spec"
)

// stream decodes flows. Files that hold flows and nothing else are parsed only
// now that all else is known, decoded at once, and their syntax trees let go:
// trees take some hundred times the memory of what they mean.
type stream struct {
	*loader

	workers [2]*worker
}

// made is what one flow block has become in all modules it is part of, without
// its tree.
type made struct {
	folder *folder
	name   string
	at     hcl.Range // of its label
	sets   []madeSet
	// waits is the block when it starts other flows, until these are known.
	waits *declaration
}

// madeSet is a flow block in one module.
type madeSet struct {
	addr      spec.Address // without key
	set       *set
	flows     []*loadedFlow
	contracts map[spec.Address]*contract // of a flow that waits, by instance
}

// waiting is a file that is not parsed yet.
type waiting struct {
	folder *folder
	file   *file
}

// decodeFlows works on two goroutines, each with findings of its own. It is false
// when a file that was to wait holds what should have been known before.
func (s *stream) decodeFlows(bundle *spec.Bundle) bool {
	for i := range s.workers {
		s.workers[i] = s.worker(newFindings(s.found.files))
	}
	known, late, ok := s.decodeAll()
	if !ok {
		return false
	}
	all := slices.Concat(append(late, known)...)
	s.decodeStarters(all)
	if s.opt.Cache != nil {
		twoAtOnce(len(all), func(i int) { all[i].settle() })
	}
	for _, w := range s.workers {
		s.found.list = append(s.found.list, w.found.list...)
	}
	for _, m := range known {
		s.keep(m, bundle)
	}
	for _, batch := range late {
		for _, m := range batch {
			if m.folder.once("flow."+m.name, m.at, s.found) {
				s.keep(m, bundle)
			}
		}
	}
	s.checkStarts(s.worker(s.found), bundle)
	if s.jobs.Load() > maxJobs {
		s.found.error(CodeLimit, "", hcl.Range{}, "Too many jobs", "The folder declares more than %d jobs.", maxJobs)
	}
	return true
}

// decodeAll takes what is parsed, then file after file what is not. Folders come
// in the order in which their modules do.
func (s *stream) decodeAll() (known []*made, late [][]*made, ok bool) {
	var blocks []declaration
	var in []*folder
	var files []waiting
	for _, m := range s.modules {
		if m.folder.modules[0] != m {
			continue
		}
		for _, d := range m.blocks[spec.FlowKind] {
			blocks, in = append(blocks, d), append(in, m.folder)
		}
		if !s.whole {
			m.blocks[spec.FlowKind] = nil
		}
		for _, f := range m.later {
			files = append(files, waiting{m.folder, f})
		}
	}
	known = make([]*made, len(blocks))
	twoAtOnce(len(blocks), func(i int) { known[i] = s.workers[i%2].flow(in[i], blocks[i]) })
	late = make([][]*made, len(files))
	strange := make([]bool, len(files))
	twoAtOnce(len(files), func(i int) { late[i], strange[i] = s.workers[i%2].file(files[i]) })
	for _, f := range files {
		f.file.report(s.broken)
	}
	return known, late, !slices.Contains(strange, true)
}

// file parses and decodes a file of flows, and lets its tree go.
func (w *worker) file(f waiting) (batch []*made, strange bool) {
	if w.opt.Cache == nil || f.file.err != nil {
		return w.decodeFile(f)
	}
	key := w.key(f)
	if batch, ok := w.recall(f, key); ok {
		return batch, false
	}
	before := len(w.found.list)
	w.uses = &uses{seen: map[use]struct{}{}}
	defer func() { w.uses = nil }()
	batch, strange = w.decodeFile(f)
	if f.file.err != nil || len(f.file.errs) > 0 || strange || len(w.found.list) > before {
		return batch, strange
	}
	for _, m := range batch {
		if m.waits == nil {
			m.settle()
		}
	}
	w.remember(key, batch)
	return batch, false
}

func (w *worker) decodeFile(f waiting) (batch []*made, strange bool) {
	f.file.parse(w.voc)
	body := f.file.body
	if body == nil {
		return nil, false
	}
	if len(body.Attributes) > 0 {
		return nil, true
	}
	voc, _ := w.voc.Block(spec.FlowKind)
	for _, block := range body.Blocks {
		if block.Type != spec.FlowKind {
			return nil, true
		}
		if w.found.labels(voc, block, "") {
			batch = append(batch, w.flow(f.folder, declaration{file: f.file, block: block, name: block.Labels[0]}))
		}
	}
	f.file.body = nil
	return batch, false
}

func (m *made) settle() {
	for _, one := range m.sets {
		for _, f := range one.flows {
			f.settle()
		}
	}
}

// decodeStarters decodes the flows that start others, now that it is known what
// all flows take and give.
func (s *stream) decodeStarters(all []*made) {
	var starters []*made
	for _, m := range all {
		for _, one := range m.sets {
			maps.Copy(s.contracts, one.contracts)
			for _, f := range one.flows {
				s.declare(f)
			}
		}
		if m.waits != nil {
			starters = append(starters, m)
		}
	}
	twoAtOnce(len(starters), func(i int) { s.workers[i%2].decodeFlow(starters[i]) })
}

// flow decodes a block in all modules that are made of its folder, unless it has
// to wait.
func (w *worker) flow(f *folder, d declaration) *made {
	m := &made{folder: f, name: d.name, at: d.block.LabelRanges[0], waits: &d}
	if !w.startsFlows(d.block) {
		w.decodeFlow(m)
		return m
	}
	for _, module := range f.modules {
		w.enter(module, nil)
		m.sets = append(m.sets, w.signAll(d))
	}
	return m
}

func (w *worker) decodeFlow(m *made) {
	d := *m.waits
	m.waits, m.sets = nil, nil
	for i, module := range m.folder.modules {
		w.enter(module, nil)
		if i == 0 {
			w.checkFlow(d)
		}
		m.sets = append(m.sets, w.flows(d))
	}
}

func (s *stream) keep(m *made, bundle *spec.Bundle) {
	for _, one := range m.sets {
		s.sets[one.addr] = one.set
		for _, f := range one.flows {
			s.declare(f)
			s.starts = append(s.starts, f.starts...)
			if f.spec != nil {
				bundle.Flows = append(bundle.Flows, f.spec)
			} else {
				bundle.Settled = append(bundle.Settled, spec.Settled{Address: f.addr, Digest: f.digest, Data: f.data})
			}
			bundle.Positions[f.addr] = spec.Position{File: m.at.Filename, Line: f.line}
			for _, j := range f.jobs {
				bundle.Positions[f.addr.Job(j.name)] = spec.Position{File: m.at.Filename, Line: j.line}
			}
		}
	}
}

// declare makes a flow known to those that name it.
func (l *loader) declare(f *loadedFlow) {
	if f.spec != nil {
		l.declared[f.addr] = f.spec
		return
	}
	delete(l.declared, f.addr)
	l.heads[f.addr] = f.head
}

// declaredFlow returns a flow, perhaps without its jobs.
func (l *loader) declaredFlow(addr spec.Address) (*spec.Flow, bool) {
	if f, ok := l.declared[addr]; ok {
		return f, true
	}
	head, ok := l.heads[addr]
	if !ok {
		return nil, false
	}
	f, err := spec.DecodeFlow(head, addr)
	return f, err == nil
}
