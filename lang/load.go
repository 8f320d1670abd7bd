package lang

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// DefaultProject is what a folder without a name of its own declares.
const DefaultProject = "default"

// Options are what a folder alone does not say.
type Options struct {
	JobTypes []schema.JobType
	Version  string            // of this lft, for required_version; "" or no version: not checked
	Given    []Given           // -var and -var-file in their order; a later one wins
	Env      map[string]string // LFT_VAR_name by name; these lose
	Foreign  []string          // environment variables of other tools that look like LFT_VAR_name; only told of
	// Ask is called for each variable that nothing gives a value, by name, when
	// nothing is wrong by then. nil: nobody is asked.
	Ask   func(Wanted) (text string, ok bool)
	Open  Opener // of modules outside the folder; nil = there are none
	Cache Cache  // of what files mean; with one, flows come as Bundle.Settled
	// Incomplete takes variables without a value for unknown, and says nothing of
	// what depends on them: to check a folder by itself. The bundle is of no use.
	Incomplete bool
}

// Given is a -var, or a -var-file that the caller has read.
type Given struct {
	Name string // of the variable, or of the file
	Text string // of a -var
	Data []byte // of a file; not nil
}

// Load reads the *.hcl of a folder and of the modules it uses. When something is
// wrong the bundle is nil and the list says all of it, sorted; warnings come with
// a bundle.
func Load(fsys fs.FS, opt Options) (*spec.Bundle, diag.List) {
	_, bundle, list := loadProject(fsys, opt, false)
	return bundle, list
}

// loadProject is Load for further questions; whole keeps all that was parsed.
func loadProject(fsys fs.FS, opt Options, whole bool) (l *loader, bundle *spec.Bundle, list diag.List) {
	defer func() {
		if p := recover(); p != nil {
			found := newFindings(nil)
			found.error(CodeInternal, "", hcl.Range{}, "The folder could not be loaded", "This is a defect of lft, please report it: %v", p)
			bundle, list = nil, found.list
		}
	}()
	l = newLoader(fsys, opt)
	l.whole = whole
	bundle, done := l.load()
	if !done {
		l = newLoader(fsys, opt)
		l.whole = true
		bundle, _ = l.load()
	}
	list = l.found.list
	list.Sort()
	if list.HasErrors() {
		return l, nil, list
	}
	return l, bundle, list
}

// maxJobs bounds a project, so that for_each inside for_each ends.
const maxJobs = 200_000

// loader holds a project while it is loaded: first the folders and calls of all
// modules are read, then their values computed, then objects decoded. While flows
// are decoded, on two goroutines, all but the counters is read only.
type loader struct {
	opt    Options
	voc    schema.Block // of a file
	types  map[string]*jobType
	stamp  digest // of what the meaning of all files depends on
	found  *findings
	broken *findings // of files that cannot be parsed
	whole  bool      // no file waits

	mounts  map[string]*mount  // by name
	folders map[string]*folder // by name
	top     *module            // the project's folder
	modules []*module          // all, the top first

	objects
	claims
	counters
}

// counters bound a project; all workers change them.
type counters struct {
	calls int          // before flows are decoded
	jobs  atomic.Int64 // of all flows decoded so far
	made  atomic.Int64 // blocks, by dynamic ones
	steps atomic.Int64 // that evaluation may still take, all workers together
}

// claims are what is judged when all that it speaks of is known.
type claims struct {
	rules    []ruled // variables with rules of their own
	moves    []move
	removals []removal
	starts   []start // of flows by jobs
}

func newLoader(fsys fs.FS, opt Options) *loader {
	files := map[string]*file{}
	if opt.Incomplete {
		opt.Cache = nil
	}
	l := &loader{
		opt: opt, voc: schema.File(), types: make(map[string]*jobType, len(opt.JobTypes)), stamp: newStamp(opt),
		found: newFindings(files), broken: newFindings(files),
		mounts: map[string]*mount{".": {name: ".", fsys: fsys}}, folders: map[string]*folder{}, objects: newObjects(),
	}
	l.steps.Store(int64(eval.Limits().Steps))
	for _, t := range opt.JobTypes {
		l.types[t.Name] = newJobType(t)
	}
	return l
}

// load is not done when the order in which it took the files was wrong; then
// they are to be taken as a whole.
func (l *loader) load() (bundle *spec.Bundle, done bool) {
	if !l.open() {
		return nil, true
	}
	bundle = &spec.Bundle{Project: l.project(), Positions: map[spec.Address]spec.Position{}}
	l.values(l.worker(l.found))
	one := l.worker(l.found)
	l.validate(one)
	l.decode(one, beforeFlows(), bundle)
	s := stream{loader: l}
	if !s.decodeFlows(bundle) {
		return nil, false
	}
	if l.broken.hasErrors() {
		// What stands in a broken file is missed everywhere else.
		l.found.list = l.broken.list
		return nil, true
	}
	l.decode(one, afterFlows(), bundle)
	l.checkMoves(bundle)
	bundle.Variables = l.shownVariables()
	bundle.Off = l.off()
	l.size(bundle)
	sortBundle(bundle)
	return bundle, true
}

// open reads the project's folder and those of all modules.
func (l *loader) open() bool {
	f, ok := l.openTop()
	if !ok {
		return false
	}
	top := &call{folder: f}
	l.descend(top)
	l.top = l.newModule(top, "", "", nil, nil)
	return true
}

// sortBundle puts all objects in the order of their addresses.
func sortBundle(b *spec.Bundle) {
	slices.SortFunc(b.Flows, func(a, b *spec.Flow) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(b.Settled, func(a, b spec.Settled) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(b.Schedules, func(a, b *spec.Schedule) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(b.Pools, func(a, b *spec.Pool) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(b.Calendars, func(a, b *spec.Calendar) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(b.Dependencies, func(a, b *spec.Dependency) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(b.Outputs, func(a, b *spec.ProjectOutput) int { return cmp.Compare(a.Address, b.Address) })
}

// size refuses objects whose canonical form is too large to store.
func (l *loader) size(bundle *spec.Bundle) {
	check := func(addr spec.Address, size int) {
		if size > spec.MaxSize {
			l.found.error(CodeLimit, addr, l.at(addr), "The object is too large", "%s has %d bytes in all, more than %d. %s", addr, size, spec.MaxSize, "Split the flow, or keep large files out of it.")
		}
	}
	for _, f := range bundle.Flows {
		if mayBeLarge(f) {
			check(f.Address, len(f.Canonical()))
		}
	}
	for _, f := range bundle.Settled {
		check(f.Address, len(f.Data))
	}
	for _, s := range bundle.Schedules {
		check(s.Address, len(s.Canonical()))
	}
	for _, c := range bundle.Calendars {
		check(c.Address, len(c.Canonical()))
	}
	for _, d := range bundle.Dependencies {
		check(d.Address, len(d.Canonical()))
	}
	for _, o := range bundle.Outputs {
		check(o.Address, len(o.Canonical()))
	}
}

// at is where an object was declared.
func (l *loader) at(addr spec.Address) hcl.Range {
	for _, m := range l.modules {
		if m.addr == addr.Module() {
			return m.at(addr)
		}
	}
	return hcl.Range{}
}

// mayBeLarge adds up the bytes a flow is made of, which is cheaper than to write
// them. Escapes and names at most multiply them.
func mayBeLarge(f *spec.Flow) bool {
	n := len(f.Description) + 400*len(f.Jobs)
	for _, j := range f.Jobs {
		for _, values := range []map[string]*spec.Value{j.Args, j.Env} {
			for name, v := range values {
				n += len(name) + len(v.Literal) + len(v.Expr) + 20
				for _, captured := range v.Vars {
					n += len(captured) + 20
				}
			}
		}
		for _, u := range j.Upstreams {
			n += len(u) + 3
		}
	}
	return 6*n > spec.MaxSize
}

func position(rng hcl.Range) spec.Position {
	return spec.Position{File: rng.Filename, Line: rng.Start.Line}
}

// cyclePath is a cycle, each hop with its place.
func cyclePath(names []string, at func(name string) hcl.Range) string {
	text := ""
	for i, name := range append(names, names[0]) {
		if i > 0 {
			text += " → "
		}
		rng := at(name)
		text += fmt.Sprintf("%s (%s:%d)", name, rng.Filename, rng.Start.Line)
	}
	return text
}
