package lang

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// secrets collects the places in one object that hold sensitive values, as JSON
// pointers. A value loses its marks where it lands in a spec, so that whatever
// takes them off writes the place down here.
type secrets struct{ places map[string]struct{} }

// spot is where a value lands: names that lead into an object, who keeps the
// secret ones, and the job it belongs to. The zero spot is one where nothing that
// is marked may stand. It is made for every value, and so allocates nothing.
type spot struct {
	secrets *secrets
	job     *job
	path    [6]string
	depth   int
}

// in is a spot inside of p; names may be of any form.
func (p spot) in(names ...string) spot {
	p.depth += copy(p.path[p.depth:], names)
	return p
}

func (p spot) pointer() string {
	pointer := ""
	for _, name := range p.path[:p.depth] {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return pointer
}

// keep writes p down.
func (p spot) keep() {
	if p.secrets.places == nil {
		p.secrets.places = map[string]struct{}{}
	}
	p.secrets.places[p.pointer()] = struct{}{}
}

// kept reports whether p, or what it lies in, was written down.
func (p spot) kept() bool {
	return p.secrets != nil && len(p.secrets.places) > 0 && p.secrets.hold(p.pointer())
}

func (s *secrets) hold(pointer string) bool {
	for pointer != "" {
		if _, ok := s.places[pointer]; ok {
			return true
		}
		pointer = pointer[:strings.LastIndexByte(pointer, '/')]
	}
	return false
}

// pointers is the form kept in a spec; of places in each other only the outer.
func (s *secrets) pointers() []string {
	var pointers []string
	for _, pointer := range slices.Sorted(maps.Keys(s.places)) {
		if !s.hold(pointer[:strings.LastIndexByte(pointer, '/')]) {
			pointers = append(pointers, pointer)
		}
	}
	return pointers
}

// quoted is what lands at p in a message.
func (p spot) quoted(format string, value any) string {
	if p.kept() {
		return "a sensitive value, which is not shown"
	}
	return fmt.Sprintf(format, value)
}

// reveal takes the marks off a value that lands at p, and does what they ask for.
// Where it would be seen by all, or is of no use, it is refused.
func (w *worker) reveal(addr spec.Address, x hclsyntax.Expression, v cty.Value, p spot) (cty.Value, bool) {
	bare, marks := expr.Unmark(v)
	if marks == nil {
		return bare, true
	}
	if expr.Secret(marks) {
		if p.secrets == nil {
			w.refuseSensitive(addr, x)
			return bare, false
		}
		p.keepParts(v)
	}
	for _, used := range usedBy(marks) {
		if !w.use(addr, p.job, used, x.Range()) {
			return bare, false
		}
	}
	return bare, true
}

// keepParts writes down what is sensitive of a value that lands at p: members by
// their names, but a list as a whole, because its elements may move.
func (p spot) keepParts(v cty.Value) {
	if ty := v.Type(); v.IsMarked() || v.IsNull() || !v.IsKnown() || p.depth == len(p.path) || !ty.IsObjectType() && !ty.IsMapType() {
		p.keep()
		return
	}
	for it := v.ElementIterator(); it.Next(); {
		if name, member := it.Element(); expr.IsSensitive(member) {
			p.in(name.AsString()).keepParts(member)
		}
	}
}

// usedBy lists the dependencies whose paths are in a value, in a fixed order.
func usedBy(marks cty.ValueMarks) []eval.Reference {
	var all []eval.Reference
	for mark := range marks {
		if used, ok := mark.(eval.Used); ok {
			all = append(all, used.Reference)
		}
	}
	slices.SortFunc(all, func(a, b eval.Reference) int { return cmp.Compare(a.Address(), b.Address()) })
	return all
}

func (w *worker) refuseSensitive(addr spec.Address, x hclsyntax.Expression) {
	w.found.error(CodeSensitive, addr, x.Range(), "A sensitive value cannot stand here",
		"It would be seen in names, messages or the form of the plan. If it is no secret, write nonsensitive(…).")
}

// plain evaluates what everybody will see.
func (w *worker) plain(addr spec.Address, x hclsyntax.Expression, want cty.Type) (cty.Value, bool) {
	v, ok := w.value(addr, x, want)
	if !ok {
		return v, false
	}
	return w.reveal(addr, x, v, spot{})
}
