package view

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// block is an object as it would be written in HCL: attributes, then blocks.
type block struct {
	header string
	attrs  []attr
	blocks []block
}

type attr struct {
	name string
	data json.RawMessage
	kind attrKind
}

type attrKind uint8

const (
	attrValue     attrKind = iota
	attrType               // a type constraint
	attrAddress            // an address, written without quotes
	attrAddresses          // a list of them
)

// Members of canonical JSON that are written differently in HCL. All others are
// attributes of the same name.
var (
	hidden     = []string{"format", "name"}
	renamed    = map[string]string{"crons": "cron", "upstreams": "after"}
	lists      = map[string]string{"jobs": "job", "params": "param", "outputs": "output"}
	singles    = []string{"concurrency", "retry", "placement"}
	references = map[string]attrKind{"flow": attrAddress, "pool": attrAddress, "upstreams": attrAddresses}
)

// newBlock reads an object of a spec. kind is flow, schedule, pool, job, param
// or output.
func newBlock(kind, header string, data json.RawMessage) block {
	members := map[string]json.RawMessage{}
	if json.Unmarshal(data, &members) != nil {
		return block{header: header, attrs: []attr{{name: "spec", data: data}}}
	}
	b := block{header: header}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		b.add(kind, name, members[name])
	}
	slices.SortStableFunc(b.attrs, func(x, y attr) int { return strings.Compare(x.name, y.name) })
	return b
}

func (b *block) add(kind, name string, data json.RawMessage) {
	switch {
	case slices.Contains(hidden, name) || kind == "job" && (name == "type" || name == "kind"):
		// The header has the type, and the type has the kind.
	case kind == "job" && name == "args":
		args := map[string]json.RawMessage{}
		if json.Unmarshal(data, &args) != nil {
			return
		}
		for arg, v := range args {
			b.attrs = append(b.attrs, attr{name: arg, data: v})
		}
	case lists[name] != "" && data[0] == '[':
		var elements []json.RawMessage
		if json.Unmarshal(data, &elements) != nil {
			return
		}
		for _, e := range elements {
			b.blocks = append(b.blocks, newBlock(lists[name], elementHeader(lists[name], e), e))
		}
	case slices.Contains(singles, name):
		b.blocks = append(b.blocks, newBlock(name, name, data))
	default:
		b.attrs = append(b.attrs, newAttr(kind, name, data))
	}
}

func newAttr(kind, name string, data json.RawMessage) attr {
	a := attr{name: name, data: data, kind: references[name]}
	if to, ok := renamed[name]; ok {
		a.name = to
	}
	if name == "type" && (kind == "param" || kind == "output") {
		a.kind = attrType
	}
	var one []json.RawMessage
	if name == "crons" && json.Unmarshal(data, &one) == nil && len(one) == 1 {
		a.data = one[0]
	}
	return a
}

// text renders the attribute's value.
func (a attr) text(pad string) string {
	switch a.kind {
	case attrType:
		return typeValue(a.data)
	case attrAddress:
		var addr string
		if json.Unmarshal(a.data, &addr) == nil {
			return addr
		}
	case attrAddresses:
		var names []string
		if json.Unmarshal(a.data, &names) == nil {
			for i, n := range names {
				names[i] = "job." + n
			}
			return "[" + strings.Join(names, ", ") + "]"
		}
	case attrValue:
	}
	return value(a.data, pad)
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
		return "job " + string(e.Type) + " " + quoteName(e.Name)
	}
	return kind + " " + quoteName(e.Name)
}

// quoteName writes a block label; a for_each key stays behind it: "x"["k"].
func quoteName(name string) string {
	bare, key, keyed := strings.Cut(name, "[")
	if !keyed {
		return `"` + name + `"`
	}
	return `"` + bare + `"[` + key
}
