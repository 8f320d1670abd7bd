package lang

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
)

// withValues adds to what report finds what the references of an expression stand
// for: most faults are in a value, not in the expression.
func (w *worker) withValues(x hclsyntax.Expression, report func()) {
	before := len(w.found.list)
	report()
	for i := before; i < len(w.found.list); i++ {
		if s := w.found.list[i].Snippet; s != nil {
			s.Values = w.shown(x)
		}
	}
}

// maxShown ends a list nobody would read to its end.
const maxShown = 20

// shown lists the references of an expression whose values are known.
func (w *worker) shown(x hclsyntax.Expression) []diag.Value {
	var all []diag.Value
	for _, m := range w.find(x).References {
		text := traversalText(m.Traversal)
		if text == "" || len(m.Traversal) < 2 || slices.ContainsFunc(all, func(v diag.Value) bool { return v.Traversal == text }) {
			continue
		}
		v, ok := w.valueOf(m.Traversal)
		if statement := statement(v); ok && statement != "" {
			all = append(all, diag.Value{Traversal: text, Statement: statement})
		}
	}
	slices.SortFunc(all, func(a, b diag.Value) int { return strings.Compare(a.Traversal, b.Traversal) })
	return all[:min(len(all), maxShown)]
}

func (w *worker) valueOf(t hcl.Traversal) (cty.Value, bool) {
	v, err := w.evaluator.Eval(&hclsyntax.ScopeTraversalExpr{Traversal: t, SrcRange: t.SourceRange()}, cty.DynamicPseudoType)
	return v, err == nil
}

// statement says what a value is, as Terraform does; "" of what is not known.
func statement(v cty.Value) string {
	if expr.IsSensitive(v) {
		return "has a sensitive value"
	}
	v, _ = expr.Unmark(v)
	if ref, ok := eval.AsReference(v); ok {
		return "is a reference to " + string(ref.Address())
	}
	switch ty := v.Type(); {
	case !v.IsKnown():
		return ""
	case v.IsNull():
		return "is null"
	case ty == cty.Bool:
		return fmt.Sprintf("is %v", v.True())
	case ty == cty.Number:
		return "is " + v.AsBigFloat().Text('g', 10)
	case ty == cty.String:
		return fmt.Sprintf("is %q", shortened(v.AsString()))
	case ty.IsObjectType():
		return "is object with " + counted(len(ty.AttributeTypes()), "attribute")
	case ty.IsTupleType():
		return "is tuple with " + counted(ty.Length(), "element")
	case ty.IsCollectionType() && v.LengthInt() == 0:
		return "is empty " + ty.FriendlyName()
	case ty.IsCollectionType():
		return fmt.Sprintf("is %s with %s", ty.FriendlyName(), counted(v.LengthInt(), "element"))
	}
	return ""
}

func counted(n int, what string) string {
	switch n {
	case 0:
		return "no " + what + "s"
	case 1:
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// shortened cuts a long text at a character.
func shortened(s string) string {
	const longest = 200
	if len(s) <= longest {
		return s
	}
	for s = s[:longest]; !utf8.ValidString(s); {
		s = s[:len(s)-1]
	}
	return s + "…"
}
