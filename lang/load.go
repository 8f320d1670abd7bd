package lang

import (
	"fmt"
	"io/fs"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/expr"
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
	Vars     map[string]string // -var name=value, raw text; these win
	VarFiles []string          // -var-file, paths inside the folder; a later one wins
	VarData  []File            // -var-file, read by the caller; they win over VarFiles
	Env      map[string]string // LFT_VAR_name by name; these lose
}

// File is a file that the caller has read.
type File struct {
	Name string
	Data []byte
}

// Load reads the *.hcl of a folder. When something is wrong the bundle is nil
// and the list says all of it, sorted; warnings come with a bundle.
func Load(fsys fs.FS, opt Options) (bundle *spec.Bundle, list diag.List) {
	defer func() {
		if p := recover(); p != nil {
			found := newFindings(nil)
			found.error(CodeInternal, "", hcl.Range{}, "The folder could not be loaded", "This is a defect of lft, please report it: %v", p)
			bundle, list = nil, found.list
		}
	}()
	l := newLoader(fsys, opt)
	bundle, done := l.load(false)
	if !done {
		l = newLoader(fsys, opt)
		bundle, _ = l.load(true)
	}
	list = l.found.list
	list.Sort()
	if list.HasErrors() {
		return nil, list
	}
	return bundle, list
}

// maxJobs bounds a project, so that for_each inside for_each ends.
const maxJobs = 200_000

// loader holds one folder while it is loaded. Once config and pools are filled,
// all but found is read only, but for the counter.
type loader struct {
	fsys   fs.FS
	opt    Options
	found  *findings
	voc    schema.Block // of a file
	types  map[string]*jobType
	root   root
	config eval.Scope
	pools  map[spec.Address]*spec.Pool
	// disabled are the flows that are declared with enabled = false.
	disabled map[spec.Address]struct{}
	jobs     atomic.Int64 // of all flows decoded so far
}

func newLoader(fsys fs.FS, opt Options) *loader {
	l := &loader{fsys: fsys, opt: opt, found: newFindings(map[string]*file{}), voc: schema.File(), types: make(map[string]*jobType, len(opt.JobTypes))}
	for _, t := range opt.JobTypes {
		l.types[t.Name] = newJobType(t)
	}
	return l
}

// load is not done when the order in which it took the files was wrong; then
// they are to be taken as a whole.
func (l *loader) load(whole bool) (bundle *spec.Bundle, done bool) {
	files := listFolder(l.fsys, l.found)
	if len(files) == 0 && !l.found.hasErrors() {
		l.found.error(CodeRead, "", hcl.Range{}, "No configuration", "The folder has no *.hcl files.")
	}
	if len(files) == 0 {
		return nil, true
	}
	s := stream{loader: l, whole: whole, first: files}
	s.split()
	for _, f := range s.first {
		if f.body != nil {
			l.collect(f)
		}
	}
	bundle = &spec.Bundle{Project: l.project(), Positions: map[spec.Address]spec.Position{}}
	one := l.worker(l.found)
	l.variables(one)
	l.config.EvalLocals(one.evaluator, l.root.locals, func(name string, err *expr.Error) {
		l.found.fault(spec.Address("local."+name), err)
	})
	one = l.worker(l.found)
	l.loadPools(one, bundle)
	if !s.flows(bundle) {
		return nil, false
	}
	if s.broken.hasErrors() {
		// What stands in a broken file is missed everywhere else.
		l.found.list = s.broken.list
		return nil, true
	}
	l.loadSchedules(one, bundle)
	l.size(bundle)
	return bundle, true
}

func (l *loader) worker(found *findings) *worker {
	w := &worker{loader: l, found: found}
	w.evaluator = expr.NewEvaluator(eval.Limits(), eval.Functions(l.fsys), w.resolve)
	return w
}

// size refuses objects whose canonical form is too large to store.
func (l *loader) size(bundle *spec.Bundle) {
	check := func(addr spec.Address, size int) {
		if size > spec.MaxSize {
			l.found.error(CodeLimit, addr, l.root.at(addr), "The object is too large", "%s has %d bytes in all, more than %d. %s", addr, size, spec.MaxSize, "Split the flow, or keep large files out of it.")
		}
	}
	for _, f := range bundle.Flows {
		if mayBeLarge(f) {
			check(f.Address, len(f.Canonical()))
		}
	}
	for _, s := range bundle.Schedules {
		check(s.Address, len(s.Canonical()))
	}
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
