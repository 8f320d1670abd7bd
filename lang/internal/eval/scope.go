package eval

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/expr"
)

// Roots of values known at config time.
const (
	VarRoot   = "var"
	LocalRoot = "local"
	EachRoot  = "each"
)

// Scope is what config-time expressions see. It is read only once filled, and
// may then be shared; Each is per instance.
type Scope struct {
	Vars   map[string]cty.Value
	Locals map[string]cty.Value
}

// Each is one instance of a for_each.
type Each struct {
	Key   string
	Value cty.Value
}

// Resolve looks a root up; each may be nil.
func (s *Scope) Resolve(t hcl.Traversal, each *Each) (cty.Value, int, *expr.Error) {
	switch root := t.RootName(); root {
	case VarRoot:
		return member(t, root, "variable", s.Vars)
	case LocalRoot:
		return member(t, root, "local value", s.Locals)
	case EachRoot:
		return eachMember(t, each)
	default:
		return cty.DynamicVal, 1, UnknownRoot(t)
	}
}

func member(t hcl.Traversal, root, what string, values map[string]cty.Value) (cty.Value, int, *expr.Error) {
	name, ok := Mention{Traversal: t}.Attr(1)
	if !ok {
		return cty.DynamicVal, 1, &expr.Error{
			Code: CodeReference, Range: t.SourceRange(), Summary: "Invalid reference", Detail: fmt.Sprintf("Write %s.NAME: %s as a whole is no value.", root, root),
		}
	}
	v, ok := values[name]
	if !ok {
		return cty.DynamicVal, 2, &expr.Error{
			Code: CodeReference, Range: t.SourceRange(), Summary: "Unknown " + what,
			Detail: fmt.Sprintf("There is no %s %q.%s%s", what, name, DidYouMean(name, slices.Sorted(maps.Keys(values))), Dash(name, func(n string) bool { _, ok := values[n]; return ok })),
		}
	}
	return v, 2, nil
}

func eachMember(t hcl.Traversal, each *Each) (cty.Value, int, *expr.Error) {
	name, _ := Mention{Traversal: t}.Attr(1)
	switch {
	case each == nil:
		return cty.DynamicVal, 1, &expr.Error{Code: CodeReference, Range: t.SourceRange(), Summary: "No for_each here", Detail: "each.key and each.value exist only in blocks with for_each and in what they contain."}
	case name == "key":
		return cty.StringVal(each.Key), 2, nil
	case name == "value":
		return each.Value, 2, nil
	}
	return cty.DynamicVal, 1, &expr.Error{Code: CodeReference, Range: t.SourceRange(), Summary: "Invalid reference", Detail: "Write each.key or each.value."}
}

// Codes of faults found here.
const (
	CodeReference = "unknown_reference"
	CodeCycle     = "cycle"
	CodeLimit     = "limit"
)

// UnknownRoot explains a name that stands for nothing.
func UnknownRoot(t hcl.Traversal) *expr.Error {
	root := t.RootName()
	err := &expr.Error{Code: CodeReference, Range: t.SourceRange(), Summary: "Unknown name"}
	roots := []string{"each", "job", "local", "param", "run", "var"}
	switch {
	case root == "flow" || root == "pool" || root == "schedule":
		err.Summary, err.Detail = "Invalid reference", fmt.Sprintf("A %s is no value; it can only be named where a %s is asked for.", root, root)
	case len(t) == 1 && root != strings.ToUpper(root):
		err.Detail = fmt.Sprintf("Nothing is called %q. For a text, write it in quotes: %q.%s", root, root, DidYouMean(root, roots))
	case len(t) == 1:
		err.Detail = fmt.Sprintf("Nothing is called %q. To leave ${%s} to a shell, write $${%s}.", root, root, root)
	default:
		err.Detail = fmt.Sprintf("Nothing is called %q. References start with var, local, each, param, run or job.%s", root, DidYouMean(root, roots))
	}
	return err
}

// DidYouMean returns a sentence with a leading space, or nothing.
func DidYouMean(name string, candidates []string) string {
	if s := diag.Suggest(name, candidates); s != "" {
		return fmt.Sprintf(" Did you mean %q?", s)
	}
	return ""
}

// Dash explains x-1, which is one name, where x exists.
func Dash(name string, exists func(string) bool) string {
	before, after, ok := strings.Cut(name, "-")
	if !ok || !exists(before) {
		return ""
	}
	return fmt.Sprintf(" A name may contain a dash; to subtract, write spaces around it: %s - %s.", before, after)
}
