// Package spec is the declared half of the domain: what a folder of HCL means
// once variables, locals, for_each and modules are folded away.
//
// It promises plain values with one canonical JSON form per object (see
// canonical.go, and fields.go for the members' names): equal meaning gives equal
// bytes and an equal digest, in every version of lft; defaults are omitted, and
// fields this version does not know are kept byte for byte in Extra, an object or
// nil. It never evaluates, reads files, or imports cty or HCL: a run-time
// expression travels as source text in Value.
package spec

import "encoding/json"

// Format is the version of the canonical JSON written by this lft. A new field
// does not raise it: older versions keep such a field in Extra. What an older
// version must not run does, and that version refuses it.
const Format = 1

// Bundle is everything one project declares, each slice sorted by address.
type Bundle struct {
	Project      string
	Flows        []*Flow
	Settled      []Settled // flows that are here in canonical form, and not in Flows
	Schedules    []*Schedule
	Pools        []*Pool
	Calendars    []*Calendar
	Dependencies []*Dependency
	Outputs      []*ProjectOutput
	Moved        []Moved   // in the order of the source
	Removed      []Removed // in the order of the source
	Checks       []Check   // in the order of the source
	// Variables are the folder's own and what they were: for people, and in no
	// digest. Sorted by name.
	Variables []Variable
	// Positions tells where each object, and each job as FLOW.job.NAME, was
	// declared. It is a side table: no digest depends on it.
	Positions map[Address]Position
	// Off are objects that are declared and yet are not: to tell why they go.
	Off map[Address]Off
	// Sources tells, of each dependency, the folder its Files lie in, relative to
	// the project's with slashes. It is a side table as Positions.
	Sources map[Address]string
}

// Settled is an object in canonical form.
type Settled struct {
	Address Address
	Digest  string
	Data    []byte
}

// Off is why a block declares nothing.
type Off string

// The reasons.
const (
	OffDisabled Off = "disabled" // of an instance: enabled = false
	OffEmpty    Off = "empty"    // of an address without its key: for_each has no keys
)

// Variable is a variable of a folder and its value, as JSON. Of a sensitive one,
// and of one that holds references, there is no value.
type Variable struct {
	Name      string
	Value     json.RawMessage
	Sensitive bool
}

// Moved says that what was deployed as From is declared as To now. Both name
// objects of one kind, or modules; without a key they stand for every instance.
type Moved struct {
	From, To Address
	At       Position
}

// Removed says that what was deployed as From is gone on purpose, so that even a
// protected object may be destroyed. From may be a module.
type Removed struct {
	From Address
	At   Position
}

// Check is a condition of the folder that was evaluated at plan time. A check
// that fails warns and stops nothing.
type Check struct {
	Name    string
	Passed  bool
	Message string // why it failed
	At      Position
}

// Position is a place in the source, for messages only.
type Position struct {
	File string
	Line int
}

// Flow is a declared DAG of jobs, the unit of apply and history.
type Flow struct {
	Address     Address
	Description string
	OnFailure   OnFailure     // "" = finish_possible
	Concurrency *Concurrency  // nil = unlimited
	Params      []*Param      // sorted by name
	Jobs        []*Job        // sorted by name; the index is the job's number
	Outputs     []*FlowOutput // sorted by name
	Protected   bool          // may not be destroyed
	// Sensitive are JSON pointers (RFC 6901) to what must be masked when it is shown,
	// with elements of lists by their name: /jobs/x/env/TOKEN. Sorted.
	Sensitive []string
	Extra     json.RawMessage // fields of a later format, an object or nil
}

// FlowOutput is a value an execution of the flow gives to the flow that started
// it, computed when its last job has ended.
type FlowOutput struct {
	Name        string
	Type        Type
	Value       *Value // may mention jobs
	Description string
	Extra       json.RawMessage
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
	Max      int
	WhenFull WhenFull // "" = queue
	QueueMax int      // 0 = DefaultQueueMax
	Extra    json.RawMessage
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
	Name        string
	Type        Type
	Default     *Value // nil = required
	Description string
	Extra       json.RawMessage
}

// Type is a type constraint as cty writes it in JSON: "string", "number",
// "bool", ["list","string"], ["object",{"a":"number"}].
type Type = json.RawMessage

// Output is a typed value a job hands to those after it.
type Output struct {
	Name  string
	Type  Type
	Extra json.RawMessage
}

// Job is a declared node of a flow.
type Job struct {
	Name         string   // with its for_each key: x["k"]
	Type         string   // of the job type, e.g. shell
	Kind         Kind     // "" = process
	Upstreams    []string // names, sorted: `after` and references
	When         *Value
	Trigger      Trigger // "" = all_success
	Retry        *Retry
	Timeout      Duration  // 0 = none
	KillGrace    *Duration // nil = DefaultKillGrace
	RerunAfter   Duration
	Pool         Address
	PoolSlots    int // 0 = 1
	Priority     int // -1000 … 1000, higher first
	AllowFailure bool
	OnLost       OnLost // "" = see Job.RerunWhenLost
	OnCancel     string // "" | "run"
	Env          map[string]*Value
	Outputs      []*Output // sorted by name; of kind flow, those of Flow
	Placement    *Placement
	Uses         []string          // addresses of dependencies, sorted
	Flow         Address           // of kind flow: what it starts
	Params       map[string]*Value // of kind flow: what it gives
	Args         map[string]*Value // what the job type's schema declares
	Extra        json.RawMessage
}

// MaxNesting is how many flows may start one another: one that starts none has a
// nesting of 1.
const MaxNesting = 8

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
	AllDoneMinOneSuccess    Trigger = "all_done_min_one_success"
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

// RerunWhenLost reports whether an attempt that started and was lost is run
// again: asked for, or by default where attempts were declared repeatable.
func (j *Job) RerunWhenLost() bool {
	if j.OnLost == "" {
		return j.Retry != nil && j.Retry.Attempts > 1
	}
	return j.OnLost == LostRerun
}

// Retry is the rule for attempts after a failed one.
type Retry struct {
	Attempts int       // in all, 1 = none
	Delay    *Duration // nil = DefaultRetryDelay
	Backoff  string    // "" fixed | "exponential"
	MaxDelay Duration  // 0 = DefaultMaxDelay
	Extra    json.RawMessage
}

// Placement says which agents may take a job and how one is chosen.
type Placement struct {
	Strategy string            // "" round_robin | least_loaded | pinned
	Agent    string            // for pinned
	Labels   map[string]string // all must match
	Extra    json.RawMessage
}

// Schedule is a declared timetable of a flow.
type Schedule struct {
	Address  Address
	Flow     Address
	Crons    []string // either these or Every
	Every    Duration
	Offset   Duration
	Timezone string // "" = UTC
	Start    string // RFC 3339
	End      string
	Misfire  Misfire  // "" = latest
	Overlap  WhenFull // "" = the flow's when_full
	Paused   bool
	Params   map[string]*Value
	// Calendar takes days away from the timetable; "" = none.
	Calendar  Address
	Protected bool
	Sensitive []string
	Extra     json.RawMessage
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
	Address     Address
	Slots       int
	Shared      bool
	Description string
	Protected   bool
	Sensitive   []string
	Extra       json.RawMessage
}

// Calendar says on which days the schedules that name it may fire, by the date in
// the schedule's zone. Each element is a date, or a range of them with both ends:
// "2026-10-01" or "2026-10-01..2026-10-07"; sorted, without overlap.
type Calendar struct {
	Address   Address
	Include   []string // nil = every day
	Exclude   []string // taken away from Include
	Protected bool
	Sensitive []string
	Extra     json.RawMessage
}

// Dependency is a file, a folder or an archive that jobs use, by content.
type Dependency struct {
	Address   Address
	Form      Form    // "" = folder
	Digest    string  // lang/tree's, over Files
	Files     []*File // sorted by path; of an archive or a file, that one
	Protected bool
	Extra     json.RawMessage
}

// Form is what a dependency's source is.
type Form string

// The forms; the first is the default.
const (
	FormFolder  Form = "folder"
	FormFile    Form = "file"    // localised under its own name in deps/NAME/
	FormArchive Form = "archive" // unpacked into deps/NAME/
)

// File is a file of a dependency.
type File struct {
	Path       string // relative, with slashes
	Executable bool
	Size       int64
	SHA256     string // hexadecimal
	Extra      json.RawMessage
}

// ProjectOutput is a value a project publishes.
type ProjectOutput struct {
	Address     Address
	Value       json.RawMessage
	Description string
	Sensitive   []string // [""] when all of it is
	Extra       json.RawMessage
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
