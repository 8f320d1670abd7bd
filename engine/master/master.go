package master

import (
	"context"
	"errors"
	"log/slog"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

// Config is what a Master needs.
type Config struct {
	Book        Book
	Definitions Definitions
	Generator   Generator
	Log         *slog.Logger
	// Solo keeps every schedule silent and acts on those executions alone that
	// are started through this Master; others stay as they are (see Leftovers).
	Solo bool
}

// Master answers for the acting master while this process is it, and refuses
// with NotLeader while it is not. All methods may be called at any time, from
// any goroutine.
type Master struct {
	cfg Config
}

// NotLeader says that this process does not act, and who does.
type NotLeader struct {
	Leader string // address, "" when nobody is known to act
}

func (e *NotLeader) Error() string {
	if e.Leader == "" {
		return "no master acts at this moment; try again"
	}
	return "this master stands by; the acting one is " + e.Leader
}

// Errors of sessions and tails.
var (
	// ErrSessionVoid: the agent has a newer session, or must register again.
	ErrSessionVoid = errors.New("the session is void; register again")
	// ErrNotConnected: the agent that holds the bytes has no session.
	ErrNotConnected = errors.New("the agent is not connected")
)

// New returns a Master that does not act yet.
func New(cfg Config) *Master { return &Master{cfg: cfg} }

// Act is the acting master for one term. It returns when ctx ends, or with the
// reason why the term ended.
func (m *Master) Act(ctx context.Context, term Term) error {
	return errors.New("internal error: the master's loop is not in this build")
}

// Stand tells who leads while this process stands by.
func (m *Master) Stand(leader string) {}

// Leftovers are the live executions a solo Master does not act on.
func (m *Master) Leftovers() []record.Execution { return nil }

// Nudge tells the master that a project has a new revision.
func (m *Master) Nudge() {}

// Start asks for an execution and returns its id once it is durable. Without an
// id one is made. An id that is known, live or finished, is attached to when
// flow and parameters are equal, else refused with kernel.ErrConflict.
func (m *Master) Start(ctx context.Context, s kernel.Start) (id string, err error) {
	return "", &NotLeader{}
}

// Cancel asks to end an execution; it returns when the wish is durable. Unknown
// and finished ones are refused with kernel.ErrUnknown.
func (m *Master) Cancel(ctx context.Context, execution, by string) error { return &NotLeader{} }

// Operate carries out an operator's verb on an agent (name or uid).
func (m *Master) Operate(ctx context.Context, agent, verb, by string) error { return &NotLeader{} }

// Registration is the answer to an agent's first word.
type Registration struct {
	Session int64
	Epoch   int64
	Beat    int64
}

// Register makes a session for an agent; an older one of it is void. maxEpoch is
// the highest epoch the agent has obeyed: when it lies above one's own, the
// master jumps above it before it answers.
func (m *Master) Register(ctx context.Context, a record.Agent, maxEpoch int64) (Registration, error) {
	return Registration{}, &NotLeader{}
}

// Session opens the stream of a registered agent.
func (m *Master) Session(ctx context.Context, agentUID string, session int64) (*Session, error) {
	return nil, &NotLeader{}
}

// Tail asks an agent for bytes of an attempt's log that are not shipped yet.
func (m *Master) Tail(ctx context.Context, agentUID, token string, from int64, limit int) (Tail, error) {
	return Tail{}, ErrNotConnected
}
