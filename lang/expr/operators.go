package expr

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// binary evaluates the right side only when the left one does not decide.
func (e *Evaluator) binary(x *hclsyntax.BinaryOpExpr) (cty.Value, *Error) {
	left, err := e.operand(x.LHS, x.Op.Impl.Params()[0])
	if err != nil {
		return cty.DynamicVal, err
	}
	if bare, marks := left.Unmark(); bare.IsKnown() && !bare.IsNull() {
		switch {
		case x.Op == hclsyntax.OpLogicalAnd && bare.False():
			return cty.False.WithMarks(marks), nil
		case x.Op == hclsyntax.OpLogicalOr && bare.True():
			return cty.True.WithMarks(marks), nil
		}
	}
	right, err := e.operand(x.RHS, x.Op.Impl.Params()[1])
	if err != nil {
		return cty.DynamicVal, err
	}
	v, callErr := x.Op.Impl.Call([]cty.Value{left, right})
	if callErr != nil {
		return cty.DynamicVal, &Error{Range: x.SrcRange, Summary: "Invalid operation", Detail: sentence(callErr)}
	}
	return e.made(x.SrcRange, v)
}

func (e *Evaluator) unary(x *hclsyntax.UnaryOpExpr) (cty.Value, *Error) {
	operand, err := e.operand(x.Val, x.Op.Impl.Params()[0])
	if err != nil {
		return cty.DynamicVal, err
	}
	v, callErr := x.Op.Impl.Call([]cty.Value{operand})
	if callErr != nil {
		return cty.DynamicVal, &Error{Range: x.SrcRange, Summary: "Invalid operation", Detail: sentence(callErr)}
	}
	return e.made(x.SrcRange, v)
}

func (e *Evaluator) operand(x hclsyntax.Expression, p function.Parameter) (cty.Value, *Error) {
	v, err := e.eval(x)
	if err != nil {
		return v, err
	}
	converted, convertErr := convert.Convert(v, p.Type)
	if convertErr != nil {
		return v, &Error{Range: x.Range(), Summary: "Invalid operand", Detail: "Unsuitable value for the operator: " + sentence(convertErr)}
	}
	if converted.IsNull() && !p.AllowNull {
		return v, &Error{Range: x.Range(), Summary: "Invalid operand", Detail: "The value is null, which the operator does not take."}
	}
	return converted, nil
}

// conditional looks at both results, because they decide the type together; a
// fault in the one that is not chosen is none. As in HCL, the result carries the
// marks of all three.
func (e *Evaluator) conditional(x *hclsyntax.ConditionalExpr) (cty.Value, *Error) {
	condition, err := e.condition(x.Condition)
	if err != nil {
		return condition, err
	}
	condition, marks := condition.Unmark()
	yes, yesErr := e.eval(x.TrueResult)
	no, noErr := e.eval(x.FalseResult)
	yes, yesMarks := yes.Unmark()
	no, noMarks := no.Unmark()
	for _, err := range []*Error{yesErr, noErr} {
		if err != nil && (err.Limit || !condition.IsKnown()) {
			return cty.DynamicVal, err
		}
	}
	if !condition.IsKnown() {
		ty, err := e.commonType(x, yes, no)
		if err != nil {
			return cty.DynamicVal, err
		}
		_, yesParts := yes.UnmarkDeep()
		_, noParts := no.UnmarkDeep()
		return cty.UnknownVal(ty).WithMarks(marks, yesMarks, noMarks, yesParts, noParts), nil
	}
	chosen, chosenErr := yes, yesErr
	if condition.False() {
		chosen, chosenErr = no, noErr
	}
	chosen = chosen.WithMarks(marks, yesMarks, noMarks)
	if yesErr != nil || noErr != nil {
		return chosen, chosenErr
	}
	ty, err := e.commonType(x, yes, no)
	if err != nil {
		return cty.DynamicVal, err
	}
	return e.convert(x.SrcRange, chosen, ty)
}

func (e *Evaluator) condition(x hclsyntax.Expression) (cty.Value, *Error) {
	v, err := e.eval(x)
	if err != nil {
		return v, err
	}
	v, convertErr := convert.Convert(v, cty.Bool)
	if convertErr != nil {
		return cty.DynamicVal, &Error{Range: x.Range(), Summary: "Invalid condition", Detail: "A condition is true or false: " + sentence(convertErr)}
	}
	if v.IsNull() {
		return cty.DynamicVal, &Error{Range: x.Range(), Summary: "Invalid condition", Detail: "A condition is true or false, and this is null."}
	}
	return v, nil
}

func (e *Evaluator) commonType(x *hclsyntax.ConditionalExpr, yes, no cty.Value) (cty.Type, *Error) {
	bare := cty.NullVal(cty.DynamicPseudoType)
	switch {
	case yes.RawEquals(bare):
		return no.Type(), nil
	case no.RawEquals(bare):
		return yes.Type(), nil
	case yes.Type() == cty.DynamicPseudoType || no.Type() == cty.DynamicPseudoType:
		return cty.DynamicPseudoType, nil
	case yes.Type().Equals(no.Type()):
		return yes.Type(), nil
	}
	nodes := typeNodes(yes.Type(), e.limits.Types)
	nodes += typeNodes(no.Type(), e.limits.Types)
	if nodes > e.limits.Types {
		return cty.NilType, &Error{Range: x.SrcRange, Limit: true, Summary: "The value is too large", Detail: fmt.Sprintf("The two results have different types with more than %d parts.", e.limits.Types)}
	}
	ty, _ := convert.UnifyUnsafe([]cty.Type{yes.Type(), no.Type()})
	if ty == cty.NilType {
		return ty, &Error{
			Range: x.SrcRange, Summary: "Inconsistent conditional result types",
			Detail: fmt.Sprintf("The results must have one type, but one is %s and the other %s.", yes.Type().FriendlyName(), no.Type().FriendlyName()),
		}
	}
	return ty, nil
}

// sentence makes a sentence of an error of cty.
func sentence(err error) string {
	text := err.Error()
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return text
}
