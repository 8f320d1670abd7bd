package expr

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

func (e *Evaluator) tuple(x *hclsyntax.TupleConsExpr) (cty.Value, *Error) {
	values := make([]cty.Value, len(x.Exprs))
	for i, member := range x.Exprs {
		v, err := e.eval(member)
		if err != nil {
			return v, err
		}
		values[i] = v
	}
	return e.made(x.SrcRange, cty.TupleVal(values))
}

func (e *Evaluator) object(x *hclsyntax.ObjectConsExpr) (cty.Value, *Error) {
	values := make(map[string]cty.Value, len(x.Items))
	known := true
	var marks []cty.ValueMarks // of the keys; values keep their own
	for _, item := range x.Items {
		key, keyMarks, isKnown, err := e.key(item.KeyExpr)
		if err != nil {
			return cty.DynamicVal, err
		}
		if keyMarks != nil {
			marks = append(marks, keyMarks)
		}
		v, err := e.eval(item.ValueExpr)
		if err != nil {
			return v, err
		}
		known = known && isKnown
		values[key] = v
	}
	if !known {
		return cty.DynamicVal.WithMarks(marks...), nil
	}
	return e.made(x.SrcRange, cty.ObjectVal(values).WithMarks(marks...))
}

// objectKey: a bare name is its own text, and a bare reference may be meant as
// either.
func (e *Evaluator) objectKey(x *hclsyntax.ObjectConsKeyExpr) (cty.Value, *Error) {
	if x.ForceNonLiteral {
		return e.eval(x.Wrapped)
	}
	if name := hcl.ExprAsKeyword(x.Wrapped); name != "" {
		return cty.StringVal(name), nil
	}
	if reference, ok := x.Wrapped.(*hclsyntax.ScopeTraversalExpr); ok {
		return cty.DynamicVal, &Error{
			Range: reference.SrcRange, Summary: "Ambiguous key",
			Detail: "Write the key in parentheses if its value is meant, as in (var.name) = 1, or in quotes if it is a text.",
		}
	}
	return e.eval(x.Wrapped)
}

func (e *Evaluator) key(x hclsyntax.Expression) (key string, marks cty.ValueMarks, known bool, err *Error) {
	v, err := e.eval(x)
	if err != nil {
		return "", nil, false, err
	}
	v, marks = v.Unmark()
	v, convertErr := convert.Convert(v, cty.String)
	switch {
	case convertErr != nil:
		return "", nil, false, &Error{Range: x.Range(), Summary: "Invalid key", Detail: "A key is a string: " + sentence(convertErr)}
	case v.IsNull():
		return "", nil, false, &Error{Range: x.Range(), Summary: "Invalid key", Detail: "A key is a string, and this is null."}
	case !v.IsKnown():
		return "", marks, false, nil
	}
	return v.AsString(), marks, true, nil
}

// noElements is why there is nothing to loop over.
func noElements(ty cty.Type) string {
	if ty.IsCapsuleType() {
		return fmt.Sprintf("A %s only names an object. Loop over what its for_each is made of.", ty.FriendlyName())
	}
	return fmt.Sprintf("A value of type %s has no elements.", ty.FriendlyName())
}

func (e *Evaluator) forExpr(x *hclsyntax.ForExpr) (cty.Value, *Error) {
	collection, err := e.eval(x.CollExpr)
	collection, marks := collection.Unmark()
	switch {
	case err != nil:
		return collection, err
	case collection.IsNull():
		return cty.DynamicVal, &Error{Range: x.CollExpr.Range(), Summary: "Iteration over null value", Detail: "A null value has no elements."}
	case collection.Type() == cty.DynamicPseudoType:
		return cty.DynamicVal.WithMarks(marks), nil
	case !collection.CanIterateElements() && collection.IsKnown():
		return cty.DynamicVal, &Error{
			Range: x.CollExpr.Range(), Summary: "Iteration over non-iterable value",
			Detail: noElements(collection.Type()),
		}
	}
	loop := forLoop{e: e, x: x, known: true}
	loop.mark(marks)
	if !collection.IsKnown() {
		err := loop.tryOut(collection.Type())
		return cty.DynamicVal.WithMarks(loop.marks...), err
	}
	for it := collection.ElementIterator(); it.Next(); {
		k, v := it.Element()
		if err := loop.turn(k, v); err != nil {
			return cty.DynamicVal, err
		}
	}
	return loop.result()
}

type forLoop struct {
	e      *Evaluator
	x      *hclsyntax.ForExpr
	known  bool
	tuple  []cty.Value
	object map[string]cty.Value
	groups map[string][]cty.Value
	size   int // of all elements so far
	// Of the collection, the keys and the conditions; values keep their own.
	marks []cty.ValueMarks
}

func (l *forLoop) mark(marks cty.ValueMarks) {
	if marks != nil {
		l.marks = append(l.marks, marks)
	}
}

func (l *forLoop) turn(k, v cty.Value) *Error {
	depth := len(l.e.locals)
	defer func() { l.e.locals = l.e.locals[:depth] }()
	if l.x.KeyVar != "" {
		l.e.locals = append(l.e.locals, local{l.x.KeyVar, k})
	}
	l.e.locals = append(l.e.locals, local{l.x.ValVar, v})
	if l.x.CondExpr != nil {
		include, err := l.e.condition(l.x.CondExpr)
		if err != nil {
			return err
		}
		include, marks := include.Unmark()
		l.mark(marks)
		if !include.IsKnown() {
			l.known = false
			return nil
		}
		if include.False() {
			return nil
		}
	}
	key, known := "", true
	if l.x.KeyExpr != nil {
		var marks cty.ValueMarks
		var err *Error
		if key, marks, known, err = l.e.key(l.x.KeyExpr); err != nil {
			return err
		}
		l.mark(marks)
		l.known = l.known && known
	}
	made, err := l.e.eval(l.x.ValExpr)
	if err != nil {
		return err
	}
	if err := l.e.grow(l.x.SrcRange, &l.size, made); err != nil {
		return err
	}
	return l.add(key, known, made)
}

func (l *forLoop) add(key string, known bool, v cty.Value) *Error {
	switch {
	case l.x.KeyExpr == nil:
		l.tuple = append(l.tuple, v)
	case !known:
	case l.x.Group:
		if l.groups == nil {
			l.groups = map[string][]cty.Value{}
		}
		l.groups[key] = append(l.groups[key], v)
	default:
		if l.object == nil {
			l.object = map[string]cty.Value{}
		}
		if _, ok := l.object[key]; ok {
			shown := fmt.Sprintf("the key %q", key)
			if len(l.marks) > 0 {
				shown = "the same key, which is sensitive"
			}
			return &Error{
				Range: l.x.KeyExpr.Range(), Summary: "Duplicate object key",
				Detail: fmt.Sprintf("Two elements give %s. Write ... after the value to collect all values of a key.", shown),
			}
		}
		l.object[key] = v
	}
	return nil
}

// tryOut checks the body against an element of unknown value.
func (l *forLoop) tryOut(ty cty.Type) *Error {
	key, element := cty.UnknownVal(cty.Number), cty.DynamicVal
	switch {
	case ty.IsMapType():
		key, element = cty.UnknownVal(cty.String), cty.UnknownVal(ty.ElementType())
	case ty.IsSetType():
		key, element = cty.UnknownVal(ty.ElementType()), cty.UnknownVal(ty.ElementType())
	case ty.IsListType():
		element = cty.UnknownVal(ty.ElementType())
	case ty.IsObjectType():
		key = cty.UnknownVal(cty.String)
	case ty.IsTupleType():
	default:
		return &Error{
			Range: l.x.CollExpr.Range(), Summary: "Iteration over non-iterable value",
			Detail: noElements(ty),
		}
	}
	return l.turn(key, element)
}

func (l *forLoop) result() (cty.Value, *Error) {
	switch {
	case !l.known:
		return cty.DynamicVal.WithMarks(l.marks...), nil
	case l.x.KeyExpr == nil:
		return l.e.made(l.x.SrcRange, cty.TupleVal(l.tuple).WithMarks(l.marks...))
	case l.x.Group:
		l.object = make(map[string]cty.Value, len(l.groups))
		for key, values := range l.groups {
			l.object[key] = cty.TupleVal(values)
		}
	}
	return l.e.made(l.x.SrcRange, cty.ObjectVal(l.object).WithMarks(l.marks...))
}

// splat: what is no sequence counts as a sequence of one, null as an empty one.
func (e *Evaluator) splat(x *hclsyntax.SplatExpr) (cty.Value, *Error) {
	source, err := e.eval(x.Source)
	if err != nil {
		return source, err
	}
	source, marks := source.Unmark()
	ty := source.Type()
	sequence := ty.IsTupleType() || ty.IsListType() || ty.IsSetType()
	if !sequence && ty != cty.DynamicPseudoType && !source.IsKnown() && source.Range().CouldBeNull() {
		_, err := e.each(x, source) // one element or none, but the element may be at fault
		return cty.DynamicVal.WithMarks(marks), err
	}
	switch {
	case source.IsNull() && !sequence:
		return cty.EmptyTupleVal.WithMarks(marks), nil
	case source.IsNull():
		return cty.DynamicVal, &Error{Range: x.Source.Range(), Summary: "Splat of null value", Detail: "A null sequence has no elements."}
	case ty == cty.DynamicPseudoType:
		return cty.DynamicVal.WithMarks(marks), nil
	case !sequence:
		source = cty.TupleVal([]cty.Value{source.WithMarks(marks)})
	case !source.IsKnown():
		if ty.IsTupleType() {
			return e.splatType(x, ty, marks)
		}
		v, err := e.each(x, cty.UnknownVal(ty.ElementType()))
		if err != nil {
			return v, err
		}
		return cty.UnknownVal(cty.List(v.Type())).WithMarks(marks), nil
	}
	values, size := make([]cty.Value, 0, source.LengthInt()), 0
	for it := source.ElementIterator(); it.Next(); {
		_, element := it.Element()
		v, err := e.each(x, element)
		if err != nil {
			return v, err
		}
		if err := e.grow(x.SrcRange, &size, v); err != nil {
			return v, err
		}
		values = append(values, v)
	}
	v, err := e.splatResult(x, ty, values)
	return v.WithMarks(marks), err
}

func (e *Evaluator) splatResult(x *hclsyntax.SplatExpr, ty cty.Type, values []cty.Value) (cty.Value, *Error) {
	if !ty.IsListType() && !ty.IsSetType() {
		return e.made(x.SrcRange, cty.TupleVal(values))
	}
	if len(values) == 0 {
		v, err := e.each(x, cty.UnknownVal(ty.ElementType()))
		if err != nil {
			return v, err
		}
		return cty.ListValEmpty(v.Type()), nil
	}
	if !cty.CanListVal(values) {
		return cty.DynamicVal, &Error{
			Range: x.Each.Range(), Summary: "Invalid nested splat",
			Detail: "The elements would be of different types, which a list cannot hold. A for expression can make a tuple of them.",
		}
	}
	return e.made(x.SrcRange, cty.ListVal(values))
}

// splatType is the result for a tuple of which only the types are known.
func (e *Evaluator) splatType(x *hclsyntax.SplatExpr, ty cty.Type, marks cty.ValueMarks) (cty.Value, *Error) {
	types := make([]cty.Type, 0, ty.Length())
	for _, element := range ty.TupleElementTypes() {
		v, err := e.each(x, cty.UnknownVal(element))
		if err != nil {
			return v, err
		}
		types = append(types, v.Type())
	}
	return cty.UnknownVal(cty.Tuple(types)).WithMarks(marks), nil
}

func (e *Evaluator) each(x *hclsyntax.SplatExpr, element cty.Value) (cty.Value, *Error) {
	if e.symbols == nil {
		e.symbols = map[*hclsyntax.AnonSymbolExpr]cty.Value{}
	}
	outer, nested := e.symbols[x.Item]
	e.symbols[x.Item] = element
	v, err := e.eval(x.Each)
	if nested {
		e.symbols[x.Item] = outer
	} else {
		delete(e.symbols, x.Item)
	}
	return v, err
}
