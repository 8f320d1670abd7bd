// Package providers is the contract between lft and its job types.
//
// A job type has two halves: Generate turns evaluated arguments into a Task on
// the master, Command turns that Task into a Process on an agent. A provider
// never forks, never reads the clock, the network or files: the agent's keeper
// starts the process, so that kill, logs and run-as are solved once. The set of
// job types is a value that is passed on (Set), never a registry filled by init.
package providers

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// JobType is one type of job.
type JobType interface {
	// Schema types the job's block. It is constant.
	Schema() schema.JobType
	// Generate makes the type's own part of a Task from the evaluated
	// arguments: a JSON object that conforms to Schema, null members absent.
	// An error is the user's (bad argument) and fails the job, not lft. Of a
	// type of kind timer the object holds Timer's member.
	Generate(args json.RawMessage) (json.RawMessage, error)
	// Command says which process carries out what Generate made. Kinds other
	// than process are never asked.
	Command(body json.RawMessage) (Process, error)
}

// Task is one attempt's work as it is stored, sent and journaled (as JSON).
// It holds no token, path or address of an agent.
type Task struct {
	Type       string            `json:"type"`
	Body       json.RawMessage   `json:"body,omitempty"` // from Generate
	Env        map[string]string `json:"env,omitempty"`  // complete but for what only the agent knows
	Outputs    []*spec.Output    `json:"outputs,omitempty"`
	Timeout    spec.Duration     `json:"timeout,omitempty"`
	KillGrace  spec.Duration     `json:"kill_grace,omitempty"`
	RerunAfter spec.Duration     `json:"rerun_after,omitempty"`
	// Dependencies are made ready by the agent before the start.
	Dependencies []Dependency `json:"dependencies,omitempty"`
}

// Dependency is what lies at deps/NAME in the work directory; Variable holds its
// absolute path.
type Dependency struct {
	Name     string    `json:"name"`
	Variable string    `json:"variable"`
	Digest   string    `json:"digest"`
	Form     spec.Form `json:"form,omitempty"`
	Object   string    `json:"object"` // key in the bucket
}

// Process is what the keeper starts. Argv[0] is looked up in the job's PATH,
// relative names in the work directory.
type Process struct {
	Argv  []string
	Env   map[string]string // added to the Task's
	Files []File            // written into the work directory before the start
	Stdin []byte            // nil = /dev/null
}

// File is made in the work directory; Name is a local path without "..".
type File struct {
	Name string
	Mode uint32 // permission bits
	Data []byte
}

// Timer is what Generate makes for a type of kind timer.
type Timer struct {
	Wait spec.Duration `json:"wait"` // from the job's start on
}

// Set is the job types one lft knows, by name.
type Set map[string]JobType

// NewSet returns a set of the given types; two of one name are a programming
// error and refused.
func NewSet(types ...JobType) (Set, error) {
	s := make(Set, len(types))
	for _, t := range types {
		name := t.Schema().Name
		if _, ok := s[name]; ok {
			return nil, fmt.Errorf("job type %q is declared twice", name)
		}
		s[name] = t
	}
	return s, nil
}

// Schemas returns the schemas of the set, sorted by name.
func (s Set) Schemas() []schema.JobType {
	out := make([]schema.JobType, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		out = append(out, s[name].Schema())
	}
	return out
}
