// Package planner compares what a project declares with what is deployed.
//
// Make takes values and gives a Plan: a closed set of changes, each with the
// whole object before and after, and what differs attribute by attribute, jobs
// and files by name; what the change touches beside it; what an operator has
// overridden. A Plan has one JSON form (document.go) with Terraform's field names,
// which is at once the answer to a script, the saved plan file, and all that a
// renderer looks at.
//
// It promises that equal inputs give equal bytes, that a Plan decoded from its
// document is the same Plan, that what is derived from the specs is never taken
// from a document, and that a document whose parts contradict each other is
// refused. It never asks a database, a clock or the file system. Sensitive values
// are in a Plan, because they are applied; who shows one calls Mask first.
package planner

import (
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// Plan is an ordered set of changes that leads from a deployed revision to what
// is asked for, and the world it was made in.
type Plan struct {
	LftVersion string
	Project    Project // as deployed; without UID when nothing was ever applied
	Folder     Folder
	Mode       Mode
	Adopt      bool     // it takes the project over from another folder
	Targets    []string // patterns of -target, as given; with them a plan is not complete
	Excludes   []string // patterns of -exclude
	// Compared is set by a comparison of two states, of which the deployed one may
	// be neither. It can be looked at, never applied.
	Compared  *Compared
	Variables []spec.Variable // sorted by name, sensitive ones without a value
	Changes   []Change        // sorted by address
	// Reads are the deployed objects that stay as they are and that a change relies
	// on. When one of them moves, the plan is stale.
	Reads    []Object // sorted by address
	Uses     []Use    // who uses what changes, sorted by address
	Renames  []Rename // deletes and creates that are nearly the same
	Drift    []Drift  // sorted by address
	Checks   []Check
	Warnings []Warning
	Impact   Impact
	// Masked says that sensitive values were taken out. Such a plan can be looked at
	// and encoded, not decoded or applied.
	Masked bool
}

// Mode is what a plan is for.
type Mode string

// The modes; the first is the default.
const (
	Normal      Mode = ""
	Destroy     Mode = "destroy"      // remove everything that is deployed
	RefreshOnly Mode = "refresh-only" // show drift, change nothing
)

// Compared names the two sides of a comparison for a reader: "revision 3".
type Compared struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Project is the head of a deployed project.
type Project struct {
	Name     string `json:"name"`
	UID      string `json:"uid,omitempty"`
	Lineage  string `json:"lineage,omitempty"`
	Origin   string `json:"origin,omitempty"`
	Revision int64  `json:"revision"` // 0 = none yet
}

// Folder is where a plan comes from.
type Folder struct {
	Lineage string `json:"lineage"`
	Origin  string `json:"origin"` // host and path, for the message of a clash
	// Sources tells, of each dependency, the folder its files lie in; see spec.Bundle.
	Sources map[spec.Address]string `json:"sources,omitempty"`
}

// Check is a check block and what is wrong by it; without problems it passed.
type Check struct {
	Name     string
	Problems []string
	At       spec.Position
}

// Warning is a finding that stops nothing. Errors make no plan.
type Warning struct {
	Code    string       `json:"code"`
	Summary string       `json:"summary"`
	Detail  string       `json:"detail,omitempty"`
	Address spec.Address `json:"address,omitempty"`
	At      *Place       `json:"at,omitempty"`
}

// Place is a line of the source.
type Place struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// PlaceOf is a position, nil when it is none.
func PlaceOf(p spec.Position) *Place {
	if p.File == "" {
		return nil
	}
	return &Place{p.File, p.Line}
}

func (p *Place) position() spec.Position {
	if p == nil || p.File == "" { // a line of no file is no place
		return spec.Position{}
	}
	return spec.Position{File: p.File, Line: p.Line}
}

// Deployed is one revision of a project.
type Deployed struct {
	Project Project
	Objects []Object // sorted by address
}

// Object is a deployed object without its spec. UID stays for as long as the
// object lives.
type Object struct {
	UID     string
	Address spec.Address
	Digest  string
	Version int64 // revision of its last change
}

// Declared is an object as it shall be, in canonical form.
type Declared struct {
	Address spec.Address
	Digest  string
	Data    []byte
	At      spec.Position // of its block; none for what no folder declares
	// UID says which deployed object it is, whatever its address there. Only
	// another revision of the project knows; "" goes by the address.
	UID string
}

// Use says who uses an object that changes.
type Use struct {
	Address spec.Address   `json:"address"`
	By      []spec.Address `json:"by"` // jobs, flows and schedules, sorted; at most MaxUsers
	Omitted int            `json:"omitted,omitempty"`
}

// MaxUsers bounds the list of one Use.
const MaxUsers = 100

// Declare puts everything a bundle declares into canonical form, sorted by
// address.
func Declare(b *spec.Bundle) []Declared {
	out := make([]Declared, 0, len(b.Flows)+len(b.Settled)+len(b.Schedules)+len(b.Pools)+len(b.Calendars)+len(b.Dependencies)+len(b.Outputs))
	add := func(addr spec.Address, data []byte) {
		out = append(out, Declared{Address: addr, Digest: spec.Digest(data), Data: data, At: b.Positions[addr]})
	}
	for _, f := range b.Flows {
		add(f.Address, f.Canonical())
	}
	for _, f := range b.Settled {
		out = append(out, Declared{Address: f.Address, Digest: f.Digest, Data: f.Data, At: b.Positions[f.Address]})
	}
	for _, s := range b.Schedules {
		add(s.Address, s.Canonical())
	}
	for _, p := range b.Pools {
		add(p.Address, p.Canonical())
	}
	for _, c := range b.Calendars {
		add(c.Address, c.Canonical())
	}
	for _, d := range b.Dependencies {
		add(d.Address, d.Canonical())
	}
	for _, o := range b.Outputs {
		add(o.Address, o.Canonical())
	}
	slices.SortFunc(out, func(a, b Declared) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return out
}

// Summary counts changes as the last line of a plan does: outputs, moves that
// change nothing else, and what only follows a move, count nowhere.
type Summary struct {
	Add     int `json:"add"`
	Change  int `json:"change"`
	Destroy int `json:"destroy"`
}

// Summary counts the plan's changes.
func (p *Plan) Summary() Summary {
	var s Summary
	trail := p.Trail()
	for _, c := range p.Changes {
		if c.Address().Kind() == spec.OutputKind {
			continue
		}
		switch c.(type) {
		case Create:
			s.Add++
		case Delete:
			s.Destroy++
		case Update, Move:
			if !trail.quiet(c) {
				s.Change++
			}
		}
	}
	return s
}

// Complete reports whether the plan looked at everything that is declared.
func (p *Plan) Complete() bool { return len(p.Targets)+len(p.Excludes) == 0 }

// Applyable reports whether there is anything that an apply would do.
func (p *Plan) Applyable() bool {
	return len(p.Changes) > 0 && p.Compared == nil && p.Mode != RefreshOnly
}
