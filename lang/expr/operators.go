package expr

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

func (e *Evaluator) binary(x *hclsyntax.BinaryOpExpr) (cty.Value, *Error) {
	if x.Op == hclsyntax.OpLogicalAnd || x.Op == hclsyntax.OpLogicalOr {
		return e.logical(x)
	}
	left, err := e.operand(x.LHS, x.Op.Impl.Params()[0])
	if err != nil {
		return cty.DynamicVal, err
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

// logical: as in HCL, a side that decides makes up for a fault of the other one,
// whichever comes first, but not for a value of the wrong type. Unlike there, a
// value that is not known yet makes up for nothing.
func (e *Evaluator) logical(x *hclsyntax.BinaryOpExpr) (cty.Value, *Error) {
	decides := x.Op == hclsyntax.OpLogicalOr
	decided, known := false, true
	var fault *Error
	var marks []cty.ValueMarks
	for _, side := range []hclsyntax.Expression{x.LHS, x.RHS} {
		v, err := e.eval(side)
		if err == nil {
			if v, err = e.suit(side, v, cty.Bool); err != nil {
				return cty.DynamicVal, err
			}
			var of cty.ValueMarks
			v, of = v.Unmark()
			marks = append(marks, of)
			if v.IsNull() {
				err = nullOperand(side)
			}
		}
		if err != nil {
			if err.Limit {
				return cty.DynamicVal, err
			}
			fault = cmp.Or(fault, err)
			continue
		}
		decided = decided || v.IsKnown() && v.True() == decides
		known = known && v.IsKnown()
	}
	switch {
	case decided:
		return cty.BoolVal(decides).WithMarks(marks...), nil
	case fault != nil:
		return cty.DynamicVal, fault
	case !known:
		return cty.UnknownVal(cty.Bool).RefineNotNull().WithMarks(marks...), nil
	}
	return cty.BoolVal(!decides).WithMarks(marks...), nil
}

func (e *Evaluator) operand(x hclsyntax.Expression, p function.Parameter) (cty.Value, *Error) {
	v, err := e.eval(x)
	if err != nil {
		return v, err
	}
	if v, err = e.suit(x, v, p.Type); err != nil {
		return v, err
	}
	if v.IsNull() && !p.AllowNull {
		return v, nullOperand(x)
	}
	return v, nil
}

func (e *Evaluator) suit(x hclsyntax.Expression, v cty.Value, want cty.Type) (cty.Value, *Error) {
	if v.Type().Equals(want) {
		return v, nil
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		return v, &Error{Range: x.Range(), Summary: "Invalid operand", Detail: "Unsuitable value for the operator: " + sentence(err)}
	}
	return e.made(x.Range(), converted)
}

func nullOperand(x hclsyntax.Expression) *Error {
	return &Error{Range: x.Range(), Summary: "Invalid operand", Detail: "The value is null, which the operator does not take."}
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
	yes, yesErr := e.result(x.TrueResult)
	no, noErr := e.result(x.FalseResult)
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
		if yes.IsNull() && no.IsNull() {
			return cty.NullVal(ty).WithMarks(marks, yesMarks, noMarks), nil
		}
		_, yesParts := yes.UnmarkDeep()
		_, noParts := no.UnmarkDeep()
		return cty.UnknownVal(ty).WithMarks(marks, yesMarks, noMarks, yesParts, noParts), nil
	}
	chosen, chosenErr := yes, yesErr
	if condition.False() {
		chosen, chosenErr = no, noErr
	}
	if chosenErr != nil {
		return cty.DynamicVal, chosenErr
	}
	chosen = chosen.WithMarks(marks, yesMarks, noMarks)
	ty, err := e.commonType(x, yes, no)
	if err != nil {
		return cty.DynamicVal, err
	}
	return e.convert(x.SrcRange, chosen, ty)
}

// result evaluates one that may turn out not to be needed. With a fault comes a
// value that is unknown, of the type that operators and templates always have.
func (e *Evaluator) result(x hclsyntax.Expression) (cty.Value, *Error) {
	v, err := e.eval(x)
	if err != nil {
		v = cty.UnknownVal(madeBy(x))
	}
	return v, err
}

func madeBy(x hclsyntax.Expression) cty.Type {
	switch x := x.(type) {
	case *hclsyntax.TemplateExpr, *hclsyntax.TemplateJoinExpr:
		return cty.String
	case *hclsyntax.BinaryOpExpr:
		return x.Op.Type
	case *hclsyntax.UnaryOpExpr:
		return x.Op.Type
	case *hclsyntax.ParenthesesExpr:
		return madeBy(x.Expression)
	}
	return cty.DynamicPseudoType
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
