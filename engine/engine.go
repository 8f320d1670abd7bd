// Package engine is the assembly of the server half of lft: it opens the state,
// holds the lease, runs the master and serves the API, in the four modes the
// command line knows.
//
// It promises that every verb speaks to the same handler, whether over TCP, over
// the unix socket of the process that owns an embedded state, or in-process, and
// that what it opens it closes. It holds no rule of its own: it only knows who
// needs whom.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/leifengta/lft/providers"
)

// Mode says how much of an engine runs.
type Mode int

// The modes.
const (
	// ModeServer strives for the lease and listens on TCP.
	ModeServer Mode = iota
	// ModeDev owns an embedded state, with schedules.
	ModeDev
	// ModeRun owns an embedded state for its own duration: schedules are off,
	// and only executions started through it are acted on.
	ModeRun
	// ModeRead answers reads and changes of definitions; it never acts.
	ModeRead
)

// Config is what an Engine is made of.
type Config struct {
	State    string // mysql://USER:PASS@HOST:PORT/DB or sqlite://PATH
	Listen   string // HOST:PORT on loopback, "" = no TCP listener
	Blobs    string // directory of the bucket
	Version  string
	Mode     Mode
	Migrate  bool // bring an older schema up to date
	JobTypes providers.Set
	Log      *slog.Logger
	By       string // principal of in-process clients
}

// ErrOwned says that another process owns the embedded state; its socket is at
// store.SocketPath.
var ErrOwned = errors.New("another process owns the state")

// Engine is an opened engine. Close it, also when Run was never called.
type Engine struct {
	cfg Config
}

// Open opens the state and what else the mode needs, and listens. It makes the
// schema in an empty database.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	return nil, errors.New("internal error: no engine in this build")
}

// Run acts or stands by, and serves, until ctx ends; then it gives the lease up
// at once. It returns nil after a clean end.
func (e *Engine) Run(ctx context.Context) error {
	return errors.New("internal error: no engine in this build")
}

// Handler is the API. It answers whether or not this engine acts.
func (e *Engine) Handler() http.Handler { return http.NotFoundHandler() }

// Client is a client of the handler in this process, and the base URL to use
// with it. It works while Run does.
func (e *Engine) Client() (*http.Client, string) { return http.DefaultClient, "http://lft.invalid" }

// Addr is the address of the TCP listener, "" without one.
func (e *Engine) Addr() string { return "" }

// Leftovers names live executions that a ModeRun engine does not act on.
func (e *Engine) Leftovers() []string { return nil }

// Close closes what Open opened.
func (e *Engine) Close() error { return nil }
