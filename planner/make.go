package planner

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
)

// Wish is what a plan is asked for.
type Wish struct {
	LftVersion string
	Project    string
	Folder     Folder
	Mode       Mode
	Adopt      bool
	Targets    []string // patterns; see Pattern
	Excludes   []string
	Compared   *Compared
	Declared   []Declared // sorted by address; none when everything shall go
	Moved      []spec.Moved
	Removed    []spec.Removed
	Checks     []Check
	Variables  []Variable
	// Positions are the places of jobs, as spec.Bundle.Positions.
	Positions map[spec.Address]spec.Position
}

// Want is a wish for what a bundle declares.
func Want(b *spec.Bundle) Wish {
	w := Wish{Project: b.Project, Declared: Declare(b), Moved: b.Moved, Removed: b.Removed, Positions: b.Positions}
	at := map[string]int{}
	for _, c := range b.Checks {
		i, seen := at[c.Name]
		if !seen {
			i = len(w.Checks)
			at[c.Name] = i
			w.Checks = append(w.Checks, Check{Name: c.Name, At: c.At})
		}
		if !c.Passed {
			w.Checks[i].Problems = append(w.Checks[i].Problems, c.Message)
		}
	}
	return w
}

// Needs returns the digests of the deployed specs that Make will look at, sorted:
// of what differs, never of what stays.
func (w *Wish) Needs(deployed Deployed) []string {
	var digests []string
	pairs, _ := w.pairs(deployed)
	for _, p := range pairs {
		if p.old != nil {
			digests = append(digests, p.old.Digest)
		}
	}
	slices.Sort(digests)
	return slices.Compact(digests)
}

// Make plans what leads from deployed to the wish. specs holds at least what
// Needs asks for. With errors in the list the plan is nil; warnings are in it, too.
// The error is not the user's: something is damaged or missing.
func (w *Wish) Make(deployed Deployed, specs map[string][]byte) (*Plan, diag.List, error) {
	p := &Plan{
		LftVersion: w.LftVersion, Project: deployed.Project, Folder: w.Folder, Mode: w.Mode, Adopt: w.Adopt,
		Targets: w.Targets, Excludes: w.Excludes, Compared: w.Compared, Variables: w.Variables, Checks: w.Checks,
	}
	p.Project.Name = cmp.Or(p.Project.Name, w.Project)
	if w.Mode == RefreshOnly {
		return p, nil, nil
	}
	pairs, found := w.pairs(deployed)
	var blocks *declaration
	for _, pair := range pairs {
		c, err := pair.change(specs, nil)
		if err != nil {
			return nil, nil, err
		}
		if d, ok := c.(Delete); ok && w.Mode != Destroy {
			if blocks == nil {
				blocks = newDeclaration(w.Declared)
			}
			d.Reason = blocks.reason(d.Old.Address)
			c = d
		}
		p.Changes = append(p.Changes, c)
	}
	return p, found, nil
}

// Diff returns what leads from deployed to what is declared, by address alone and
// whatever is protected: a comparison. specs holds that of every deployed object
// that differs.
func Diff(declared []Declared, deployed Deployed, specs map[string][]byte) ([]Change, error) {
	w := Wish{Declared: declared}
	pairs, _ := w.pairs(deployed)
	var changes []Change
	for _, p := range pairs {
		c, err := p.change(specs, nil)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// pairs returns what differs, sorted by address.
func (w *Wish) pairs(deployed Deployed) ([]pair, diag.List) {
	var list []pair
	objects, declared := deployed.Objects, w.Declared
	for len(declared) > 0 || len(objects) > 0 {
		var p pair
		switch {
		case len(objects) == 0 || len(declared) > 0 && declared[0].Address < objects[0].Address:
			p.new, declared = &declared[0], declared[1:]
		case len(declared) == 0 || objects[0].Address < declared[0].Address:
			p.old, objects = &objects[0], objects[1:]
		default:
			p.old, p.new = &objects[0], &declared[0]
			objects, declared = objects[1:], declared[1:]
		}
		if p.differs() {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b pair) int { return strings.Compare(string(a.address()), string(b.address())) })
	return list, nil
}
