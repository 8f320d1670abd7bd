package eval

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/expr"
)

// Mention is one reference of an expression.
type Mention struct {
	Traversal hcl.Traversal // from its root; up to a computed index, if any
	// Key is the computed index that follows, as in job.x[each.key], and Rest
	// what follows that.
	Key  hclsyntax.Expression
	Rest hcl.Traversal
	// Guarded: a fault in it is caught by try or can.
	Guarded bool
}

// Root is the first name.
func (m Mention) Root() string { return m.Traversal.RootName() }

// Attr returns the name of step i of the traversal, if it is an attribute.
func (m Mention) Attr(i int) (string, bool) {
	if len(m.Traversal) <= i {
		return "", false
	}
	step, ok := m.Traversal[i].(hcl.TraverseAttr)
	return step.Name, ok
}

// Mentions is all that an expression refers to and calls.
type Mentions struct {
	References []Mention
	Calls      []*hclsyntax.FunctionCallExpr
	RunTime    bool // one of them is only known when a job runs
	first      int  // of those in References
}

// FirstRunTime is the first reference that is only known when a job runs; only
// with RunTime there is one.
func (m Mentions) FirstRunTime() Mention { return m.References[m.first] }

// IsRunTime reports whether a root is only known when a job runs.
func IsRunTime(root string) bool {
	return root == expr.RunRoot || root == expr.ParamRoot || root == expr.JobRoot
}

// Find walks an expression. Variables of for expressions are no references;
// iterators are the names of enclosing dynamic blocks' iterators, which are.
func Find(x hclsyntax.Expression, iterators ...string) Mentions {
	f := finder{iterators: iterators}
	f.walk(x)
	return f.found
}

type finder struct {
	found     Mentions
	iterators []string
	hidden    []string // variables of enclosing for expressions
	guarded   bool
}

func (f *finder) walk(x hclsyntax.Expression) {
	switch x := x.(type) {
	case nil, *hclsyntax.LiteralValueExpr, *hclsyntax.AnonSymbolExpr:
	case *hclsyntax.TemplateExpr:
		for _, part := range x.Parts {
			f.walk(part)
		}
	case *hclsyntax.ScopeTraversalExpr:
		f.add(Mention{Traversal: x.Traversal})
	case *hclsyntax.TemplateWrapExpr:
		f.walk(x.Wrapped)
	case *hclsyntax.ParenthesesExpr:
		f.walk(x.Expression)
	case *hclsyntax.RelativeTraversalExpr:
		if !f.computed(x.Source, x.Traversal) {
			f.walk(x.Source)
		}
	case *hclsyntax.IndexExpr:
		if !f.computed(x, nil) {
			f.walk(x.Collection)
			f.walk(x.Key)
		}
	case *hclsyntax.FunctionCallExpr:
		f.call(x)
	case *hclsyntax.BinaryOpExpr:
		f.walk(x.LHS)
		f.walk(x.RHS)
	case *hclsyntax.UnaryOpExpr:
		f.walk(x.Val)
	case *hclsyntax.ConditionalExpr:
		f.walk(x.Condition)
		f.walk(x.TrueResult)
		f.walk(x.FalseResult)
	case *hclsyntax.TupleConsExpr:
		for _, member := range x.Exprs {
			f.walk(member)
		}
	case *hclsyntax.ObjectConsExpr:
		for _, item := range x.Items {
			f.walk(item.KeyExpr)
			f.walk(item.ValueExpr)
		}
	case *hclsyntax.ObjectConsKeyExpr:
		if x.ForceNonLiteral || hcl.ExprAsKeyword(x.Wrapped) == "" {
			f.walk(x.Wrapped)
		}
	case *hclsyntax.ForExpr:
		f.loop(x)
	case *hclsyntax.SplatExpr:
		f.walk(x.Source)
		f.walk(x.Each)
	case *hclsyntax.TemplateJoinExpr:
		f.walk(x.Tuple)
	}
}

func (f *finder) add(m Mention) {
	root := m.Root()
	if slices.Contains(f.hidden, root) {
		return
	}
	m.Guarded = f.guarded
	if !f.found.RunTime && IsRunTime(root) && !slices.Contains(f.iterators, root) {
		f.found.RunTime, f.found.first = true, len(f.found.References)
	}
	f.found.References = append(f.found.References, m)
}

// computed recognises NAME.NAME[expression], alone or with more behind it.
func (f *finder) computed(x hclsyntax.Expression, rest hcl.Traversal) bool {
	index, ok := x.(*hclsyntax.IndexExpr)
	if !ok {
		return false
	}
	collection, ok := index.Collection.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return false
	}
	f.add(Mention{Traversal: collection.Traversal, Key: index.Key, Rest: rest})
	f.walk(index.Key)
	return true
}

func (f *finder) call(x *hclsyntax.FunctionCallExpr) {
	f.found.Calls = append(f.found.Calls, x)
	outer := f.guarded
	for i, arg := range x.Args {
		switch {
		case x.Name == "can", x.Name == "try" && i < len(x.Args)-1:
			f.guarded = true
		default:
			f.guarded = outer
		}
		f.walk(arg)
	}
	f.guarded = outer
}

func (f *finder) loop(x *hclsyntax.ForExpr) {
	f.walk(x.CollExpr)
	depth := len(f.hidden)
	f.hidden = append(f.hidden, x.KeyVar, x.ValVar)
	f.walk(x.KeyExpr)
	f.walk(x.ValExpr)
	f.walk(x.CondExpr)
	f.hidden = f.hidden[:depth]
}
