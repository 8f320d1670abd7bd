package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/leifengta/lft/engine"
	"github.com/leifengta/lft/engine/store"
)

// opened is a state this process opens itself. A file has one owner at a time:
// while another process owns it, that one is asked over its socket; when it goes,
// this process takes its place.
type opened struct {
	app   *app
	state string
	part  part

	mu      sync.Mutex
	client  *http.Client // nil while nothing is open
	base    *url.URL
	dialled bool         // another process owns the state
	end     func() error // stops what was opened here
	rest    func() []string
}

// part is what a process is to a file that it owns.
type part int

const (
	reader   part = iota // it reads, and changes definitions
	operator             // it is the master, too, for an order
	actor                // it is master and agent, for what is started here
)

func (h *opened) reach(ctx context.Context) (*http.Client, *url.URL, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.client != nil {
		return h.client, h.base, nil
	}
	deadline := time.Now().Add(answerWithin)
	for {
		err := h.open(ctx)
		if !errors.Is(err, engine.ErrOwned) {
			return h.client, h.base, err
		}
		if h.dial(ctx) {
			return h.client, h.base, nil
		}
		if time.Now().After(deadline) {
			return nil, nil, &finalError{fmt.Errorf("%w; it does not answer", err)}
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// open opens the state in this process.
func (h *opened) open(ctx context.Context) error {
	cfg := h.app.embedded(h.state, engine.ModeRead)
	if h.part != reader && cfg.Blobs != "" {
		cfg.Mode = engine.ModeRun
	}
	if err := makeFolders(cfg); err != nil {
		return &finalError{err}
	}
	e, err := engine.Open(ctx, cfg)
	switch {
	case errors.Is(err, engine.ErrOwned):
		return err
	case err != nil:
		return &finalError{err}
	}
	// It serves until the verb is done, not until it is interrupted.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		if cfg.Mode == engine.ModeRun && h.part == actor {
			done <- h.app.host(running, e, cfg)
		} else {
			done <- e.Run(running)
		}
	}()
	h.rest = e.Leftovers
	client, base := e.Client()
	h.client, h.dialled = client, false
	h.base, err = url.Parse(base)
	h.end = func() error {
		stop()
		return errors.Join(<-done, e.Close())
	}
	return err
}

// dial asks the owner of the file, and reports whether it answers.
func (h *opened) dial(ctx context.Context) bool {
	path, ok := strings.CutPrefix(h.state, "sqlite://")
	if !ok {
		return false
	}
	socket, err := store.SocketPath(path)
	if err != nil {
		return false
	}
	dial := func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "unix", socket) }
	conn, err := dial(ctx)
	if err != nil {
		return false
	}
	conn.Close()
	h.client, h.dialled = &http.Client{Transport: transport(dial)}, true
	h.base = &url.URL{Scheme: "http", Host: "lft"}
	h.end = func() error { return nil }
	return true
}

// lost forgets a dialled owner; what is open here cannot get lost.
func (h *opened) lost() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dialled && h.client != nil {
		h.client.CloseIdleConnections()
		h.client = nil
	}
}

// alone is true of a file that is open here and only read: nobody acts on it, and
// nobody can.
func (h *opened) alone() bool { return h.owns() && h.part == reader }

// owns is true of a file that is open here.
func (h *opened) owns() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.client != nil && !h.dialled && strings.HasPrefix(h.state, "sqlite://")
}

func (h *opened) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.client == nil {
		return nil
	}
	h.client.CloseIdleConnections()
	h.client = nil
	return h.end()
}

// transport speaks HTTP/2 with and without TLS, on TCP or as dial says.
func transport(dial func(context.Context) (net.Conn, error)) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	t := &http.Transport{
		Protocols: protocols,
		HTTP2:     &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second},
	}
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	t.DialContext = dialer.DialContext
	if dial != nil {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	}
	return t
}
