package planner

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// Two specs are nearly the same when at least this share of what stands in either
// stands in both.
const nearly = 0.7

// maxPairs bounds how many pairs of a delete and a create are compared in depth.
const maxPairs = 4000

// candidate is a delete and a create that may be one object.
type candidate struct {
	from, to int // among the deletes and the creates
	share    float64
}

// renames finds deletes and creates that are nearly the same: each object is in at
// most one pair, the best one first. Whole sets and modules are put together.
func renames(changes []Change) []Rename {
	m := matching{names: map[string]string{}}
	for _, c := range changes {
		switch c := c.(type) {
		case Delete:
			m.gone = append(m.gone, c.Old)
		case Create:
			m.come = append(m.come, c.New)
		case Move:
			m.names[string(c.Old.Address)] = string(c.New.Address)
		case Update:
		}
	}
	m.taken, m.given = make([]bool, len(m.gone)), make([]bool, len(m.come))
	// Twice: what names something that was renamed is then the same as well.
	m.pass()
	m.pass()
	found := together(m.found, m.gone, m.come)
	slices.SortFunc(found, func(a, b Rename) int { return strings.Compare(string(a.From), string(b.From)) })
	return found
}

// matching looks for the pairs.
type matching struct {
	gone         []Previous
	come         []Declared
	taken, given []bool            // they are in a pair
	names        map[string]string // new addresses by old
	found        []Rename
}

// pass pairs what is left.
func (m *matching) pass() {
	list := m.candidates()
	slices.SortStableFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.share, a.share), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	for _, c := range list {
		if m.taken[c.from] || m.given[c.to] {
			continue
		}
		m.taken[c.from], m.given[c.to] = true, true
		r := Rename{From: m.gone[c.from].Address, To: m.come[c.to].Address}
		m.found = append(m.found, r)
		m.names[string(r.From)] = string(r.To)
	}
}

// candidates compares deletes with creates of their kind: by digest, and in depth
// as long as there are not too many.
func (m *matching) candidates() []candidate {
	same, kinds := map[string][]int{}, map[string][]int{} // creates by digest and kind
	for j := range m.come {
		if kind := m.come[j].Address.Kind(); !m.given[j] {
			same[kind+m.come[j].Digest] = append(same[kind+m.come[j].Digest], j)
			kinds[kind] = append(kinds[kind], j)
		}
	}
	var list []candidate
	left := maxPairs
	counted := make([]map[string]int, len(m.come))
	for i := range m.gone {
		kind := m.gone[i].Address.Kind()
		if m.taken[i] || kind == spec.OutputKind {
			continue
		}
		equal := same[kind+m.gone[i].Digest]
		for _, j := range equal[:min(len(equal), maxTwins)] {
			list = append(list, candidate{i, j, 1 + kinship(m.gone[i].Address, m.come[j].Address)})
		}
		others := kinds[kind]
		if left -= len(others); left < 0 || len(equal) > 0 {
			continue
		}
		before := parts(m.gone[i].Data, m.names)
		for _, j := range others {
			if counted[j] == nil {
				counted[j] = parts(m.come[j].Data, nil)
			}
			if share := similarity(before, counted[j]); share >= nearly {
				list = append(list, candidate{i, j, share + kinship(m.gone[i].Address, m.come[j].Address)})
			}
		}
	}
	return list
}

// maxTwins bounds how many creates with the same digest are looked at for one
// delete.
const maxTwins = 50

// kinship prefers, among equals, what has kept a part of its address.
func kinship(a, b spec.Address) float64 {
	k := 0.0
	if a.Local() == b.Local() {
		k += 0.02
	}
	if _, ka, _ := spec.SplitInstance(a.Instance()); ka != "" {
		if _, kb, _ := spec.SplitInstance(b.Instance()); ka == kb {
			k += 0.01
		}
	}
	return k
}

// parts counts what stands in a spec: every scalar with its path, lists of named
// things by name. Addresses are those by the new names.
func parts(data []byte, names map[string]string) map[string]int {
	v, err := decodeAny(data)
	if err != nil {
		return nil
	}
	out := map[string]int{}
	collect(v, "", names, out)
	delete(out, "/format=1")
	return out
}

func collect(v any, path string, names map[string]string, out map[string]int) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			collect(inner, path+"/"+name, names, out)
		}
	case []any:
		for i, inner := range v {
			if m, ok := inner.(map[string]any); ok && m["name"] != nil {
				collect(inner, path+"/"+elementName(inner, i), names, out)
				continue
			}
			collect(inner, path+"/", names, out)
		}
	case string:
		if now, ok := names[v]; ok {
			v = now
		}
		out[path+"="+strconv.Quote(v)]++
	default:
		out[path+"="+string(encodeAny(v))]++
	}
}

// similarity is the share of what stands in either that stands in both.
func similarity(a, b map[string]int) float64 {
	both, either := 0, 0
	for part, n := range a {
		both += min(n, b[part])
		either += max(n, b[part])
	}
	for part, n := range b {
		if a[part] == 0 {
			either += n
		}
	}
	if either == 0 {
		return 1
	}
	return float64(both) / float64(either)
}

// together puts renames of all instances of a set, or of all objects of a module,
// into one.
func together(list []Rename, gone []Previous, come []Declared) []Rename {
	from, to := census{}, census{}
	for i := range gone {
		from.add(gone[i].Address)
	}
	for i := range come {
		to.add(come[i].Address)
	}
	for before := -1; before != len(list); {
		before = len(list)
		list = widen(widen(list, widerSet, from, to), widerModule, from, to)
	}
	return list
}

// census counts objects by every address that covers them.
type census map[spec.Address]int

func (c census) add(a spec.Address) {
	for at := a; at != ""; at = at.Module() {
		c[at]++
		if set := at.Set(); set != at {
			c[set]++
		}
	}
}

// widerSet is the rename of the whole set an instance is in.
func widerSet(r Rename) (Rename, bool) {
	w := Rename{r.From.Set(), r.To.Set()}
	key := r.From[len(w.From):]
	return w, key != "" && key == r.To[len(w.To):] && w.From != w.To
}

// widerModule is the rename of the modules around.
func widerModule(r Rename) (Rename, bool) {
	w := Rename{r.From.Module(), r.To.Module()}
	if w.From == "" || w.To == "" || w.From == w.To {
		return w, false
	}
	return w, r.From[len(w.From):] == r.To[len(w.To):]
}

// widen replaces those that have one wider rename in common by that, when it moves
// exactly what they do.
func widen(list []Rename, wider func(Rename) (Rename, bool), from, to census) []Rename {
	groups := map[Rename]int{} // objects
	for _, r := range list {
		if w, ok := wider(r); ok {
			groups[w] += from[r.From]
		}
	}
	var out []Rename
	done := map[Rename]bool{}
	for _, r := range list {
		w, ok := wider(r)
		if !ok || from[w.From] != groups[w] || to[w.To] != groups[w] {
			out = append(out, r)
			continue
		}
		if !done[w] {
			done[w] = true
			out = append(out, w)
		}
	}
	return out
}
