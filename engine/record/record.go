// Package record is the running half of the domain: the durable rows of
// executions, jobs, attempts, fires and agents, their states, and the ids that
// tie them together.
//
// It promises that every row is a plain value with the exact columns of the
// store, that ids are hashes or made by clients (never counted by a database),
// and that the legal transitions are one literal table (states.go). It never
// decides anything, and imports nothing that could do I/O.
package record

import (
	"encoding/json"
	"unicode/utf8"
)

// Time is microseconds since the Unix epoch, UTC, on the database's clock.
// Zero means "not yet".
type Time int64

// Execution is one run of a flow for one logical time.
type Execution struct {
	ID          string
	ProjectUID  string
	Project     string
	FlowUID     string
	Flow        string // address when it was created
	FlowDigest  string // spec of the flow it runs, for ever
	Revision    int64  // project revision it is pinned to
	State       ExecutionState
	Origin      Origin
	ScheduleUID string // "" for a manual run
	// ScheduledFor is the logical time: the theoretical instant, or the time of
	// admission of a manual run. Zone is the IANA name it is shown in.
	ScheduledFor           Time
	Zone                   string
	WindowStart, WindowEnd Time
	Params                 json.RawMessage // given values, an object; defaults are not in it
	CancelRequested        bool
	CancelBy               string
	Reason                 Reason // why it ended as it did, or ""
	By                     string // principal that asked for it
	// Parent is the execution whose job started this one, "" for none, and the
	// rest of the key of the attempt that did.
	Parent       string
	ParentNumber int32
	ParentMapKey string
	ParentN      int32
	Depth        int32 // executions above this one
	CreatedAt    Time
	StartedAt    Time
	EndedAt      Time
}

// Job is one JobExecution: key (Execution, Number, MapKey).
type Job struct {
	Execution string
	Number    int32 // index of the job in the pinned flow
	MapKey    string
	Name      string
	State     JobState
	// Waiting says why a job that is not settled does not run, written when
	// the class changes; WaitingArg names the pool, job or agent meant.
	Waiting    Waiting
	WaitingArg string
	Attempts   int32 // attempts made so far
	Failures   int32 // attempts that used up the retry budget
	Lost       int32 // re-runs after a lost attempt, at most MaxLostReruns
	NextAt     Time  // RETRY_WAIT: earliest next attempt; timer kind: its end
	Output     json.RawMessage
	Reason     Reason
	Message    string // for people, at most MaxMessage bytes
	StartedAt  Time
	EndedAt    Time
}

// Attempt is one try of a JobExecution on one agent: key (Execution, Number,
// MapKey, N).
type Attempt struct {
	Execution  string
	Number     int32
	MapKey     string
	N          int32 // from 1
	Token      string
	State      AttemptState
	Outcome    Outcome
	ExitCode   int32 // meaningful when HasExit
	HasExit    bool
	Signal     string // name, e.g. SIGKILL; "" when it exited
	Reason     Reason
	Message    string
	AgentUID   string // "" of a sub-flow's job: no agent carries it out
	Agent      string // name when ordered
	Session    int64  // the agent's session the order belongs to
	PoolUID    string // "" = none
	PoolSlots  int32
	Task       []byte // providers.Task as JSON; opaque here
	KillWanted bool
	OrderedAt  Time
	StartedAt  Time
	EndedAt    Time
}

// Child is the id of the execution that an attempt of a sub-flow's job has
// started, "" when it is none or could start none.
func (a *Attempt) Child() string {
	if a.AgentUID != "" || a.Outcome == OutcomeRejected {
		return ""
	}
	return ChildID(a.Execution, a.Number, a.MapKey, a.N)
}

// Fire is the durable decision for one theoretical instant of a schedule: key
// (ScheduleUID, Instant).
type Fire struct {
	ScheduleUID string
	Schedule    string // address when decided
	Instant     Time
	Decision    Decision
	Reason      Reason
	Execution   string // id, when Decision is RUN
	DecidedAt   Time
}

// FireRange stands for Count skipped instants in [From, To]; key (ScheduleUID,
// From).
type FireRange struct {
	ScheduleUID string
	Schedule    string
	From, To    Time // first and last instant, both included
	Count       int64
	Reason      Reason
	DecidedAt   Time
}

// Cursor is how far a schedule has been decided: every instant at or before
// Instant has its Fire or lies in a FireRange.
type Cursor struct {
	ScheduleUID string
	ProjectUID  string
	Instant     Time
}

// Adopted is the revision of a project that the kernel acts on.
type Adopted struct {
	ProjectUID string
	Revision   int64
}

// Override is a value that an operator has put in place of a declared one: key
// (ObjectUID, Field). It goes when it is taken back, when its object does, and
// when a later revision declares another value than Declared.
type Override struct {
	ProjectUID string
	ObjectUID  string
	Object     string // address when made
	Field      OverrideField
	Value      string // JSON
	Declared   string // JSON, at Revision
	Revision   int64  // of the project, when made
	Reason     string // for people, at most MaxMessage bytes
	By         string
	At         Time
}

// OverrideKey names an Override.
type OverrideKey struct {
	ObjectUID string
	Field     OverrideField
}

// Agent is a worker host as the master knows it: key UID.
type Agent struct {
	UID          string
	Name         string
	MachineID    string
	BootID       string
	Namespace    string // start of its pid namespace
	JournalID    string
	JournalSeq   int64
	Session      int64 // void below this number
	State        AgentState
	Reason       Reason
	Draining     bool
	Slots        int32
	Labels       map[string]string
	Isolation    string // cgroup | sweep
	Version      string
	LastSeen     Time // written at most every 10 s while nothing else changes
	RegisteredAt Time
}

// Holder is a live attempt that takes slots of a pool.
type Holder struct {
	Execution string
	Job       string
	Agent     string
	Slots     int32
	OrderedAt Time
}

// Chunk is a manifest row: bytes [From, To) of an attempt's log lie in Object
// from ObjectOffset on. Key (Token, From).
type Chunk struct {
	Token        string
	From, To     int64
	Object       string
	ObjectOffset int64
	SHA256       string
}

// LogEnd says how much an attempt wrote in all, and whether that is all of it.
type LogEnd struct {
	Token  string
	Bytes  int64 // bytes kept
	SHA256 string
	State  LogState
	Cut    int64 // bytes discarded by the cap
}

// DeadLetter keeps an event the kernel could not digest.
type DeadLetter struct {
	ID        string
	Execution string // "" when it belongs to none
	Event     string // kind and content, for people
	Error     string
	At        Time
}

// Audit is one change a principal made, or a fact worth keeping.
type Audit struct {
	ID     string
	At     Time
	By     string
	Verb   string
	Object string
	Detail string
}

// Head is a project's newest revision as the batch assumes it to be.
type Head struct {
	ProjectUID string
	Revision   int64
}

// Batch is everything one fenced transaction writes. Rows are whole and
// replace what has their key; Finished leave the live set.
type Batch struct {
	Executions  []Execution
	Jobs        []Job
	Attempts    []Attempt
	Fires       []Fire
	Ranges      []FireRange
	Cursors     []Cursor
	Adopted     []Adopted
	Agents      []Agent
	Chunks      []Chunk
	LogEnds     []LogEnd
	DeadLetters []DeadLetter
	Audits      []Audit
	Heads       []Head   // must be unchanged, or the commit is refused
	Finished    []string // execution ids
	CursorsGone []string // uids of deleted schedules: their cursors leave the live set
	Overrides   []Override
	// OverridesGone hold no more; none of them is in Overrides.
	OverridesGone []OverrideKey
}

// Limits of columns, checked before a row is made.
const (
	MaxID         = 64
	MaxName       = 255 // names of agents, principals, zones
	MaxAddress    = 512
	MaxEnum       = 32 // states, reasons, signals
	MaxMessage    = 1 << 10
	MaxOutput     = 64 << 10
	MaxTask       = 512 << 10
	MaxParams     = 64 << 10
	MaxLostReruns = 3
)

// Cut shortens a text for a column of that many bytes, at the end of a character.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
