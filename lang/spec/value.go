package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Members of the object that stands for a Value that is not a plain literal.
// A literal object with a member that starts with '$' is wrapped, so that no
// literal can be taken for an expression.
const (
	exprMember    = "$expr"
	literalMember = "$literal"
	varsMember    = "vars"
)

func (v *Value) append(b []byte) []byte {
	if v.Expr == "" {
		if !ambiguous(v.Literal) {
			return appendJSON(b, v.Literal)
		}
		b = append(b, `{"`+literalMember+`":`...)
		return append(appendJSON(b, v.Literal), '}')
	}
	b = append(b, `{"`+exprMember+`":`...)
	b = appendText(b, v.Expr)
	if len(v.Vars) > 0 {
		b = append(b, `,"`+varsMember+`":`...)
		b = appendMap(b, v.Vars, appendJSON)
	}
	return append(b, '}')
}

func (v *Value) decode(data json.RawMessage) error {
	*v = Value{}
	if !ambiguous(data) {
		if !json.Valid(data) {
			return fmt.Errorf("not JSON: %.40q", data)
		}
		v.Literal = appendJSON(nil, data)
		return nil
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	if literal, ok := members[literalMember]; ok && len(members) == 1 {
		v.Literal = appendJSON(nil, literal)
		return nil
	}
	for name, m := range members {
		var err error
		switch name {
		case exprMember:
			err = json.Unmarshal(m, &v.Expr)
		case varsMember:
			err = json.Unmarshal(m, &v.Vars)
		default:
			err = fmt.Errorf("this lft does not know the member %q of an expression", name)
		}
		if err != nil {
			return err
		}
	}
	if v.Expr == "" {
		return fmt.Errorf("an expression without source: %.40q", data)
	}
	return nil
}

// ambiguous reports whether a literal is an object with a member that starts
// with '$'.
func ambiguous(data json.RawMessage) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 || data[0] != '{' || !bytes.ContainsAny(data, `$\`) {
		return false
	}
	members := map[string]json.RawMessage{}
	if json.Unmarshal(data, &members) != nil {
		return false
	}
	for name := range members {
		if strings.HasPrefix(name, "$") {
			return true
		}
	}
	return false
}

// appendJSON writes JSON with sorted keys, no white space and one way to escape.
// Numbers stay as they are written: lang makes them, in one way.
func appendJSON(b []byte, data json.RawMessage) []byte {
	if plain(data) {
		return append(b, data...)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(fmt.Sprintf("spec: a literal is not JSON: %v", err))
	}
	return appendAny(b, v)
}

// plain reports whether a scalar is already written the one way. Most are.
func plain(data json.RawMessage) bool {
	if len(data) == 0 || data[0] == '"' && len(data) < 2 {
		return false
	}
	if data[0] == '"' {
		for _, c := range data[1 : len(data)-1] {
			if c == '\\' || c >= utf8.RuneSelf {
				return false
			}
		}
		return true
	}
	for _, c := range data {
		if c <= ' ' || c == '{' || c == '[' {
			return false
		}
	}
	return true
}

func appendAny(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendText(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		if v {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendAny(b, e)
		}
		return append(b, ']')
	case map[string]any:
		return appendMap(b, v, appendAny)
	default:
		return append(b, "null"...)
	}
}

func appendMap[T any](b []byte, m map[string]T, value func([]byte, T) []byte) []byte {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		b = value(b, m[name])
	}
	return append(b, '}')
}

const hex16 = "0123456789abcdef"

// appendText writes a JSON string. It is our own because canonical bytes must
// not follow changes of encoding/json.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex16[c>>4], hex16[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
