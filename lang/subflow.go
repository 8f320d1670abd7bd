package lang

import (
	"fmt"
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

// Arguments of a job that starts a flow; see schema.ChildAttributes.
const (
	flowArgument   = "flow"
	paramsArgument = "params"
)

// contract is what those who start a flow must know of it.
type contract struct {
	params   map[string]cty.Type
	required map[string]struct{}
	outputs  map[string]cty.Type
	declared []*spec.Output // the same, as a job has them
}

func newContract() *contract {
	return &contract{params: map[string]cty.Type{}, required: map[string]struct{}{}, outputs: map[string]cty.Type{}}
}

func (c *contract) output(name string, ty spec.Type, decoded cty.Type) {
	i, there := slices.BinarySearchFunc(c.declared, name, func(o *spec.Output, name string) int { return strings.Compare(o.Name, name) })
	if !there {
		c.outputs[name] = decoded
		c.declared = slices.Insert(c.declared, i, &spec.Output{Name: name, Type: ty})
	}
}

// sign reads the contract of an instance of a flow that is not decoded yet.
func (w *worker) sign(addr spec.Address, b *hclsyntax.Block) *contract {
	voc, _ := w.voc.Block(spec.FlowKind)
	c := newContract()
	for _, p := range w.blocks(addr, voc, b.Body, "param") {
		if len(p.Labels) != 1 {
			continue
		}
		_, c.params[p.Labels[0]] = w.readType(addr, p.Block)
		if attr, ok := p.Body.Attributes["default"]; !ok || isNull(attr.Expr) {
			c.required[p.Labels[0]] = struct{}{}
		}
	}
	for _, o := range w.blocks(addr, voc, b.Body, "output") {
		if len(o.Labels) == 1 {
			ty, decoded := w.readType(addr, o.Block)
			c.output(o.Labels[0], ty, decoded)
		}
	}
	return c
}

// contract returns that of a flow, or nil when there is no such flow, which is
// reported when all are known.
func (l *loader) contract(addr spec.Address) *contract {
	if c, ok := l.contracts[addr]; ok {
		return c
	}
	f, ok := l.declaredFlow(addr)
	if !ok {
		return nil
	}
	c := newContract()
	for _, p := range f.Params {
		if ty, err := expr.DecodeType(p.Type); err == nil {
			c.params[p.Name] = ty
		}
		if p.Default == nil {
			c.required[p.Name] = struct{}{}
		}
	}
	for _, o := range f.Outputs {
		if ty, err := expr.DecodeType(o.Type); err == nil {
			c.output(o.Name, o.Type, ty)
		}
	}
	return c
}

// startsFlows tells whether a flow has jobs that start flows.
func (w *worker) startsFlows(b *hclsyntax.Block) bool {
	return slices.ContainsFunc(b.Body.Blocks, func(inner *hclsyntax.Block) bool {
		if inner.Type == dynamicBlock && len(inner.Labels) == 1 && inner.Labels[0] == spec.JobKind {
			return true // it may be one
		}
		if inner.Type != spec.JobKind || len(inner.Labels) != 2 {
			return false
		}
		t, ok := w.types[inner.Labels[0]]
		return ok && t.schema.Kind == string(spec.KindFlow)
	})
}

// child looks up the flow that a job starts, so that its outputs have types. That
// the flow exists is found out when all flows are known.
func (j *job) child() {
	w := j.flow.w
	attr, ok := j.block.Body.Attributes[flowArgument]
	if !ok || isNull(attr.Expr) {
		w.found.error(CodeMissing, j.addr(), j.block.DefRange(), "Missing attribute", "A job of type %q needs %q: the flow it starts.", j.spec.Type, flowArgument)
		return
	}
	ref, ok := w.reference(j.addr(), spec.FlowKind, attr.Expr)
	if !ok {
		return
	}
	j.spec.Flow = ref.Address()
	j.flow.starts = append(j.flow.starts, start{job: j.addr(), ref: ref, at: attr.Expr.Range()})
	if j.starts = w.contract(ref.Address()); j.starts != nil {
		j.outputs = j.starts.outputs
		j.spec.Outputs = j.starts.declared
	}
}

// childParams reads what a job gives to the flow it starts.
func (j *job) childParams() {
	if j.starts == nil {
		return
	}
	w := j.flow.w
	names := slices.Sorted(maps.Keys(j.starts.params))
	given := map[string]struct{}{}
	if attr, ok := j.block.Body.Attributes[paramsArgument]; ok && !isNull(attr.Expr) {
		j.scope(paramsArgument).entries(attr.Expr, func(name string, rng hcl.Range, x hclsyntax.Expression) {
			ty, ok := j.starts.params[name]
			if !ok {
				w.found.error(CodeReference, j.addr(), rng, "Unknown parameter", "%s has no param %q.%s", j.spec.Flow, name, eval.DidYouMean(name, names))
				return
			}
			if isNull(x) {
				return // as if it were not given
			}
			given[name] = struct{}{}
			if v := j.scope(paramsArgument, name).value(x, ty, true); v != nil {
				if j.spec.Params == nil {
					j.spec.Params = map[string]*spec.Value{}
				}
				j.spec.Params[name] = v
			}
		})
	}
	for _, name := range names {
		_, required := j.starts.required[name]
		if _, ok := given[name]; required && !ok {
			w.found.error(CodeMissing, j.addr(), j.block.DefRange(), "Missing parameter", "%s needs param %q, which has no default. Give it: params = { %s = … }.", j.spec.Flow, name, name)
		}
	}
}

// start is a job that starts a flow.
type start struct {
	job spec.Address
	ref eval.Reference
	at  hcl.Range
}

// checkStarts refuses flows that are not there, that come back to themselves, and
// that go too deep.
func (l *loader) checkStarts(w *worker, bundle *spec.Bundle) {
	b := dag.New[spec.Address](len(l.starts), len(l.starts))
	at := map[[2]spec.Address]start{}
	for _, s := range l.starts {
		if !w.exists(s.job, s.ref, s.at) {
			continue
		}
		from, to := s.job.Flow(), s.ref.Address()
		b.Add(from)
		b.Add(to)
		_ = b.Connect(from, to) // both were added
		if _, ok := at[[2]spec.Address{from, to}]; !ok {
			at[[2]spec.Address{from, to}] = s
		}
	}
	graph := b.Build()
	for _, cycle := range graph.Cycles() {
		names := graph.Names(cycle)
		first := at[[2]spec.Address{names[0], names[1%len(names)]}]
		text := ""
		for i, name := range names {
			hop := at[[2]spec.Address{name, names[(i+1)%len(names)]}]
			text += fmt.Sprintf("%s (%s:%d) → ", name, hop.at.Filename, hop.at.Start.Line)
		}
		l.found.error(CodeCycle, first.job, first.at, "Flows start each other", "Each starts the next: %s%s.", text, names[0])
	}
	l.checkDepth(graph, at)
}

// checkDepth follows the flows from those that nobody starts.
func (l *loader) checkDepth(graph *dag.Graph[spec.Address], at map[[2]spec.Address]start) {
	order, _ := graph.Order()
	depth := make([]int, graph.Len())
	for _, i := range order {
		for _, to := range graph.Out(i) {
			if depth[to] = max(depth[to], depth[i]+1); depth[i]+1 != spec.MaxNesting {
				continue
			}
			s := at[[2]spec.Address{graph.Node(i), graph.Node(to)}]
			l.found.error(CodeLimit, s.job, s.at, "Flows start flows too deep", "%s is started by a flow that is started by a flow, and so on: more than %d flows in a row.", graph.Node(to), spec.MaxNesting)
		}
	}
}

// readOutputs reads what an execution of the flow hands to the flow that started
// it.
func (f *flow) readOutputs() []*spec.FlowOutput {
	var outputs []*spec.FlowOutput
	at := map[string]hcl.Range{}
	voc, _ := f.voc.Block("output")
	for _, b := range f.w.blocks(f.addr, f.voc, f.block.Body, "output") {
		if len(b.Labels) != 1 {
			continue
		}
		name := b.Labels[0]
		if before, ok := at[name]; ok {
			f.w.found.error(CodeDuplicate, f.addr, b.LabelRanges[0], "Declared twice", "output %q is already declared at line %d.", name, before.Start.Line)
			continue
		}
		at[name] = b.LabelRanges[0]
		outputs = append(outputs, f.readOutput(voc, name, b))
	}
	slices.SortFunc(outputs, func(a, b *spec.FlowOutput) int { return strings.Compare(a.Name, b.Name) })
	return outputs
}

func (f *flow) readOutput(voc schema.Block, name string, b node) *spec.FlowOutput {
	defer f.w.within(b.each)()
	r := reader{w: f.w, addr: f.addr, voc: voc, body: b.Body, at: f.at.in("outputs", name)}
	o := &spec.FlowOutput{Name: name}
	o.Description, _ = r.text("description")
	var ty cty.Type
	o.Type, ty = f.w.readType(f.addr, b.Block)
	attr := r.find("value")
	if attr == nil {
		return o // reported as missing
	}
	// It sees what a job would see that comes after all others.
	last := &job{flow: f, block: b.Block, spec: &spec.Job{Kind: spec.KindInstant}, output: true, upstreams: map[string]struct{}{}}
	scope := runTime{w: f.w, addr: f.addr, file: f.file, flow: f, job: last, at: r.at.in("value")}
	if o.Value = scope.value(attr.Expr, ty, true); o.Value == nil && isNull(attr.Expr) {
		f.w.found.error(CodeMissing, f.addr, attr.Expr.Range(), "Missing value", "output %q has no value.", name)
	}
	f.relies = append(f.relies, last.relies...)
	return o
}

// signAll reads the contracts of all instances of a flow that is to be decoded
// later; what is wrong with them is reported then.
func (w *worker) signAll(d declaration) madeSet {
	found := w.found
	w.found = newFindings(nil)
	defer func() { w.found = found }()
	made := madeSet{addr: w.addressOf(d), contracts: map[spec.Address]*contract{}}
	all, _ := w.instances(made.addr, d.block.Body)
	for _, one := range all {
		w.each = one.each
		addr := w.objectAddress(d, one.key)
		made.contracts[addr] = w.sign(addr, d.block)
	}
	w.each = nil
	return made
}
