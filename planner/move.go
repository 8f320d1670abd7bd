package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
)

// moves are the moved blocks of a folder, to be followed by address. A block whose
// both ends are without a key stands for every instance; any other is about the
// one that it names. A block that names modules takes along all that is inside.
type moves struct {
	from  map[spec.Address][]*spec.Moved // in the order of the source
	found diag.List
}

// newMoves leaves out blocks whose ends are not of one kind.
func newMoves(list []spec.Moved) *moves {
	m := &moves{from: map[spec.Address][]*spec.Moved{}}
	for i := range list {
		by := &list[i]
		if by.From.Kind() == by.To.Kind() && by.From != by.To {
			m.from[by.From] = append(m.from[by.From], by)
			continue
		}
		m.error(by.At, by.From, "Not a move", fmt.Sprintf("%s cannot become %s: both have to be of one kind, and not the same.", by.From, by.To))
	}
	return m
}

// whole reports whether a block stands for every instance.
func whole(by *spec.Moved) bool {
	return by.From == by.From.Set() && by.To == by.To.Set()
}

// step follows one block from an address: one about the object itself before one
// about the modules around it, the innermost first.
func (m *moves) step(a spec.Address) (spec.Address, *spec.Moved) {
	for at := a; at != ""; at = at.Module() {
		rest := a[len(at):]
		for _, by := range m.from[at] {
			if at == at.Set() || !whole(by) {
				return by.To + rest, by
			}
		}
		set := at.Set()
		for _, by := range m.from[set] {
			if set != at && whole(by) {
				return by.To + at[len(set):] + rest, by
			}
		}
	}
	return a, nil
}

// follow goes all the way from an address, and returns the last block on it. It
// reports false for a circle.
func (m *moves) follow(a spec.Address) (spec.Address, *spec.Moved, bool) {
	var last *spec.Moved
	seen := []spec.Address{a}
	for {
		next, by := m.step(a)
		if by == nil {
			return a, last, true
		}
		if len(seen) > maxSteps || slices.Contains(seen, next) {
			m.circle(append(seen, next), by)
			return seen[0], nil, false
		}
		a, last, seen = next, by, append(seen, next)
	}
}

func (m *moves) circle(way []spec.Address, by *spec.Moved) {
	var text []string
	for _, a := range way[:min(len(way), 10)] {
		text = append(text, string(a))
	}
	m.error(by.At, way[0], "Moved blocks without an end", fmt.Sprintf("They lead nowhere: %s.", strings.Join(text, " → ")))
}

func (m *moves) error(at spec.Position, addr spec.Address, summary, detail string) {
	m.found = append(m.found, finding(diag.Error, CodeMove, at, addr, summary, detail))
}

// stale finds what is declared although a block says that it has moved away.
func (m *moves) stale(declared []Declared) {
	said := map[*spec.Moved]bool{}
	for i := range declared {
		a := declared[i].Address
		if _, by := m.step(a); by != nil && !said[by] {
			said[by] = true
			m.error(by.At, a, "What has moved is still declared", fmt.Sprintf(
				"%s has moved to %s by this block, but it is still declared%s. Remove the block that declares it, or this one.",
				by.From, by.To, where(declared[i].At)))
		}
	}
}

// where ends a sentence with a place.
func where(at spec.Position) string {
	if at.File == "" {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", at.File, at.Line)
}

// spot is a deployed object and where it shall be by the wish.
type spot struct {
	object *Object
	at     spec.Address // "" = nowhere
	moved  *spec.Moved  // it is elsewhere by this block
}

// spots finds out where every deployed object shall be, sorted by that address.
// Nil says that each stays where it is.
func (w *Wish) spots(objects []Object) ([]spot, diag.List) {
	known := map[string]spec.Address{} // by uid
	for i := range w.Declared {
		if d := &w.Declared[i]; d.UID != "" {
			known[d.UID] = d.Address
		}
	}
	if len(w.Moved) == 0 && len(known) == 0 {
		return nil, nil
	}
	m := newMoves(w.Moved)
	m.stale(w.Declared)
	list := make([]spot, len(objects))
	for i := range objects {
		list[i] = spot{object: &objects[i], at: objects[i].Address}
		if to, ok := known[objects[i].UID]; ok {
			list[i].at = to
		} else if len(known) == 0 {
			list[i].at, list[i].moved, _ = m.follow(objects[i].Address)
		}
	}
	if len(known) > 0 {
		pushOut(list, known)
	} else {
		for m.block(list) {
		}
	}
	slices.SortStableFunc(list, func(a, b spot) int { return strings.Compare(string(a.at), string(b.at)) })
	return list, m.found
}

// pushOut leaves nobody at an address that a known object shall have.
func pushOut(list []spot, known map[string]spec.Address) {
	taken := make(map[spec.Address]bool, len(known))
	for i := range list {
		if to, ok := known[list[i].object.UID]; ok {
			taken[to] = true
		}
	}
	for i := range list {
		if _, ok := known[list[i].object.UID]; !ok && taken[list[i].at] {
			list[i].at = ""
		}
	}
}

// block finds an object that would move to where another one is, and lets it stay.
// It reports false when there is none.
func (m *moves) block(list []spot) bool {
	there := make(map[spec.Address]bool, len(list))
	for i := range list {
		if list[i].at == list[i].object.Address {
			there[list[i].at] = true
		}
	}
	for i := range list {
		s := &list[i]
		if s.at == s.object.Address {
			continue
		}
		if !there[s.at] {
			there[s.at] = true
			continue
		}
		if m.found.HasErrors() {
			return false // there is no plan to warn about
		}
		m.found = append(m.found, finding(diag.Warning, CodeMove, s.moved.At, s.object.Address, "Nothing to move to",
			fmt.Sprintf("%s cannot become %s, because that is deployed already. It is planned as if this block were not there.", s.object.Address, s.at)))
		s.at, s.moved = s.object.Address, nil
		return true
	}
	return false
}

// renamedJobs says which jobs of a flow have another name by now, new names by
// old. A job moves within its flow only; blocks may know the flow by its old
// address or its new one, with or without its key.
func (m *moves) renamedJobs(old, now spec.Address, before, after []string) map[string]string {
	flows := []spec.Address{now, now.Set(), old, old.Set()}
	var names map[string]string
	for _, name := range before {
		to, by := name, (*spec.Moved)(nil)
		for range maxSteps {
			next, block := m.jobStep(flows, to)
			if block == nil {
				break
			}
			to, by = next, block
		}
		switch {
		case by == nil || to == name:
		case slices.Contains(after, name):
			m.error(by.At, now.Job(name), "What has moved is still declared", fmt.Sprintf(
				"%s has moved to %s by this block, but it is still declared.", by.From, by.To))
		case slices.Contains(after, to) && !slices.Contains(before, to):
			if names == nil {
				names = map[string]string{}
			}
			names[name] = to
		}
	}
	return names
}

// maxSteps bounds a chain of moved blocks.
const maxSteps = 100

// jobStep follows one block about a job of a flow.
func (m *moves) jobStep(flows []spec.Address, name string) (string, *spec.Moved) {
	for _, f := range flows {
		at := f.Job(name)
		for _, form := range []spec.Address{at, at.Set()} {
			for _, by := range m.from[form] {
				if (form == at || whole(by)) && slices.Contains(flows, by.To.Flow()) {
					return by.To.Instance() + string(at[len(form):]), by
				}
			}
		}
	}
	return name, nil
}
