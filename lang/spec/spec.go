// Package spec is the declared half of the domain: what a folder of HCL means
// once variables, locals, for_each and modules are folded away.
//
// It promises plain values with one canonical JSON form per object (see
// canonical.go): equal meaning gives equal bytes and an equal digest, in every
// version of lft; defaults are omitted and fields this version does not know are
// kept byte for byte. It never evaluates, reads files, or imports cty or HCL:
// a run-time expression travels as source text in Value.
package spec

import "encoding/json"

// Format is the version of the canonical JSON written by this lft.
const Format = 1

// Bundle is everything one project declares, each slice sorted by address.
type Bundle struct {
	Project   string
	Flows     []*Flow
	Schedules []*Schedule
	Pools     []*Pool
	// Positions tells where each object, and each job as FLOW.job.NAME, was
	// declared. It is a side table: no digest depends on it.
	Positions map[Address]Position
}

// Position is a place in the source, for messages only.
type Position struct {
	File string
	Line int
}

// Flow is a declared DAG of jobs, the unit of apply and history.
type Flow struct {
	Address     Address         `json:"-"`
	Description string          `json:"description,omitempty"`
	OnFailure   OnFailure       `json:"on_failure,omitempty"`  // "" = finish_possible
	Concurrency *Concurrency    `json:"concurrency,omitempty"` // nil = unlimited
	Params      []*Param        `json:"params,omitempty"`      // sorted by name
	Jobs        []*Job          `json:"jobs,omitempty"`        // sorted by name; the index is the job's number
	Extra       json.RawMessage `json:"-"`                     // fields of a later format, an object or nil
}

// OnFailure says what a failed job does to the rest of its execution.
type OnFailure string

// The failure policies; the first is the default.
const (
	FinishPossible OnFailure = "finish_possible"
	FinishRunning  OnFailure = "finish_running"
	CancelRunning  OnFailure = "cancel"
)

// Concurrency bounds the executions of one flow, whatever started them.
type Concurrency struct {
	Max      int      `json:"max"`
	WhenFull WhenFull `json:"when_full,omitempty"` // "" = queue
	QueueMax int      `json:"queue_max,omitempty"` // 0 = DefaultQueueMax
}

// WhenFull says what happens to an execution beyond Concurrency.Max.
type WhenFull string

// The policies; the first is the default.
const (
	WhenFullQueue   WhenFull = "queue"
	WhenFullSkip    WhenFull = "skip"
	WhenFullReplace WhenFull = "replace"
)

// DefaultQueueMax bounds the queue of a flow that names no bound.
const DefaultQueueMax = 100

// Param is a typed input of a flow.
type Param struct {
	Name        string `json:"name"`
	Type        Type   `json:"type"`
	Default     *Value `json:"default,omitempty"` // nil = required
	Description string `json:"description,omitempty"`
}

// Type is a type constraint as cty writes it in JSON: "string", "number",
// "bool", ["list","string"], ["object",{"a":"number"}].
type Type = json.RawMessage

// Output is a typed value a job hands to those after it.
type Output struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
}

// Job is a declared node of a flow.
type Job struct {
	Name         string            `json:"name"` // with its for_each key: x["k"]
	Type         string            `json:"type"` // of the job type, e.g. shell
	Kind         Kind              `json:"kind,omitempty"`
	Upstreams    []string          `json:"upstreams,omitempty"` // names, sorted: `after` and references
	When         *Value            `json:"when,omitempty"`
	Trigger      Trigger           `json:"trigger,omitempty"` // "" = all_success
	Retry        *Retry            `json:"retry,omitempty"`
	Timeout      Duration          `json:"timeout,omitempty"`    // 0 = none
	KillGrace    *Duration         `json:"kill_grace,omitempty"` // nil = DefaultKillGrace
	RerunAfter   Duration          `json:"rerun_after,omitempty"`
	Pool         Address           `json:"pool,omitempty"`
	PoolSlots    int               `json:"pool_slots,omitempty"` // 0 = 1
	Priority     int               `json:"priority,omitempty"`   // -1000 … 1000, higher first
	AllowFailure bool              `json:"allow_failure,omitempty"`
	OnLost       OnLost            `json:"on_lost,omitempty"`   // "" = see Job.RerunWhenLost
	OnCancel     string            `json:"on_cancel,omitempty"` // "" | "run"
	Env          map[string]*Value `json:"env,omitempty"`
	Outputs      []*Output         `json:"outputs,omitempty"` // sorted by name
	Placement    *Placement        `json:"placement,omitempty"`
	Args         map[string]*Value `json:"args,omitempty"` // what the job type's schema declares
	Extra        json.RawMessage   `json:"-"`
}

// Kind says who carries a job out. The kernel knows kinds, never type names.
type Kind string

// The kinds; the first is the default.
const (
	KindProcess Kind = "process" // a process on an agent
	KindInstant Kind = "instant" // done at once by the kernel
	KindTimer   Kind = "timer"   // done by the kernel when a duration has passed
	KindFlow    Kind = "flow"    // a sub-flow
)

// Trigger is the rule that decides over a job from its upstreams' states.
type Trigger string

// The rules; the first is the default. Verdicts are Airflow's.
const (
	AllSuccess              Trigger = "all_success"
	AllFailed               Trigger = "all_failed"
	AllDone                 Trigger = "all_done"
	AllSkipped              Trigger = "all_skipped"
	OneSuccess              Trigger = "one_success"
	OneFailed               Trigger = "one_failed"
	OneDone                 Trigger = "one_done"
	NoneFailed              Trigger = "none_failed"
	NoneFailedMinOneSuccess Trigger = "none_failed_min_one_success"
	NoneSkipped             Trigger = "none_skipped"
	Always                  Trigger = "always"
)

// OnLost says what a lost attempt leads to.
type OnLost string

// The policies.
const (
	LostRerun OnLost = "rerun"
	LostFail  OnLost = "fail"
)

// Retry is the rule for attempts after a failed one.
type Retry struct {
	Attempts int       `json:"attempts"`            // in all, 1 = none
	Delay    *Duration `json:"delay,omitempty"`     // nil = DefaultRetryDelay
	Backoff  string    `json:"backoff,omitempty"`   // "" fixed | "exponential"
	MaxDelay Duration  `json:"max_delay,omitempty"` // 0 = DefaultMaxDelay
}

// Placement says which agents may take a job and how one is chosen.
type Placement struct {
	Strategy string            `json:"strategy,omitempty"` // "" round_robin | least_loaded | pinned
	Agent    string            `json:"agent,omitempty"`    // for pinned
	Labels   map[string]string `json:"labels,omitempty"`   // all must match
}

// Schedule is a declared timetable of a flow.
type Schedule struct {
	Address  Address           `json:"-"`
	Flow     Address           `json:"flow"`
	Crons    []string          `json:"crons,omitempty"` // either these or Every
	Every    Duration          `json:"every,omitempty"`
	Offset   Duration          `json:"offset,omitempty"`
	Timezone string            `json:"timezone,omitempty"` // "" = UTC
	Start    string            `json:"start,omitempty"`    // RFC 3339
	End      string            `json:"end,omitempty"`
	Misfire  Misfire           `json:"misfire,omitempty"` // "" = latest
	Overlap  WhenFull          `json:"overlap,omitempty"` // "" = the flow's when_full
	Paused   bool              `json:"paused,omitempty"`
	Params   map[string]*Value `json:"params,omitempty"`
	Extra    json.RawMessage   `json:"-"`
}

// Misfire says what becomes of instants that passed while nobody could act.
type Misfire string

// The policies; the first is the default.
const (
	MisfireLatest Misfire = "latest"
	MisfireAll    Misfire = "all"
	MisfireSkip   Misfire = "skip"
)

// Pool is a limit shared by jobs.
type Pool struct {
	Address Address         `json:"-"`
	Slots   int             `json:"slots"`
	Shared  bool            `json:"shared,omitempty"`
	Extra   json.RawMessage `json:"-"`
}

// Defaults that are never written into a spec.
const (
	DefaultKillGrace  Duration = 10 * Second
	DefaultRetryDelay Duration = 10 * Second
	DefaultMaxDelay   Duration = 3600 * Second
)

// Value is a literal, or a run-time expression kept as source text.
// In JSON a literal is itself; an expression is {"$expr":SOURCE,"vars":{…}}.
type Value struct {
	Literal json.RawMessage // set when Expr is ""
	Expr    string          // native syntax, evaluated when the job is prepared
	// Vars are the config-time values the expression mentions, captured at plan
	// time by root name ("var", "local", "each").
	Vars map[string]json.RawMessage
}
