package planner

import (
	"encoding/json"

	"github.com/leifengta/lft/lang/spec"
)

// FormatVersion is the version of the plan document, counted as Terraform counts
// its own. A reader ignores members it does not know of the same major version,
// and refuses another major version.
const FormatVersion = "1.2"

// document is the JSON form of a Plan. Names and shapes are Terraform's where it
// has one, so that tools for its plans read ours; what it has not stands beside.
type document struct {
	FormatVersion string                      `json:"format_version"`
	LftVersion    string                      `json:"lft_version"`
	Project       Project                     `json:"project"`
	Folder        Folder                      `json:"folder"`
	Mode          Mode                        `json:"mode,omitempty"`
	Adopt         bool                        `json:"adopt,omitempty"`
	Targets       []string                    `json:"targets,omitempty"`
	Excludes      []string                    `json:"excludes,omitempty"`
	Compared      *Compared                   `json:"compared,omitempty"`
	Variables     map[string]variableDocument `json:"variables,omitempty"`
	Changes       []changeDocument            `json:"resource_changes"`
	Drift         []driftDocument             `json:"resource_drift,omitempty"`
	Outputs       map[string]outputDocument   `json:"output_changes,omitempty"`
	Checks        []checkDocument             `json:"checks,omitempty"`
	Reads         []readDocument              `json:"reads,omitempty"`
	Uses          []Use                       `json:"uses,omitempty"`
	Renames       []Rename                    `json:"renames,omitempty"`
	Warnings      []Warning                   `json:"warnings,omitempty"`
	Impact        Impact                      `json:"impact"`
	Summary       Summary                     `json:"summary"`
	Masked        bool                        `json:"masked,omitempty"` // sensitive values are not in it
	Applyable     bool                        `json:"applyable"`
	Complete      bool                        `json:"complete"`
	Errored       bool                        `json:"errored"` // never: errors make no plan
}

type variableDocument struct {
	Value     json.RawMessage `json:"value,omitempty"`
	Sensitive bool            `json:"sensitive,omitempty"`
}

// head says which object an entry is about.
type head struct {
	Address         spec.Address `json:"address"`
	PreviousAddress spec.Address `json:"previous_address,omitempty"`
	ModuleAddress   spec.Address `json:"module_address,omitempty"`
	Mode            string       `json:"mode"`
	Type            string       `json:"type"`
	Name            string       `json:"name"`
	Index           string       `json:"index,omitempty"`
	UID             string       `json:"uid,omitempty"`
	Version         int64        `json:"version,omitempty"` // of the deployed object
}

type changeDocument struct {
	head
	Declared   *Place         `json:"declared,omitempty"` // where it is declared
	Because    *Place         `json:"because,omitempty"`  // the moved or removed block that says so
	Reason     Reason         `json:"action_reason,omitempty"`
	Change     valueChange    `json:"change"`
	Attributes []Attribute    `json:"attributes,omitempty"`
	Jobs       []jobDocument  `json:"jobs,omitempty"`
	Edges      *edgeDocument  `json:"edges,omitempty"`
	Files      []fileDocument `json:"files,omitempty"`
	Follows    []Follow       `json:"follows,omitempty"` // what it mentions by the new address, and does nothing else
}

type valueChange struct {
	Actions         []string        `json:"actions"`
	Before          json.RawMessage `json:"before"`
	After           json.RawMessage `json:"after"`
	AfterUnknown    json.RawMessage `json:"after_unknown"` // there is nothing unknown
	BeforeSensitive json.RawMessage `json:"before_sensitive"`
	AfterSensitive  json.RawMessage `json:"after_sensitive"`
}

// outputDocument is an output's change as Terraform has it, by value, with what an
// apply needs beside.
type outputDocument struct {
	valueChange
	UID      string          `json:"uid,omitempty"`
	Version  int64           `json:"version,omitempty"`
	Declared *Place          `json:"declared,omitempty"`
	Reason   Reason          `json:"action_reason,omitempty"`
	Old      json.RawMessage `json:"before_spec,omitempty"`
	New      json.RawMessage `json:"after_spec,omitempty"`
}

type driftDocument struct {
	head
	Change   valueChange `json:"change"`
	Override *Override   `json:"override,omitempty"`
	Lost     *Lost       `json:"lost,omitempty"`
}

type jobDocument struct {
	Name       string      `json:"name"`
	Previous   string      `json:"previous_name,omitempty"`
	Actions    []string    `json:"actions"`
	Declared   *Place      `json:"declared,omitempty"`
	Attributes []Attribute `json:"attributes,omitempty"`
}

type edgeDocument struct {
	Added   []Edge `json:"added,omitempty"`
	Removed []Edge `json:"removed,omitempty"`
}

type fileDocument struct {
	Path    string    `json:"path"`
	Actions []string  `json:"actions"`
	Before  *fileSide `json:"before,omitempty"`
	After   *fileSide `json:"after,omitempty"`
}

type fileSide struct {
	Size       int64   `json:"size"`
	SHA256     string  `json:"sha256"`
	Executable bool    `json:"executable,omitempty"`
	Text       *string `json:"text,omitempty"`
}

type readDocument struct {
	Address spec.Address `json:"address"`
	UID     string       `json:"uid"`
	Version int64        `json:"version"`
	Digest  string       `json:"digest"`
}

// checkDocument is Terraform's static check result with its one instance.
type checkDocument struct {
	Address   checkAddress    `json:"address"`
	Status    string          `json:"status"` // pass or fail
	Instances []checkInstance `json:"instances"`
	Declared  *Place          `json:"declared,omitempty"`
}

type checkAddress struct {
	Kind      string `json:"kind,omitempty"`
	Name      string `json:"name,omitempty"`
	ToDisplay string `json:"to_display"`
}

type checkInstance struct {
	Address  checkAddress   `json:"address"`
	Status   string         `json:"status"`
	Problems []checkProblem `json:"problems,omitempty"`
}

type checkProblem struct {
	Message string `json:"message"`
}

// The words of "actions".
const (
	actionCreate = "create"
	actionUpdate = "update"
	actionDelete = "delete"
	actionNoOp   = "no-op" // a pure move, and what only follows one
)

// The words of "status".
const (
	statusPass = "pass"
	statusFail = "fail"
)
