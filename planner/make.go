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
	Variables  []spec.Variable
	// Found are warnings about the folder, to be told along with the plan.
	Found diag.List
	Off   map[spec.Address]spec.Off // as spec.Bundle.Off
	// Positions are the places of jobs, as spec.Bundle.Positions.
	Positions map[spec.Address]spec.Position
}

// Want is a wish for what a bundle declares.
func Want(b *spec.Bundle) Wish {
	w := Wish{Project: b.Project, Declared: Declare(b), Moved: b.Moved, Removed: b.Removed, Variables: b.Variables, Off: b.Off, Positions: b.Positions, Folder: Folder{Sources: b.Sources}}
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
	if w.Mode == RefreshOnly {
		return nil
	}
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
// Needs asks for. With errors among the findings the plan is nil; warnings are in
// it, too. The error is not the user's: something is damaged or missing.
func (w *Wish) Make(deployed Deployed, specs map[string][]byte) (*Plan, diag.List, error) {
	p := &Plan{
		LftVersion: w.LftVersion, Project: deployed.Project, Folder: w.Folder, Mode: w.Mode, Adopt: w.Adopt,
		Targets: w.Targets, Excludes: w.Excludes, Compared: w.Compared, Variables: w.Variables, Checks: w.Checks,
	}
	p.Project.Name = cmp.Or(p.Project.Name, w.Project)
	for i, v := range p.Variables {
		if v.Sensitive {
			p.Variables = slices.Clone(p.Variables)
			p.Variables[i].Value = nil
		}
	}
	if w.Mode == RefreshOnly {
		return p, nil, nil
	}
	pairs, findings := w.pairs(deployed)
	found := slices.Concat(w.Found, findings)
	changes, findings, err := w.changes(pairs, specs)
	if err != nil {
		return nil, nil, err
	}
	found = append(found, findings...)
	changes, findings = w.narrow(changes, deployed.Objects)
	found = append(found, findings...)
	found = append(found, w.guard(changes, away(pairs))...)
	found.Sort()
	if found.HasErrors() {
		return nil, found, nil
	}
	p.Changes = changes
	p.Reads = reads(changes, deployed.Objects)
	p.Uses = uses(changes, w.Declared)
	if !slices.ContainsFunc(w.Declared, func(d Declared) bool { return d.UID != "" }) {
		p.Renames = renames(changes) // another revision knows what was renamed
	}
	for _, d := range found {
		p.Warnings = append(p.Warnings, Warning{Code: d.Code, Summary: d.Summary, Detail: d.Detail, Address: spec.Address(d.Address), At: place(d.Range)})
	}
	return p, found, nil
}

func place(r diag.Range) *Place {
	return PlaceOf(spec.Position{File: r.File, Line: r.Start.Line})
}

// changes works out each pair, jobs that were renamed included.
func (w *Wish) changes(pairs []pair, specs map[string][]byte) ([]Change, diag.List, error) {
	m := newMoves(w.Moved)
	m.found = nil // pairs has told
	var list []Change
	for _, p := range pairs {
		c, err := p.change(specs, m)
		if err != nil {
			return nil, nil, err
		}
		if u, ok := c.(Update); ok {
			w.placeJobs(u.Jobs, u.New.Address)
		} else if m, ok := c.(Move); ok {
			w.placeJobs(m.Jobs, m.New.Address)
		}
		list = append(list, c)
	}
	return list, m.found, nil
}

// placeJobs says where changed jobs are declared.
func (w *Wish) placeJobs(jobs []JobChange, flow spec.Address) {
	for i := range jobs {
		if jobs[i].After != nil {
			jobs[i].At = w.Positions[flow.Job(jobs[i].Name)]
		}
	}
}

// away are the uids of objects that have moved to where nothing is declared.
func away(pairs []pair) map[string]bool {
	set := map[string]bool{}
	for _, p := range pairs {
		if p.new == nil && p.moved != nil {
			set[p.old.UID] = true
		}
	}
	return set
}

// Compare returns what leads from deployed to the wish, whatever is protected or
// contradicts itself: it is to be looked at. specs holds that of every deployed
// object that differs.
func (w *Wish) Compare(deployed Deployed, specs map[string][]byte) ([]Change, error) {
	pairs, _ := w.pairs(deployed)
	changes, _, err := w.changes(pairs, specs)
	return changes, err
}

// pairs returns what differs, sorted by address, what goes before what comes.
func (w *Wish) pairs(deployed Deployed) ([]pair, diag.List) {
	spots, found := w.spots(deployed.Objects)
	var list []pair
	if spots == nil {
		merge(w.Declared, deployed.Objects, func(o *Object) spec.Address { return o.Address }, func(d *Declared, o *Object) {
			if p := (pair{old: o, new: d}); p.differs() {
				list = append(list, p)
			}
		})
	} else {
		merge(w.Declared, spots, func(s *spot) spec.Address { return s.at }, func(d *Declared, s *spot) {
			p := pair{new: d}
			if s != nil {
				p.old, p.moved = s.object, s.moved
			}
			if p.differs() {
				list = append(list, p)
			}
		})
	}
	slices.SortStableFunc(list, func(a, b pair) int {
		if c := strings.Compare(string(a.address()), string(b.address())); c != 0 {
			return c
		}
		return cmp.Compare(present(a.new), present(b.new))
	})
	return list, found
}

func present(d *Declared) int {
	if d == nil {
		return 0
	}
	return 1
}

// merge visits what is at each address of two lists that are sorted by it.
func merge[T any](declared []Declared, others []T, at func(*T) spec.Address, visit func(*Declared, *T)) {
	for len(declared) > 0 || len(others) > 0 {
		switch {
		case len(others) == 0 || len(declared) > 0 && declared[0].Address < at(&others[0]):
			visit(&declared[0], nil)
			declared = declared[1:]
		case len(declared) == 0 || at(&others[0]) < declared[0].Address:
			visit(nil, &others[0])
			others = others[1:]
		default:
			visit(&declared[0], &others[0])
			declared, others = declared[1:], others[1:]
		}
	}
}
