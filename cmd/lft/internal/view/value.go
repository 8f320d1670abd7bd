package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxTextLines bounds how much of one long text a plan shows.
const maxTextLines = 12

// maxLine bounds one line of a shown text, in bytes.
const maxLine = 200

// value renders canonical JSON the way it would be written in HCL. pad is the
// indentation of the line it starts on.
func value(data json.RawMessage, pad string) string {
	if expr, ok := expression(data); ok {
		return expr
	}
	switch {
	case len(data) == 0 || string(data) == "null":
		return "null"
	case data[0] == '"':
		var text string
		if json.Unmarshal(data, &text) == nil && strings.Contains(text, "\n") {
			return heredoc(text, pad)
		}
		return shorten(string(data))
	case data[0] == '[':
		var list []json.RawMessage
		if json.Unmarshal(data, &list) != nil {
			return string(data)
		}
		return listValue(list, pad)
	case data[0] == '{':
		members := map[string]json.RawMessage{}
		if json.Unmarshal(data, &members) != nil {
			return string(data)
		}
		return mapValue(members, pad)
	}
	return string(data)
}

// expression returns the source of a run-time expression, with the config-time
// values it has captured, or a literal that is wrapped because it looks like one.
func expression(data json.RawMessage) (string, bool) {
	if !bytes.HasPrefix(data, []byte(`{"$`)) {
		return "", false
	}
	var v struct {
		Expr    string                     `json:"$expr"`
		Literal json.RawMessage            `json:"$literal"`
		Vars    map[string]json.RawMessage `json:"vars"`
	}
	if json.Unmarshal(data, &v) != nil {
		return "", false
	}
	if v.Expr == "" {
		return shorten(string(v.Literal)), true
	}
	text := v.Expr
	if len(v.Vars) > 0 {
		var with []string
		for _, name := range slices.Sorted(maps.Keys(v.Vars)) {
			with = append(with, name+" = "+shorten(string(v.Vars[name])))
		}
		text += " /* " + strings.Join(with, ", ") + " */"
	}
	return text, true
}

func listValue(list []json.RawMessage, pad string) string {
	if len(list) == 0 {
		return "[]"
	}
	items := make([]string, len(list))
	short := 0
	for i, item := range list {
		items[i] = value(item, pad+"    ")
		short += len(items[i]) + 2
		if strings.Contains(items[i], "\n") {
			short += 100
		}
	}
	if short <= 72 {
		return "[" + strings.Join(items, ", ") + "]"
	}
	return "[\n" + pad + "    " + strings.Join(items, ",\n"+pad+"    ") + ",\n" + pad + "]"
}

func mapValue(members map[string]json.RawMessage, pad string) string {
	if len(members) == 0 {
		return "{}"
	}
	names := slices.Sorted(maps.Keys(members))
	width := 0
	for _, name := range names {
		width = max(width, len(quoteKey(name)))
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range names {
		fmt.Fprintf(&b, "%s    %-*s = %s\n", pad, width, quoteKey(name), value(members[name], pad+"    "))
	}
	b.WriteString(pad + "}")
	return b.String()
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
	return fmt.Sprintf("%q", key)
}

func heredoc(text, pad string) string {
	var b strings.Builder
	b.WriteString("<<-EOT\n")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if i == maxTextLines {
			fmt.Fprintf(&b, "%s    # (%d more lines)\n", pad, len(lines)-i)
			break
		}
		b.WriteString(strings.TrimRight(pad+"    "+shorten(line), " ") + "\n")
	}
	b.WriteString(pad + "EOT")
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

// typeValue renders a type constraint as it is written in HCL.
func typeValue(data json.RawMessage) string {
	var name string
	if json.Unmarshal(data, &name) == nil {
		if name == "dynamic" {
			return "any"
		}
		return name
	}
	var parts []json.RawMessage
	if json.Unmarshal(data, &parts) != nil || len(parts) < 2 {
		return string(data)
	}
	outer := typeValue(parts[0])
	switch outer {
	case "object":
		members := map[string]json.RawMessage{}
		if json.Unmarshal(parts[1], &members) != nil {
			return string(data)
		}
		var fields []string
		for _, n := range slices.Sorted(maps.Keys(members)) {
			fields = append(fields, n+" = "+typeValue(members[n]))
		}
		return "object({" + strings.Join(fields, ", ") + "})"
	case "tuple":
		var elements []json.RawMessage
		if json.Unmarshal(parts[1], &elements) != nil {
			return string(data)
		}
		var fields []string
		for _, e := range elements {
			fields = append(fields, typeValue(e))
		}
		return "tuple([" + strings.Join(fields, ", ") + "])"
	default:
		return outer + "(" + typeValue(parts[1]) + ")"
	}
}
