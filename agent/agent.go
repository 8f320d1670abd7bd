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
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/leifengta/lft/providers"
)

// Config is what an agent needs.
type Config struct {
	Masters  []string     // base URLs; a standby's answer leads to the leader
	HTTP     *http.Client // nil = HTTP/2 without TLS over TCP
	Name     string
	Dir      string // identity, journal, keeper and spool; one agent each
	Slots    int    // attempts at a time
	Labels   map[string]string
	JobTypes providers.Set
	Version  string
	Log      *slog.Logger // nil = none

	// KeeperArgv starts the keeper, "-dir DIR" is added; e.g. the executable and
	// "keeper".
	KeeperArgv []string
	// StopKeeper ends the keeper with the agent if nothing runs by then, for an
	// agent that lives as long as one command.
	StopKeeper bool
}

// Run is the agent. It returns nil when ctx ends, leaving running jobs to the
// keeper, and an error when it cannot do its work: a directory it cannot write
// or that another agent uses.
func Run(ctx context.Context, c Config) error {
	return errors.New("agent: not there yet")
}
