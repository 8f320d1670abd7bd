package expr

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/leifengta/lft/lang/spec"
)

// convert brings a value to a type, within the limits.
func (e *Evaluator) convert(rng hcl.Range, v cty.Value, want cty.Type) (cty.Value, *Error) {
	if want == cty.DynamicPseudoType || v.Type().Equals(want) {
		return v, nil
	}
	converted, err := e.toType(rng, v, want)
	if err != nil {
		return v, err
	}
	return e.made(rng, converted)
}

func (e *Evaluator) toType(rng hcl.Range, v cty.Value, want cty.Type) (cty.Value, *Error) {
	converted, err := e.structural(v, want)
	if err == nil {
		return converted, nil
	}
	if limit := (*Error)(nil); errors.As(err, &limit) {
		return v, &Error{Range: rng, Limit: limit.Limit, Summary: limit.Summary, Detail: limit.Detail}
	}
	detail := sentence(err)
	if !strings.Contains(detail, "equired") {
		detail = sentence(fmt.Errorf("%s is required: %w", article(want), err))
	}
	return v, &Error{Range: rng, Summary: "Unsuitable value", Detail: detail}
}

// structural converts element by element. cty would compare the types of all
// pairs of elements of a tuple, which takes a minute for a long one.
func (e *Evaluator) structural(v cty.Value, want cty.Type) (cty.Value, error) {
	from := v.Type()
	if from.Equals(want) {
		return v, nil
	}
	if v.IsMarked() {
		bare, marks := v.Unmark()
		converted, err := e.structural(bare, want)
		return converted.WithMarks(marks), err
	}
	if want.HasDynamicTypes() {
		var err *Error
		if want, err = e.settle(from, want); err != nil {
			return v, err
		}
	}
	if v.IsNull() || !v.IsKnown() {
		return convert.Convert(v, want)
	}
	if from.IsCollectionType() && v.LengthInt() == 0 {
		return convert.Convert(v, want) // by types alone: there are no elements to ask
	}
	sequence := from.IsTupleType() || from.IsListType() || from.IsSetType()
	named := from.IsObjectType() || from.IsMapType()
	switch {
	case (want.IsListType() || want.IsSetType()) && sequence:
		return e.sequence(v, want)
	case want.IsMapType() && named:
		return e.mapping(v, want.ElementType())
	case want.IsObjectType() && from.IsObjectType():
		return e.attributes(v, want)
	}
	return convert.Convert(v, want)
}

func (e *Evaluator) sequence(v cty.Value, want cty.Type) (cty.Value, error) {
	ty := want.ElementType()
	elements := make([]cty.Value, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		_, element := it.Element()
		converted, err := e.structural(element, ty)
		if err != nil {
			return v, fmt.Errorf("element %d: %w", len(elements), err)
		}
		elements = append(elements, converted)
	}
	switch {
	case len(elements) == 0 && want.IsListType():
		return cty.ListValEmpty(ty), nil
	case len(elements) == 0:
		return cty.SetValEmpty(ty), nil
	case !cty.CanListVal(elements):
		return v, errors.New("all elements must have the same type")
	case want.IsListType():
		return cty.ListVal(elements), nil
	}
	return cty.SetVal(elements), nil
}

func (e *Evaluator) mapping(v cty.Value, ty cty.Type) (cty.Value, error) {
	elements := make(map[string]cty.Value, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		converted, err := e.structural(element, ty)
		if err != nil {
			return v, fmt.Errorf("element %q: %w", key.AsString(), err)
		}
		elements[key.AsString()] = converted
	}
	switch {
	case len(elements) == 0:
		return cty.MapValEmpty(ty), nil
	case !cty.CanMapVal(elements):
		return v, errors.New("all elements must have the same type")
	}
	return cty.MapVal(elements), nil
}

func (e *Evaluator) attributes(v cty.Value, want cty.Type) (cty.Value, error) {
	from := v.Type()
	attributes := make(map[string]cty.Value, len(want.AttributeTypes()))
	for _, name := range slices.Sorted(maps.Keys(want.AttributeTypes())) {
		ty := want.AttributeType(name)
		switch {
		case from.HasAttribute(name):
			converted, err := e.structural(v.GetAttr(name), ty)
			if err != nil {
				return v, fmt.Errorf("attribute %q: %w", name, err)
			}
			attributes[name] = converted
		case want.AttributeOptional(name):
			attributes[name] = cty.NullVal(ty.WithoutOptionalAttributesDeep())
		default:
			return v, fmt.Errorf("attribute %q is required", name)
		}
	}
	return cty.ObjectVal(attributes), nil
}

// settle replaces the "any" of a collection of any by the one type all elements
// have in common. cty compares all pairs of elements for that; we compare the
// distinct types.
func (e *Evaluator) settle(from, want cty.Type) (cty.Type, *Error) {
	if !want.IsCollectionType() || want.ElementType() != cty.DynamicPseudoType {
		if typeNodes(from, e.limits.Types) > e.limits.Types {
			return want, &Error{Limit: true, Summary: "The value is too large", Detail: fmt.Sprintf("Its type has more than %d parts.", e.limits.Types)}
		}
		return want, nil
	}
	if from.IsCollectionType() {
		return collection(want, from.ElementType()), nil
	}
	var distinct []cty.Type
	note := func(ty cty.Type) {
		for _, d := range distinct {
			if d.Equals(ty) {
				return
			}
		}
		distinct = append(distinct, ty)
	}
	const many = 64
	switch {
	case from.IsTupleType():
		for _, ty := range from.TupleElementTypes() {
			if note(ty); len(distinct) > many {
				break
			}
		}
	case from.IsObjectType():
		for _, ty := range from.AttributeTypes() {
			if note(ty); len(distinct) > many {
				break
			}
		}
	}
	nodes := 0
	for _, ty := range distinct {
		nodes += typeNodes(ty, e.limits.Types)
	}
	if len(distinct) > many || len(distinct) > 1 && nodes > e.limits.Types {
		return want, &Error{Limit: true, Summary: "The value is too large", Detail: "Its elements have too many different types."}
	}
	if len(distinct) == 0 {
		return want, nil
	}
	common, _ := convert.UnifyUnsafe(distinct)
	if common == cty.NilType {
		return want, &Error{Summary: "Unsuitable value", Detail: "All elements must have the same type."}
	}
	return collection(want, common), nil
}

// collection is a type of the kind of another, with its own elements.
func collection(kind, element cty.Type) cty.Type {
	switch {
	case kind.IsListType():
		return cty.List(element)
	case kind.IsSetType():
		return cty.Set(element)
	}
	return cty.Map(element)
}

func article(ty cty.Type) string {
	name := ty.FriendlyNameForConstraint()
	if strings.ContainsRune("aeiou", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// DecodeType reads a type constraint. Nil is any type.
func DecodeType(t spec.Type) (cty.Type, error) {
	switch string(t) {
	case "":
		return cty.DynamicPseudoType, nil
	case `"string"`:
		return cty.String, nil
	case `"number"`:
		return cty.Number, nil
	case `"bool"`:
		return cty.Bool, nil
	}
	if !shallow(t, MaxNesting) {
		return cty.NilType, fmt.Errorf("type %.40s is nested more than %d deep", t, MaxNesting)
	}
	ty, err := ctyjson.UnmarshalType(t)
	if err != nil {
		return cty.NilType, fmt.Errorf("type %.80s: %w", t, err)
	}
	return ty, nil
}

// EncodeType writes a type constraint.
func EncodeType(ty cty.Type) (spec.Type, error) { return ctyjson.MarshalType(ty) }

// Encode writes a known value as JSON that needs no type to be read. JSON holds no
// marks: whoever must mask the value asks IsSensitive before.
func Encode(v cty.Value) (json.RawMessage, error) {
	v, _ = Reveal(v)
	return ctyjson.Marshal(v, v.Type())
}

// Decode reads what Encode wrote, as a run-time expression sees it: without a
// type, so that a list has become a tuple and a map an object.
func Decode(data json.RawMessage) (cty.Value, error) {
	return decodeJSON(data, cty.DynamicPseudoType, RunTime())
}

// decodeJSON reads JSON of bounded size and depth. Any type is taken from the
// JSON itself.
func decodeJSON(data json.RawMessage, ty cty.Type, limits Limits) (cty.Value, error) {
	if len(data) > limits.Size {
		return cty.NilVal, fmt.Errorf("it has %d bytes, more than %d", len(data), limits.Size)
	}
	if !json.Valid(data) {
		return cty.NilVal, fmt.Errorf("it is not JSON: %.40q", data)
	}
	if !shallow(data, MaxNesting) {
		return cty.NilVal, fmt.Errorf("it is nested more than %d deep", MaxNesting)
	}
	implied, err := ctyjson.ImpliedType(data)
	if err != nil {
		return cty.NilVal, err
	}
	v, err := ctyjson.Unmarshal(data, implied)
	if err != nil {
		return cty.NilVal, err
	}
	m := meter{left: 4 * limits.Size}
	if m.add(v); m.left < 0 || m.huge {
		return cty.NilVal, fmt.Errorf("it holds a number out of range, or too many parts")
	}
	if ty == cty.DynamicPseudoType || ty.Equals(implied) {
		return v, nil
	}
	e := Evaluator{limits: limits, steps: limits.Steps}
	converted, convertErr := e.toType(hcl.Range{}, v, ty)
	if convertErr != nil {
		return cty.NilVal, fmt.Errorf("%s", lowerFirst(strings.TrimSuffix(convertErr.Detail, ".")))
	}
	return converted, nil
}

// shallow reports whether brackets in JSON nest at most so deep.
func shallow(data []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > limit {
				return false
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return true
}

// ConvertParam reads the text of a parameter on a command line as its type. For
// a string the text is taken as it is; lists, maps and objects are JSON. The
// error is for users and does not name the parameter.
func ConvertParam(t spec.Type, text string) (json.RawMessage, error) {
	ty, err := DecodeType(t)
	if err != nil {
		return nil, err
	}
	if len(text) > MaxValue {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(text), MaxValue)
	}
	if !ty.IsPrimitiveType() && ty != cty.DynamicPseudoType {
		v, err := Convert(t, json.RawMessage(text))
		if err != nil {
			return nil, fmt.Errorf("%s as JSON is needed: %w", article(ty), err)
		}
		return v, nil
	}
	v, err := convert.Convert(cty.StringVal(text), ty)
	if err != nil {
		return nil, fmt.Errorf("%q is not %s", text, article(ty))
	}
	m := meter{left: MaxValue}
	if m.add(v); m.huge {
		return nil, fmt.Errorf("%s is out of range", text)
	}
	return Encode(v)
}

// Convert brings JSON to a declared type. The error is for users and does not
// name what the value is for.
func Convert(t spec.Type, v json.RawMessage) (json.RawMessage, error) {
	return convertJSON(t, v, RunTime())
}

func convertJSON(t spec.Type, v json.RawMessage, limits Limits) (json.RawMessage, error) {
	if asIs(t, v) && len(v) <= limits.Size {
		return v, nil
	}
	ty, err := DecodeType(t)
	if err != nil {
		return nil, err
	}
	value, err := decodeJSON(v, ty, limits)
	if err != nil {
		return nil, err
	}
	if value.IsNull() {
		return nil, fmt.Errorf("%s is required, but it is null", article(ty))
	}
	return Encode(value)
}

// asIs recognises short scalars of the right type, which most values are.
func asIs(t spec.Type, v json.RawMessage) bool {
	if len(v) == 0 || !json.Valid(v) {
		return false
	}
	switch string(t) {
	case `"string"`:
		return v[0] == '"'
	case `"bool"`:
		return v[0] == 't' || v[0] == 'f'
	}
	return false
}
