package master

import (
	"context"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

// Up is one message of an agent. All times in it are the agent's boot-time
// clock, µs; the session brings them onto the database's clock.
type Up struct {
	SentAt     int64
	Reconciled bool // Tokens is complete: the first message of a session
	Tokens     []kernel.TokenState
	Reports    []kernel.Report
	Chunks     []record.Chunk
	Tails      []Tail
	Draining   bool
}

// Down is one message to an agent.
type Down struct {
	Epoch, Beat int64
	Orders      []kernel.Order
	Kills       []kernel.Kill
	Acks        []kernel.Ack
	Tails       []TailRequest
	Echo        int64 // SentAt of the last message answered, 0 = none new
}

// TailRequest asks an agent for bytes of its spool.
type TailRequest struct {
	ID    string
	Token string
	From  int64
	Max   int
}

// Tail is bytes of a spool, from From on.
type Tail struct {
	ID    string
	From  int64
	Data  []byte
	EOF   bool   // nothing follows
	Error string // for people
}

// Session is one agent's stream. One goroutine sends, one receives.
type Session struct{}

// Send hands in a message of the agent. It blocks while the loop is behind.
func (s *Session) Send(ctx context.Context, up Up) error { return ErrSessionVoid }

// Recv waits for something to tell the agent. It joins what has piled up, up to
// a size that fits one message. It fails when the session is void, the term has
// ended, or ctx has.
func (s *Session) Recv(ctx context.Context) (Down, error) { return Down{}, ErrSessionVoid }

// Close ends the stream; the agent may open another one of the same session.
func (s *Session) Close() {}
