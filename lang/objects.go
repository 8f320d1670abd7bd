package lang

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// objects are what was decoded so far. Maps by declaration have no key in their
// addresses, the others have.
type objects struct {
	sets      map[spec.Address]*set // by declaration
	pools     map[spec.Address]*spec.Pool
	calendars map[spec.Address]*spec.Calendar
	// declared are the flows, filled when all of them are decoded; heads the same
	// of flows in canonical form, without jobs.
	declared map[spec.Address]*spec.Flow
	heads    map[spec.Address][]byte
	// contracts are those of flows that are decoded last, because they start others.
	contracts map[spec.Address]*contract
}

func newObjects() objects {
	return objects{
		sets: map[spec.Address]*set{}, pools: map[spec.Address]*spec.Pool{}, calendars: map[spec.Address]*spec.Calendar{},
		declared: map[spec.Address]*spec.Flow{}, heads: map[spec.Address][]byte{}, contracts: map[spec.Address]*contract{},
	}
}

// decoder turns the declarations of one kind of block into objects, once for each
// module that declares them.
type decoder struct {
	kind   string
	decode func(w *worker, d declaration, voc schema.Block, bundle *spec.Bundle)
}

// beforeFlows are the kinds that flows and jobs may name; afterFlows those that
// name flows. Within a list, each sees what stands before it.
func beforeFlows() []decoder {
	return []decoder{{spec.PoolKind, (*worker).pool}, {spec.CalendarKind, (*worker).calendar}, {spec.DependencyKind, (*worker).dependency}}
}

func afterFlows() []decoder {
	return []decoder{
		{spec.ScheduleKind, (*worker).schedule},
		{spec.OutputKind, (*worker).output},
		{"check", (*worker).check},
		{"moved", (*worker).moved},
		{"removed", (*worker).removed},
	}
}

func (l *loader) decode(w *worker, decoders []decoder, bundle *spec.Bundle) {
	for _, one := range decoders {
		voc, _ := l.voc.Block(one.kind)
		for _, m := range l.modules {
			for _, d := range m.blocks[one.kind] {
				w.enter(m, nil)
				addr := spec.Address("")
				if d.name != "" {
					addr = w.addressOf(d)
				}
				w.found.check(voc, d.block, nil, addr)
				one.decode(w, d, voc, bundle)
			}
		}
	}
	w.enter(l.top, nil)
}

// set is what one declaration has become: the instances of an object, by key.
type set struct {
	keyed   bool
	broken  bool            // they are not known, which was reported
	enabled map[string]bool // by key
}

func newSet(body *hclsyntax.Body, all []instance, known bool) *set {
	s := &set{broken: !known, enabled: make(map[string]bool, len(all))}
	_, s.keyed = body.Attributes["for_each"]
	for _, one := range all {
		s.enabled[one.key] = one.enabled
	}
	return s
}

// decodeEach decodes the instances of a declaration that are enabled, each with
// its address and its each.*.
func (w *worker) decodeEach(d declaration, voc schema.Block, bundle *spec.Bundle, decode func(r reader)) {
	addr := w.addressOf(d)
	all, known := w.instances(addr, d.block.Body)
	w.sets[addr] = newSet(d.block.Body, all, known)
	for _, one := range all {
		if !one.enabled {
			continue
		}
		w.each = one.each
		r := reader{w: w, addr: w.objectAddress(d, one.key), voc: voc, body: d.block.Body, at: spot{secrets: &secrets{}}}
		bundle.Positions[r.addr] = position(d.block.TypeRange)
		decode(r)
	}
	w.each = nil
}

// addressOf is the address of a declared object without its key, for findings
// about the block as a whole.
func (w *worker) addressOf(d declaration) spec.Address { return w.objectAddress(d, "") }

func (w *worker) objectAddress(d declaration, key string) spec.Address {
	return spec.Address(d.block.Type + "." + spec.Instance(d.name, key)).In(w.module.addr)
}

// object reads an expression that names a declared object of a kind, which has to
// be there and to be enabled.
func (w *worker) object(addr spec.Address, kind string, x hclsyntax.Expression) (spec.Address, bool) {
	ref, ok := w.reference(addr, kind, x)
	if !ok || !w.exists(addr, ref, x.Range()) {
		return "", false
	}
	return ref.Address(), true
}

// exists reports a reference to nothing.
func (w *worker) exists(addr spec.Address, ref eval.Reference, rng hcl.Range) bool {
	w.uses.add("", objectUse, string(ref.Set()))
	s, ok := w.sets[ref.Set()]
	switch {
	case !ok:
		var names []string
		for other := range maps.Keys(w.sets) {
			if other.Kind() == ref.Kind && other.Module() == ref.Module {
				names = append(names, other.Name())
			}
		}
		slices.Sort(names)
		w.found.error(CodeReference, addr, rng, "Unknown "+ref.Kind, "There is no %s.%s", ref.Address(), eval.DidYouMean(ref.Name, names))
		return false
	case s.broken:
		return false
	}
	enabled, ok := s.enabled[ref.Key]
	keys := slices.Sorted(maps.Keys(s.enabled))
	switch {
	case ref.Key == "" && s.keyed:
		hint := "it has no instances now"
		if len(keys) > 0 {
			hint = "write " + string(ref.Set()) + "[\"" + keys[0] + "\"]"
		}
		w.found.error(CodeReference, addr, rng, "Which instance?", "%s has for_each; %s.", ref.Set(), hint)
	case !ok && !s.keyed:
		w.found.error(CodeReference, addr, rng, "There are no instances", "%s has no for_each; write %s.", ref.Set(), ref.Set())
	case !ok:
		w.found.error(CodeReference, addr, rng, "Unknown instance", "There is no %s.%s", ref.Address(), eval.DidYouMean(ref.Key, keys))
	case !enabled:
		w.found.error(CodeReference, addr, rng, "The "+ref.Kind+" is not enabled", "%s is not enabled. Give what names it the same enabled.", ref.Address())
	default:
		return true
	}
	return false
}

// keysOf are the instances of an object with for_each, so that another for_each
// may go over them.
func (w *worker) keysOf(addr spec.Address, ref eval.Reference, rng hcl.Range) ([]instance, bool) {
	w.uses.add("", objectUse, string(ref.Set()))
	s, ok := w.sets[ref.Set()]
	if !ok || !s.keyed || ref.Key != "" {
		if ok && s.broken {
			return nil, false
		}
		w.found.error(CodeValue, addr, rng, "Invalid for_each", "for_each goes over a map, a set of strings, or an object with for_each that is known before this one; %s is none of these.", ref.Address())
		return nil, false
	}
	var all []instance
	for _, key := range slices.Sorted(maps.Keys(s.enabled)) {
		if !s.enabled[key] {
			continue
		}
		one := ref
		one.Key = key
		all = append(all, instance{each: &eval.Each{Key: cty.StringVal(key), Value: one.Value(), Outer: w.each}, key: key, enabled: true})
	}
	return all, !s.broken
}
