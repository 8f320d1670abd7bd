package expr

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Limits bound one Evaluator. Whatever the input is, work and memory stay
// proportional to them.
type Limits struct {
	Steps int // syntax nodes visited, plus one for each KiB made
	Size  int // bytes of any value
	Types int // nodes of types that are brought to one common type
}

// The bounds of a run-time expression.
const (
	MaxSource  = 8 << 10
	MaxNesting = 64
	MaxValue   = 64 << 10
	MaxSteps   = 10_000
)

// RunTime returns the bounds under which the master evaluates.
func RunTime() Limits { return Limits{Steps: MaxSteps, Size: MaxValue, Types: 2_000} }

// Error is a fault in an expression, for users.
type Error struct {
	Code    string // stable, for what the caller found; "" when evaluation failed
	Range   hcl.Range
	Summary string
	Detail  string
	// Limit tells that a bound was met; try and can do not swallow it.
	Limit bool
}

// Error returns all but the place.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Summary
	}
	return e.Summary + ": " + e.Detail
}

// maxExponent bounds numbers in powers of two, so that one written out has no
// more than some three hundred digits before the point.
const maxExponent = 1024

// setCost is what an element of a set costs more than its size, in bytes: cty
// keeps sets as maps of hashes.
const setCost = 512

// overhead is counted for each element and attribute, in bytes.
const overhead = 8

// meter measures values and stops as soon as a bound is passed.
type meter struct {
	left   int
	huge   bool // a number beyond maxExponent was met
	marked bool // a part carries a mark
	secret bool // and one of the marks is ours
}

func (m *meter) add(v cty.Value) {
	m.left -= overhead
	if v.IsMarked() {
		m.marked = true
		m.secret = m.secret || v.HasMark(secret)
		v, _ = v.Unmark()
	}
	if m.left < 0 || !v.IsKnown() || v.IsNull() {
		return
	}
	switch ty := v.Type(); {
	case ty == cty.String:
		m.left -= len(v.AsString())
	case ty == cty.Number:
		f := v.AsBigFloat()
		if exponent := f.MantExp(nil); f.IsInf() || exponent > maxExponent || exponent < -maxExponent {
			m.huge = true
		}
	case ty.IsObjectType():
		for name := range ty.AttributeTypes() {
			m.left -= len(name)
			if m.add(v.GetAttr(name)); m.left < 0 {
				return
			}
		}
	case ty.IsMapType():
		for name, e := range v.AsValueMap() {
			m.left -= len(name)
			if m.add(e); m.left < 0 {
				return
			}
		}
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if m.add(e); m.left < 0 {
				return
			}
		}
	}
}

// Size returns the size of a value as limits count it, or more than limit.
func Size(v cty.Value, limit int) int {
	m := meter{left: limit}
	m.add(v)
	return limit - m.left
}

// spend takes steps for a node; bytes is the size of what it is going to make.
func (e *Evaluator) spend(rng hcl.Range, bytes int) *Error {
	if bytes > e.limits.Size {
		return tooLarge(rng, e.limits.Size)
	}
	e.steps -= 1 + bytes/1024
	if e.steps < 0 && e.reserve != nil {
		e.steps += e.reserve()
	}
	if e.steps >= 0 {
		return nil
	}
	err := &Error{Range: rng, Limit: true, Summary: "The expression takes too long"}
	if err.Detail = "Evaluation was stopped: no folder of this size needs as many steps."; e.reserve == nil {
		err.Detail = fmt.Sprintf("Evaluation was stopped after %d steps.", e.limits.Steps)
	}
	return err
}

// made checks and pays for a value that a node has made.
func (e *Evaluator) made(rng hcl.Range, v cty.Value) (cty.Value, *Error) {
	m := meter{left: e.limits.Size}
	m.add(v)
	if m.left < 0 {
		return cty.DynamicVal, tooLarge(rng, e.limits.Size)
	}
	if m.huge {
		return cty.DynamicVal, &Error{
			Range: rng, Summary: "The number is out of range",
			Detail: fmt.Sprintf("Numbers lie between 2^-%d and 2^%d.", maxExponent, maxExponent),
		}
	}
	e.steps -= (e.limits.Size - m.left) / 1024
	if set, _ := v.Unmark(); set.Type().IsSetType() && set.IsKnown() && !set.IsNull() {
		e.steps -= set.LengthInt() * setCost / 1024
	}
	return v, nil
}

// grow adds the size of an element to what a loop has made so far.
func (e *Evaluator) grow(rng hcl.Range, total *int, v cty.Value) *Error {
	*total += Size(v, e.limits.Size)
	if *total > e.limits.Size {
		return tooLarge(rng, e.limits.Size)
	}
	return nil
}

func tooLarge(rng hcl.Range, limit int) *Error {
	return &Error{
		Range: rng, Limit: true, Summary: "The value is too large",
		Detail: fmt.Sprintf("It would have more than %d bytes.", limit),
	}
}

// typeNodes counts the nodes of a type, up to a limit.
func typeNodes(ty cty.Type, limit int) int {
	n := 1
	switch {
	case ty.IsTupleType():
		for _, e := range ty.TupleElementTypes() {
			if n += typeNodes(e, limit-n); n > limit {
				return n
			}
		}
	case ty.IsObjectType():
		for _, e := range ty.AttributeTypes() {
			if n += typeNodes(e, limit-n); n > limit {
				return n
			}
		}
	case ty.IsCollectionType():
		n += typeNodes(ty.ElementType(), limit-n)
	}
	return n
}
