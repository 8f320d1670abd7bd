package lang

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/dag"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// move is a moved block with the places of its two addresses.
type move struct {
	spec.Moved
	from, to hcl.Range
}

// moved reads a moved block; addresses count from the module it stands in.
func (w *worker) moved(d declaration, _ schema.Block, bundle *spec.Bundle) {
	if m, ok := w.move(d); ok {
		w.moves = append(w.moves, m)
		bundle.Moved = append(bundle.Moved, m.Moved)
	}
}

func (w *worker) move(d declaration) (move, bool) {
	m := move{Moved: spec.Moved{At: position(d.block.TypeRange)}}
	from, fromOK := w.written(d, "from", &m.from)
	to, toOK := w.written(d, "to", &m.to)
	if !fromOK || !toOK {
		return m, false
	}
	m.From, m.To = from.In(w.module.addr), to.In(w.module.addr)
	switch {
	case from.Kind() != to.Kind():
		w.found.error(CodeMove, "", m.to, "Two kinds of things", "%s and %s are of two kinds. What is moved stays what it is.", m.From, m.To)
	case m.From == m.To:
		w.found.error(CodeMove, "", m.to, "Moved to where it is", "from and to are both %s.", m.From)
	case from.Kind() == spec.OutputKind:
		w.found.error(CodeMove, "", m.from, "An output has no history", "An output is only its value, so there is nothing to move. Take the block out.")
	default:
		return m, true
	}
	return m, false
}

// removal is a removed block with the place of its address.
type removal struct {
	spec.Removed
	from hcl.Range
}

func (w *worker) removed(d declaration, _ schema.Block, bundle *spec.Bundle) {
	if r, ok := w.removal(d); ok {
		w.removals = append(w.removals, r)
		bundle.Removed = append(bundle.Removed, r.Removed)
	}
}

func (w *worker) removal(d declaration) (removal, bool) {
	r := removal{Removed: spec.Removed{At: position(d.block.TypeRange)}}
	from, ok := w.written(d, "from", &r.from)
	if life := block(d.block.Body, "lifecycle"); life != nil {
		if attr, written := life.Body.Attributes["destroy"]; written {
			v, known := w.plain("", attr.Expr, cty.Bool)
			if known && !v.IsNull() && v.False() {
				w.found.error(CodeUnsupported, "", attr.Expr.Range(), "Nothing is kept outside of its folder", "lft keeps no object that no folder declares, so destroy = false is not supported. Leave lifecycle out to destroy the object.")
				ok = false
			}
		}
	}
	r.From = from.In(w.module.addr)
	switch {
	case !ok:
	case from.Kind() == spec.JobKind:
		w.found.error(CodeMove, "", r.from, "A job needs no removed block", "A job goes with its block; only flows, schedules, pools, calendars and dependencies can be protected.")
		ok = false
	case from.Kind() == spec.OutputKind:
		w.found.error(CodeMove, "", r.from, "An output needs no removed block", "An output goes with its block.")
		ok = false
	}
	return r, ok
}

// written reads an address that is given as it is written elsewhere, without
// evaluating anything.
func (w *worker) written(d declaration, name string, at *hcl.Range) (spec.Address, bool) {
	attr, ok := d.block.Body.Attributes[name]
	if !ok {
		return "", false // reported as missing
	}
	*at = attr.Expr.Range()
	text := addressText(attr.Expr)
	addr, err := spec.ParseAddress(text)
	if err != nil {
		addr, err = spec.ParseModule(text)
	}
	if err != nil {
		w.found.error(CodeReference, "", *at, "Not an address", "An address is needed here, such as flow.NAME, flow.NAME[\"key\"], flow.NAME.job.NAME or module.NAME, with keys in quotes.")
		return "", false
	}
	return addr, true
}

// addressText writes a reference in the form of an address, or "" for what is
// none.
func addressText(x hclsyntax.Expression) string {
	reference, ok := x.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return ""
	}
	return traversalText(reference.Traversal)
}

// traversalText writes a reference, or "" when a key of it is no text.
func traversalText(t hcl.Traversal) string {
	var text strings.Builder
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			text.WriteString(step.Name)
		case hcl.TraverseAttr:
			text.WriteString("." + step.Name)
		case hcl.TraverseIndex:
			if step.Key.Type() != cty.String {
				return ""
			}
			text.WriteString("[" + strconv.Quote(step.Key.AsString()) + "]")
		}
	}
	return text.String()
}

// checkMoves refuses moves that contradict each other or what is declared.
func (l *loader) checkMoves(bundle *spec.Bundle) {
	from, to := map[spec.Address]move{}, map[spec.Address]move{}
	b := dag.New[spec.Address](len(l.moves), len(l.moves))
	if len(l.moves)+len(l.removals) == 0 {
		return
	}
	there := declaredBy(bundle)
	for _, m := range l.moves {
		if before, ok := from[m.From]; ok {
			l.found.error(CodeMove, "", m.from, "Moved twice", "%s is already moved to %s at %s:%d.", m.From, before.To, before.At.File, before.At.Line)
			continue
		}
		if before, ok := to[m.To]; ok {
			l.found.error(CodeMove, "", m.to, "Two things moved to one place", "%s is already moved to %s at %s:%d.", before.From, m.To, before.At.File, before.At.Line)
			continue
		}
		from[m.From], to[m.To] = m, m
		b.Add(m.From)
		b.Add(m.To)
		_ = b.Connect(m.From, m.To) // both were added
		if place, ok := there.find(m.From, m.To); ok {
			l.found.error(CodeMove, "", m.from, "What is moved is still declared", "%s is declared at %s. Either it has moved, then its old block must be gone, or it has not.", m.From, place)
		}
	}
	for _, m := range l.moves {
		if m.From.Kind() == spec.JobKind && !leads(from, m.From.Flow(), m.To.Flow()) {
			l.found.error(CodeMove, "", m.to, "A job cannot leave its flow", "%s and %s are in two flows, and no moved block makes them one. A job that is written into another flow is a new one there.", m.From, m.To)
		}
	}
	graph := b.Build()
	for _, cycle := range graph.Cycles() {
		names := graph.Names(cycle)
		l.found.error(CodeMove, "", from[names[0]].from, "Moved in a circle", "%s comes back to where it was.", names[0])
	}
	for _, r := range l.removals {
		if place, ok := there.find(r.From, ""); ok {
			l.found.error(CodeMove, "", r.from, "What is removed is still declared", "%s is declared at %s. Take its block out, or the removed block.", r.From, place)
		}
	}
}

// leads reports whether a flow becomes another one by the moved blocks of flows and
// of the modules around them, or is that one.
func leads(from map[spec.Address]move, flow, to spec.Address) bool {
	for range len(from) + 1 {
		if flow == to {
			return true
		}
		next := flow
		for at := flow; at != "" && next == flow; at = at.Module() {
			set := at.Set()
			if m, ok := from[at]; ok {
				next = m.To + flow[len(at):]
			} else if m, ok := from[set]; ok {
				next = m.To + flow[len(set):]
			}
		}
		flow = next
	}
	return false
}

// declared are the addresses of all that is declared, of what lies in each other
// too, with a place of each: exact as they are, sets without their last key.
type declared struct{ exact, sets map[spec.Address]string }

func declaredBy(bundle *spec.Bundle) declared {
	d := declared{exact: map[spec.Address]string{}, sets: map[spec.Address]string{}}
	for addr, at := range bundle.Positions {
		place := fmt.Sprintf("%s:%d", at.File, at.Line)
		d.add(addr, place)
		d.add(addr.Flow(), place)
		for m := addr.Module(); m != ""; m = m.Module() {
			d.add(m, place)
		}
	}
	return d
}

// add keeps the first place in the order of texts.
func (d declared) add(addr spec.Address, place string) {
	note := func(m map[spec.Address]string, addr spec.Address) {
		if before, ok := m[addr]; !ok || place < before {
			m[addr] = place
		}
	}
	note(d.exact, addr)
	note(d.sets, addr.Set())
}

// find returns the place of what is declared under an address. Without a key it
// stands for all instances, unless to has one: then the object that had no key is
// given one.
func (d declared) find(from, to spec.Address) (place string, ok bool) {
	if place, ok = d.exact[from]; ok {
		return place, true
	}
	if _, key, _ := spec.SplitInstance(to.Instance()); key != "" {
		return "", false
	}
	place, ok = d.sets[from]
	return place, ok
}
