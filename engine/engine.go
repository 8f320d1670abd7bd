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
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/dirblob"
	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/generate"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/server"
	"github.com/leifengta/lft/engine/store"
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
	Blobs    string // directory of the bucket; "" = beside an embedded state
	Version  string
	Mode     Mode
	Migrate  bool // bring an older schema up to date
	JobTypes providers.Set
	Log      *slog.Logger // nil = silent
	By       string       // principal of in-process clients that name none
}

// ErrOwned says that another process owns the embedded state; its socket is at
// store.SocketPath.
var ErrOwned = store.ErrOwned

// Engine is an opened engine. Close it, also when Run was never called.
type Engine struct {
	cfg     Config
	store   *store.Store
	bucket  server.Bucket
	deploy  *deploy.Service
	depot   *deploy.Depot
	master  *master.Master
	runner  *lease.Runner // nil in ModeRead
	handler http.Handler

	tcp   net.Listener // nil without Config.Listen
	local net.Listener // unix socket of an embedded state, or nil
	pipe  *pipe
	close []func() error // in this order
}

// Open opens the state and what else the mode needs, and listens. It makes the
// schema in an empty database.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	e := &Engine{cfg: cfg, pipe: newPipe()}
	e.close = append(e.close, e.pipe.Close)
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Engine) open(ctx context.Context) (err error) {
	// A taken port is said before anything is made.
	if e.cfg.Listen != "" {
		if e.tcp, err = listen(ctx, e.cfg.Listen); err != nil {
			return err
		}
		e.close = append(e.close, closer(e.tcp))
	}
	path, embedded := strings.CutPrefix(e.cfg.State, "sqlite://")
	if !embedded {
		path = ""
	}
	if !embedded && (e.cfg.Mode == ModeDev || e.cfg.Mode == ModeRun) {
		return errors.New("this mode works on the embedded state of a folder alone")
	}
	e.store, err = store.Open(ctx, e.cfg.State, store.Options{Log: e.cfg.Log, Migrate: e.cfg.Migrate})
	if err != nil {
		return err
	}
	e.close = append(e.close, e.store.Close)
	if embedded {
		// The lock of the file is ours, so a socket that is there is a dead
		// owner's. It goes before the lock does.
		if e.local, err = listenLocal(ctx, path); err != nil {
			return err
		}
		e.close = append([]func() error{closer(e.local)}, e.close...)
	}
	if err := e.openBucket(ctx, path); err != nil {
		return err
	}
	e.assemble()
	return nil
}

// openBucket opens the directory of logs and makes sure that it is this
// cluster's. A reader of shared state has none: whoever acts has.
func (e *Engine) openBucket(ctx context.Context, embedded string) error {
	dir := e.cfg.Blobs
	switch {
	case dir == "" && embedded != "":
		dir = filepath.Join(filepath.Dir(embedded), "blobs")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("bucket: %w", err)
		}
	case dir == "":
		e.bucket = server.Bucket{Bucket: elsewhere{e.notHere}}
		return nil
	}
	bucket, err := dirblob.Open(dir)
	if err != nil {
		return fmt.Errorf("bucket %s: %w", dir, err)
	}
	e.close = append(e.close, bucket.Close)
	if err := blob.Claim(ctx, bucket, e.store.ClusterID()); err != nil {
		return fmt.Errorf("bucket %s: %w", dir, err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("bucket %s: %w", dir, err)
	}
	e.bucket = server.Bucket{Bucket: bucket, Address: dirblob.Address(abs), Cluster: e.store.ClusterID()}
	return nil
}

// assemble makes what only refers to what is open.
func (e *Engine) assemble() {
	if e.cfg.Mode != ModeRead {
		e.runner = &lease.Runner{
			Office: e.store.Office(),
			Me:     lease.Holder{ID: master.NewID(), Address: e.address()},
			Clock:  lease.BootTime,
			Log:    e.cfg.Log,
		}
	}
	e.master = master.New(master.Config{
		Book:        e.store,
		Definitions: e.store,
		Generator:   generate.New(e.cfg.JobTypes, e.store.Specs, e.store.ObjectsAt, e.store.Dependencies),
		Log:         e.cfg.Log,
		Solo:        e.cfg.Mode == ModeRun,
		Leader:      e.leaderAddress,
	})
	e.deploy = deploy.New(e.store)
	e.depot = deploy.NewDepot(e.store, e.bucket, e.store.ClusterID())
	e.handler = server.New(server.Deps{
		History:     e.store,
		Logs:        e.store,
		Definitions: e.store,
		Present:     e.store,
		Overrides:   e.store,
		Deploy:      e.deploy,
		Depot:       e.depot,
		Runs:        e.master,
		Fleet:       e.master,
		Leader:      e.leader,
		Bucket:      e.bucket,
		Version:     e.cfg.Version,
		Log:         e.cfg.Log,
	})
}

// address is where this engine's API is reached, as others are told.
func (e *Engine) address() string {
	switch {
	case e.tcp != nil:
		return "http://" + e.Addr()
	case e.local != nil:
		return "unix:" + e.local.Addr().String()
	}
	return ""
}

// leader asks the database who acts.
func (e *Engine) leader(ctx context.Context) (server.Leader, error) {
	seat, err := e.store.Leader(ctx)
	if err != nil {
		return server.Leader{}, err
	}
	l := server.Leader{Epoch: seat.Epoch}
	if seat.Epoch != 0 && !seat.Resigned && !seat.Gone {
		l.Address, l.Since = seat.Holder.Address, record.Time(seat.Since)
		l.Self = e.runner != nil && e.runner.Me.ID == seat.Holder.ID
	}
	return l, nil
}

// leaderAddress is who acts as far as is known without waiting; only an engine
// that never looks by itself asks the database.
func (e *Engine) leaderAddress() string {
	if e.runner == nil {
		ctx, cancel := context.WithTimeout(context.Background(), askLeaderIn)
		defer cancel()
		l, err := e.leader(ctx)
		if err != nil {
			return ""
		}
		return l.Address
	}
	seat, self := e.runner.Leader()
	if self || seat.Resigned || seat.Gone {
		return ""
	}
	return seat.Holder.Address
}

func (e *Engine) notHere() error { return &master.NotLeader{Leader: e.leaderAddress()} }

// Handler is the API. It answers whether or not this engine acts.
func (e *Engine) Handler() http.Handler { return e.handler }

// Addr is the address of the TCP listener, "" without one.
func (e *Engine) Addr() string {
	if e.tcp == nil {
		return ""
	}
	return e.tcp.Addr().String()
}

// Leftovers names live executions that a ModeRun engine does not act on.
func (e *Engine) Leftovers() []string {
	var ids []string
	for _, x := range e.master.Leftovers() {
		ids = append(ids, x.ID)
	}
	return ids
}

// Stats counts what the master of this engine has done.
func (e *Engine) Stats() master.Stats { return e.master.Stats() }

// Close closes what Open opened, last things first where that matters: the
// socket goes before the lock it stands for.
func (e *Engine) Close() error {
	var errs []error
	for _, end := range e.close {
		errs = append(errs, end())
	}
	e.close = nil
	return errors.Join(errs...)
}
