package expr

import (
	"math"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// mark is the type of our marks, so that nobody else can make one.
type mark string

// secret is the mark of a value that must be masked when it is shown, and so of
// every value that was computed from one. Operators, functions and templates
// hand it on; of a list or an object only the elements may carry it.
const secret = mark("sensitive")

// MarkSensitive returns the value as one that must be masked when it is shown.
func MarkSensitive(v cty.Value) cty.Value { return v.Mark(secret) }

// Unmark takes all marks off a value and all that is in it.
func Unmark(v cty.Value) (cty.Value, cty.ValueMarks) {
	m := meter{left: math.MaxInt}
	if m.add(v); !m.marked {
		return v, nil
	}
	return v.UnmarkDeep()
}

// Reveal is Unmark for those who only ask whether the value must be masked.
// Whoever shows it must not go on without asking.
func Reveal(v cty.Value) (cty.Value, bool) {
	v, marks := Unmark(v)
	return v, Secret(marks)
}

// IsSensitive reports whether a value, or any part of it, must be masked.
func IsSensitive(v cty.Value) bool {
	m := meter{left: math.MaxInt}
	m.add(v)
	return m.secret
}

// Secret reports whether a value with these marks must be masked.
func Secret(marks cty.ValueMarks) bool { return marks.Has(secret) }

// revealAll is Reveal for the arguments of a call, which stay as they are.
func revealAll(args []cty.Value) (revealed []cty.Value, hidden bool) {
	revealed = args
	for i, arg := range args {
		plain, marks := Unmark(arg)
		if marks == nil {
			continue
		}
		if &revealed[0] == &args[0] {
			revealed = slices.Clone(args)
		}
		revealed[i] = plain
		hidden = hidden || Secret(marks)
	}
	return revealed, hidden
}

// IsSensitiveFunction is Terraform's issensitive, for config time: the master
// knows no marks, so that it would have no answer.
func IsSensitiveFunction() Function { return Function{Impl: isSensitive, Bound: constant} }

var sensitive = onMarks("A value that is masked when it is shown.", func(v cty.Value) cty.Value { return v.Mark(secret) })

var nonsensitive = onMarks("A sensitive value that may be shown after all.", func(v cty.Value) cty.Value {
	v, marks := v.Unmark()
	delete(marks, secret)
	return v.WithMarks(marks)
})

func onMarks(description string, f func(cty.Value) cty.Value) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{anything},
		Type:        func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl:        func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f(args[0]), nil },
	})
}

var anything = function.Parameter{Name: "value", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowNull: true, AllowMarked: true, AllowDynamicType: true}

var isSensitive = function.New(&function.Spec{
	Description: "Whether a value is masked when it is shown.",
	Params:      []function.Parameter{anything},
	Type:        function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v := args[0]
		switch {
		case v.HasMark(secret):
			return cty.True, nil
		case !v.IsKnown():
			return cty.UnknownVal(cty.Bool), nil
		}
		return cty.False, nil
	},
})
