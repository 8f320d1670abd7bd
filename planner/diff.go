package planner

import (
	"fmt"
	"slices"

	"github.com/leifengta/lft/lang/spec"
)

// pair is an address that is deployed, declared, or both.
type pair struct {
	old *Object
	new *Declared
}

// differing calls visit, in the order of addresses, for all that is not the same
// on both sides. Both are sorted by address.
func differing(declared []Declared, deployed []Object, visit func(pair)) {
	for len(declared) > 0 || len(deployed) > 0 {
		switch {
		case len(deployed) == 0 || len(declared) > 0 && declared[0].Address < deployed[0].Address:
			visit(pair{new: &declared[0]})
			declared = declared[1:]
		case len(declared) == 0 || deployed[0].Address < declared[0].Address:
			visit(pair{old: &deployed[0]})
			deployed = deployed[1:]
		default:
			if declared[0].Digest != deployed[0].Digest {
				visit(pair{old: &deployed[0], new: &declared[0]})
			}
			declared, deployed = declared[1:], deployed[1:]
		}
	}
}

// Needs returns the digests of the deployed specs Diff will look at, sorted: of
// what differs, never of what stays.
func Needs(declared []Declared, deployed Deployed) []string {
	var digests []string
	differing(declared, deployed.Objects, func(p pair) {
		if p.old != nil {
			digests = append(digests, p.old.Digest)
		}
	})
	slices.Sort(digests)
	return slices.Compact(digests)
}

// Diff returns the changes that lead from deployed to declared, in the order of
// addresses. specs holds at least what Needs asks for.
func Diff(declared []Declared, deployed Deployed, specs map[string][]byte) ([]Change, error) {
	var (
		changes []Change
		failure error
	)
	differing(declared, deployed.Objects, func(p pair) {
		c, err := p.change(specs)
		if err != nil && failure == nil {
			failure = err
		}
		changes = append(changes, c)
	})
	if failure != nil {
		return nil, failure
	}
	return changes, nil
}

func (p pair) change(specs map[string][]byte) (Change, error) {
	if p.old == nil {
		return Create{New: *p.new}, nil
	}
	data, ok := specs[p.old.Digest]
	if !ok {
		return nil, fmt.Errorf("the deployed spec of %s (%s) is not at hand", p.old.Address, p.old.Digest)
	}
	old := Previous{Object: *p.old, Data: data}
	if p.new == nil {
		return Delete{Old: old}, nil
	}
	return newUpdate(old, *p.new)
}

// newUpdate works out what differs between two specs of one object.
func newUpdate(old Previous, declared Declared) (Update, error) {
	u := Update{Old: old, New: declared}
	before, err := object(old.Data)
	if err != nil {
		return u, fmt.Errorf("the deployed spec of %s: %w", old.Address, err)
	}
	after, err := object(declared.Data)
	if err != nil {
		return u, fmt.Errorf("the spec of %s: %w", declared.Address, err)
	}
	if declared.Address.Kind() == spec.FlowKind {
		if err := u.diffJobs(before["jobs"], after["jobs"]); err != nil {
			return u, fmt.Errorf("jobs of %s: %w", declared.Address, err)
		}
		delete(before, "jobs")
		delete(after, "jobs")
	}
	u.Attributes = compareMembers(nil, before, after, nil)
	return u, nil
}

// diffJobs compares two lists of jobs by name.
func (c *Update) diffJobs(before, after []byte) error {
	old, err := named(before)
	if err != nil {
		return err
	}
	declared, err := named(after)
	if err != nil {
		return err
	}
	for _, name := range union(old, declared) {
		b, a := old[name], declared[name]
		if string(b) == string(a) {
			continue
		}
		job := JobChange{Name: name, Before: b, After: a}
		if b != nil && a != nil {
			job.Attributes = compare(nil, b, a, nil)
		}
		c.Jobs = append(c.Jobs, job)
		if err := c.Edges.add(name, b, a); err != nil {
			return err
		}
	}
	return nil
}

// add notes which edges into a job come and go.
func (e *Edges) add(job string, before, after []byte) error {
	old, err := upstreams(before)
	if err != nil {
		return err
	}
	declared, err := upstreams(after)
	if err != nil {
		return err
	}
	for _, from := range declared {
		if !slices.Contains(old, from) {
			e.Added = append(e.Added, Edge{From: from, To: job})
		}
	}
	for _, from := range old {
		if !slices.Contains(declared, from) {
			e.Removed = append(e.Removed, Edge{From: from, To: job})
		}
	}
	return nil
}
