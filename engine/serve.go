package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/leifengta/lft/engine/api"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/store"
)

// Bounds of the servers. A stream may live for ever, so there is no limit on a
// whole request; a peer that is gone is found out by pings.
const (
	headersIn   = 5 * time.Second
	idleFor     = 2 * time.Minute
	maxHeaders  = 64 << 10
	maxStreams  = 256 // of one connection
	pingAfter   = 5 * time.Second
	pingWithin  = 5 * time.Second
	stopIn      = time.Second // for requests under way, when the engine ends
	askLeaderIn = time.Second
)

// Run acts or stands by, and serves, until ctx ends; then it gives the lease up
// at once. It returns nil after a clean end.
func (e *Engine) Run(ctx context.Context) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, serving := errgroup.WithContext(serving)
	for _, l := range []net.Listener{e.pipe, e.tcp, e.local} {
		if l != nil {
			g.Go(func() error { return e.serve(serving, l) })
		}
	}
	g.Go(func() error {
		defer stop() // the lease goes first: the next master need not wait
		acting, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(serving, cancel)()
		if e.runner == nil {
			<-acting.Done()
			return nil
		}
		return e.runner.Run(acting, func(ctx context.Context, t *lease.Term) error {
			defer collecting(ctx, e.depot.Collect, e.cfg.Log)()
			defer collecting(ctx, e.deploy.Collect, e.cfg.Log)()
			return e.master.Act(ctx, t)
		})
	})
	return g.Wait()
}

func (e *Engine) serve(ctx context.Context, l net.Listener) error {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{
		Handler:           e.handler,
		Protocols:         protocols,
		ReadHeaderTimeout: headersIn,
		IdleTimeout:       idleFor,
		MaxHeaderBytes:    maxHeaders,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      pingAfter,
			PingTimeout:          pingWithin,
		},
		ErrorLog: nil,
	}
	stopped := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(stopped)
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopIn)
		defer cancel()
		if s.Shutdown(ending) != nil {
			_ = s.Close() // streams that nobody ends
		}
	})
	err := s.Serve(l)
	if !unhook() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

// listen refuses what would be open to others while there is neither TLS nor an
// identity to check.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: write HOST:PORT, such as 127.0.0.1:7420", address)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return nil, fmt.Errorf("listen on %q: only loopback addresses are served; TLS and the identity of callers, which others need, are missing in this version", address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// listenLocal serves the owner's socket of an embedded state.
func listenLocal(ctx context.Context, path string) (net.Listener, error) {
	socket, err := store.SocketPath(path)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove a dead owner's socket: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("listen on the owner's socket: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("the owner's socket: %w", err), l.Close())
	}
	return l, nil
}

// closer closes a listener that a server may have closed already.
func closer(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// Client is a client of the handler in this process, and the base URL to use
// with it. It works while Run does.
func (e *Engine) Client() (*http.Client, string) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	t := &http.Transport{
		Protocols: protocols,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return e.pipe.dial(ctx)
		},
	}
	return &http.Client{Transport: named{t, e.cfg.By}}, "http://lft"
}

// named says who calls where the caller does not.
type named struct {
	*http.Transport
	by string
}

// RoundTrip implements http.RoundTripper.
func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.by != "" && r.Header.Get(api.ByHeader) == "" {
		r = r.Clone(r.Context())
		r.Header.Set(api.ByHeader, n.by)
	}
	return n.Transport.RoundTrip(r)
}

// pipe is a listener inside the process.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipe) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept implements net.Listener.
func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr implements net.Listener.
func (p *pipe) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// elsewhere is the bucket of an engine that has none: the acting master's has
// what is asked for, so its address is the answer.
type elsewhere struct{ where func() error }

func (b elsewhere) Put(context.Context, string, io.Reader, int64) error { return b.where() }

func (b elsewhere) Get(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, b.where()
}

func (b elsewhere) List(context.Context, string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) { yield(blob.Object{}, b.where()) }
}

func (b elsewhere) Delete(context.Context, string) error { return b.where() }
