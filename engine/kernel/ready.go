package kernel

import (
	"errors"

	"github.com/leifengta/lft/engine/record"
)

// Refusals of Step. The state is untouched when one is returned.
var (
	ErrUnknown     = errors.New("no such object")
	ErrConflict    = errors.New("the id belongs to another execution")
	ErrInvalid     = errors.New("event exceeds a limit or makes no sense")
	ErrQuarantined = errors.New("agent is quarantined")
	ErrNameTaken   = errors.New("agent name belongs to another agent")
	ErrFull        = errors.New("the flow's queue is full")
)

// Ready is all that follows from the events stepped since the last one. Rows
// must be durable before Orders, Kills, Acks and Replies leave the process; then
// Advance is due.
type Ready struct {
	Serial  uint64
	Rows    record.Batch
	Orders  []Order
	Kills   []Kill
	Acks    []Ack
	Replies []Reply
}

// Prepare asks the shell to evaluate one attempt's expressions and to generate
// its task. It has no effect, so it may be answered before the commit and asked
// again after a reload.
type Prepare struct {
	Key          JobKey
	N            int32
	ProjectUID   string
	Project      string
	Revision     int64
	Flow         string // address
	FlowDigest   string
	ScheduledFor record.Time
	Zone         string
	WindowStart  record.Time
	WindowEnd    record.Time
	Origin       record.Origin
	Params       []byte // given ones, an object
	Upstreams    []Upstream
	// Outputs asks for the flow's outputs instead: all jobs are in Upstreams, and
	// the key's Number is OutputsNumber.
	Outputs bool
}

// OutputsNumber stands in the place of a job's number for the flow's outputs.
const OutputsNumber int32 = -1

// Upstream is a settled direct upstream of the job to prepare.
type Upstream struct {
	Name   string
	State  record.JobState
	Output []byte
}

// Order tells an agent to start an attempt.
type Order struct {
	Agent     string
	Session   int64
	Token     string
	Execution string
	Flow      string
	Job       string
	N         int32
	Task      []byte
}

// Kill tells an agent to end an attempt's process tree.
type Kill struct {
	Agent   string
	Session int64
	Token   string
	Why     record.Reason
}

// Ack tells an agent that a report is durable and its journal entry may go.
// Chunks is the first log byte that is not durable yet, or -1.
type Ack struct {
	Agent   string
	Session int64
	Token   string
	Ended   bool
	Chunks  int64
}

// Reply answers a caller.
type Reply struct {
	ID      ReplyID
	Value   string
	Session int64
	Err     error
}
