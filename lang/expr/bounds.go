package expr

import (
	"errors"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
)

// The functions below compute, in time proportional to the arguments, how large
// the result of a call can become. They may be too high, never too low.

func constant([]cty.Value, int) (int, error) { return 512, nil }

func times(factor, more int) func([]cty.Value, int) (int, error) {
	return func(_ []cty.Value, size int) (int, error) { return factor*size + more, nil }
}

// cased: a change of case may make three bytes of two, but not of ASCII.
func cased(args []cty.Value, size int) (int, error) {
	s := args[0].AsString()
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return size * 3 / 2, nil
		}
	}
	return size, nil
}

// unifying refuses arguments of many types, which cty compares in pairs. Of
// arguments of different types, numbers may become text.
func unifying(args []cty.Value, size int) (int, error) {
	const most = 4000
	nodes, text := 0, 0
	for _, arg := range args {
		nodes += typeNodes(arg.Type(), most)
		if !arg.Type().Equals(args[0].Type()) {
			text = size
		}
	}
	if nodes > most && len(args) > 1 {
		return 0, errors.New("the arguments have too many different parts")
	}
	if text > 0 {
		for _, arg := range args {
			text = add(text, jsonSize(arg))
		}
		return text, nil
	}
	return size, nil
}

// sets pays for hashing, which costs more than the elements are large.
func sets(args []cty.Value, size int) (int, error) {
	bound, err := unifying(args, size)
	for _, arg := range args {
		bound = add(bound, setCost*arg.LengthInt())
	}
	return bound, err
}

// pairs pays for comparing each element with each other.
func pairs(args []cty.Value, size int) (int, error) {
	n := args[0].LengthInt()
	return size + n*n/16, nil
}

func joinBound(args []cty.Value, size int) (int, error) {
	parts := 0
	for _, list := range args[1:] {
		parts += list.LengthInt()
	}
	return add(size, mul(parts, len(args[0].AsString()))), nil
}

func splitBound(args []cty.Value, _ int) (int, error) {
	s, sep := args[1].AsString(), args[0].AsString()
	return len(s) + overhead*(strings.Count(s, sep)+2), nil
}

func replaceBound(args []cty.Value, _ int) (int, error) {
	s, old, replacement := args[0].AsString(), args[1].AsString(), args[2].AsString()
	return add(len(s)+overhead, mul(strings.Count(s, old), max(0, len(replacement)-len(old)))), nil
}

func indentBound(args []cty.Value, size int) (int, error) {
	spaces, _ := args[0].AsBigFloat().Int64()
	if spaces < 0 || spaces > MaxValue {
		return 0, errors.New("the number of spaces is out of range")
	}
	return add(size, mul(int(spaces), strings.Count(args[1].AsString(), "\n"))), nil
}

func trimBound(args []cty.Value, size int) (int, error) {
	if len(args[1].AsString()) > 1024 {
		return 0, errors.New("the set of characters to trim is longer than 1024 bytes")
	}
	return size, nil
}

func parseIntBound(args []cty.Value, _ int) (int, error) {
	if args[0].Type() == cty.String && len(args[0].AsString()) > 512 {
		return 0, errors.New("the number has more than 512 digits")
	}
	return 512, nil
}

// rangeBound relies on cty, which ends a range after 1024 elements, each of which
// takes several numbers on the way.
func rangeBound([]cty.Value, int) (int, error) { return 5 * overhead * 1025, nil }

func jsonDecodeBound(args []cty.Value, size int) (int, error) {
	s := args[0].AsString()
	if !shallow([]byte(s), MaxNesting) {
		return 0, errors.New("the JSON is nested too deep")
	}
	parts := 1
	for i := range len(s) {
		if c := s[i]; c == ',' || c == '[' || c == '{' || c == ':' {
			parts++
		}
	}
	return size + overhead*parts, nil
}

func jsonEncodeBound(args []cty.Value, _ int) (int, error) {
	return jsonSize(args[0]) + overhead, nil
}

// digits bounds the text of a number: the integer part, the point, and the
// fraction of 512 bits of precision and a small exponent.
const digits = 2048

// jsonSize bounds a value written as JSON, and its text in general.
func jsonSize(v cty.Value) int {
	if v.IsNull() || !v.IsKnown() {
		return 4
	}
	n := 2
	switch ty := v.Type(); {
	case ty == cty.String:
		return quotedSize(v.AsString())
	case ty == cty.Number:
		if v.AsBigFloat().IsInt() && v.AsBigFloat().MantExp(nil) < 64 {
			return 21
		}
		return digits
	case ty == cty.Bool:
		return 5
	case ty.IsObjectType():
		for name := range ty.AttributeTypes() {
			n += quotedSize(name) + 2 + jsonSize(v.GetAttr(name))
		}
	case ty.IsMapType():
		for name, e := range v.AsValueMap() {
			n += quotedSize(name) + 2 + jsonSize(e)
		}
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			n += 1 + jsonSize(e)
		}
	}
	return n
}

func quotedSize(s string) int {
	n := len(s) + 2
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c == '<' || c == '>' || c == '&':
			n += 5
		case c == '"' || c == '\\':
			n++
		case c == 0xe2: // may start U+2028
			n += 3
		}
	}
	return n
}

func formatBound(args []cty.Value, _ int) (int, error) {
	largest := 0
	for _, arg := range args[1:] {
		largest = max(largest, jsonSize(arg))
	}
	return onePrint(args[0].AsString(), largest)
}

func formatListBound(args []cty.Value, _ int) (int, error) {
	largest, rows := 0, 1
	for _, arg := range args[1:] {
		if ty := arg.Type(); !arg.IsNull() && (ty.IsListType() || ty.IsSetType() || ty.IsTupleType()) {
			rows = max(rows, arg.LengthInt())
			for it := arg.ElementIterator(); it.Next(); {
				_, e := it.Element()
				largest = max(largest, jsonSize(e))
			}
			continue
		}
		largest = max(largest, jsonSize(arg))
	}
	row, err := onePrint(args[0].AsString(), largest)
	return mul(rows, add(row, overhead)), err
}

// onePrint bounds what a format makes when no argument is larger than largest.
func onePrint(format string, largest int) (int, error) {
	verbs, width, number, inVerb := 0, 0, 0, false
	for i := range len(format) {
		switch c := format[i]; {
		case c == '%':
			verbs++
			number, inVerb = 0, !inVerb
		case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
			inVerb = false
		case inVerb && c >= '0' && c <= '9':
			if number = number*10 + int(c-'0'); number > MaxValue {
				return 0, errors.New("a width or precision in the format is out of range")
			}
			width = max(width, number)
		default:
			number = 0
		}
	}
	return add(len(format)+overhead, mul(verbs, add(largest, width))), nil
}

// add and mul stop at the largest int: a bound that large is refused anyway.
func add(a, b int) int {
	if a > math.MaxInt-b {
		return math.MaxInt
	}
	return a + b
}

func mul(a, b int) int {
	if b != 0 && a > math.MaxInt/b {
		return math.MaxInt
	}
	return a * b
}
