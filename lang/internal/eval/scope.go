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
	"github.com/leifengta/lft/lang/spec"
)

// Roots of values known at config time; those of references come with them.
const (
	VarRoot    = "var"
	LocalRoot  = "local"
	EachRoot   = "each"
	ModuleRoot = "module"
	PathRoot   = "path"
)

// Scope is what config-time expressions of one module see. It is read only once
// filled, and may then be shared; Each is per instance.
type Scope struct {
	Address spec.Address // of the module; "" = the folder itself
	Path    string       // of the module's files, relative to the folder
	Vars    map[string]cty.Value
	Locals  map[string]cty.Value
	Outputs map[string]cty.Value // of the folder itself; a module's are in Module
	Modules map[string]*Module
}

// Each is one instance of a for_each, or one element of a dynamic block, with
// what lies around it.
type Each struct {
	Name  string // of a dynamic block's iterator; "" = each
	Key   cty.Value
	Value cty.Value
	Outer *Each
}

// find returns the innermost that goes by a name.
func (e *Each) find(name string) *Each {
	for ; e != nil; e = e.Outer {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// Hides reports whether a dynamic block's iterator goes by the name of a root.
func (e *Each) Hides(root string) bool { return e.find(root) != nil }

// Iterators lists the names that hide roots of their name.
func (e *Each) Iterators() []string {
	var names []string
	for ; e != nil; e = e.Outer {
		if e.Name != "" {
			names = append(names, e.Name)
		}
	}
	return names
}

// Resolve looks a root up; each may be nil.
func (s *Scope) Resolve(t hcl.Traversal, each *Each) (cty.Value, int, *expr.Error) {
	root := t.RootName()
	if iterator := each.find(root); iterator != nil && root != "" {
		return eachMember(t, root, iterator)
	}
	switch root {
	case VarRoot:
		return member(t, root, "variable", s.Vars)
	case LocalRoot:
		return member(t, root, "local value", s.Locals)
	case EachRoot:
		return eachMember(t, root, each.find(""))
	case PathRoot:
		return s.path(t)
	case ModuleRoot:
		return s.module(t)
	}
	if IsReferenceKind(root) {
		return s.reference(t)
	}
	return cty.DynamicVal, 1, UnknownRoot(t)
}

func member(t hcl.Traversal, root, what string, values map[string]cty.Value) (cty.Value, int, *expr.Error) {
	name, ok := Mention{Traversal: t}.Attr(1)
	if !ok {
		return cty.DynamicVal, 1, fault(t, "Invalid reference", "Write %s.NAME: %s as a whole is no value.", root, root)
	}
	v, ok := values[name]
	if ok {
		return v, 2, nil
	}
	hint := DidYouMean(name, slices.Sorted(maps.Keys(values)))
	hint += Dash(name, func(n string) bool { _, ok := values[n]; return ok })
	if hint == "" && root == VarRoot {
		hint = fmt.Sprintf(" Declare it: variable %q { type = string }.", name)
	} else if hint == "" {
		hint = fmt.Sprintf(" Declare it: locals { %s = … }.", name)
	}
	return cty.DynamicVal, 2, fault(t, "Unknown "+what, "There is no %s %q.%s", what, name, hint)
}

func eachMember(t hcl.Traversal, root string, each *Each) (cty.Value, int, *expr.Error) {
	name, _ := Mention{Traversal: t}.Attr(1)
	switch {
	case each == nil:
		return cty.DynamicVal, 1, fault(t, "No for_each here", "each.key and each.value exist only in blocks with for_each and in what they contain.")
	case name == "key":
		return each.Key, 2, nil
	case name == "value":
		return each.Value, 2, nil
	case each.Name != "":
		return cty.DynamicVal, 1, fault(t, "Invalid reference", "Inside this dynamic block %s is its iterator: write %s.key or %s.value. To use another name for it, give the block iterator = NAME.", root, root, root)
	}
	return cty.DynamicVal, 1, fault(t, "Invalid reference", "Write each.key or each.value.")
}

// path knows where files lie, relative to the folder, so that equal folders give
// equal values wherever they are.
func (s *Scope) path(t hcl.Traversal) (cty.Value, int, *expr.Error) {
	switch name, _ := (Mention{Traversal: t}).Attr(1); name {
	case "module":
		return cty.StringVal(s.Path), 2, nil
	case "root":
		return cty.StringVal("."), 2, nil
	}
	return cty.DynamicVal, 1, fault(t, "Invalid reference", "Write path.module or path.root; where the folder itself lies is not known to it.")
}

// reference uses the key that follows, if there is one.
func (s *Scope) reference(t hcl.Traversal) (cty.Value, int, *expr.Error) {
	root := t.RootName()
	name, ok := Mention{Traversal: t}.Attr(1)
	if !ok {
		return cty.DynamicVal, 1, fault(t, "Invalid reference", "A %s is written %s.NAME.", root, root)
	}
	return Reference{Module: s.Address, Kind: root, Name: name}.Value(), 2, nil
}

func fault(t hcl.Traversal, summary, detail string, args ...any) *expr.Error {
	return &expr.Error{Code: CodeReference, Range: t.SourceRange(), Summary: summary, Detail: fmt.Sprintf(detail, args...)}
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
	roots := []string{"each", "job", "local", "module", "param", "path", "run", "var"}
	switch {
	case IsReferenceKind(root):
		return fault(t, "Invalid reference", "A %s is no value that a job can be given; it can only be named where a %s is asked for.", root, root)
	case len(t) == 1 && root != strings.ToUpper(root):
		return fault(t, "Unknown name", "Nothing is called %q. For a text, write it in quotes: %q. In a script, $${%s} leaves it to the shell.%s", root, root, root, DidYouMean(root, roots))
	case len(t) == 1:
		return fault(t, "Unknown name", "Nothing is called %q. To leave ${%s} to a shell, write $${%s}.", root, root, root)
	}
	if instead := insteadOfRoot(root); instead != "" {
		return fault(t, "Unknown name", "Nothing is called %q. %s", root, instead)
	}
	return fault(t, "Unknown name", "Nothing is called %q. References start with var, local, each, module, param, run or job, or with the kind of an object.%s", root, DidYouMean(root, roots))
}

// insteadOfRoot leads on from what references start with in other tools.
func insteadOfRoot(root string) string {
	switch root {
	case "count":
		return "What is made several times has for_each: write each.key or each.value."
	case "terraform", "workspace":
		return "There are no workspaces: what tells environments apart is a variable, with a file of values for each."
	case "data", "resource":
		return "Nothing is read while planning: use a variable, a local, or file(…)."
	case "output":
		return "An output is for others; within the folder, name what it is made of."
	case "self", "this":
		return "What a job may know of itself is run.* and each.*."
	case "env":
		return "Where lft runs the environment says nothing but LFT_VAR_NAME, which is var.NAME."
	case "task", "steps", "needs", "tasks", "jobs":
		return "The output of another job is job.NAME.output.NAME."
	case "inputs", "dag_run":
		return "A parameter of the flow is param.NAME."
	}
	return ""
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
