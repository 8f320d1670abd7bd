package lang

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/dag"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// group is what one job block declares: one job, or one for each key. A job that
// is not enabled is nil.
type group struct {
	block node
	keyed bool
	jobs  map[string]*job // by key; "" without for_each
	value cty.Value       // what job.NAME is while planning; NilVal until asked for
}

// findJobs expands all job blocks, so that jobs can refer to each other in any
// order.
func (f *flow) findJobs() {
	voc, _ := f.voc.Block("job")
	f.groups = map[string]*group{}
	if f.w.jobs.Load() > maxJobs {
		return
	}
	for _, b := range f.w.blocks(f.addr, f.voc, f.block.Body, "job") {
		if len(b.Labels) != 2 {
			continue
		}
		name := b.Labels[1]
		if before, ok := f.groups[name]; ok {
			f.w.found.error(CodeDuplicate, f.addr.Job(name), b.LabelRanges[1], "Declared twice", "job %q is already declared at line %d; names of jobs are unique in their flow, whatever their type.", name, before.block.TypeRange.Start.Line)
			continue
		}
		_, keyed := b.Body.Attributes["for_each"]
		g := &group{block: b, keyed: keyed, jobs: map[string]*job{}}
		f.groups[name] = g
		f.expandJob(voc, g)
	}
	f.w.jobs.Add(int64(len(f.jobs)))
	if len(f.jobs) > maxFlowJobs {
		f.w.found.error(CodeLimit, f.addr, f.block.DefRange(), "Too many jobs", "The flow has %d jobs, more than %d.", len(f.jobs), maxFlowJobs)
		f.jobs = nil
	}
	slices.SortFunc(f.jobs, func(a, b *job) int { return strings.Compare(a.spec.Name, b.spec.Name) })
}

func (f *flow) expandJob(voc schema.Block, g *group) {
	b := g.block
	defer f.w.within(b.each)()
	addr := f.addr.Job(b.Labels[1])
	jobType, ok := f.w.types[b.Labels[0]]
	if !ok {
		names := slices.Sorted(maps.Keys(f.w.types))
		f.w.found.error(CodeUnknown, addr, b.LabelRanges[0], "Unknown job type", "There is no job type %q; there are %s.%s", b.Labels[0], list(names), eval.DidYouMean(b.Labels[0], names))
	}
	starts := jobType != nil && jobType.schema.Kind == string(spec.KindFlow)
	if ok && b.each != nil {
		f.w.found.check(voc, b.Block, jobType.schema.Attributes, addr)
	}
	outputs, types := f.outputs(voc, addr, b.Block)
	all, _ := f.w.instances(addr, b.Body)
	for _, one := range all {
		if !one.enabled {
			g.jobs[one.key] = nil
			continue
		}
		j := &job{
			flow: f, block: b.Block, voc: voc, jobType: jobType, each: one.each, outputs: types,
			spec: &spec.Job{Name: spec.Instance(b.Labels[1], one.key), Type: b.Labels[0], Outputs: outputs},
		}
		g.jobs[one.key] = j
		f.jobs = append(f.jobs, j)
		if starts {
			leave := f.w.within(one.each)
			j.child()
			leave()
		}
	}
}

func (f *flow) outputs(voc schema.Block, addr spec.Address, b *hclsyntax.Block) ([]*spec.Output, map[string]cty.Type) {
	types := map[string]cty.Type{}
	var outputs []*spec.Output
	for _, inner := range f.w.blocks(addr, voc, b.Body, "output") {
		if len(inner.Labels) != 1 {
			continue
		}
		name := inner.Labels[0]
		if _, ok := types[name]; ok {
			f.w.found.error(CodeDuplicate, addr, inner.LabelRanges[0], "Declared twice", "output %q is already declared in this job.", name)
			continue
		}
		encoded, ty := f.w.readType(addr, inner.Block)
		types[name] = ty
		outputs = append(outputs, &spec.Output{Name: name, Type: encoded})
	}
	slices.SortFunc(outputs, func(a, b *spec.Output) int { return strings.Compare(a.Name, b.Name) })
	return outputs, types
}

// planned is what job.NAME is while planning: its shape, with unknown values.
func (g *group) planned() cty.Value {
	if g.value != cty.NilVal {
		return g.value
	}
	instances := make(map[string]cty.Value, len(g.jobs))
	for key, j := range g.jobs {
		output := cty.EmptyObjectVal // of a job that is not enabled
		if j != nil {
			output = j.plannedOutput()
		}
		instances[key] = cty.ObjectVal(map[string]cty.Value{
			expr.StatusMember: cty.UnknownVal(cty.String).RefineNotNull(), expr.OutputMember: output,
		})
	}
	switch {
	case g.keyed:
		g.value = cty.ObjectVal(instances)
	case len(instances) == 1:
		g.value = instances[""]
	default:
		g.value = cty.DynamicVal // a fault in enabled was reported
	}
	return g.value
}

func (j *job) plannedOutput() cty.Value {
	if j.unknownChild() {
		return cty.DynamicVal
	}
	return cty.UnknownVal(cty.Object(j.outputs)).RefineNotNull()
}

// checkCycles looks for jobs that wait for each other; false when there are some.
func (f *flow) checkCycles() bool {
	if f.edges > maxFlowEdges {
		f.w.found.error(CodeLimit, f.addr, f.block.DefRange(), "Too many edges", "The jobs of the flow have %d edges, more than %d.", f.edges, maxFlowEdges)
		return false
	}
	b := dag.New[string](len(f.jobs), f.edges)
	at := make(map[string]hcl.Range, len(f.jobs))
	for _, j := range f.jobs {
		b.Add(j.spec.Name)
		at[j.spec.Name] = j.block.TypeRange
	}
	for _, j := range f.jobs {
		for _, upstream := range j.spec.Upstreams {
			if err := b.Connect(upstream, j.spec.Name); err != nil {
				panic(err) // upstreams are names of jobs
			}
		}
	}
	graph := b.Build()
	cycles := graph.Cycles()
	for _, cycle := range cycles {
		names := graph.Names(cycle)
		// The graph says who comes first, the message who waits for whom.
		slices.Reverse(names[1:])
		hop := func(name string) hcl.Range { return at[strings.TrimPrefix(name, "job.")] }
		for i := range names {
			names[i] = "job." + names[i]
		}
		f.w.found.error(CodeCycle, f.addr, hop(names[0]), "Jobs wait for each other", "Each waits for the next: %s.", cyclePath(names, hop))
	}
	return len(cycles) == 0
}
