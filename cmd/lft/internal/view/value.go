package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is shown of one value. What is cut is counted.
const (
	maxTextLines = 60
	maxElements  = 100
	maxLine      = 400 // bytes of one line
)

// value writes an attribute with its sign: head is its name with the equals sign,
// tail what follows the value.
func (r *planText) value(s sign, pad, head string, a attr, tail string) {
	if text, ok := a.short(); ok {
		r.mark(s, pad, head+text+tail)
		return
	}
	if text, ok := passageOf(a.data); ok {
		r.mark(s, pad, head+text.open)
		for _, line := range text.lines[:min(len(text.lines), maxTextLines)] {
			r.line(pad + "      " + shorten(visible(line)))
		}
		if more := len(text.lines) - maxTextLines; more > 0 {
			r.line(pad + "      " + r.style(faint, fmt.Sprintf("# (%s not shown)", count(more, "more line"))))
		}
		r.line(pad + "  " + text.end + tail)
		return
	}
	inner := pad + "    "
	if list := listOf(a.data); list != nil {
		r.mark(s, pad, head+"[")
		for _, e := range list[:min(len(list), maxElements)] {
			r.value(s, inner, "", attr{data: e}, ",")
		}
		r.more(len(list)-maxElements, inner)
		r.line(pad + "  ]" + tail)
		return
	}
	r.mark(s, pad, head+"{")
	r.entries(s, a, inner)
	r.line(pad + "  }" + tail)
}

// entries writes the members of a map or object, aligned.
func (r *planText) entries(s sign, a attr, pad string) {
	all := objectOf(a.data)
	names := sortedKeys(all)
	key := quoteKey
	if a.kind == attrMap {
		key = func(name string) string { return visible(strconv.Quote(name)) }
	}
	width := 0
	for _, name := range names {
		width = max(width, columns(key(name)))
	}
	for _, name := range names[:min(len(names), maxElements)] {
		r.value(s, pad, padTo(key(name), width)+" = ", attr{data: all[name]}, "")
	}
	r.more(len(names)-maxElements, pad)
}

func (r *planText) more(n int, pad string) {
	if n > 0 {
		r.note(pad, "("+count(n, "more element")+" not shown)")
	}
}

// scalar renders canonical JSON the way it would be written in HCL, if that takes
// one line.
func scalar(data json.RawMessage) (string, bool) {
	if _, ok := passageOf(data); ok {
		return "", false
	}
	if expr, ok := expression(data); ok {
		return expr, true
	}
	switch {
	case len(data) == 0 || string(data) == "null":
		return "null", true
	case masked(data):
		return sensitiveText, true
	case data[0] == '"':
		return shorten(visible(string(data))), true
	case data[0] == '[':
		return "[]", len(listOf(data)) == 0
	case data[0] == '{':
		return "{}", len(objectOf(data)) == 0
	}
	return string(data), true
}

// outdent takes n columns from the left of each line.
func outdent(text string, n int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = line[min(n, len(line)-len(strings.TrimLeft(line, " "))):]
	}
	return strings.TrimSuffix(strings.Join(lines, "\n"), "\n")
}

// objectOf returns the members of a JSON object that is no run-time value, nil of
// anything else.
func objectOf(data json.RawMessage) map[string]json.RawMessage {
	if len(data) == 0 || data[0] != '{' || bytes.HasPrefix(data, []byte(`{"$`)) {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return nil
	}
	return members
}

func listOf(data json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	if len(data) == 0 || data[0] != '[' || json.Unmarshal(data, &list) != nil {
		return nil
	}
	return list
}

// element is one of a list of named things.
type element struct {
	name string
	data json.RawMessage
}

// elementsOf returns the elements of a list by their member "name", in its order.
func elementsOf(data json.RawMessage) []element {
	var out []element
	for _, e := range listOf(data) {
		var named struct {
			Name string `json:"name"`
		}
		if json.Unmarshal(e, &named) != nil {
			return nil
		}
		out = append(out, element{named.Name, e})
	}
	return out
}

func sortedKeys(m map[string]json.RawMessage) []string { return slices.Sorted(maps.Keys(m)) }

// union returns the keys of both maps, sorted.
func union(a, b map[string]json.RawMessage) []string {
	keys := slices.AppendSeq(sortedKeys(a), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// quoteKey writes a map's key bare where HCL allows it.
func quoteKey(key string) string {
	bare := key != ""
	for i, r := range key {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		bare = bare && (letter || i > 0 && (r == '-' || r >= '0' && r <= '9'))
	}
	if bare {
		return key
	}
	return visible(strconv.Quote(key))
}

// visible replaces what would steer a terminal, or make text look like other text:
// control characters and marks of direction. A tab stays.
func visible(text string) string {
	steers := func(r rune) bool { return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }
	if strings.IndexFunc(text, steers) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !steers(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// shorten bounds one line.
func shorten(line string) string {
	if len(line) <= maxLine {
		return line
	}
	cut := maxLine
	for cut > 0 && line[cut]&0xC0 == 0x80 {
		cut--
	}
	return fmt.Sprintf("%s… (%d more bytes)", line[:cut], len(line)-cut)
}
