package planner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
)

// Matches reports whether a pattern, of -target for example, means an object: its
// address, or that of its for_each set or of a module around it. A '*' stands for
// any text, a '?' for one byte.
func Matches(pattern string, a spec.Address) bool {
	for at := a; at != ""; at = at.Module() {
		if glob(pattern, string(at)) || glob(pattern, string(at.Set())) {
			return true
		}
	}
	return false
}

// glob matches a whole text, in time linear in both lengths' product.
func glob(pattern, text string) bool {
	star, back := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, back = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0:
			back++
			p, t = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// narrow keeps the changes that are asked for, with those that they cannot be
// without: of what a kept object names, and of what names an object that goes.
func (w *Wish) narrow(changes []Change, deployed []Object) ([]Change, diag.List) {
	if len(w.Targets)+len(w.Excludes) == 0 {
		return changes, nil
	}
	if found := w.strange(deployed); found.HasErrors() {
		return nil, found
	}
	n := newNeeds(changes, w.Declared)
	kept := make([]bool, len(changes))
	for i, c := range changes {
		kept[i] = len(w.Targets) == 0 || w.means(w.Targets, c)
	}
	for i := range changes {
		if kept[i] && len(w.Targets) > 0 {
			n.include(i, kept)
		}
	}
	for i, c := range changes {
		if w.means(w.Excludes, c) {
			n.exclude(i, kept)
		}
	}
	var list []Change
	for i, c := range changes {
		if kept[i] {
			list = append(list, c)
		}
	}
	detail := fmt.Sprintf("It looks only at what -target and -exclude leave: %d of %d changes.", len(list), len(changes))
	if len(list) < len(changes) {
		detail += " What is deployed will not be what the folder declares."
	}
	return list, diag.List{finding(diag.Warning, CodePartial, spec.Position{}, "", "The plan is not complete", detail)}
}

func (w *Wish) means(patterns []string, c Change) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if old, ok := Going(c); ok && Matches(p, old.Address) {
			return true
		}
		return Matches(p, c.Address())
	})
}

// strange refuses patterns that mean nothing that is declared or deployed.
func (w *Wish) strange(deployed []Object) diag.List {
	var found diag.List
	check := func(flag, pattern string) {
		known := slices.ContainsFunc(w.Declared, func(d Declared) bool { return Matches(pattern, d.Address) }) ||
			slices.ContainsFunc(deployed, func(o Object) bool { return Matches(pattern, o.Address) })
		if known {
			return
		}
		detail := "Nothing that is declared or deployed has that address."
		if a, err := spec.ParseAddress(pattern); err == nil && a.Kind() == spec.JobKind {
			detail = fmt.Sprintf("A job is deployed with its flow: write %s %s.", flag, a.Flow())
		} else if near := diag.Suggest(pattern, w.addresses(deployed)); near != "" {
			detail += fmt.Sprintf(" Did you mean %s?", near)
		}
		found = append(found, finding(diag.Error, CodeTarget, spec.Position{}, "", fmt.Sprintf("%s %s means nothing", flag, pattern), detail))
	}
	for _, p := range w.Targets {
		check("-target", p)
	}
	for _, p := range w.Excludes {
		check("-exclude", p)
	}
	return found
}

func (w *Wish) addresses(deployed []Object) []string {
	var list []string
	for i := range w.Declared {
		list = append(list, string(w.Declared[i].Address))
	}
	for i := range deployed {
		list = append(list, string(deployed[i].Address))
	}
	return list
}

// needs are the edges between changes: each cannot be made without those it needs.
type needs struct {
	needs, neededBy [][]int
}

// newNeeds finds what changes need each other, also by way of objects that stay.
func newNeeds(changes []Change, declared []Declared) *needs {
	n := &needs{needs: make([][]int, len(changes)), neededBy: make([][]int, len(changes))}
	coming, going := map[spec.Address]int{}, map[spec.Address]int{}
	for i, c := range changes {
		if now, ok := Coming(c); ok {
			coming[now.Address] = i
		}
		if old, ok := Going(c); ok {
			going[old.Address] = i
		}
	}
	names := mentionsByAddress(declared)
	edge := func(from, to int) {
		if from != to {
			n.needs[from] = append(n.needs[from], to)
			n.neededBy[to] = append(n.neededBy[to], from)
		}
	}
	for i, c := range changes {
		if now, ok := Coming(c); ok {
			if to, ok := going[now.Address]; ok && leaves(changes[to]) {
				edge(i, to) // it makes room
			}
			for _, a := range reachable(names, now.Address) {
				if to, ok := coming[a]; ok {
					edge(i, to)
				}
			}
		}
		if old, ok := Going(c); ok {
			for _, m := range mentioned(old.Data) {
				// What goes is needed no more only when this one has changed.
				if to, ok := going[m.address]; ok && leaves(changes[to]) {
					edge(to, i)
				}
			}
		}
	}
	return n
}

// leaves reports whether nothing is at an object's address any more.
func leaves(c Change) bool {
	old, _ := Going(c)
	return c.Address() != old.Address || isDelete(c)
}

func isDelete(c Change) bool {
	_, ok := c.(Delete)
	return ok
}

func mentionsByAddress(declared []Declared) map[spec.Address][]spec.Address {
	names := map[spec.Address][]spec.Address{}
	for i := range declared {
		for _, m := range mentioned(declared[i].Data) {
			names[declared[i].Address] = append(names[declared[i].Address], m.address)
		}
	}
	return names
}

// reachable is everything that an object names, and what that names.
func reachable(names map[spec.Address][]spec.Address, from spec.Address) []spec.Address {
	seen := map[spec.Address]bool{from: true}
	list := []spec.Address{from}
	for i := 0; i < len(list); i++ {
		for _, a := range names[list[i]] {
			if !seen[a] {
				seen[a] = true
				list = append(list, a)
			}
		}
	}
	return list[1:]
}

// include keeps all that a change needs.
func (n *needs) include(i int, kept []bool) {
	for _, j := range n.needs[i] {
		if !kept[j] {
			kept[j] = true
			n.include(j, kept)
		}
	}
}

// exclude drops a change and all that need it.
func (n *needs) exclude(i int, kept []bool) {
	kept[i] = false
	for _, j := range n.neededBy[i] {
		if kept[j] {
			n.exclude(j, kept)
		}
	}
}
