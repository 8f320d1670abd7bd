package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/engine/api"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
)

// Waiting for a master. A session that breaks is replaced at once; only when no
// master takes the agent it waits, a little longer each round.
const (
	dialWait     = 2 * time.Second
	registerWait = 2 * time.Second
	pingAfter    = 3 * time.Second // of silence; with pingWait no longer than brain.SilentAfter
	pingWait     = 2 * time.Second
	firstPause   = 50 * time.Millisecond
	lastPause    = 700 * time.Millisecond
	refusedPause = 5 * time.Second // after a refusal that only a person can change
	shortSession = 3 * time.Second // one that ended sooner counts as a failure
)

// link is the way to the masters: it finds the acting one and holds the stream
// of the one open session.
type link struct {
	a     *agent
	http  *http.Client
	owned *http.Transport // nil when the client was handed in
	tasks sync.WaitGroup

	// Of the one call of register.
	hint   string        // address of the leader, as a standby named it
	refuse string        // the refusal that was logged last
	since  time.Time     // when the last session was made
	pause  time.Duration // before the next round

	mu     sync.Mutex
	first  int    // index into Masters of the one to ask first
	base   string // of the master that registered the agent
	stream *stream
}

func newLink(a *agent) *link {
	l := &link{a: a, http: a.c.HTTP}
	if l.http == nil {
		l.owned = transport((&net.Dialer{Timeout: dialWait}).DialContext)
		l.http = &http.Client{Transport: l.owned}
	}
	return l
}

// transport speaks HTTP/2 with and without TLS. A connection whose other end has
// vanished without a word is found out by pings, before the next session is asked for
// by it.
func transport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	protocols.SetHTTP2(true)
	return &http.Transport{
		Protocols:   protocols,
		DialContext: dial,
		HTTP2:       &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingWait},
	}
}

func (l *link) close() {
	l.tasks.Wait()
	if l.owned != nil {
		l.owned.CloseIdleConnections()
	}
}

// client speaks plainly: to compress each small message costs more than all else
// on its way.
func (l *link) client(base string) lftv1connect.AgentServiceClient {
	return lftv1connect.NewAgentServiceClient(l.http, base, connect.WithAcceptCompression("gzip", nil, nil))
}

// register asks one master after the other until one takes the agent, and says
// so to the brain. One call runs at a time.
func (l *link) register(ctx context.Context, req *lftv1.RegisterRequest) {
	if time.Since(l.since) > shortSession {
		l.pause = 0
	}
	for {
		if !l.rest(ctx) {
			return
		}
		r, base, err := l.round(ctx, req)
		if err == nil {
			l.refuse = ""
			l.since = time.Now()
			l.mu.Lock()
			l.base = base
			l.mu.Unlock()
			l.a.log.Info("registered", "master", base, "session", r.GetSession(), "epoch", r.GetEpoch())
			l.a.post(brain.Registered{Session: r.GetSession(), Epoch: r.GetEpoch(), Beat: r.GetBeat()})
			return
		}
		if ctx.Err() != nil {
			return
		}
		if refused(err) {
			l.pause = refusedPause
		}
		l.complain(err)
	}
}

// rest waits before a round, not before the first one after a session that has
// lived; false when ctx has ended.
func (l *link) rest(ctx context.Context) bool {
	pause := l.pause
	l.pause = min(max(2*pause, firstPause), lastPause)
	if pause == 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause/2 + rand.N(pause)):
		return true
	}
}

// round asks each master once, the one a standby named first.
func (l *link) round(ctx context.Context, req *lftv1.RegisterRequest) (*lftv1.RegisterResponse, string, error) {
	var all error
	asked := make(map[string]bool)
	masters := l.a.c.Masters
	l.mu.Lock()
	first := l.first
	l.mu.Unlock()
	for i := 0; i < len(masters) || l.hint != ""; {
		base := l.hint
		l.hint = ""
		if base == "" {
			base = masters[(first+i)%len(masters)]
			i++
		}
		if asked[base] {
			continue
		}
		asked[base] = true
		r, err := l.ask(ctx, base, req)
		if err == nil {
			return r, base, nil
		}
		all = errors.Join(all, fmt.Errorf("%s: %w", base, err))
		if refused(err) || ctx.Err() != nil {
			break
		}
		l.hint = leader(err)
	}
	return nil, "", all
}

func (l *link) ask(ctx context.Context, base string, req *lftv1.RegisterRequest) (*lftv1.RegisterResponse, error) {
	soon, cancel := context.WithTimeout(ctx, registerWait)
	defer cancel()
	r, err := l.client(base).Register(soon, req)
	if err != nil {
		return nil, err
	}
	return r, l.a.useBucket(ctx, r.GetBucket(), r.GetClusterId())
}

// leader is the address an error names as the acting master's, or "".
func leader(err error) string {
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return ""
	}
	address := coded.Meta().Get(api.LeaderHeader)
	if address != "" && !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return address
}

// refused reports whether an error is a decision about this agent, which asking
// again soon does not change.
func refused(err error) bool {
	if errors.Is(err, errBucket) {
		return true
	}
	switch connect.CodeOf(err) {
	case connect.CodeFailedPrecondition, connect.CodeAlreadyExists, connect.CodeInvalidArgument,
		connect.CodePermissionDenied, connect.CodeUnauthenticated, connect.CodeUnimplemented:
		return true
	default:
		return false
	}
}

// complain logs an error, a refusal louder than an absence, and neither again
// while it stays the same.
func (l *link) complain(err error) {
	text := err.Error()
	if text == l.refuse {
		return
	}
	l.refuse = text
	if refused(err) {
		l.a.log.Error("the master refuses this agent", "error", err)
		return
	}
	l.a.log.Warn("no master takes this agent; trying again", "error", err)
}

// send puts a message on the session's stream, opening it for the first one.
func (l *link) send(ctx context.Context, up *brain.Up) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if up.Hello {
		l.stream = l.open(ctx, l.base, up.Session)
	}
	if s := l.stream; s != nil && s.session == up.Session {
		s.ups <- up // has room for the one message the brain lets out
	}
}

// hangup ends the stream of a session; the brain hears that it has ended.
func (l *link) hangup(session int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first++ // whoever was left, ask another first
	if l.stream != nil && l.stream.session == session {
		l.stream.cancel()
		return
	}
	// Refused before its stream was opened.
	l.a.post(brain.Disconnected{Session: session})
}
