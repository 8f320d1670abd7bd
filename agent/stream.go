package agent

import (
	"context"
	"errors"
	"io"
	"sync"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/agent/brain"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// stream is the open stream of one session.
type stream struct {
	a       *agent
	session int64
	cancel  context.CancelFunc
	ups     chan *brain.Up

	mu    sync.Mutex
	tails []*lftv1.TailData
	kick  chan struct{} // something is in tails
}

type clientStream = connect.BidiStreamForClientSimple[lftv1.SessionRequest, lftv1.SessionResponse]

// open starts a stream whose end the brain hears of.
func (l *link) open(ctx context.Context, base string, session int64) *stream {
	ctx, cancel := context.WithCancel(ctx)
	s := &stream{
		a: l.a, session: session, cancel: cancel,
		ups: make(chan *brain.Up, 1), kick: make(chan struct{}, 1),
	}
	l.tasks.Go(func() {
		defer cancel()
		err := s.serve(ctx, base, l)
		if ctx.Err() == nil && !errors.Is(err, io.EOF) {
			l.a.log.Warn("the session has ended", "master", base, "session", session, "error", err)
		}
		l.a.post(brain.Disconnected{Session: session})
	})
	return s
}

// serve runs both directions until one of them ends.
func (s *stream) serve(ctx context.Context, base string, l *link) error {
	conn, err := l.client(base).Session(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseResponse() }()
	var sender sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	sender.Go(func() {
		// A broken send shows as the end of what is received.
		_ = s.transmit(ctx, conn)
		_ = conn.CloseRequest()
	})
	err = s.receive(ctx, conn)
	cancel()
	s.cancel()
	sender.Wait()
	return err
}

// transmit sends one message at a time; what comes up meanwhile waits and goes
// together.
func (s *stream) transmit(ctx context.Context, conn *clientStream) error {
	draining := false
	for {
		var up *brain.Up
		select {
		case <-ctx.Done():
			return ctx.Err()
		case up = <-s.ups:
			draining = up.Draining
		case <-s.kick:
		}
		news := up
		if news == nil { // only a tail
			news = &brain.Up{Session: s.session, SentAt: now(), Draining: draining}
		}
		m := sessionRequest(s.a.id.uid, news)
		m.Tail = s.takeTails()
		if err := conn.Send(m); err != nil {
			return err
		}
		if up != nil {
			s.a.post(brain.Sent{Session: s.session})
		}
	}
}

// takeTails returns answers that fit into one message.
func (s *stream) takeTails() []*lftv1.TailData {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.tails), tailsPerMessage)
	tails := s.tails[:n:n]
	if s.tails = s.tails[n:]; len(s.tails) > 0 {
		s.wake()
	}
	return tails
}

func (s *stream) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

func (s *stream) receive(ctx context.Context, conn *clientStream) error {
	for {
		m, err := conn.Receive()
		if err != nil {
			return err
		}
		s.a.post(message(s.session, m))
		for _, t := range m.GetTails() {
			go s.tail(ctx, t)
		}
	}
}

// Bounds of tails, whatever was asked for: bytes of one answer, and answers in
// one message, which a master takes up to 4 MiB.
const (
	tailLimit       = 512 << 10
	tailsPerMessage = 4
)

// tail answers a request for spool bytes.
func (s *stream) tail(ctx context.Context, t *lftv1.Tail) {
	answer := &lftv1.TailData{Request: t.GetRequest(), From: t.GetFrom()}
	var err error
	answer.Data, answer.Eof, err = s.a.spool(ctx, t.GetToken(), t.GetFrom(), min(int(t.GetMax()), tailLimit))
	if err != nil {
		answer.Error = err.Error()
	}
	s.mu.Lock()
	s.tails = append(s.tails, answer)
	s.mu.Unlock()
	s.wake()
}
