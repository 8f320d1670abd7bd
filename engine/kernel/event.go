package kernel

import (
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// Event is something that happened. The set is closed.
type Event interface{ event() }

// ReplyID names a caller that waits for a Reply; 0 = nobody.
type ReplyID uint64

// Tick says that time has passed, nothing else.
type Tick struct{}

// Adopt makes a project revision the one that is acted on. Instants at or
// before EffectiveFrom belong to the revision before.
type Adopt struct {
	ProjectUID    string
	Project       string
	Revision      int64
	EffectiveFrom record.Time
	Flows         []FlowDef
	Schedules     []ScheduleDef
	Pools         []PoolDef
}

// FlowDef is a flow of a revision. Graph is shared and never changed.
type FlowDef struct {
	UID     string
	Address spec.Address
	Digest  string
	Graph   *Graph
}

// ScheduleDef is a schedule of a revision.
type ScheduleDef struct {
	UID       string
	Address   spec.Address
	Flow      spec.Address
	Timetable cron.Timetable
	Zone      string
	Misfire   spec.Misfire
	Overlap   spec.WhenFull // "" = the flow's
	Paused    bool
	Params    []byte // evaluated constants, an object or nil
}

// PoolDef is a pool of a revision.
type PoolDef struct {
	UID     string
	Address spec.Address
	Slots   int
	Shared  bool
	Former  []FormerAddress
}

// FormerAddress is one that an object had in the revisions from From on, and no
// more in Until. What runs on one of them knows the object by it.
type FormerAddress struct {
	Address     spec.Address
	From, Until int64
}

// Start asks for one execution of a flow. The shell has made sure that ID names
// no finished execution; a live one of the same ID is attached to when flow and
// parameters are equal. The reply's Value is the execution's id.
type Start struct {
	Reply      ReplyID
	ID         string
	ProjectUID string
	Flow       spec.Address
	Params     []byte
	By         string
}

// Cancel asks to end an execution. The reply comes when the wish is durable,
// not when the execution has ended. Unknown ids are refused with ErrUnknown.
type Cancel struct {
	Reply     ReplyID
	Execution string
	By        string
}

// Prepared answers a Prepare. A late one, for a job that has moved on, is
// ignored.
type Prepared struct {
	Key  JobKey
	N    int32  // the attempt it is for
	Task []byte // for kind process
	Wait spec.Duration
	Skip bool // `when` is false
	// Child is the flow that a job of kind flow starts, as the revision of its
	// execution declares it, and Params what it gives, an object.
	Child  *FlowDef
	Params []byte
	Output []byte // answers Prepare.Outputs, an object
	Fault  record.Reason
	Error  string // for people, with Fault
}

// JobKey names a JobExecution.
type JobKey struct {
	Execution string
	Number    int32
	MapKey    string
}

// Register is an agent's first word. The reply's Value is the session number,
// or an error: ErrQuarantined, ErrNameTaken.
type Register struct {
	Reply ReplyID
	Agent record.Agent // identity, slots, labels, isolation, version
}

// Reconcile names every token an agent's journal holds and the master has not
// acknowledged, ended ones included. Nothing is ordered from the agent before
// it; only the first of a session counts.
type Reconcile struct {
	Agent   string // uid
	Session int64
	Tokens  []TokenState
}

// TokenState is what an agent's journal says about a token. How ended ones
// ended is reported apart, by Report.
type TokenState struct {
	Token   string
	Started bool
}

// Reports carries what happened on an agent; an empty one is a heartbeat. Those
// of a session that is not the agent's current one are ignored.
type Reports struct {
	Agent   string
	Session int64
	List    []Report
	Chunks  []record.Chunk
	// Draining: the agent takes no new work for the rest of its session. It is
	// the agent's own wish (it is being stopped), not an operator's drain.
	Draining bool
}

// Report is news about one attempt. Times are already on the database's clock.
type Report struct {
	Token     string
	Ended     bool // false: it has started
	StartedAt record.Time
	EndedAt   record.Time
	Outcome   record.Outcome
	HasExit   bool
	ExitCode  int32
	Signal    string
	Reason    record.Reason
	Message   string
	Output    []byte         // a JSON object of declared outputs, or nil
	Log       *record.LogEnd // with Ended
}

// Operate is an operator's order about an agent: "declare-dead", "drain",
// "undrain", "release" (from quarantine); or about none, "go": after the database was
// restored, agents that have not spoken are waited for no longer.
type Operate struct {
	Reply ReplyID
	Agent string // name or uid
	Verb  string
	By    string
}

// Bury puts an event that could not be digested into the dead letters. The
// execution it belongs to, if it is live, ends as FAILED(internal).
type Bury struct {
	Letter record.DeadLetter
}

func (Tick) event()      {}
func (Adopt) event()     {}
func (Start) event()     {}
func (Cancel) event()    {}
func (Prepared) event()  {}
func (Register) event()  {}
func (Reconcile) event() {}
func (Reports) event()   {}
func (Operate) event()   {}
func (Bury) event()      {}
