package lang

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"

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
	found := newFindings(map[string]*file{})
	defer func() {
		if p := recover(); p != nil {
			found.error(CodeInternal, "", hcl.Range{}, "The folder could not be loaded", "This is a defect of lft, please report it: %v", p)
			bundle, list = nil, found.list
		}
	}()
	l := &loader{fsys: fsys, opt: opt, found: found, types: make(map[string]schema.JobType, len(opt.JobTypes))}
	for _, t := range opt.JobTypes {
		l.types[t.Name] = t
	}
	bundle = l.load()
	found.list.Sort()
	if found.list.HasErrors() {
		return nil, found.list
	}
	return bundle, found.list
}

// maxJobs bounds a project, so that nested for_each end.
const maxJobs = 1_000_000

// loader holds one folder while it is loaded. Once config is filled all but
// found is read only.
type loader struct {
	fsys   fs.FS
	opt    Options
	found  *findings
	types  map[string]schema.JobType
	root   root
	config eval.Scope
	pools  map[spec.Address]*spec.Pool
	// disabled are the flows that are declared with enabled = false.
	disabled map[spec.Address]struct{}
}

func (l *loader) load() *spec.Bundle {
	files := readFolder(l.fsys, l.found)
	if l.found.hasErrors() {
		// What stands in a broken file would be missed everywhere else.
		return nil
	}
	for _, f := range files {
		if f.body != nil {
			l.collect(f)
		}
	}
	if len(files) == 0 {
		l.found.error(CodeRead, "", hcl.Range{}, "No configuration", "The folder has no *.hcl files.")
		return nil
	}
	bundle := &spec.Bundle{Project: l.project(), Positions: map[spec.Address]spec.Position{}}
	first := l.worker(l.found)
	l.variables(first)
	l.config.EvalLocals(first.evaluator, l.root.locals, func(name string, err *expr.Error) {
		l.found.fault(spec.Address("local."+name), err)
	})
	first = l.worker(l.found)
	l.loadPools(first, bundle)
	l.loadFlows(bundle)
	l.loadSchedules(first, bundle)
	l.size(bundle)
	return bundle
}

func (l *loader) worker(found *findings) *worker {
	w := &worker{loader: l, found: found}
	w.evaluator = expr.NewEvaluator(eval.Limits(), eval.Functions(l.fsys), w.resolve)
	return w
}

// loadFlows decodes on two goroutines, each with findings of its own.
func (l *loader) loadFlows(bundle *spec.Bundle) {
	n := len(l.root.flows)
	made, foundBy := make([][]*loadedFlow, n), [2]*findings{}
	workers := [2]*worker{}
	for i := range workers {
		foundBy[i] = newFindings(l.found.files)
		workers[i] = l.worker(foundBy[i])
	}
	twoAtOnce(n, func(i int) { made[i] = workers[i%2].flows(l.root.flows[i]) })
	jobs := 0
	l.disabled = map[spec.Address]struct{}{}
	for _, flows := range made {
		for _, f := range flows {
			if !f.enabled {
				l.disabled[f.spec.Address] = struct{}{}
				continue
			}
			bundle.Flows = append(bundle.Flows, f.spec)
			bundle.Positions[f.spec.Address] = position(f.at)
			for name, at := range f.jobsAt {
				bundle.Positions[f.spec.Address.Job(name)] = position(at)
			}
			jobs += len(f.spec.Jobs)
		}
	}
	for _, found := range foundBy {
		for _, d := range found.list {
			l.found.merge(d)
		}
	}
	if jobs > maxJobs {
		l.found.error(CodeLimit, "", hcl.Range{}, "Too many jobs", "The folder declares %d jobs, more than %d.", jobs, maxJobs)
	}
	slices.SortFunc(bundle.Flows, func(a, b *spec.Flow) int { return cmp.Compare(a.Address, b.Address) })
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
