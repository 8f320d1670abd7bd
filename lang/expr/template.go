package expr

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

func (e *Evaluator) template(x *hclsyntax.TemplateExpr) (cty.Value, *Error) {
	text := text{e: e, rng: x.SrcRange}
	for _, part := range x.Parts {
		v, err := e.eval(part)
		if err != nil {
			return v, err
		}
		if err := text.add(part.Range(), v); err != nil {
			return cty.DynamicVal, err
		}
	}
	return text.result()
}

// templateJoin is the body of a %{ for } directive.
func (e *Evaluator) templateJoin(x *hclsyntax.TemplateJoinExpr) (cty.Value, *Error) {
	tuple, err := e.eval(x.Tuple)
	if err != nil {
		return tuple, err
	}
	tuple, marks := tuple.Unmark()
	if !tuple.IsKnown() || !tuple.Type().IsTupleType() {
		return cty.UnknownVal(cty.String).WithMarks(marks), nil
	}
	text := text{e: e, rng: x.Range(), marks: []cty.ValueMarks{marks}}
	for it := tuple.ElementIterator(); it.Next(); {
		_, v := it.Element()
		if err := text.add(x.Range(), v); err != nil {
			return cty.DynamicVal, err
		}
	}
	return text.result()
}

// text grows a string; each part is checked against the limit before it is added.
type text struct {
	e       *Evaluator
	rng     hcl.Range
	b       strings.Builder
	unknown bool
	marks   []cty.ValueMarks // of all parts
}

func (t *text) add(rng hcl.Range, v cty.Value) *Error {
	if v.IsNull() {
		return &Error{Range: rng, Summary: "Invalid template interpolation value", Detail: "The value is null, which has no text."}
	}
	v, err := convert.Convert(v, cty.String)
	if err != nil {
		return &Error{Range: rng, Summary: "Invalid template interpolation value", Detail: "The value has no text: " + sentence(err)}
	}
	v, marks := v.Unmark()
	if marks != nil {
		t.marks = append(t.marks, marks)
	}
	if !v.IsKnown() {
		t.unknown = true
		return nil
	}
	s := v.AsString()
	if err := t.e.spend(t.rng, len(s)); err != nil {
		return err
	}
	if t.b.Len()+len(s)+overhead > t.e.limits.Size {
		return tooLarge(t.rng, t.e.limits.Size)
	}
	t.b.WriteString(s)
	return nil
}

func (t *text) result() (cty.Value, *Error) {
	if t.unknown {
		return cty.UnknownVal(cty.String).RefineNotNull().WithMarks(t.marks...), nil
	}
	return cty.StringVal(t.b.String()).WithMarks(t.marks...), nil
}
