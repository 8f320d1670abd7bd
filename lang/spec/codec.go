package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// object is a struct with a table of fields.
type object interface {
	fields(t []field) []field
	extra() *json.RawMessage
}

// field is one member of an object. The codec points into the struct.
type field struct {
	name  string
	codec codec
	unset string // encoded form that means the same as absence
}

type codec interface {
	empty() bool
	append(b []byte) []byte
	decode(data json.RawMessage) error
}

const formatField = "format"

// appendObject writes known and unknown fields in one sorted sequence.
func appendObject(b []byte, o object, format bool) []byte {
	var room [32]field
	fields := o.fields(room[:0])
	others := unknown(*o.extra())
	b = append(b, '{')
	start := len(b)
	name := func(name string) {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
	}
	if format {
		fields = append(fields, field{formatField, new(formatNumber), ""})
		slices.SortFunc(fields, byName)
	}
	for _, f := range fields {
		for len(others) > 0 && others[0].name < f.name {
			name(others[0].name)
			b = append(b, others[0].data...)
			others = others[1:]
		}
		if f.codec.empty() {
			continue
		}
		before := len(b)
		name(f.name)
		value := len(b)
		b = f.codec.append(b)
		if f.unset != "" && string(b[value:]) == f.unset {
			b = b[:before]
		}
	}
	for _, f := range others {
		name(f.name)
		b = append(b, f.data...)
	}
	return append(b, '}')
}

func byName(a, b field) int {
	if a.name < b.name {
		return -1
	}
	return 1
}

type unknownField struct {
	name string
	data json.RawMessage
}

func unknown(extra json.RawMessage) []unknownField {
	if len(extra) == 0 {
		return nil
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(extra, &members); err != nil {
		panic(fmt.Sprintf("spec: Extra is no JSON object: %v", err))
	}
	out := make([]unknownField, 0, len(members))
	for _, name := range slices.Sorted(maps.Keys(members)) {
		out = append(out, unknownField{name, members[name]})
	}
	return out
}

func decodeObject(data []byte, o object, format bool) error {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	if format {
		if err := new(formatNumber).decode(members[formatField]); err != nil {
			return err
		}
		delete(members, formatField)
	}
	var room [32]field
	for _, f := range o.fields(room[:0]) {
		member, ok := members[f.name]
		if !ok {
			continue
		}
		if err := f.codec.decode(member); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		delete(members, f.name)
	}
	if len(members) == 0 {
		return nil
	}
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(members)) {
		b = append(b, ',')
		b = append(appendText(b, name), ':')
		b = append(b, members[name]...)
	}
	b[0] = '{'
	*o.extra() = append(b, '}')
	return nil
}

type formatNumber struct{}

func (formatNumber) empty() bool            { return false }
func (formatNumber) append(b []byte) []byte { return strconv.AppendInt(b, Format, 10) }

func (formatNumber) decode(data json.RawMessage) error {
	if data == nil {
		return errors.New("it has no format number")
	}
	var n int
	if err := json.Unmarshal(data, &n); err != nil {
		return fmt.Errorf("format: %w", err)
	}
	if n != Format {
		return fmt.Errorf("format %d is not the one this lft reads (%d); it was written by a newer version", n, Format)
	}
	return nil
}

type text string

func (t *text) empty() bool                       { return *t == "" }
func (t *text) append(b []byte) []byte            { return appendText(b, string(*t)) }
func (t *text) decode(data json.RawMessage) error { return json.Unmarshal(data, (*string)(t)) }

type texts []string

func (t *texts) empty() bool { return len(*t) == 0 }

func (t *texts) append(b []byte) []byte {
	b = append(b, '[')
	for i, s := range *t {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

func (t *texts) decode(data json.RawMessage) error { return json.Unmarshal(data, (*[]string)(t)) }

type integer int

func (n *integer) empty() bool                       { return *n == 0 }
func (n *integer) append(b []byte) []byte            { return strconv.AppendInt(b, int64(*n), 10) }
func (n *integer) decode(data json.RawMessage) error { return json.Unmarshal(data, (*int)(n)) }

type size int64

func (n *size) empty() bool                       { return *n == 0 }
func (n *size) append(b []byte) []byte            { return strconv.AppendInt(b, int64(*n), 10) }
func (n *size) decode(data json.RawMessage) error { return json.Unmarshal(data, (*int64)(n)) }

// always is an integer that is written even when it is 0.
type always int

func (n *always) empty() bool                       { return false }
func (n *always) append(b []byte) []byte            { return strconv.AppendInt(b, int64(*n), 10) }
func (n *always) decode(data json.RawMessage) error { return json.Unmarshal(data, (*int)(n)) }

type flag bool

func (f *flag) empty() bool                       { return !bool(*f) }
func (f *flag) append(b []byte) []byte            { return strconv.AppendBool(b, bool(*f)) }
func (f *flag) decode(data json.RawMessage) error { return json.Unmarshal(data, (*bool)(f)) }

type span Duration

func (s *span) empty() bool                       { return *s == 0 }
func (s *span) append(b []byte) []byte            { return appendText(b, Duration(*s).String()) }
func (s *span) decode(data json.RawMessage) error { return json.Unmarshal(data, (*Duration)(s)) }

// optional is a duration of which 0 is not the default.
type optional struct{ d **Duration }

func (o optional) empty() bool                       { return *o.d == nil }
func (o optional) append(b []byte) []byte            { return appendText(b, (*o.d).String()) }
func (o optional) decode(data json.RawMessage) error { return json.Unmarshal(data, o.d) }

type raw json.RawMessage

func (r *raw) empty() bool            { return len(*r) == 0 }
func (r *raw) append(b []byte) []byte { return appendJSON(b, json.RawMessage(*r)) }

func (r *raw) decode(data json.RawMessage) error {
	*r = raw(appendJSON(nil, data))
	return nil
}

type pointer[T any, P interface {
	*T
	object
}] struct{ p **T }

func (p pointer[T, P]) empty() bool            { return *p.p == nil }
func (p pointer[T, P]) append(b []byte) []byte { return appendObject(b, P(*p.p), false) }

func (p pointer[T, P]) decode(data json.RawMessage) error {
	*p.p = new(T)
	return decodeObject(data, P(*p.p), false)
}

type list[T any, P interface {
	*T
	object
}] struct{ l *[]*T }

func (l list[T, P]) empty() bool { return len(*l.l) == 0 }

func (l list[T, P]) append(b []byte) []byte {
	b = append(b, '[')
	for i, o := range *l.l {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendObject(b, P(o), false)
	}
	return append(b, ']')
}

func (l list[T, P]) decode(data json.RawMessage) error {
	var members []json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	*l.l = make([]*T, len(members))
	for i, m := range members {
		(*l.l)[i] = new(T)
		if err := decodeObject(m, P((*l.l)[i]), false); err != nil {
			return fmt.Errorf("%d: %w", i, err)
		}
	}
	return nil
}

// maybe is a value that may be absent.
type maybe struct{ v **Value }

func (m maybe) empty() bool            { return *m.v == nil }
func (m maybe) append(b []byte) []byte { return (*m.v).append(b) }

func (m maybe) decode(data json.RawMessage) error {
	*m.v = new(Value)
	return (*m.v).decode(data)
}

type values map[string]*Value

func (v *values) empty() bool { return len(*v) == 0 }

func (v *values) append(b []byte) []byte {
	return appendMap(b, *v, func(b []byte, v *Value) []byte { return v.append(b) })
}

func (v *values) decode(data json.RawMessage) error {
	return json.Unmarshal(data, (*map[string]*Value)(v))
}

type labels map[string]string

func (l *labels) empty() bool            { return len(*l) == 0 }
func (l *labels) append(b []byte) []byte { return appendMap(b, *l, appendText) }

func (l *labels) decode(data json.RawMessage) error {
	return json.Unmarshal(data, (*map[string]string)(l))
}
