package lang

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// Bounds of a flow.
const (
	maxFlowJobs  = 20_000
	maxFlowEdges = 100_000
)

// loadedFlow is an instance of a flow with the places of what is in it.
type loadedFlow struct {
	addr   spec.Address
	spec   *spec.Flow // nil when it was settled
	starts []start
	line   int
	jobs   []placed

	// Once settled:
	data   []byte // canonical
	digest string
	head   []byte // canonical form without jobs
	secret bool   // something in it is sensitive
}

// placed is a job with the line it is declared at.
type placed struct {
	name string
	line int
}

// settle puts a flow into canonical form, and lets all but that go.
func (f *loadedFlow) settle() {
	if f.spec == nil {
		return
	}
	f.data, f.secret = f.spec.Canonical(), len(f.spec.Sensitive) > 0
	f.digest = spec.Digest(f.data)
	head := spec.Flow{Address: f.addr, Params: f.spec.Params, Outputs: f.spec.Outputs}
	f.head, f.spec = head.Canonical(), nil
}

// flow is an instance of a flow while it is decoded.
type flow struct {
	w        *worker
	file     *file
	addr     spec.Address
	each     *eval.Each
	block    *hclsyntax.Block
	defaults node // without block when there is none
	params   map[string]cty.Type
	groups   map[string]*group
	jobs     []*job
	edges    int
	voc      schema.Block
	at       spot
	starts   []start    // of flows, by its jobs
	relies   []reliance // of outputs, by its jobs and its own outputs
}

// flows decodes all instances of a declared flow in the module the worker is in.
func (w *worker) flows(d declaration) madeSet {
	addr := w.addressOf(d)
	voc, _ := w.voc.Block("flow")
	all, known := w.instances(addr, d.block.Body)
	made := madeSet{addr: addr, set: newSet(d.block.Body, all, known)}
	var flows []*flow
	for _, one := range all {
		if !one.enabled {
			continue
		}
		w.each = one.each
		f := &flow{w: w, file: d.file, addr: w.objectAddress(d, one.key), each: one.each, block: d.block, voc: voc, at: spot{secrets: &secrets{}}}
		f.defaults, _ = w.only(f.addr, voc, d.block.Body, "defaults")
		f.findJobs()
		flows = append(flows, f)
	}
	// All instances are counted before the first is decoded: too many end here.
	for _, f := range flows {
		w.each = f.each
		made.flows = append(made.flows, f.decode())
	}
	w.each = nil
	return made
}

// checkFlow looks at the words of a flow's block and of those of its jobs, which
// depend on their types.
func (w *worker) checkFlow(d declaration) {
	voc, _ := w.voc.Block("flow")
	addr := w.addressOf(d)
	w.found.check(voc, d.block, nil, addr)
	jobVoc, _ := voc.Block("job")
	for _, b := range d.block.Body.Blocks {
		if b.Type != "job" || len(b.Labels) != 2 {
			continue
		}
		if t, ok := w.types[b.Labels[0]]; ok {
			w.found.check(jobVoc, b, t.schema.Attributes, addr.Job(b.Labels[1]))
		}
	}
}

func (f *flow) decode() *loadedFlow {
	r := reader{w: f.w, addr: f.addr, voc: f.voc, body: f.block.Body, at: f.at}
	made := &spec.Flow{Address: f.addr}
	made.Description, _ = r.text("description")
	made.Protected = r.flag("protected")
	f.w.requireAll(f.addr, f.voc, f.block.Body)
	made.OnFailure = spec.OnFailure(r.choice("on_failure", string(spec.FinishPossible), string(spec.FinishRunning), string(spec.CancelRunning)))
	made.Concurrency = f.concurrency()
	made.Params = f.readParams()
	if f.w.jobs.Load() > maxJobs || f.w.made.Load() > maxMade {
		f.jobs = nil // reported when all flows were looked at
	}
	for _, j := range f.jobs {
		j.decode()
	}
	made.Outputs = f.readOutputs()
	if f.checkCycles() {
		f.checkReads()
	}
	loaded := &loadedFlow{addr: f.addr, spec: made, starts: f.starts, line: f.block.TypeRange.Start.Line, jobs: make([]placed, 0, len(f.jobs))}
	for _, j := range f.jobs {
		made.Jobs = append(made.Jobs, j.spec)
		loaded.jobs = append(loaded.jobs, placed{j.spec.Name, j.block.TypeRange.Start.Line})
	}
	made.Sensitive = f.at.secrets.pointers()
	return loaded
}

func (f *flow) concurrency() *spec.Concurrency {
	b, ok := f.w.only(f.addr, f.voc, f.block.Body, "concurrency")
	if !ok {
		return nil
	}
	defer f.w.within(b.each)()
	voc, _ := f.voc.Block("concurrency")
	r := reader{w: f.w, addr: f.addr, voc: voc, body: b.Body, at: f.at.in("concurrency")}
	c := &spec.Concurrency{
		Max:      r.integer("max", 1, 100_000, 1),
		WhenFull: spec.WhenFull(r.choice("when_full", string(spec.WhenFullQueue), string(spec.WhenFullSkip), string(spec.WhenFullReplace))),
		QueueMax: r.integer("queue_max", 1, 100_000, 0),
	}
	if c.QueueMax == spec.DefaultQueueMax {
		c.QueueMax = 0
	}
	if c.WhenFull != "" && c.QueueMax != 0 {
		f.w.found.error(CodeValue, f.addr, r.find("queue_max").NameRange, "No queue to bound", "queue_max goes with when_full = \"queue\", not with %q.", c.WhenFull)
	}
	return c
}

func (f *flow) readParams() []*spec.Param {
	nodes := f.w.blocks(f.addr, f.voc, f.block.Body, "param")
	voc, _ := f.voc.Block("param")
	f.params = map[string]cty.Type{}
	at, variables := map[string]hcl.Range{}, map[string]string{}
	var params []*spec.Param
	for _, b := range nodes {
		if len(b.Labels) != 1 {
			continue
		}
		name, rng := b.Labels[0], b.LabelRanges[0]
		variable := "LFT_PARAM_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if other, ok := variables[variable]; ok {
			line := at[other].Start.Line
			if other == name {
				f.w.found.error(CodeDuplicate, f.addr, rng, "Declared twice", "param %q is already declared at line %d.", name, line)
			} else {
				f.w.found.error(CodeCollision, f.addr, rng, "Names meet in the environment", "param %q and param %q (line %d) are both %s in the environment of jobs.", name, other, line, variable)
			}
			continue
		}
		at[name], variables[variable] = rng, name
		params = append(params, f.param(voc, name, b))
	}
	slices.SortFunc(params, func(a, b *spec.Param) int { return strings.Compare(a.Name, b.Name) })
	return params
}

func (f *flow) param(voc schema.Block, name string, b node) *spec.Param {
	defer f.w.within(b.each)()
	r := reader{w: f.w, addr: f.addr, voc: voc, body: b.Body, at: f.at.in("params", name)}
	p := &spec.Param{Name: name}
	p.Description, _ = r.text("description")
	p.Type, f.params[name] = f.w.readType(f.addr, b.Block)
	if attr := r.find("default"); attr != nil {
		scope := runTime{w: f.w, addr: f.addr, file: f.file, at: r.at.in("default")}
		if p.Default = scope.value(attr.Expr, f.params[name], true); p.Default == nil {
			p.Default = &spec.Value{Expr: "null"} // nil says that there is none
		}
	}
	return p
}

// readType reads the type of a parameter or output.
func (w *worker) readType(addr spec.Address, b *hclsyntax.Block) (spec.Type, cty.Type) {
	attr, ok := b.Body.Attributes["type"]
	if !ok {
		return nil, cty.DynamicPseudoType
	}
	switch hcl.ExprAsKeyword(attr.Expr) {
	case "string":
		return spec.Type(`"string"`), cty.String
	case "number":
		return spec.Type(`"number"`), cty.Number
	case "bool":
		return spec.Type(`"bool"`), cty.Bool
	}
	ty, diags := typeexpr.TypeConstraint(attr.Expr)
	if diags.HasErrors() {
		w.found.types(addr, attr, diags)
		return nil, cty.DynamicPseudoType
	}
	encoded, err := expr.EncodeType(ty)
	if err != nil {
		w.found.error(CodeValue, addr, attr.Expr.Range(), "Invalid type", "%v.", err)
		return nil, cty.DynamicPseudoType
	}
	return encoded, ty
}
