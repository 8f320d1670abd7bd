package cli

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/engine/api"
)

// anywhere is the base URL of all calls; route puts the real one in its place.
const anywhere = "http://lft"

// home is one place where the API may answer.
type home interface {
	// reach returns the client to ask with, and the base of the URL.
	reach(ctx context.Context) (*http.Client, *url.URL, error)
	// lost says that what reach returned does not answer any more.
	lost()
	// alone says that whoever answers there is the only one that ever could.
	alone() bool
	close() error
}

// route sends every call to the home that answers. It follows a standby's word
// to the leader, and asks again when a home is lost, for as long as patience
// lasts. It is both the transport and the interceptor of the clients.
type route struct {
	patience time.Duration
	by       string
	note     func(format string, args ...any) // tells the user that he has to wait; may be nil

	mu    sync.Mutex
	homes []home
	at    int
}

// Do sends a request to the home of the moment.
func (r *route) Do(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	h := r.homes[r.at]
	r.mu.Unlock()
	client, base, err := h.reach(req.Context())
	if err != nil {
		return nil, err
	}
	req.URL.Scheme, req.URL.Host, req.Host = base.Scheme, base.Host, base.Host
	return client.Do(req)
}

// The pauses between two questions double; at tellAfter, half a second after the
// first, the user is told.
const (
	firstPause = 20 * time.Millisecond
	tellAfter  = 16 * firstPause
)

// WrapUnary repeats calls that found nobody.
func (r *route) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		req.Header().Set(api.ByHeader, r.by)
		deadline := time.Now().Add(r.patience)
		for pause := firstPause; ; pause = min(2*pause, time.Second) {
			res, err := next(ctx, req)
			if err == nil || !r.worth(ctx, err, deadline) {
				return res, err
			}
			if r.turn(err) {
				continue // to the leader, at once
			}
			if pause == tellAfter && r.note != nil {
				r.note("%v; asking again\n", problem(err))
			}
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(pause):
			}
		}
	}
}

// worth reports whether it is worth asking again.
func (r *route) worth(ctx context.Context, err error, deadline time.Time) bool {
	if _, final := errors.AsType[*finalError](err); final || connect.CodeOf(err) != connect.CodeUnavailable && !severed(err) {
		return false
	}
	r.mu.Lock()
	alone := len(r.homes) == 1 && r.homes[0].alone()
	r.mu.Unlock()
	return !alone && ctx.Err() == nil && time.Now().Before(deadline)
}

// severed tells that the way to the answer broke, wherever it was at that moment:
// nobody has said what is wrong. The code says little here: a reset comes as
// "canceled" at times, and a connection that does not answer any more as "unknown".
func severed(err error) bool {
	_, sending := errors.AsType[*url.Error](err)
	_, reset := errors.AsType[*net.OpError](err)
	coded, ok := errors.AsType[*connect.Error](err)
	silent := ok && coded.Code() == connect.CodeUnknown
	short := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	return (sending || reset || silent || short) && !connect.IsWireError(err)
}

// turn chooses where the next call goes. It reports true when the answer named
// the leader, so that there is nothing to wait for.
func (r *route) turn(err error) bool {
	answer, said := errors.AsType[*connect.Error](err)
	said = said && answer.Meta().Values(api.LeaderHeader) != nil
	r.mu.Lock()
	defer r.mu.Unlock()
	if said {
		if base, err := baseURL(answer.Meta().Get(api.LeaderHeader)); err == nil {
			return r.follow(base)
		}
		return false // it answers, and says that nobody acts yet
	}
	r.homes[r.at].lost()
	r.at = (r.at + 1) % len(r.homes)
	return false
}

// follow goes to the leader, and reports false when that is where the answer
// came from.
func (r *route) follow(base *url.URL) bool {
	for i, h := range r.homes {
		if known, ok := h.(*remote); ok && *known.base == *base {
			moved := r.at != i
			r.at = i
			return moved
		}
	}
	r.homes = append(r.homes, newRemote(base))
	r.at = len(r.homes) - 1
	return true
}

// WrapStreamingClient says who asks. A broken stream is the verb's to ask for
// again, from where it was.
func (r *route) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set(api.ByHeader, r.by)
		return conn
	}
}

// WrapStreamingHandler is not used by clients.
func (r *route) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

func (r *route) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, h := range r.homes {
		errs = append(errs, h.close())
	}
	return errors.Join(errs...)
}

// remote is a master that listens on TCP.
type remote struct {
	base   *url.URL
	client *http.Client
}

func newRemote(base *url.URL) *remote {
	return &remote{base: base, client: &http.Client{Transport: transport(nil)}}
}

func (h *remote) reach(context.Context) (*http.Client, *url.URL, error) { return h.client, h.base, nil }

func (h *remote) alone() bool { return false }

func (h *remote) lost() { h.client.CloseIdleConnections() }

func (h *remote) close() error {
	h.client.CloseIdleConnections()
	return nil
}

// finalError is one that asking again cannot mend.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// problem is what a person is told of an error: that of the API without the name
// of its code.
func problem(err error) error {
	answer, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return err
	}
	text := answer.Message()
	if final, ok := errors.AsType[*finalError](err); ok {
		text = final.Error()
	} else if answer.Code() == connect.CodeUnavailable && !connect.IsWireError(err) {
		text = "nobody answers: " + text
	}
	return errors.New(strings.Replace(err.Error(), answer.Error(), text, 1))
}
