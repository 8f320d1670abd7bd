package master

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

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
	// Leader is the address of the acting master as far as is known, "" when
	// nobody is. Nil = nobody ever is.
	Leader func() string
}

// Master answers for the acting master while this process is it, and refuses
// with NotLeader while it is not. All methods may be called at any time, from
// any goroutine.
type Master struct {
	cfg     Config
	restore func(kernel.Limits, kernel.Snapshot) (state, error)
	term    atomic.Pointer[loop] // nil while standing by
	nudge   chan struct{}
	stats   counters
	tails   atomic.Uint64 // ids of tail requests

	mu       sync.Mutex
	admitted map[string]bool // executions started through a solo Master
}

// New returns a Master that does not act yet.
func New(cfg Config) *Master {
	return &Master{
		cfg:      cfg,
		restore:  restoreKernel,
		nudge:    make(chan struct{}, 1),
		admitted: make(map[string]bool),
	}
}

func restoreKernel(limits kernel.Limits, snapshot kernel.Snapshot) (state, error) {
	return kernel.Restore(limits, snapshot)
}

// NotLeader says that this process does not act, and who does. The call had no
// effect.
type NotLeader struct {
	Leader string // address, "" when nobody is known to act
}

func (e *NotLeader) Error() string {
	if e.Leader == "" {
		return "no master acts at this moment; try again"
	}
	return "this master stands by; the acting one is " + e.Leader
}

// Errors of callers.
var (
	// ErrSessionVoid: the agent has a newer session, or must register again.
	ErrSessionVoid = errors.New("the session is void; register again")
	// ErrNotConnected: the agent that holds the bytes has no session.
	ErrNotConnected = errors.New("the agent is not connected")
	// ErrBusy: too much is asked of one agent at once.
	ErrBusy = errors.New("too many requests to this agent at once")
	// ErrDoubt: the term ended before the answer was known. Ask the next master
	// again, with the same id.
	ErrDoubt = errors.New("the master stepped down before it could tell what became of the request")

	// errLookAgain: the execution of this id left memory since it was looked up.
	errLookAgain = errors.New("look the id up again")
)

// Act is the acting master for one term. It returns when ctx ends, or with the
// reason why the term ended.
func (m *Master) Act(ctx context.Context, term Term) error {
	l := newLoop(m, term)
	m.term.Store(l)
	defer m.term.Store(nil)
	return l.run(ctx)
}

// Acting reports whether this process acts.
func (m *Master) Acting() bool { return m.term.Load() != nil }

// Nudge tells the master that a project may have a new revision.
func (m *Master) Nudge() {
	select {
	case m.nudge <- struct{}{}:
	default: // one is under way
	}
}

// Leftovers are the live executions a solo Master does not act on.
func (m *Master) Leftovers() []record.Execution {
	l := m.term.Load()
	if l == nil {
		return nil
	}
	return l.leftovers.get()
}

// acting is the loop of this term.
func (m *Master) acting() (*loop, error) {
	if l := m.term.Load(); l != nil {
		return l, nil
	}
	return nil, m.notLeader()
}

func (m *Master) notLeader() error {
	e := &NotLeader{}
	if m.cfg.Leader != nil {
		e.Leader = m.cfg.Leader()
	}
	return e
}

// Cancel asks to end an execution; it returns when the wish is durable. Unknown
// and finished ones are refused with kernel.ErrUnknown.
func (m *Master) Cancel(ctx context.Context, execution, by string) error {
	l, err := m.acting()
	if err != nil {
		return err
	}
	_, err = l.ask(ctx, &submission{make: func(id kernel.ReplyID) kernel.Event {
		return kernel.Cancel{Reply: id, Execution: execution, By: by}
	}})
	return err
}

// Override puts an operator's value in place of a declared one, or takes it back.
// It returns when that is durable, and whether it changed anything.
func (m *Master) Override(ctx context.Context, o kernel.Override) (changed bool, err error) {
	l, err := m.acting()
	if err != nil {
		return false, err
	}
	ask := func() (kernel.Reply, error) {
		return l.ask(ctx, &submission{make: func(id kernel.ReplyID) kernel.Event {
			o.Reply = id
			return o
		}})
	}
	reply, err := ask()
	if errors.Is(err, kernel.ErrUnknown) {
		// The object may be of a revision that is not adopted yet.
		if err := l.refresh(ctx); err != nil {
			return false, err
		}
		reply, err = ask()
	}
	return reply.Value != "", err
}

// Operate carries out an operator's verb on an agent (name or uid).
func (m *Master) Operate(ctx context.Context, agent, verb, by string) error {
	l, err := m.acting()
	if err != nil {
		return err
	}
	reply, err := l.ask(ctx, &submission{make: func(id kernel.ReplyID) kernel.Event {
		return kernel.Operate{Reply: id, Agent: agent, Verb: verb, By: by}
	}})
	if err == nil && verb == "declare-dead" {
		l.sessions.expel(reply.Value) // should it live after all, it has to begin anew
	}
	return err
}

// Registration is the answer to an agent's first word.
type Registration struct {
	Session int64
	Epoch   int64
	Beat    int64
}

// Register makes a session for an agent; an older one of it is void. maxEpoch is
// the highest epoch the agent has obeyed: when it lies above one's own, the
// database has lost its tail; the master jumps above it and hears all agents
// before it decides anything.
func (m *Master) Register(ctx context.Context, a record.Agent, maxEpoch int64) (Registration, error) {
	l, err := m.acting()
	if err != nil {
		return Registration{}, err
	}
	if maxEpoch > l.term.Epoch() {
		if err := l.between(ctx, func(ctx context.Context) error { return l.jump(ctx, maxEpoch) }); err != nil {
			return Registration{}, err
		}
	}
	reply, err := l.ask(ctx, &submission{
		make:  func(id kernel.ReplyID) kernel.Event { return kernel.Register{Reply: id, Agent: a} },
		agent: a.UID,
		left:  ctx.Done(),
	})
	if err != nil {
		return Registration{}, err
	}
	if !l.term.Trust() {
		return Registration{}, m.notLeader()
	}
	return Registration{Session: reply.Session, Epoch: l.term.Epoch(), Beat: l.term.Beat()}, nil
}
