package lang

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// local is one declared local value.
type local struct {
	name string
	expr hclsyntax.Expression
	at   hcl.Range // of the name
}

// maxValues bounds variables, locals and outputs of all calls together.
const maxValues = 1_000_000

// values computes the variables, locals and outputs of all modules, and makes the
// instances of modules on the way: whatever order they are declared in, each
// after all that it mentions.
type values struct {
	w        *worker
	steps    []eval.Step
	retained int // bytes
	full     bool
}

func (l *loader) values(w *worker) {
	v := &values{w: w}
	w.enter(l.top, nil)
	l.variables(w)
	for _, value := range l.top.config.Vars {
		v.keep(value, hcl.Range{})
	}
	v.call(l.top.call)
	if len(v.steps) > maxValues {
		l.found.error(CodeLimit, "", hcl.Range{}, "Too many values", "All modules together declare more than %d variables, local values and outputs.", maxValues)
		return
	}
	eval.InOrder(v.steps, func(s eval.Step, err *expr.Error) { w.found.fault(spec.Address(s.Name), err) })
}

// call adds the steps of a call and of all below it.
func (v *values) call(c *call) {
	if c.folder == nil || len(v.steps) > maxValues {
		return
	}
	if c.parent != nil {
		v.inputs(c)
	}
	for _, one := range c.folder.locals {
		v.value(c, "local."+one.name, one.at, one.expr, func(m *module, value cty.Value) { m.config.Locals[one.name] = value })
	}
	for _, d := range c.folder.blocks["output"] {
		attr, ok := d.block.Body.Attributes["value"]
		if !ok {
			continue // reported where the words of the block are checked
		}
		v.value(c, "output."+d.name, d.block.LabelRanges[0], attr.Expr, func(m *module, value cty.Value) { m.outputs()[d.name] = v.published(d, value) })
	}
	for _, child := range c.calls {
		v.instances(child)
		v.call(child)
	}
}

// outputs is where the outputs of a module are kept.
func (m *module) outputs() map[string]cty.Value {
	if m.parent == nil {
		return m.config.Outputs
	}
	return m.parent.config.Modules[m.call.name()].Instances[m.key]
}

// add adds a step that also waits for the instances of the call it is done in.
func (v *values) add(in *call, name string, at hcl.Range, needs []string, do func()) {
	if in.path != "" {
		needs = append(needs, in.path)
	}
	v.steps = append(v.steps, eval.Step{Name: name, At: at, Needs: needs, Do: do})
}

// value adds the step of a local or an output.
func (v *values) value(c *call, name string, at hcl.Range, x hclsyntax.Expression, into func(*module, cty.Value)) {
	v.add(c, c.under(name), at, c.needs(x), func() {
		for _, m := range c.modules {
			v.w.enter(m, nil)
			value, ok := v.w.now(spec.Address(name).In(m.addr), x)
			if ok && v.keep(value, at) {
				into(m, value)
			}
		}
	})
}

// published is the value of an output as those outside see it.
func (v *values) published(d declaration, value cty.Value) cty.Value {
	voc, _ := v.w.voc.Block(spec.OutputKind)
	if (reader{w: v.w, addr: v.w.addressOf(d), voc: voc, body: d.block.Body}).flag("sensitive") {
		return expr.MarkSensitive(value)
	}
	return value
}

// instances adds the step that makes the instances of a module.
func (v *values) instances(c *call) {
	var needs []string
	for _, word := range [...]string{"for_each", "enabled"} {
		if attr := c.input(word); attr != nil {
			needs = append(needs, c.parent.needs(attr.Expr)...)
		}
	}
	v.add(c.parent, c.path, c.block.block.TypeRange, needs, func() { v.w.expandCall(c) })
}

// inputs adds a step for each variable of a module.
func (v *values) inputs(c *call) {
	voc, _ := v.w.voc.Block("variable")
	for _, d := range c.folder.blocks["variable"] {
		var needs []string
		input := c.input(d.name)
		if input != nil {
			needs = c.parent.needs(input.Expr)
		}
		v.add(c, c.under("var."+d.name), d.block.LabelRanges[0], needs, func() {
			for i, m := range c.modules {
				if i == 0 {
					v.w.enter(m, nil)
					v.w.found.check(voc, d.block, nil, spec.Address("var."+d.name).In(m.addr))
					c.inputs[d.name] = v.w.variable(d, voc)
				}
				v.input(m, d.name, input)
			}
		})
	}
}

// input gives a variable of a module its value, from what the parent writes.
func (v *values) input(m *module, name string, attr *hclsyntax.Attribute) {
	w := v.w
	one := *m.call.inputs[name]
	one.addr = spec.Address("var." + name).In(m.addr)
	at := m.call.block.block.DefRange()
	if attr != nil {
		at = attr.Expr.Range()
		w.enter(m.parent, m.each)
		value, ok := w.now(m.addr, attr.Expr)
		if !ok {
			one.broken = true
		} else {
			one.set(w, at, "The input", value)
		}
	}
	w.enter(m, nil)
	if attr == nil && !one.broken && one.value == cty.NilVal {
		w.found.error(CodeMissing, m.addr, at, "Missing input", "The module in %s needs %q: its variable has no default.", m.name(), name)
		return
	}
	if value := one.result(w); v.keep(value, at) {
		m.config.Vars[name] = value
	}
	v.w.rule(m, &one)
}

// now evaluates what is known before anything runs. An unknown part of it was
// reported where it is made.
func (w *worker) now(addr spec.Address, x hclsyntax.Expression) (cty.Value, bool) {
	if found := w.find(x); found.RunTime {
		m := found.FirstRunTime()
		w.found.error(CodeReference, addr, m.Traversal.SourceRange(), "Not known yet", "%s.* is only known when a job runs; this value is computed before. Use it in the job itself.", m.Root())
		return cty.DynamicVal, false
	}
	v, err := w.evaluator.Eval(x, cty.DynamicPseudoType)
	if err != nil {
		w.suggestFunction(err, x)
		w.withValues(x, func() { w.found.fault(addr, err) })
		return cty.DynamicVal, false
	}
	return v, true
}

// keep counts what is held on to.
func (v *values) keep(value cty.Value, at hcl.Range) bool {
	v.retained += expr.Size(value, eval.MaxRetained)
	if v.retained > eval.MaxRetained && !v.full {
		v.full = true
		v.w.found.error(CodeLimit, "", at, "Too much data", "All variables, local values and outputs together have more than %d bytes.", eval.MaxRetained)
	}
	return !v.full
}

// needs are the steps whose values an expression inside the call mentions.
func (c *call) needs(x hclsyntax.Expression) []string {
	var needs []string
	for _, m := range eval.Find(x).References {
		name, ok := m.Attr(1)
		if !ok {
			continue
		}
		switch m.Root() {
		case eval.VarRoot, eval.LocalRoot:
			needs = append(needs, c.under(m.Root()+"."+name))
		case eval.ModuleRoot:
			needs = append(needs, c.needsOf(m, name)...)
		}
	}
	return needs
}

// needsOf are the instances of a module, and the output that is mentioned, or
// all of them.
func (c *call) needsOf(m eval.Mention, name string) []string {
	path := c.under("module." + name)
	needs := []string{path}
	rest := m.Traversal[2:]
	if m.Key != nil {
		rest = m.Rest
	} else if len(rest) > 0 {
		if _, ok := rest[0].(hcl.TraverseIndex); ok {
			rest = rest[1:]
		}
	}
	if len(rest) > 0 {
		return append(needs, path+".output."+stepName(rest[0]))
	}
	for _, child := range c.calls {
		if child.name() != name || child.folder == nil {
			continue
		}
		for _, d := range child.folder.blocks["output"] {
			needs = append(needs, path+".output."+d.name)
		}
	}
	return needs
}
