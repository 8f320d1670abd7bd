package expr

import (
	"errors"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// matchKeys is Terraform's: the values whose key is one of those searched.
var matchKeys = function.New(&function.Spec{
	Description: "The elements of values whose element of keys, at the same place, is in searchset.",
	Params: []function.Parameter{
		{Name: "values", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "searchset", Type: cty.List(cty.DynamicPseudoType)},
	},
	Type: func(args []cty.Value) (cty.Type, error) {
		if ty, _ := convert.UnifyUnsafe([]cty.Type{args[1].Type(), args[2].Type()}); ty == cty.NilType {
			return ty, errors.New("keys and searchset must be of one type")
		}
		return args[0].Type(), nil
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		if args[0].LengthInt() != args[1].LengthInt() {
			return cty.NilVal, errors.New("values and keys must be of one length")
		}
		if !args[1].IsWhollyKnown() || !args[2].IsWhollyKnown() {
			return cty.UnknownVal(ty), nil
		}
		values := args[0].AsValueSlice()
		common, _ := convert.UnifyUnsafe([]cty.Type{args[1].Type(), args[2].Type()})
		var comparable [2][]cty.Value
		for i, list := range args[1:] {
			list, err := convert.Convert(list, common)
			if err != nil {
				return cty.NilVal, function.NewArgError(1+i, err)
			}
			comparable[i] = list.AsValueSlice()
		}
		keys, search := comparable[0], comparable[1]
		var found []cty.Value
		for i, key := range keys {
			if slices.ContainsFunc(search, func(s cty.Value) bool { return s.RawEquals(key) }) {
				found = append(found, values[i])
			}
		}
		if found == nil {
			return cty.ListValEmpty(ty.ElementType()), nil
		}
		return cty.ListVal(found), nil
	},
})

// coalesce is Terraform's: it passes over empty texts too.
var coalesce = function.New(&function.Spec{
	Description: "The first argument that is neither null nor an empty text.",
	VarParam:    &function.Parameter{Name: "vals", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		types := make([]cty.Type, len(args))
		for i, arg := range args {
			types[i] = arg.Type()
		}
		ty, _ := convert.UnifyUnsafe(types)
		if ty == cty.NilType {
			return ty, errors.New("all arguments must have one type")
		}
		return ty, nil
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		for i, arg := range args {
			arg, err := convert.Convert(arg, ty)
			switch {
			case err != nil:
				return cty.NilVal, function.NewArgError(i, err)
			case !arg.IsKnown():
				return cty.UnknownVal(ty), nil
			case !arg.IsNull() && !(ty == cty.String && arg.AsString() == ""):
				return arg, nil
			}
		}
		return cty.NilVal, errors.New("all arguments are null or empty")
	},
})

// indexOf is Terraform's: where an element stands.
var indexOf = function.New(&function.Spec{
	Description: "The number of the first element that equals a value.",
	Params:      []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType}},
	Type: func(args []cty.Value) (cty.Type, error) {
		if ty := args[0].Type(); !ty.IsListType() && !ty.IsTupleType() {
			return cty.Number, function.NewArgErrorf(0, "it must be a list")
		}
		return cty.Number, nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		switch n, sure := find(args[0], args[1]); {
		case !sure:
			return cty.UnknownVal(cty.Number), nil
		case n >= 0:
			return cty.NumberIntVal(n), nil
		}
		return cty.NilVal, errors.New("no element equals the value")
	},
})

// contains is Terraform's, and knows of a null too whether it is there: that of
// stdlib gives an unknown for it.
var contains = function.New(&function.Spec{
	Description: "Whether a list, tuple or set has an element that equals a value.",
	Params:      []function.Parameter{{Name: "list", Type: cty.DynamicPseudoType}, {Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}},
	Type:        function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if ty := args[0].Type(); !ty.IsListType() && !ty.IsTupleType() && !ty.IsSetType() {
			return cty.NilVal, function.NewArgErrorf(0, "it must be a list, tuple or set")
		}
		n, sure := find(args[0], args[1])
		if n < 0 && !sure {
			return cty.UnknownVal(cty.Bool), nil
		}
		return cty.BoolVal(n >= 0), nil
	},
})

// find returns where an element stands that equals a value, or -1. It is sure
// when none before that could turn out to do so.
func find(list, value cty.Value) (place int64, sure bool) {
	sure = true
	for it := list.ElementIterator(); it.Next(); place++ {
		_, element := it.Element()
		switch equal := element.Equals(value); {
		case !equal.IsKnown():
			sure = false
		case equal.True():
			return place, sure
		}
	}
	return -1, sure
}

// transpose is Terraform's: a map of lists turned inside out.
var transpose = function.New(&function.Spec{
	Description: "A map of lists of strings with keys and values exchanged.",
	Params:      []function.Parameter{{Name: "values", Type: cty.Map(cty.List(cty.String))}},
	Type:        function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		turned := map[string][]cty.Value{}
		for it := args[0].ElementIterator(); it.Next(); {
			key, list := it.Element()
			if list.IsNull() {
				return cty.NilVal, errors.New("a list is null")
			}
			for inner := list.ElementIterator(); inner.Next(); {
				_, v := inner.Element()
				if v.IsNull() {
					return cty.NilVal, errors.New("an element is null")
				}
				turned[v.AsString()] = append(turned[v.AsString()], key)
			}
		}
		if len(turned) == 0 {
			return cty.MapValEmpty(cty.List(cty.String)), nil
		}
		lists := make(map[string]cty.Value, len(turned))
		for name, keys := range turned {
			lists[name] = cty.ListVal(keys)
		}
		return cty.MapVal(lists), nil
	},
})

// transposeBound: each key may stand once for each element of its list.
func transposeBound(args []cty.Value, size int) (int, error) {
	bound := size
	for it := args[0].ElementIterator(); it.Next(); {
		key, list := it.Element()
		if !list.IsNull() {
			bound = add(bound, mul(list.LengthInt(), len(key.AsString())+2*overhead))
		}
	}
	return bound, nil
}

// matchBound pays for comparing each key with each searched.
func matchBound(args []cty.Value, size int) (int, error) {
	return add(size, mul(args[1].LengthInt(), args[2].LengthInt())/16), nil
}

// lookup is Terraform's: without a default the key must be there.
var lookup = function.New(&function.Spec{
	Description: "The element of a map that a key names, or the default when there is none.",
	Params: []function.Parameter{
		{Name: "inputMap", Type: cty.DynamicPseudoType, AllowMarked: true},
		{Name: "key", Type: cty.String, AllowMarked: true},
	},
	VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		if len(args) > 3 {
			return cty.NilType, errors.New("it takes one default")
		}
		key, _ := args[1].Unmark()
		switch ty := args[0].Type(); {
		case ty.IsMapType():
			if len(args) > 2 && convert.GetConversionUnsafe(args[2].Type(), ty.ElementType()) == nil && !args[2].Type().Equals(ty.ElementType()) {
				return cty.NilType, function.NewArgErrorf(2, "the default must be of the type of the elements, which is %s", ty.ElementType().FriendlyName())
			}
			return ty.ElementType(), nil
		case !ty.IsObjectType():
			return cty.NilType, function.NewArgErrorf(0, "it must be a map or an object")
		case !key.IsKnown():
			return cty.DynamicPseudoType, nil
		case ty.HasAttribute(key.AsString()):
			return ty.AttributeType(key.AsString()), nil
		case len(args) > 2:
			return args[2].Type(), nil
		}
		return cty.NilType, function.NewArgErrorf(1, "there is no element %q, and no default", key.AsString())
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		elements, marks := args[0].Unmark()
		key, keyMarks := args[1].Unmark()
		found, err := element(elements, key, args[2:])
		if err != nil {
			return cty.NilVal, err
		}
		if found, err = convert.Convert(found, ty); err != nil {
			return cty.NilVal, function.NewArgError(2, err)
		}
		return found.WithMarks(marks, keyMarks), nil
	},
})

func element(elements, key cty.Value, otherwise []cty.Value) (cty.Value, error) {
	switch {
	case elements.Type().IsObjectType() && elements.Type().HasAttribute(key.AsString()):
		return elements.GetAttr(key.AsString()), nil
	case elements.Type().IsMapType() && elements.HasIndex(key).True():
		return elements.Index(key), nil
	case len(otherwise) > 0:
		return otherwise[0], nil
	}
	return cty.NilVal, function.NewArgErrorf(1, "there is no element %q, and no default", key.AsString())
}
