package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
)

// Reference is what flow.x, pool.x["k"] and the like are as values: a name that
// can be handed on through inputs, locals and outputs, and be used where an
// object of its kind is asked for. Whether there is such an object is found out
// there. It is no text, and never part of a spec.
type Reference struct {
	Module spec.Address // in which it was written
	Kind   string
	Name   string
	Key    string // of an instance; "" = the only one, or all
}

// referenceType is the type of all references; their kind is no part of it, so
// that a conditional may choose among them.
var referenceType = cty.CapsuleWithOps("reference", reflect.TypeFor[Reference](), &cty.CapsuleOps{
	TypeGoString: func(reflect.Type) string { return "reference" },
	GoString:     func(v any) string { return string(v.(*Reference).Address()) },
	Equals:       func(a, b any) cty.Value { return cty.BoolVal(*a.(*Reference) == *b.(*Reference)) },
	RawEquals:    func(a, b any) bool { return *a.(*Reference) == *b.(*Reference) },
	HashKey:      func(v any) string { return string(v.(*Reference).Address()) },
})

// IsReferenceKind reports whether a root such as flow makes a reference.
func IsReferenceKind(root string) bool {
	switch root {
	case spec.FlowKind, spec.PoolKind, spec.ScheduleKind, spec.CalendarKind, spec.DependencyKind:
		return true
	}
	return false
}

// Value returns the reference as a value.
func (r Reference) Value() cty.Value { return cty.CapsuleVal(referenceType, &r) }

// AsReference is the reverse of Value; it is false for all other values.
func AsReference(v cty.Value) (Reference, bool) {
	if v.IsMarked() || !v.IsKnown() || v.IsNull() || !v.Type().Equals(referenceType) {
		return Reference{}, false
	}
	return *v.EncapsulatedValue().(*Reference), true
}

// Set is the address without the key.
func (r Reference) Set() spec.Address { return spec.Address(r.Kind + "." + r.Name).In(r.Module) }

// Address is the address of the object.
func (r Reference) Address() spec.Address {
	return spec.Address(r.Kind + "." + spec.Instance(r.Name, r.Key)).In(r.Module)
}

// MarshalJSON refuses: a reference must not become text by accident.
func (r *Reference) MarshalJSON() ([]byte, error) {
	return nil, errors.New(string(r.Address()) + " is a reference and no text")
}

var _ json.Marshaler = (*Reference)(nil)

// Step picks an instance; it is what the evaluator does for NAME["key"].
func (r *Reference) Step(key cty.Value, rng hcl.Range) (cty.Value, *expr.Error) {
	fault := func(detail string, args ...any) (cty.Value, *expr.Error) {
		return cty.DynamicVal, &expr.Error{Code: CodeReference, Range: rng, Summary: "Invalid reference", Detail: fmt.Sprintf(detail, args...)}
	}
	switch {
	case !key.IsKnown():
		return cty.DynamicVal, nil
	case key.IsNull() || key.Type() != cty.String:
		return fault("An instance of %s is chosen by the text of its key: %s[\"KEY\"].", r.Set(), r.Set())
	case r.Key != "" || key.AsString() == "":
		return fault("%s has no instances of its own.", r.Address())
	}
	chosen := *r
	chosen.Key = key.AsString()
	return chosen.Value(), nil
}

// PathMember is what an expression may read of a dependency: where a job finds
// its files.
const PathMember = "path"

// Used is the mark of such a path, and of what is made of it: whoever lets it into
// a job notes that the job uses the dependency.
type Used struct{ Reference Reference }

// Attribute gives the path of a dependency, and refuses what else looks like a
// member of an object.
func (r *Reference) Attribute(name string, rng hcl.Range) (cty.Value, *expr.Error) {
	if r.Kind == spec.DependencyKind {
		if name != PathMember {
			return cty.DynamicVal, &expr.Error{
				Code: CodeReference, Range: rng, Summary: "Unknown member",
				Detail: fmt.Sprintf("A dependency has a path, not %q.%s", name, DidYouMean(name, []string{PathMember})),
			}
		}
		return cty.StringVal("deps/" + r.Address().DependencyName()).Mark(Used{*r}), nil
	}
	return cty.DynamicVal, &expr.Error{
		Code: CodeReference, Range: rng, Summary: "Invalid reference",
		Detail: fmt.Sprintf("%s has no member %q here: it only stands for the %s.", r.Address(), name, r.Kind),
	}
}

// ReferencesAsText replaces references in a value by their addresses, for what is
// published: nobody outside could do anything with the reference.
func ReferencesAsText(v cty.Value) cty.Value {
	text, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if ref, ok := AsReference(v); ok {
			return cty.StringVal(string(ref.Address())), nil
		}
		return v, nil
	})
	if err != nil {
		return v
	}
	return text
}
