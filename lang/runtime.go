package lang

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/format"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// runTime is where a value stands that may be known only when a job runs: in a
// job, or (without flow and job) in the default of a parameter, which sees run.*
// alone.
type runTime struct {
	w    *worker
	addr spec.Address
	file *file
	flow *flow
	job  *job
	at   spot // where the value lands
	// advice says what to do where a value must be known now.
	advice string
}

// value folds what is known now and checks what is not. Nil is null, or a fault
// that was reported.
func (s *runTime) value(x hclsyntax.Expression, want cty.Type, allowed bool) *spec.Value {
	if v, ok := constant(x); ok && v.Type().Equals(want) {
		return s.literal(x, v)
	}
	found := s.w.find(x)
	if !found.RunTime {
		v, ok := s.w.value(s.addr, x, want)
		if !ok || v.IsNull() {
			return nil
		}
		return s.literal(x, v)
	}
	if !allowed {
		s.refuse(found)
		return nil
	}
	return s.deferred(x, want, found)
}

func (s *runTime) literal(x hclsyntax.Expression, v cty.Value) *spec.Value {
	v, ok := s.w.reveal(s.addr, x, v, s.at)
	if !ok {
		return nil
	}
	data, err := expr.Encode(v)
	if err != nil {
		s.w.found.error(CodeValue, s.addr, x.Range(), "Unsuitable value", "%v.", err)
		return nil
	}
	return &spec.Value{Literal: data}
}

func (s *runTime) refuse(found eval.Mentions) {
	m := found.FirstRunTime()
	s.w.found.error(CodeRunTime, s.addr, m.Traversal.SourceRange(), "The value must be known now",
		"%s.* is only known when the job runs and cannot stand here. %s", m.Root(), cmp.Or(s.advice, "Hand it to the job by env, stdin or an argument instead."))
}

// deferred keeps an expression as source, with the config-time values that it
// mentions.
func (s *runTime) deferred(x hclsyntax.Expression, want cty.Type, found eval.Mentions) *spec.Value {
	source := s.file.slice(x.Range())
	if err := s.bounds(x, source); err != nil {
		err.Range = x.Range()
		s.w.found.fault(s.addr, err)
		return nil
	}
	ok := s.calls(found)
	captured := capture{s: s, roots: map[string]*branch{}}
	for _, m := range found.References {
		ok = s.mention(m, source, &captured) && ok
	}
	if !ok {
		return nil
	}
	vars, ok := captured.vars(x.Range())
	if !ok {
		return nil
	}
	evaluator := expr.NewEvaluator(expr.RunTime(), expr.RunTimeFunctions(), captured.resolve)
	v, err := evaluator.Eval(x, want)
	if err != nil {
		s.w.found.fault(s.addr, err)
		return nil
	}
	if captured.sensitive {
		v = expr.MarkSensitive(v)
	}
	if _, ok := s.w.reveal(s.addr, x, v, s.at); !ok {
		return nil
	}
	return &spec.Value{Expr: format.Expression(source), Vars: vars}
}

func (s *runTime) bounds(x hclsyntax.Expression, source string) *expr.Error {
	if err := expr.CheckSource(source); err != nil {
		return err
	}
	if expr.RunTimeNesting().Shallow([]byte(source)) {
		return nil
	}
	_, err := expr.Parse(source)
	return err
}

// calls refuses functions that the master does not have.
func (s *runTime) calls(found eval.Mentions) bool {
	ok := true
	for _, call := range found.Calls {
		if expr.RunTimeFunctions().Has(call.Name) {
			continue
		}
		ok = false
		names := expr.RunTimeFunctions().Names()
		detail := fmt.Sprintf("There is no function named %q.%s", call.Name, eval.DidYouMean(call.Name, names))
		if slices.Contains(s.w.evaluator.FunctionNames(), call.Name) {
			detail = fmt.Sprintf("Function %q is not available in a value that is only known when the job runs. Compute that part in a local value.", call.Name)
		}
		s.w.found.error(CodeExpression, s.addr, call.NameRange, expr.UnknownFunction, "%s", detail)
	}
	return ok
}

func (s *runTime) mention(m eval.Mention, source string, c *capture) bool {
	if s.w.each.Hides(m.Root()) {
		return s.iterator(m, c)
	}
	switch root := m.Root(); root {
	case expr.RunRoot:
		return s.run(m)
	case expr.ParamRoot, expr.JobRoot:
		if s.job == nil {
			s.w.found.error(CodeRunTime, s.addr, m.Traversal.SourceRange(), "Not known here", "A parameter is computed before any job runs, and apart from the others: its value may use run.*, var, local and each, but not %s.*.", root)
			return false
		}
		if root == expr.ParamRoot {
			return s.param(m)
		}
		return s.job.mention(m, source)
	default:
		return c.add(m)
	}
}

// iterator: the master takes some names for its own.
func (s *runTime) iterator(m eval.Mention, c *capture) bool {
	if root := m.Root(); eval.IsRunTime(root) {
		s.w.found.error(CodeRunTime, s.addr, m.Traversal.SourceRange(), "The iterator needs another name",
			"Inside this dynamic block %s is its iterator, but in a value that is only known when the job runs %s.* is something else. Give the block iterator = NAME.", root, root)
		return false
	}
	return c.add(m)
}

// run: the number of an attempt is not known before there is one.
func (s *runTime) run(m eval.Mention) bool {
	if name, _ := m.Attr(1); name == "attempt" && s.job == nil {
		s.w.found.error(CodeRunTime, s.addr, m.Traversal.SourceRange(), "Not known here", "A parameter has one value for the whole execution; run.attempt belongs to a job.")
		return false
	}
	return true
}

func (s *runTime) param(m eval.Mention) bool {
	name, ok := m.Attr(1)
	if !ok {
		s.w.found.error(CodeReference, s.addr, m.Traversal.SourceRange(), "Invalid reference", "A parameter is written param.NAME.")
		return false
	}
	if _, ok := s.flow.params[name]; ok {
		return true
	}
	names := slices.Sorted(maps.Keys(s.flow.params))
	dash := eval.Dash(name, func(n string) bool { _, ok := s.flow.params[n]; return ok })
	s.w.found.error(CodeReference, s.addr, m.Traversal.SourceRange(), "Unknown parameter", "The flow has no param %q.%s%s", name, eval.DidYouMean(name, names), dash)
	return false
}
