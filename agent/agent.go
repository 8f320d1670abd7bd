// Package agent runs jobs on one host for a master that may be anywhere.
//
// An agent dials out and has no port. It keeps one session with the acting
// master, tells it every token it answers for before it takes work, and carries
// out orders: journal first, then the keeper, which is the parent of all jobs.
// What to do is decided by package brain alone; this package is the shell that
// reads clocks, disks and sockets for it, in one goroutine that owns the brain.
//
// It promises that jobs outlive it: killed at any moment and started again, it
// adopts what the keeper holds, and every result and log byte arrives. It never
// starts a process itself and knows no job type by name.
package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/agent/depcache"
	"github.com/leifengta/lft/agent/journal"
	"github.com/leifengta/lft/agent/keeper"
	"github.com/leifengta/lft/agent/logship"
	"github.com/leifengta/lft/providers"
)

// Config is what an agent needs.
type Config struct {
	Masters  []string     // base URLs; a standby's answer leads to the leader
	HTTP     *http.Client // nil = HTTP/2 without TLS over TCP
	Name     string       // "" = the host's name
	Dir      string       // identity, journal, keeper and spool; one agent each
	Slots    int          // attempts at a time; 0 = two for each CPU
	Labels   map[string]string
	JobTypes providers.Set
	Version  string
	Log      *slog.Logger // nil = none
	Host     *Host        // nil = this one

	// DependencyBytes bounds the cache of dependencies; 0 = depcache.DefaultMaxBytes.
	DependencyBytes int64

	// KeeperArgv starts the keeper, "-dir DIR" is added; e.g. the executable and
	// "keeper".
	KeeperArgv []string
	// StopKeeper ends the keeper with the agent if nothing runs by then, for an
	// agent that lives as long as one command.
	StopKeeper bool
}

// How long an agent that is told to stop waits.
const (
	drainWait  = 2 * time.Second // for the master to see that it drains
	settleWait = 5 * time.Second // with StopKeeper: for results and logs to be acknowledged
	meetWait   = 2 * time.Second // with StopKeeper: for a keeper that was just started to answer
	stopWait   = 5 * time.Second // with StopKeeper: for the keeper to end
)

// Run is the agent. It returns nil when ctx ends, leaving running jobs to the
// keeper, and an error when it cannot do its work: a directory it cannot write
// or that another agent uses.
func Run(ctx context.Context, c Config) error {
	a, err := open(c)
	if err != nil {
		return fmt.Errorf("agent: %w", err)
	}
	return errors.Join(a.run(ctx), a.close())
}

// agent is the shell around one brain. Fields below owner belong to the
// goroutine of run.
type agent struct {
	c       Config
	log     *slog.Logger
	id      identity
	lock    *os.File
	inbox   inbox
	link    *link
	bucket  bucket
	shipper *logship.Shipper
	deps    *depcache.Cache

	fresh bool // the journal was made by this life

	// owner
	brain   *brain.Brain
	journal *journal.Journal
	keeper  *keeper.Client // nil while there is none
	dialing bool           // one is on its way
}

// open takes the directory and reads what an earlier life left in it.
func open(c Config) (_ *agent, err error) {
	if c.Slots == 0 {
		c.Slots = 2 * runtime.NumCPU()
	}
	if c.Name == "" {
		if c.Name, err = os.Hostname(); err != nil {
			return nil, fmt.Errorf("find the host's name: %w", err)
		}
	}
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the agent's directory: %w", err)
	}
	a := &agent{c: c, log: cmp.Or(c.Log, slog.New(slog.DiscardHandler))}
	if a.lock, err = lockDir(c.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			a.lock.Close()
		}
	}()
	if a.id, err = readIdentity(c); err != nil {
		return nil, err
	}
	var records []brain.Record
	if a.journal, records, err = journal.Open(filepath.Join(c.Dir, "journal")); err != nil {
		return nil, err
	}
	a.fresh = a.journal.Seq() == 0
	if n := a.journal.Cut(); n > 0 {
		a.log.Warn("the journal ended in the middle of a record, which is cut off", "bytes", n)
	}
	a.brain = brain.New(c.Slots, records)
	// Written anew, nothing depends on pages an earlier life failed to sync.
	if err := a.journal.Rewrite(a.brain.Records()); err != nil {
		_ = a.journal.Close()
		return nil, err
	}
	if err := a.openDependencies(); err != nil {
		_ = a.journal.Close()
		return nil, err
	}
	a.inbox.wake = make(chan struct{}, 1)
	a.link = newLink(a)
	a.shipper = logship.New(logship.Config{
		Dir:    keeper.SpoolDir(c.Dir),
		Report: a.uploaded,
		Free:   a.free,
		Log:    a.log,
	})
	return a, nil
}

func (a *agent) close() error {
	err := a.journal.Close()
	a.deps.Close()
	a.bucket.close()
	a.lock.Close()
	return err
}
