package lang

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// worker decodes on one goroutine. module and each are the scope it is in.
type worker struct {
	*loader
	found      *findings
	evaluator  *expr.Evaluator
	module     *module
	each       *eval.Each
	timetables *cron.Compiler
	uses       *uses // of the file it is at; nil = nobody asks
	inputs     inputs
}

func (l *loader) worker(found *findings) *worker {
	w := &worker{loader: l, found: found, module: l.top, timetables: new(cron.Compiler)}
	limits := eval.Limits()
	limits.Steps = 0 // all come from the reserve
	w.evaluator = expr.NewEvaluator(limits, eval.Functions(mountedFiles{loader: l, worker: w}), w.resolve)
	w.evaluator.SetReserve(l.draw)
	w.inputs = inputs{w: w, known: map[use]digest{}}
	return w
}

// repeat counts source that is evaluated once more.
func (l *loader) repeat(size int64) { l.steps.Add(eval.StepsPerByte * size) }

// draw takes steps out of what all workers have together. It grows with the
// source, and with what for_each and modules repeat of it: those who write more
// may compute more, and nothing short can take long.
func (l *loader) draw() int {
	const most = 20_000
	left := l.steps.Add(-most)
	return int(max(0, most+min(0, left)))
}

func (w *worker) enter(m *module, each *eval.Each) { w.module, w.each = m, each }

// within enters the scope of a nested block, if it has one of its own; the
// function it returns leaves it.
func (w *worker) within(each *eval.Each) func() {
	outer := w.each
	if each != nil {
		w.each = each
	}
	return func() { w.each = outer }
}

func (w *worker) resolve(t hcl.Traversal) (cty.Value, int, *expr.Error) {
	if w.uses != nil && len(t) > 1 && !w.each.Hides(t.RootName()) {
		switch root := t.RootName(); root {
		case eval.VarRoot, eval.LocalRoot, eval.ModuleRoot:
			w.uses.add(w.module.addr, root, stepName(t[1]))
		}
	}
	return w.module.config.Resolve(t, w.each)
}

// find is eval.Find in the scope the worker is in.
func (w *worker) find(x hclsyntax.Expression) eval.Mentions {
	if w.each == nil {
		return eval.Find(x)
	}
	return eval.Find(x, w.each.Iterators()...)
}

// value evaluates at config time. It reports its own faults; false also means
// that a fault was reported before, where the value was made.
func (w *worker) value(addr spec.Address, x hclsyntax.Expression, want cty.Type) (cty.Value, bool) {
	if v, ok := constant(x); ok && v.Type().Equals(want) {
		return v, true
	}
	if found := w.find(x); found.RunTime {
		w.refuseRunTime(addr, found)
		return cty.DynamicVal, false
	}
	v, err := w.evaluator.Eval(x, want)
	if err != nil {
		w.suggestFunction(err, x)
		w.withValues(x, func() { w.found.fault(addr, err) })
		return v, false
	}
	return v, v.IsWhollyKnown()
}

// constant recognises what most attributes are: a literal.
func constant(x hclsyntax.Expression) (cty.Value, bool) {
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		return x.Val, !x.Val.IsNull() && x.Val.Type() == cty.Bool
	case *hclsyntax.TemplateExpr:
		if len(x.Parts) == 1 {
			if part, ok := x.Parts[0].(*hclsyntax.LiteralValueExpr); ok {
				return part.Val, part.Val.Type() == cty.String
			}
		}
	}
	return cty.NilVal, false
}

func (w *worker) refuseRunTime(addr spec.Address, found eval.Mentions) {
	m := found.FirstRunTime()
	w.found.error(CodeRunTime, addr, m.Traversal.SourceRange(), "The value must be known now", "%s.* is only known when a job runs, but this is needed to plan.", m.Root())
}

// suggestFunction adds the nearest name to a call of an unknown function.
func (w *worker) suggestFunction(err *expr.Error, x hclsyntax.Expression) {
	for _, call := range eval.Find(x).Calls {
		if call.NameRange == err.Range && err.Summary == expr.UnknownFunction {
			err.Detail += eval.DidYouMean(call.Name, w.evaluator.FunctionNames())
		}
	}
}
