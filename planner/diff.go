package planner

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/leifengta/lft/lang/spec"
)

// pair is an object that is deployed, declared, or both.
type pair struct {
	old *Object
	new *Declared
	// moved is the moved block by which both are one; its place may be unknown.
	moved *spec.Moved
}

// differs reports whether a pair is a change.
func (p pair) differs() bool {
	return p.old == nil || p.new == nil || p.old.Address != p.new.Address || p.old.Digest != p.new.Digest
}

func (p pair) address() spec.Address {
	if p.new != nil {
		return p.new.Address
	}
	return p.old.Address
}

// change works out a pair, with the jobs that moves say were renamed.
func (p pair) change(specs map[string][]byte, m *moves) (Change, error) {
	if p.old == nil {
		return Create{New: p.declared()}, nil
	}
	data, ok := specs[p.old.Digest]
	if !ok {
		return nil, fmt.Errorf("the deployed spec of %s (%s) is not at hand", p.old.Address, p.old.Digest)
	}
	old := Previous{Object: *p.old, Data: data}
	if p.new == nil {
		return Delete{Old: old}, nil
	}
	var renamed map[string]string
	if len(m.from) > 0 && p.new.Address.Kind() == spec.FlowKind {
		renamed = m.renamedJobs(old.Address, p.new.Address, jobNames(data), jobNames(p.new.Data))
	}
	u, err := newUpdate(old, p.declared(), renamed)
	if err != nil || old.Address == p.new.Address {
		return u, err
	}
	c := Move{Update: u}
	if p.moved != nil {
		c.Moved = p.moved.At
	}
	return c, nil
}

// jobNames are the names of a flow's jobs, in order.
func jobNames(data []byte) []string {
	var f struct {
		Jobs []struct {
			Name string `json:"name"`
		} `json:"jobs"`
	}
	if json.Unmarshal(data, &f) != nil {
		return nil // newUpdate says what is wrong
	}
	names := make([]string, len(f.Jobs))
	for i := range f.Jobs {
		names[i] = f.Jobs[i].Name
	}
	return names
}

func (p pair) declared() Declared {
	d := *p.new
	d.UID = "" // it has served
	return d
}

// newUpdate works out what differs between two specs of one object.
func newUpdate(old Previous, declared Declared, renamed map[string]string) (Update, error) {
	u := Update{Old: old, New: declared}
	before, err := object(old.Data)
	if err != nil {
		return u, fmt.Errorf("the deployed spec of %s: %w", old.Address, err)
	}
	after, err := object(declared.Data)
	if err != nil {
		return u, fmt.Errorf("the spec of %s: %w", declared.Address, err)
	}
	take := func(name string) (b, a json.RawMessage) {
		b, a = before[name], after[name]
		delete(before, name)
		delete(after, name)
		return b, a
	}
	switch declared.Address.Kind() {
	case spec.FlowKind:
		b, a := take("jobs")
		if err := u.diffJobs(b, a, renamed); err != nil {
			return u, fmt.Errorf("jobs of %s: %w", declared.Address, err)
		}
	case spec.DependencyKind:
		b, a := take("files")
		if err := u.diffFiles(b, a); err != nil {
			return u, fmt.Errorf("files of %s: %w", declared.Address, err)
		}
	}
	u.Attributes = compareMembers(nil, before, after, nil)
	return u, nil
}

// diffJobs compares two lists of jobs by name. A job that was renamed is compared
// with what it was.
func (u *Update) diffJobs(before, after []byte, renamed map[string]string) error {
	old, err := named(before)
	if err != nil {
		return err
	}
	declared, err := named(after)
	if err != nil {
		return err
	}
	previous := map[string]string{}
	for _, from := range slices.Sorted(maps.Keys(renamed)) {
		to := renamed[from]
		if old[from] == nil || declared[from] != nil || old[to] != nil || declared[to] == nil || previous[to] != "" {
			return fmt.Errorf("%q cannot have been renamed to %q", from, to)
		}
		previous[to] = from
		old[to] = old[from]
		delete(old, from)
	}
	for _, name := range union(old, declared) {
		b, a := old[name], declared[name]
		if string(b) == string(a) {
			continue
		}
		edges := len(u.Edges.Added) + len(u.Edges.Removed)
		if err := u.Edges.add(name, b, a, renamed); err != nil {
			return err
		}
		job := JobChange{Name: name, Previous: previous[name], Before: b, After: a}
		if b != nil && a != nil {
			job.Attributes = compare(nil, b, a, nil)
			if edges == len(u.Edges.Added)+len(u.Edges.Removed) {
				// It waits for the same jobs, whatever they are called by now.
				job.Attributes = slices.DeleteFunc(job.Attributes, func(a Attribute) bool { return slices.Equal(a.Path, []string{"upstreams"}) })
			}
			if len(job.Attributes) == 0 && job.Previous == "" {
				continue
			}
		}
		u.Jobs = append(u.Jobs, job)
	}
	return nil
}

// add notes which edges into a job come and go.
func (e *Edges) add(job string, before, after []byte, renamed map[string]string) error {
	old, err := upstreams(before)
	if err != nil {
		return err
	}
	for i, from := range old {
		if to, ok := renamed[from]; ok {
			old[i] = to
		}
	}
	declared, err := upstreams(after)
	if err != nil {
		return err
	}
	e.Added = append(e.Added, less(declared, old, job)...)
	e.Removed = append(e.Removed, less(old, declared, job)...)
	return nil
}

// less are the edges from those of the first list that are not in the second.
func less(list, others []string, to string) []Edge {
	known := make(map[string]bool, len(others))
	for _, from := range others {
		known[from] = true
	}
	var edges []Edge
	for _, from := range list {
		if !known[from] {
			edges = append(edges, Edge{From: from, To: to})
		}
	}
	return edges
}

// diffFiles compares two lists of files by path.
func (u *Update) diffFiles(before, after []byte) error {
	old, err := named(before)
	if err != nil {
		return err
	}
	declared, err := named(after)
	if err != nil {
		return err
	}
	for _, path := range union(old, declared) {
		b, a := old[path], declared[path]
		if string(b) == string(a) {
			continue
		}
		f := FileChange{Path: path}
		if f.Before, err = readFile(b); err != nil {
			return err
		}
		if f.After, err = readFile(a); err != nil {
			return err
		}
		u.Files = append(u.Files, f)
	}
	return nil
}

func readFile(data []byte) (*File, error) {
	if data == nil {
		return nil, nil //nolint:nilnil // no file is no fault
	}
	var f struct {
		Size       int64  `json:"size"`
		SHA256     string `json:"sha256"`
		Executable bool   `json:"executable"`
	}
	err := json.Unmarshal(data, &f)
	return &File{Size: f.Size, SHA256: f.SHA256, Executable: f.Executable}, err
}
