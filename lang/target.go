package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// target is what job.x or job.x["k"] names. keyed tells that a key was written.
type target struct {
	name, key string
	keyed     bool
}

// jobTarget reads an expression that stands for a job of the flow, and is not a
// value.
func (w *worker) jobTarget(addr spec.Address, x hclsyntax.Expression) (target, bool) {
	refuse := func() (target, bool) { return target{}, w.noReference(addr, "job", x) }
	switch x.(type) {
	case *hclsyntax.ScopeTraversalExpr, *hclsyntax.IndexExpr:
	default:
		return refuse()
	}
	found := eval.Find(x)
	if len(found.References) == 0 {
		return refuse()
	}
	m := found.References[0]
	t := target{}
	name, ok := m.Attr(1)
	if m.Root() != expr.JobRoot || !ok || len(m.Rest) > 0 {
		return refuse()
	}
	t.name = name
	switch {
	case m.Key != nil && len(m.Traversal) == 2:
		v, ok := w.plain(addr, m.Key, cty.String)
		if !ok || v.IsNull() {
			return t, false
		}
		t.key, t.keyed = v.AsString(), true
	case len(m.Traversal) == 3:
		step, ok := m.Traversal[2].(hcl.TraverseIndex)
		if !ok || step.Key.Type() != cty.String {
			return refuse()
		}
		t.key, t.keyed = step.Key.AsString(), true
	case len(m.Traversal) != 2:
		return refuse()
	}
	return t, true
}

func (w *worker) noReference(addr spec.Address, kind string, x hclsyntax.Expression) bool {
	hint := ""
	if v, ok := constant(x); ok && v.Type() == cty.String && spec.ValidName(v.AsString()) {
		hint = fmt.Sprintf(" Write %s.%s, without quotes.", kind, v.AsString())
	}
	if name := hcl.ExprAsKeyword(x); name != "" {
		hint = fmt.Sprintf(" Write %s.%s.", kind, name)
	}
	w.found.error(CodeReference, addr, x.Range(), "Not a reference", "A reference to a %s is needed here, such as %s.NAME or %s.NAME[\"key\"].%s", kind, kind, kind, hint)
	return false
}

// reference evaluates an expression that gives a reference to an object of a
// kind: written there, or handed on by an input, a local or an output.
func (w *worker) reference(addr spec.Address, kind string, x hclsyntax.Expression) (eval.Reference, bool) {
	if x, ok := x.(*hclsyntax.ScopeTraversalExpr); ok && len(x.Traversal) == 2 && x.Traversal.RootName() == kind && !w.each.Hides(kind) {
		if step, ok := x.Traversal[1].(hcl.TraverseAttr); ok { // as most are written
			return eval.Reference{Module: w.module.addr, Kind: kind, Name: step.Name}, true
		}
	}
	if hcl.ExprAsKeyword(x) != "" {
		return eval.Reference{}, w.noReference(addr, kind, x)
	}
	v, ok := w.value(addr, x, cty.DynamicPseudoType)
	if !ok {
		return eval.Reference{}, false
	}
	ref, ok := eval.AsReference(v)
	if !ok || ref.Kind != kind {
		return ref, w.noReference(addr, kind, x)
	}
	return ref, true
}

// isNull recognises an attribute that is unset by null.
func isNull(x hclsyntax.Expression) bool {
	literal, ok := x.(*hclsyntax.LiteralValueExpr)
	return ok && literal.Val.IsNull()
}
