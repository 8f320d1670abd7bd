package view

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// block is an object as it would be written in HCL: attributes, then blocks.
type block struct {
	header string
	attrs  []attr
	blocks []block
}

// attr is an attribute and how its value is written.
type attr struct {
	name string
	data json.RawMessage
	kind attrKind
}

type attrKind uint8

const (
	attrValue     attrKind = iota
	attrMap                // keys are data, and quoted
	attrType               // a type constraint
	attrAddress            // an address, written without quotes
	attrAddresses          // a list of them
	attrJobs               // a list of names of jobs of the same flow
	attrSingle             // a list, or its only element
)

// Members of canonical JSON that are written differently in HCL. All others are
// attributes of the same name.
var (
	renamed = map[string]string{"crons": "cron", "upstreams": "after"}
	lists   = map[string]string{"jobs": "job", "params": "param", "outputs": "output"}
	singles = []string{"concurrency", "retry", "placement"}
	writing = map[string]attrKind{
		"flow": attrAddress, "pool": attrAddress, "calendar": attrAddress, "uses": attrAddresses, "upstreams": attrJobs,
		"crons": attrSingle, "env": attrMap, "labels": attrMap, "files": attrMap,
	}
)

// objectBlock is an object as it would be written.
func objectBlock(addr spec.Address, data []byte) block {
	return newBlock(addr.Kind(), header(addr), data)
}

// newBlock reads an object of a spec. kind is that of an object, or job, param or
// output.
func newBlock(kind, header string, data json.RawMessage) block {
	b := block{header: header}
	members := objectOf(data)
	if members == nil {
		b.attrs = []attr{{name: "spec", data: data}} // masked, or of another version
		return b
	}
	for _, name := range sortedKeys(members) {
		b.add(kind, name, members[name])
	}
	slices.SortStableFunc(b.attrs, func(x, y attr) int { return strings.Compare(x.name, y.name) })
	return b
}

func (b *block) add(kind, name string, data json.RawMessage) {
	switch {
	case slices.Contains(hiddenMembers, name) || kind == "job" && (name == "type" || name == "kind"):
		// The header has the type, and the type has the kind.
	case kind == "job" && name == "args" && objectOf(data) != nil:
		args := objectOf(data)
		for _, arg := range sortedKeys(args) {
			b.attrs = append(b.attrs, newAttr("", arg, nil).with(args[arg]))
		}
	case kind == spec.DependencyKind && name == "files":
		for _, f := range elementsOf(data) {
			b.blocks = append(b.blocks, fileBlock(f))
		}
	case isList(kind, name) && len(elementsOf(data)) > 0:
		for _, e := range elementsOf(data) {
			b.blocks = append(b.blocks, newBlock(lists[name], elementHeader(lists[name], e.data), e.data))
		}
	case slices.Contains(singles, name) && objectOf(data) != nil:
		b.blocks = append(b.blocks, newBlock(name, name, data))
	default:
		b.attrs = append(b.attrs, newAttr(kind, name, nil).with(data))
	}
}

// isList reports whether a member is a list of blocks. The params of a schedule
// and of a job are values.
func isList(kind, name string) bool {
	return lists[name] != "" && (name != "params" || kind == spec.FlowKind)
}

func newAttr(kind, name string, data json.RawMessage) attr {
	a := attr{name: attrName(kind, name), data: data, kind: writing[name]}
	if name == "type" && (kind == "param" || kind == "output") {
		a.kind = attrType
	}
	return a
}

// attrName is an attribute's name as the language has it; in a map, the key.
func attrName(kind, name string) string {
	switch kind {
	case "":
		return quoteKey(name)
	case mapKind:
		return visible(strconv.Quote(name))
	}
	if to, ok := renamed[name]; ok {
		return to
	}
	return name
}

// with is the attribute with a value.
func (a attr) with(data json.RawMessage) attr {
	a.data = data
	if a.kind == attrSingle {
		if list := listOf(data); len(list) == 1 {
			a.data = list[0]
		}
	}
	return a
}

// isOne reports that a list was replaced by its only element.
func (a attr) isOne() bool { return len(a.data) > 0 && a.data[0] != '[' }

// reference renders values that are no values of the language.
func (a attr) reference() (string, bool) {
	if masked(a.data) {
		return "", false
	}
	switch a.kind {
	case attrType:
		return typeValue(a.data), true
	case attrAddress:
		var addr string
		if json.Unmarshal(a.data, &addr) == nil {
			return visible(addr), true
		}
	case attrAddresses, attrJobs:
		var names []string
		if json.Unmarshal(a.data, &names) == nil {
			for i, n := range names {
				names[i] = visible(n)
				if a.kind == attrJobs {
					names[i] = "job." + names[i]
				}
			}
			return "[" + strings.Join(names, ", ") + "]", true
		}
	case attrValue, attrMap, attrSingle:
	}
	return "", false
}

// short renders the value on one line, and reports whether that is possible.
func (a attr) short() (string, bool) {
	if text, ok := a.reference(); ok {
		return text, true
	}
	return scalar(a.data)
}

// elementHeader is the header of a job, param or output block.
func elementHeader(kind string, data json.RawMessage) string {
	var e struct {
		Name string          `json:"name"`
		Type json.RawMessage `json:"type"`
	}
	if json.Unmarshal(data, &e) != nil {
		return kind
	}
	if kind == "job" {
		return "job " + visible(string(e.Type)) + " " + quoteName(e.Name)
	}
	return kind + " " + quoteName(e.Name)
}

// quoteName writes a block label; a for_each key stays behind it: "x"["k"].
func quoteName(name string) string {
	bare, key, keyed := strings.Cut(name, "[")
	if !keyed {
		return `"` + visible(name) + `"`
	}
	return `"` + bare + `"[` + visible(key)
}

// object shows a block of which everything has one sign.
func (r *planText) object(s sign, b block, pad string) {
	if len(b.attrs)+len(b.blocks) == 0 {
		r.mark(s, pad, b.header+" {}")
		return
	}
	r.mark(s, pad, b.header+" {")
	inner := pad + "    "
	width := 0
	for _, a := range b.attrs {
		width = max(width, columns(a.name))
	}
	tail := ""
	if s == removed {
		tail = r.style(faint, null)
	}
	for _, a := range b.attrs {
		r.value(s, inner, padTo(a.name, width)+" = ", a, tail)
	}
	for i, child := range b.blocks {
		if i > 0 || len(b.attrs) > 0 {
			r.gap()
		}
		r.object(s, child, inner)
	}
	r.line(pad + "  }")
}
