// Package planner compares what a project declares with what is deployed.
//
// Diff takes two values and gives a Plan: a closed set of changes, each with the
// whole object before and after, and what differs attribute by attribute, jobs
// by name. A Plan has one JSON form (document.go) with Terraform's field names,
// which is at once the answer to a script, the saved plan file, and all that the
// text view looks at.
//
// It promises that equal inputs give equal bytes, that a Plan decoded from its
// document is the same Plan, and that a document whose parts contradict each
// other is refused. It never asks a database, a clock or the file system.
package planner

import (
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// Plan is an ordered set of changes that leads from a deployed revision to what
// a folder declares, and the world it was made in.
type Plan struct {
	LftVersion string
	Project    Project // as deployed; without UID when nothing was ever applied
	Folder     Folder
	Destroy    bool // it was asked to remove everything
	Adopt      bool // it takes the project over from another folder
	Changes    []Change
	Impact     Impact
}

// Project is the head of a deployed project.
type Project struct {
	Name     string
	UID      string
	Lineage  string
	Origin   string
	Revision int64 // 0 = none yet
}

// Folder is where a plan comes from.
type Folder struct {
	Lineage string
	Origin  string // host and path, for the message of a clash
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

// Declared is an object as the folder has it, in canonical form.
type Declared struct {
	Address spec.Address
	Digest  string
	Data    []byte
}

// Previous is a deployed object with its spec.
type Previous struct {
	Object
	Data []byte
}

// Change is one of Create, Update, Delete and Move. The set is closed.
//
//sumtype:decl
type Change interface {
	// Address is the object's, after the change.
	Address() spec.Address
	change()
}

// Create makes an object that is not deployed.
type Create struct{ New Declared }

// Update changes an object in place; its uid stays.
type Update struct {
	Old        Previous
	New        Declared
	Attributes []Attribute // of the object itself, without its jobs
	Jobs       []JobChange // of a flow, sorted by name
	Edges      Edges       // of a flow
}

// Delete removes an object. What runs of it finishes.
type Delete struct{ Old Previous }

// Move gives an object another address; its uid stays. The contents may change
// along with it.
type Move struct{ Update }

// JobChange is a job of a flow that differs. Before is nil for a new job, After
// for one that goes.
type JobChange struct {
	Name       string
	Before     []byte
	After      []byte
	Attributes []Attribute // when it is neither new nor gone
}

// Edges are the dependencies between jobs that come and go.
type Edges struct {
	Added   []Edge
	Removed []Edge
}

// Edge says that To waits for From.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Address returns the new object's address.
func (c Create) Address() spec.Address { return c.New.Address }

// Address returns the object's address.
func (c Update) Address() spec.Address { return c.New.Address }

// Address returns the address of what goes.
func (c Delete) Address() spec.Address { return c.Old.Address }

func (Create) change() {}
func (Update) change() {}
func (Delete) change() {}
func (Move) change()   {}

// Summary counts changes as the last line of a plan does. A Move that changes
// nothing else counts nowhere.
type Summary struct {
	Add     int `json:"add"`
	Change  int `json:"change"`
	Destroy int `json:"destroy"`
}

// Summary counts the plan's changes.
func (p *Plan) Summary() Summary {
	var s Summary
	for _, c := range p.Changes {
		switch c := c.(type) {
		case Create:
			s.Add++
		case Update:
			s.Change++
		case Delete:
			s.Destroy++
		case Move:
			if c.Old.Digest != c.New.Digest {
				s.Change++
			}
		}
	}
	return s
}

// Declare puts everything a bundle declares into canonical form, sorted by
// address.
func Declare(b *spec.Bundle) []Declared {
	out := make([]Declared, 0, len(b.Flows)+len(b.Pools)+len(b.Schedules))
	add := func(addr spec.Address, data []byte) {
		out = append(out, Declared{Address: addr, Digest: spec.Digest(data), Data: data})
	}
	for _, f := range b.Flows {
		add(f.Address, f.Canonical())
	}
	for _, p := range b.Pools {
		add(p.Address, p.Canonical())
	}
	for _, s := range b.Schedules {
		add(s.Address, s.Canonical())
	}
	slices.SortFunc(out, func(a, b Declared) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return out
}

// Coming returns the object as a change leaves it, and false when it goes.
func Coming(c Change) (Declared, bool) {
	switch c := c.(type) {
	case Create:
		return c.New, true
	case Update:
		return c.New, true
	case Move:
		return c.New, true
	case Delete:
	}
	return Declared{}, false
}
