package planner

import (
	"encoding/json"

	"github.com/leifengta/lft/lang/spec"
)

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
	Attributes []Attribute  // of the object itself, without its jobs and files
	Jobs       []JobChange  // of a flow, sorted by name
	Edges      Edges        // of a flow
	Files      []FileChange // of a dependency, sorted by path
}

// Delete removes an object. What runs of it finishes.
type Delete struct {
	Old     Previous
	Reason  Reason
	Removed spec.Position // of the removed block that names it, none without
}

// Move gives an object another address; its uid stays. The contents may change
// along with it.
type Move struct {
	Update
	Moved spec.Position // of the moved block that names it, none for a rollback
}

// Previous is a deployed object with its spec.
type Previous struct {
	Object
	Data []byte
}

// Reason says why an object goes, in Terraform's words.
type Reason string

// The reasons. A plan to destroy everything needs none.
const (
	Undeclared      Reason = "delete_because_no_resource_config"
	NoModule        Reason = "delete_because_no_module"
	WrongRepetition Reason = "delete_because_wrong_repetition" // with a for_each key by now, or without
	NoKey           Reason = "delete_because_each_key"
	NoMoveTarget    Reason = "delete_because_no_move_target"
	Disabled        Reason = "delete_because_enabled_false" // Terraform has no such word
)

// JobChange is a job that comes, changes or goes. Before is nil for a new job,
// After for one that goes.
type JobChange struct {
	Name       string
	Previous   string // its name before, when a moved block says so
	Before     []byte
	After      []byte
	Attributes []Attribute // when it is neither new nor gone
	At         spec.Position
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

// Attribute is one place where two specs differ. Path leads there through
// members of objects and through named elements of lists. Before is nil where
// nothing was, After where nothing is left.
type Attribute struct {
	Path   []string        `json:"path"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// FileChange is a file of a dependency that comes, changes or goes. Before is nil
// for a new file, After for one that goes.
type FileChange struct {
	Path   string
	Before *File
	After  *File
}

// File is a file of a dependency.
type File struct {
	Size       int64
	SHA256     string
	Executable bool
	// Text is what is in it: of a small text file that changes, when it was at hand.
	Text *string
}

// Address returns the new object's address.
func (c Create) Address() spec.Address { return c.New.Address }

// Address returns the object's address.
func (u Update) Address() spec.Address { return u.New.Address }

// Address returns the address of what goes.
func (d Delete) Address() spec.Address { return d.Old.Address }

func (Create) change() {}
func (Update) change() {}
func (Delete) change() {}
func (Move) change()   {}

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

// Going returns the object as it was before a change, and false when it was not
// there.
func Going(c Change) (Previous, bool) {
	switch c := c.(type) {
	case Create:
	case Update:
		return c.Old, true
	case Move:
		return c.Old, true
	case Delete:
		return c.Old, true
	}
	return Previous{}, false
}
