package view

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/expr"
)

// sensitiveText stands for a value that is not shown.
const sensitiveText = "(sensitive value)"

// Value shows a value of a console as it could be written, in Terraform's form.
func (t *Terminal) Value(v cty.Value) {
	if ty, ok := lang.ShownType(v); ok {
		t.Printf("%s\n", typeLiteral(ty, 0))
		return
	}
	t.Printf("%s\n", asWritten(v, 0))
}

// typeLiteral writes a type as Terraform's console does: members by lines.
func typeLiteral(ty cty.Type, indent int) string {
	pad := "\n" + strings.Repeat(" ", indent+4)
	end := "\n" + strings.Repeat(" ", indent)
	switch {
	case ty == cty.DynamicPseudoType:
		return "dynamic"
	case ty.IsCollectionType():
		kind := "list"
		if ty.IsSetType() {
			kind = "set"
		} else if ty.IsMapType() {
			kind = "map"
		}
		return kind + "(" + typeLiteral(ty.ElementType(), indent) + ")"
	case ty.IsObjectType() && len(ty.AttributeTypes()) == 0:
		return "object({})"
	case ty.IsObjectType():
		text := "object({"
		for _, name := range slices.Sorted(maps.Keys(ty.AttributeTypes())) {
			text += pad + quoteKey(name) + ": " + typeLiteral(ty.AttributeType(name), indent+4) + ","
		}
		return text + end + "})"
	case ty.IsTupleType() && ty.Length() == 0:
		return "tuple([])"
	case ty.IsTupleType():
		text := "tuple(["
		for _, element := range ty.TupleElementTypes() {
			text += pad + typeLiteral(element, indent+4) + ","
		}
		return text + end + "])"
	}
	return ty.FriendlyName()
}

func asWritten(v cty.Value, indent int) string {
	if v.IsMarked() {
		if expr.IsSensitive(v) {
			return sensitiveText
		}
		v, _ = v.Unmark()
	}
	switch ty := v.Type(); {
	case !v.IsKnown():
		return "(known when a job runs)"
	case v.IsNull():
		return nullLiteral(ty)
	case ty == cty.String:
		return textLiteral(v.AsString(), indent)
	case ty == cty.Number:
		return v.AsBigFloat().Text('f', -1)
	case ty == cty.Bool:
		return strconv.FormatBool(v.True())
	case ty.IsObjectType():
		return mapping(v, indent)
	case ty.IsMapType():
		return "tomap(" + mapping(v, indent) + ")"
	case ty.IsTupleType():
		return sequence(v, indent)
	case ty.IsListType():
		return "tolist(" + sequence(v, indent) + ")"
	case ty.IsSetType():
		return "toset(" + sequence(v, indent) + ")"
	}
	return v.GoString() // a reference, as it is written
}

// nullLiteral says of which type nothing there is.
func nullLiteral(ty cty.Type) string {
	switch {
	case ty == cty.DynamicPseudoType:
		return "null"
	case ty.IsPrimitiveType():
		return "to" + ty.FriendlyName() + "(null)"
	case ty.IsListType():
		return "tolist(null) /* of " + ty.ElementType().FriendlyName() + " */"
	case ty.IsSetType():
		return "toset(null) /* of " + ty.ElementType().FriendlyName() + " */"
	case ty.IsMapType():
		return "tomap(null) /* of " + ty.ElementType().FriendlyName() + " */"
	}
	return "null /* " + ty.FriendlyName() + " */"
}

// textLiteral writes text of several lines as a heredoc, whose mark is in no line.
func textLiteral(text string, indent int) string {
	lines := strings.Split(text, "\n")
	if len(lines) < 2 {
		return strconv.Quote(text)
	}
	mark := "EOT"
	for i := 0; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == mark {
			mark, i = mark+"_", -1
		}
	}
	pad := strings.Repeat(" ", indent)
	open := "<<"
	if indent > 0 {
		open = "<<-"
	}
	return open + mark + "\n" + pad + strings.Join(lines, "\n"+pad) + "\n" + pad + mark
}

func mapping(v cty.Value, indent int) string {
	if v.LengthInt() == 0 {
		return "{}"
	}
	var b strings.Builder
	pad := strings.Repeat(" ", indent+2)
	b.WriteString("{\n")
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		b.WriteString(pad + strconv.Quote(key.AsString()) + " = " + asWritten(element, indent+2) + "\n")
	}
	b.WriteString(strings.Repeat(" ", indent) + "}")
	return b.String()
}

func sequence(v cty.Value, indent int) string {
	if v.LengthInt() == 0 {
		return "[]"
	}
	var b strings.Builder
	pad := strings.Repeat(" ", indent+2)
	b.WriteString("[\n")
	for it := v.ElementIterator(); it.Next(); {
		_, element := it.Element()
		b.WriteString(pad + asWritten(element, indent+2) + ",\n")
	}
	b.WriteString(strings.Repeat(" ", indent) + "]")
	return b.String()
}
