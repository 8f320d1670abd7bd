package expr

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Resolver looks a root up. It returns the value and how many steps of the
// traversal it has used, at least one.
type Resolver func(t hcl.Traversal) (v cty.Value, used int, err *Error)

// Evaluator walks syntax trees as HCL itself does, but within Limits, with a
// given set of functions, and without evaluating what try and can protect more
// than once. Values may be unknown: then the result is unknown, of the type it
// will have. It stops at the first fault. Not safe for concurrent use.
type Evaluator struct {
	limits    Limits
	functions Functions
	resolve   Resolver

	steps   int
	reserve func() int // nil = none
	locals  []local    // variables of for expressions, innermost last
	symbols map[*hclsyntax.AnonSymbolExpr]cty.Value
}

type local struct {
	name  string
	value cty.Value
}

// NewEvaluator returns an evaluator with all its steps left.
func NewEvaluator(l Limits, f Functions, r Resolver) *Evaluator {
	return &Evaluator{limits: l, functions: f, resolve: r, steps: l.Steps}
}

// SetResolver exchanges what the roots stand for; steps spent stay spent.
func (e *Evaluator) SetResolver(r Resolver) { e.resolve = r }

// SetReserve gives more steps whenever those at hand are spent; a reserve that
// gives none is empty.
func (e *Evaluator) SetReserve(more func() int) { e.reserve = more }

// Left returns how many steps are left.
func (e *Evaluator) Left() int { return e.steps }

// Eval evaluates x and converts the result to want, unless that is
// cty.DynamicPseudoType. A panic of a library becomes an Error.
func (e *Evaluator) Eval(x hclsyntax.Expression, want cty.Type) (v cty.Value, err *Error) {
	defer func() {
		if p := recover(); p != nil {
			e.locals = e.locals[:0]
			v, err = cty.DynamicVal, &Error{
				Range: x.Range(), Limit: true, Summary: "The expression could not be evaluated",
				Detail: fmt.Sprintf("This is a defect of lft, please report it: %v", p),
			}
		}
	}()
	v, err = e.eval(x)
	if err != nil {
		return v, err
	}
	return e.convert(x.Range(), v, want)
}

func (e *Evaluator) eval(x hclsyntax.Expression) (cty.Value, *Error) {
	if err := e.spend(x.Range(), 0); err != nil {
		return cty.DynamicVal, err
	}
	switch x := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.made(x.SrcRange, x.Val)
	case *hclsyntax.ParenthesesExpr:
		return e.eval(x.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return e.eval(x.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		return e.traversal(x)
	case *hclsyntax.RelativeTraversalExpr:
		v, err := e.eval(x.Source)
		if err != nil {
			return v, err
		}
		return e.steppedInto(v, x.Traversal)
	case *hclsyntax.IndexExpr:
		return e.index(x)
	case *hclsyntax.TemplateExpr:
		return e.template(x)
	case *hclsyntax.TemplateJoinExpr:
		return e.templateJoin(x)
	case *hclsyntax.BinaryOpExpr:
		return e.binary(x)
	case *hclsyntax.UnaryOpExpr:
		return e.unary(x)
	case *hclsyntax.ConditionalExpr:
		return e.conditional(x)
	case *hclsyntax.FunctionCallExpr:
		return e.call(x)
	case *hclsyntax.TupleConsExpr:
		return e.tuple(x)
	case *hclsyntax.ObjectConsExpr:
		return e.object(x)
	case *hclsyntax.ObjectConsKeyExpr:
		return e.objectKey(x)
	case *hclsyntax.ForExpr:
		return e.forExpr(x)
	case *hclsyntax.SplatExpr:
		return e.splat(x)
	case *hclsyntax.AnonSymbolExpr:
		if v, ok := e.symbols[x]; ok {
			return v, nil
		}
	}
	return cty.DynamicVal, &Error{Range: x.Range(), Summary: "Unsupported expression", Detail: "This form of expression is not supported here."}
}

func (e *Evaluator) traversal(x *hclsyntax.ScopeTraversalExpr) (cty.Value, *Error) {
	name := x.Traversal.RootName()
	for i := len(e.locals) - 1; i >= 0; i-- {
		if e.locals[i].name == name {
			return e.steppedInto(e.locals[i].value, x.Traversal[1:])
		}
	}
	v, used, err := e.resolve(x.Traversal)
	if err != nil {
		return cty.DynamicVal, err
	}
	return e.steppedInto(v, x.Traversal[used:])
}

func (e *Evaluator) steppedInto(v cty.Value, t hcl.Traversal) (cty.Value, *Error) {
	for _, step := range t {
		if s, ok := stepper(v); ok {
			var err *Error
			if v, err = stepOf(s, step); err != nil {
				return v, err
			}
			continue
		}
		var diags hcl.Diagnostics
		switch step := step.(type) {
		case hcl.TraverseAttr:
			v, diags = hcl.GetAttr(v, step.Name, &step.SrcRange)
		case hcl.TraverseIndex:
			v, diags = hcl.Index(v, step.Key, &step.SrcRange)
		default:
			return cty.DynamicVal, &Error{Range: t.SourceRange(), Summary: "Unsupported expression", Detail: "This form of reference is not supported here."}
		}
		if diags.HasErrors() {
			return cty.DynamicVal, fromDiags(diags, step.SourceRange())
		}
	}
	return v, nil
}

func (e *Evaluator) index(x *hclsyntax.IndexExpr) (cty.Value, *Error) {
	collection, err := e.eval(x.Collection)
	if err != nil {
		return collection, err
	}
	key, err := e.eval(x.Key)
	if err != nil {
		return key, err
	}
	key, marks := key.Unmark()
	if s, ok := stepper(collection); ok {
		return s.Step(key, x.BracketRange)
	}
	v, diags := hcl.Index(collection, key, &x.BracketRange)
	if diags.HasErrors() {
		return cty.DynamicVal, fromDiags(diags, x.BracketRange)
	}
	return v.WithMarks(marks), nil
}

// fromDiags takes the first error of HCL.
func fromDiags(diags hcl.Diagnostics, otherwise hcl.Range) *Error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		err := &Error{Range: otherwise, Summary: d.Summary, Detail: d.Detail}
		if d.Subject != nil {
			err.Range = *d.Subject
		}
		return err
	}
	return nil
}
