package expr

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Stepper is implemented by what a capsule of cty holds when expressions may go
// into it, as if it were an object.
type Stepper interface {
	Attribute(name string, rng hcl.Range) (cty.Value, *Error)
	Step(key cty.Value, rng hcl.Range) (cty.Value, *Error)
}

// stepper returns what a value holds, if expressions may go into it.
func stepper(v cty.Value) (Stepper, bool) {
	if !v.Type().IsCapsuleType() || v.IsMarked() || !v.IsKnown() || v.IsNull() {
		return nil, false
	}
	s, ok := v.EncapsulatedValue().(Stepper)
	return s, ok
}

func stepOf(s Stepper, step hcl.Traverser) (cty.Value, *Error) {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return s.Attribute(step.Name, step.SrcRange)
	case hcl.TraverseIndex:
		return s.Step(step.Key, step.SrcRange)
	}
	return cty.DynamicVal, &Error{Range: step.SourceRange(), Summary: "Unsupported expression", Detail: "This form of reference is not supported here."}
}
