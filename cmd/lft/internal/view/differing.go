package view

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// differing is what differs in one object or block: the planner's attributes as a
// tree, so that those of one map or block stand together.
type differing struct {
	kind  string // of the block: flow, job, retry, …; "" of an attribute, mapKind of a map
	name  string
	leaf  *planner.Attribute // nil when there is something below
	below []*differing
}

// mapKind is the kind of what has keys instead of attributes.
const mapKind = "map"

func newDiffering(kind string, list []planner.Attribute) *differing {
	root := &differing{kind: kind}
	for i := range list {
		path := list[i].Path
		switch {
		case len(path) == 1 && hiddenMember(kind, path[0]):
			continue
		case kind == "job" && path[0] == "args":
			path = path[1:] // the type's arguments stand among the job's own
		}
		if len(path) == 0 {
			root.arguments(&list[i])
			continue
		}
		root.add(path, &list[i])
	}
	// As a new object is shown: by the names that are written.
	slices.SortStableFunc(root.below, func(a, b *differing) int { return strings.Compare(attrName(kind, a.name), attrName(kind, b.name)) })
	return root
}

// arguments shows args as a whole as what it is made of.
func (d *differing) arguments(a *planner.Attribute) {
	before, after := objectOf(a.Before), objectOf(a.After)
	for _, name := range union(before, after) {
		d.add([]string{name}, &planner.Attribute{Path: []string{"args", name}, Before: before[name], After: after[name]})
	}
}

func (d *differing) add(path []string, a *planner.Attribute) {
	for i, name := range path {
		at := slices.IndexFunc(d.below, func(n *differing) bool { return n.name == name })
		if at < 0 {
			d.below = append(d.below, &differing{kind: d.inner(name), name: name})
			at = len(d.below) - 1
		}
		d = d.below[at]
		if i == len(path)-1 {
			d.leaf = a
		}
	}
}

// inner is the kind of block that a member is, "" for a plain attribute.
func (d *differing) inner(name string) string {
	switch {
	case d.kind == "" || d.kind == mapKind || strings.HasPrefix(d.kind, "list "):
		return strings.TrimPrefix(strings.TrimPrefix(d.kind, mapKind), "list ")
	case writing[name] == attrMap && d.kind != spec.DependencyKind:
		return mapKind
	case isList(d.kind, name):
		return "list " + lists[name]
	case slices.Contains(singles, name):
		return name
	}
	return ""
}

// differingValue is what differs in a value by the members of its objects, however
// deep; anything else differs as a whole.
func differingValue(name string, before, after json.RawMessage) *differing {
	d := &differing{name: name}
	old, now := objectOf(before), objectOf(after)
	if old == nil || now == nil {
		d.leaf = &planner.Attribute{Before: before, After: after}
		return d
	}
	d.kind = mapKind
	for _, member := range union(old, now) {
		if string(old[member]) != string(now[member]) {
			d.below = append(d.below, differingValue(member, old[member], now[member]))
		}
	}
	return d
}

// block reports whether a member is written as a block.
func (d *differing) block() bool { return d.kind != "" && d.kind != mapKind }

// gone counts the attributes that were there before and are not the same now.
func (d *differing) gone() int {
	n := 0
	for _, m := range d.below {
		switch {
		case strings.HasPrefix(m.kind, "list "):
			n += m.gone()
		case m.leaf == nil || m.leaf.Before != nil:
			n++
		}
	}
	return n
}

// attributes shows those that differ, aligned.
func (r *planText) attributes(d *differing, pad string) {
	var plain []*differing
	width := 0
	for _, m := range d.below {
		if !m.block() {
			plain = append(plain, m)
			width = max(width, columns(attrName(d.kind, m.name)))
		}
	}
	for _, m := range plain {
		r.attribute(d.kind, m, padTo(attrName(d.kind, m.name), width)+" = ", pad)
	}
}

// attribute shows one that differs; head is its name with the equals sign.
func (r *planText) attribute(kind string, m *differing, head, pad string) {
	if m.leaf == nil {
		r.mark(altered, pad, head+"{")
		r.attributes(m, pad+"    ")
		r.line(pad + "  }")
		return
	}
	a := newAttr(kind, m.name, nil)
	before, after := a.with(m.leaf.Before), a.with(m.leaf.After)
	if a.kind == attrSingle && m.leaf.Before != nil && m.leaf.After != nil && !(before.isOne() && after.isOne()) {
		before.data, after.data = m.leaf.Before, m.leaf.After // lists both
	}
	switch {
	case m.leaf.Before == nil:
		r.value(added, pad, head, after, "")
	case m.leaf.After == nil:
		r.value(removed, pad, head, before, r.style(faint, null))
	case masked(m.leaf.Before) && masked(m.leaf.After):
		r.mark(altered, pad, head+sensitiveText)
	case r.textDiff(before.data, after.data, head, pad), r.listDiff(before, after, head, pad):
	default:
		r.transition(before, after, head, pad)
	}
}

// transition is OLD -> NEW, on one line where both fit on one.
func (r *planText) transition(before, after attr, head, pad string) {
	old, oneLine := before.short()
	now, alsoOne := after.short()
	if oneLine && alsoOne {
		r.mark(altered, pad, head+old+r.style(yellow, " -> ")+now)
		return
	}
	r.value(removed, pad, head, before, r.style(faint, null))
	r.value(added, pad, head, after, "")
}

// null is what becomes of a value that goes.
const null = " -> null"

// blocks shows the blocks that differ.
func (r *planText) blocks(d *differing, pad string) {
	for _, m := range d.below {
		switch {
		case !m.block():
		case strings.HasPrefix(m.kind, "list ") && m.leaf != nil:
			// All of the list comes or goes.
			kind := strings.TrimPrefix(m.kind, "list ")
			for _, e := range elementsOf(m.leaf.Before) {
				r.element(kind, e.name, &planner.Attribute{Before: e.data}, pad)
			}
			for _, e := range elementsOf(m.leaf.After) {
				r.element(kind, e.name, &planner.Attribute{After: e.data}, pad)
			}
		case strings.HasPrefix(m.kind, "list "):
			r.blocks(&differing{below: m.below}, pad)
		case m.leaf != nil:
			r.element(m.kind, m.name, m.leaf, pad)
		default:
			r.gap()
			r.mark(altered, pad, m.header()+" {")
			r.attributes(m, pad+"    ")
			r.blocks(m, pad+"    ")
			r.line(pad + "  }")
		}
	}
}

// header of a block that has one in the language: param "x", or retry.
func (d *differing) header() string {
	if slices.Contains(singles, d.kind) {
		return d.kind
	}
	return d.kind + " " + quoteName(d.name)
}

// element shows a block that comes or goes as a whole.
func (r *planText) element(kind, name string, a *planner.Attribute, pad string) {
	head := (&differing{kind: kind, name: name}).header()
	r.gap()
	if a.Before != nil {
		r.object(removed, newBlock(kind, head, a.Before), pad)
	}
	if a.After != nil {
		r.object(added, newBlock(kind, head, a.After), pad)
	}
}

func masked(data json.RawMessage) bool { return string(data) == planner.MaskText }
