// Package deploy changes what is deployed. It is the only writer of definitions,
// and runs in any process: a master, a standby, or the verb of a person with
// database rights.
//
// Content goes first (PutSpecs: immutable, by digest, visible to nobody, kept for a
// day), then Apply ends in one short compare-and-set of the project's head. It
// promises all or nothing; that a change set is refused, with nothing left behind,
// when an object that it changes or relies on is not what it was made from; that
// the same apply id takes effect once, however often it is asked for and whatever
// becomes of an answer; that no spec the engine cannot run, and none that is not
// stored, is ever committed. It never touches a row of the kernel: the master
// learns of a revision by its head.
package deploy

import (
	"errors"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// Refusals. Nothing is written when one is returned, and the specs of the change set
// that nothing else has come to refer to are gone; the text after it tells the
// user what to do.
var (
	ErrStale   = store.ErrStale
	ErrClash   = store.ErrLineage
	ErrEffects = errors.New("the change would do more than the plan has shown")
	ErrInvalid = errors.New("the change set is not valid")
	ErrUnknown = errors.New("no such project or revision")
)

// ErrSpecs says that specs of the change set are not stored, or not any more: a day
// has passed, or another change set with the same ones was refused. Put them again
// and ask again.
var ErrSpecs = store.ErrNoSpec

// Action is what a Change does.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	Move   Action = "move"
)

// Change is one object's change by digest.
type Change struct {
	Action   Action
	Kind     string
	Address  spec.Address
	Previous spec.Address // of a Move
	UID      string       // of the deployed object; "" for a Create
	Digest   string       // "" for a Delete
	Version  int64        // of the deployed object the plan was made from
}

// Read is a deployed object that stays as it is and that a change relies on.
type Read struct {
	Address spec.Address
	UID     string
	Version int64
}

// ChangeSet was made from revision Base of a project and leads to the next one. The
// project may have moved on since, as long as nothing that is changed or read has.
type ChangeSet struct {
	Project string
	Lineage string
	Origin  string
	Base    int64 // 0 = the project was new
	Adopt   bool
	Changes []Change
	Reads   []Read
}

// Request asks for a change set to be applied.
type Request struct {
	ApplyID string // made by the client, fresh for each wish
	Changes ChangeSet
	Message string
	By      string
	Shown   []planner.Effect // kinds of effects the plan has shown
}

// Result says what became of a Request.
type Result struct {
	Revision      int64
	EffectiveFrom record.Time
	Repeated      bool // this apply id was committed before
}

// Deployed is one revision of a project.
type Deployed struct {
	Project record.Project
	Objects []record.Object // sorted by address
}
