package master

import (
	"context"
	"strconv"
	"time"
)

// Bounds of tails: what waits for one agent, how much one answer holds, and how
// long an agent may take.
const (
	maxTails  = 64
	maxTail   = 1 << 20
	tailIn    = 5 * time.Second
	firstTail = 64 << 10 // when the caller names no limit
)

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
	Error string // the agent's refusal, for people: freed by now, or never there
}

// Tail asks an agent for bytes of an attempt's log that are not shipped yet.
func (m *Master) Tail(ctx context.Context, agentUID, token string, from int64, limit int) (Tail, error) {
	l, err := m.acting()
	if err != nil {
		return Tail{}, err
	}
	s := l.sessions.of(agentUID, 0)
	if s == nil {
		return Tail{}, ErrNotConnected
	}
	if limit <= 0 {
		limit = firstTail
	}
	id := strconv.FormatUint(m.tails.Add(1), 10)
	answer, err := s.ask(TailRequest{ID: id, Token: token, From: from, Max: min(limit, maxTail)})
	if err != nil {
		return Tail{}, err
	}
	defer s.forget(id)
	timer := time.NewTimer(tailIn)
	defer timer.Stop()
	select {
	case t := <-answer:
		return t, nil
	case <-timer.C:
		return Tail{}, ErrNotConnected
	case <-s.ended:
		return Tail{}, ErrNotConnected
	case <-ctx.Done():
		return Tail{}, context.Cause(ctx)
	}
}

func (s *Session) ask(r TailRequest) (<-chan Tail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tails) >= maxTails {
		return nil, ErrBusy
	}
	answer := make(chan Tail, 1)
	s.tails[r.ID] = answer
	s.asks = append(s.asks, r)
	s.wake()
	return answer, nil
}

func (s *Session) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tails, id)
}

// tailed hands an answer to who asked; a second one, or one too late, is
// dropped.
func (s *Session) tailed(t Tail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer, ok := s.tails[t.ID]; ok {
		answer <- t
		delete(s.tails, t.ID)
	}
}
