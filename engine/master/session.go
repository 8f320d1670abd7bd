package master

import (
	"context"
	"sync"
	"time"

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

// Bounds of one Down.
const (
	maxDownTasks = 1 << 20 // bytes of tasks; one task may exceed it
	maxDownItems = 2048    // of each kind
	distrustPoll = 100 * time.Millisecond
)

// Session is one agent's stream. One goroutine sends, one receives.
type Session struct {
	l      *loop
	agent  string
	number int64
	ended  chan struct{} // closed when the session is void
	fresh  chan struct{} // buffered by one: there is something to tell
	clock  clock         // of Send alone

	mu     sync.Mutex
	why    error
	orders []kernel.Order
	kills  []kernel.Kill
	acks   []kernel.Ack
	asks   []TailRequest
	echo   int64
	tails  map[string]chan Tail
}

// Session opens the stream of a registered agent. Another stream of the same
// session ends.
func (m *Master) Session(_ context.Context, agentUID string, session int64) (*Session, error) {
	l, err := m.acting()
	if err != nil {
		return nil, err
	}
	return l.sessions.open(agentUID, session)
}

// Send hands in a message of the agent. It blocks while the loop is behind.
func (s *Session) Send(ctx context.Context, up Up) error {
	select {
	case <-s.ended:
		return s.reason()
	default:
	}
	for _, t := range up.Tails {
		s.tailed(t)
	}
	offset := s.clock.observe(s.l.term.Now(), up.SentAt)
	if up.Reconciled {
		err := s.submit(ctx, kernel.Reconcile{Agent: s.agent, Session: s.number, Tokens: up.Tokens}, 0)
		if err != nil {
			return err
		}
	}
	for i := range up.Reports {
		r := &up.Reports[i]
		r.StartedAt, r.EndedAt = shift(r.StartedAt, offset), shift(r.EndedAt, offset)
	}
	return s.submit(ctx, kernel.Reports{
		Agent: s.agent, Session: s.number, List: up.Reports, Chunks: up.Chunks, Draining: up.Draining,
	}, up.SentAt)
}

func (s *Session) submit(ctx context.Context, event kernel.Event, sent int64) error {
	select {
	case s.l.inbox <- &submission{event: event, session: s, echo: sent}:
		return nil
	case <-s.ended: // at the latest with the term
		return s.reason()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Recv waits for something to tell the agent. It joins what has piled up, up to
// a size that fits one message. It fails when the session is void, the term has
// ended, or ctx has. While the lease is not trusted it tells nothing.
func (s *Session) Recv(ctx context.Context) (Down, error) {
	for {
		trusted := s.l.term.Trust()
		if trusted {
			if d, ok := s.take(); ok {
				d.Epoch, d.Beat = s.l.term.Epoch(), s.l.term.Beat()
				return d, nil
			}
		}
		var again <-chan time.Time
		if !trusted {
			again = time.After(distrustPoll)
		}
		select {
		case <-s.fresh:
		case <-again:
		case <-s.ended:
			return Down{}, s.reason()
		case <-ctx.Done():
			return Down{}, context.Cause(ctx)
		}
	}
}

func (s *Session) take() (Down, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why != nil || len(s.orders)+len(s.kills)+len(s.acks)+len(s.asks) == 0 && s.echo == 0 {
		return Down{}, false
	}
	d := Down{Echo: s.echo}
	s.echo = 0
	n, size := 0, 0
	for n < len(s.orders) && n < maxDownItems && (n == 0 || size+len(s.orders[n].Task) <= maxDownTasks) {
		size += len(s.orders[n].Task)
		n++
	}
	d.Orders, s.orders = cut(s.orders, n)
	d.Kills, s.kills = cut(s.kills, maxDownItems)
	d.Acks, s.acks = cut(s.acks, maxDownItems)
	d.Tails, s.asks = cut(s.asks, maxDownItems)
	return d, true
}

// cut takes at most n from the front.
func cut[T any](list []T, n int) (front, rest []T) {
	if len(list) <= n {
		return list, nil
	}
	return list[:n:n], list[n:]
}

// Close ends the stream; the agent may open another one of the same session.
func (s *Session) Close() { s.l.sessions.drop(s) }

func (s *Session) wake() {
	select {
	case s.fresh <- struct{}{}:
	default:
	}
}

func (s *Session) reason() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// end makes the session void.
func (s *Session) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		s.why = why
		close(s.ended)
	}
}

// answered notes that the message sent at t has been taken in.
func (s *Session) answered(t int64) {
	if t == 0 {
		return
	}
	s.mu.Lock()
	s.echo = max(s.echo, t)
	s.mu.Unlock()
	s.wake()
}

// clock maps the agent's boot-time clock onto the database's. A message takes
// time to arrive, so the smallest difference of late is the truest.
type clock struct {
	offset int64 // µs
	since  int64 // database time the offset was taken at; 0 = never
}

const clockWindow = 60_000_000 // µs; clocks may drift by so much time's worth

func (c *clock) observe(now, sent int64) int64 {
	offset := now - sent
	if c.since == 0 || offset <= c.offset || now-c.since > clockWindow {
		c.offset, c.since = offset, now
	}
	return c.offset
}

func shift(t record.Time, offset int64) record.Time {
	if t == 0 {
		return 0
	}
	return t + record.Time(offset)
}

// sessions are the agents of this term.
type sessions struct {
	l  *loop
	mu sync.Mutex
	// numbers holds the session each agent has registered, byAgent its open
	// stream.
	numbers map[string]int64
	byAgent map[string]*Session
	over    error // set when the term has ended
}

func (t *sessions) init(l *loop) {
	t.l, t.numbers, t.byAgent = l, make(map[string]int64), make(map[string]*Session)
}

func (t *sessions) registered(agent string, number int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.numbers[agent] = number
	if old := t.byAgent[agent]; old != nil {
		old.end(ErrSessionVoid)
		delete(t.byAgent, agent)
	}
}

func (t *sessions) open(agent string, number int64) (*Session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over != nil {
		return nil, t.over
	}
	if known, ok := t.numbers[agent]; !ok || known != number {
		return nil, ErrSessionVoid
	}
	if old := t.byAgent[agent]; old != nil {
		old.end(ErrSessionVoid)
	}
	s := &Session{
		l: t.l, agent: agent, number: number,
		ended: make(chan struct{}), fresh: make(chan struct{}, 1), tails: make(map[string]chan Tail),
	}
	t.byAgent[agent] = s
	return s, nil
}

func (t *sessions) drop(s *Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.end(ErrSessionVoid)
	if t.byAgent[s.agent] == s {
		delete(t.byAgent, s.agent)
	}
}

// expel ends the session of an agent that the kernel has none with any more: its
// messages would be answered, and nothing would follow from them.
func (t *sessions) expel(agent string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.byAgent[agent]; s != nil {
		s.end(ErrSessionVoid)
		delete(t.byAgent, agent)
	}
	delete(t.numbers, agent)
}

// void ends all sessions; agents have to register again.
func (t *sessions) void(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for agent, s := range t.byAgent {
		s.end(why)
		delete(t.byAgent, agent)
	}
	clear(t.numbers)
}

// close ends all sessions for good: the term is over.
func (t *sessions) close(why error) {
	t.void(why)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = why
}

// of finds the open stream of an agent's session.
func (t *sessions) of(agent string, number int64) *Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.byAgent[agent]; s != nil && (number == 0 || s.number == number) {
		return s
	}
	return nil // it will register again and hear it then
}

func (t *sessions) order(o *kernel.Order) {
	if s := t.of(o.Agent, o.Session); s != nil {
		s.mu.Lock()
		s.orders = append(s.orders, *o)
		s.mu.Unlock()
		s.wake()
	}
}

func (t *sessions) kill(k *kernel.Kill) {
	if s := t.of(k.Agent, k.Session); s != nil {
		s.mu.Lock()
		s.kills = append(s.kills, *k)
		s.mu.Unlock()
		s.wake()
	}
}

func (t *sessions) ack(a *kernel.Ack) {
	if s := t.of(a.Agent, a.Session); s != nil {
		s.mu.Lock()
		s.acks = append(s.acks, *a)
		s.mu.Unlock()
		s.wake()
	}
}
