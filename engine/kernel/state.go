package kernel

import (
	"errors"

	"github.com/leifengta/lft/engine/record"
)

// State is the kernel's memory. It is not safe for concurrent use.
type State struct{}

// New returns an empty state: no project, no agent, nothing live.
func New(Limits) *State { return &State{} }

// Restore returns the state that the rows of a snapshot describe. Sessions do
// not survive: every agent has to register again.
func Restore(Limits, Snapshot) (*State, error) { return nil, errors.ErrUnsupported }

// Step takes one event in. at is the database's time, which never goes back.
// When it returns an error, the event is refused and the state untouched.
func (s *State) Step(at record.Time, ev Event) error { return errors.ErrUnsupported }

// Prepares returns what has to be prepared since the last call. The answers
// may make more, so ask until there are none.
func (s *State) Prepares() []Prepare { return nil }

// Ready returns all that follows since the last Ready, and false when nothing
// does. It bounds how much it returns: ask again after Advance.
func (s *State) Ready() (Ready, bool) { return Ready{}, false }

// Advance says that the Ready of this serial is durable.
func (s *State) Advance(serial uint64) {}

// NextWake is when a Tick is due, 0 for never.
func (s *State) NextWake() record.Time { return 0 }
