package keeper

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

const (
	memoryLimit = 48 << 20 // bytes Go tries to stay below
	idleAfter   = 30 * time.Second
	flushWithin = 2 * time.Second
)

// ErrOwned says that another keeper lives in the directory.
var ErrOwned = errors.New("another keeper owns the directory")

// keeper is the process. Its goroutines are: one that forks (launch.Forker), one
// that waits for strangers (tidy), one that serves alarms, one that accepts, two
// for the one client, and for each attempt one that lives its life and one that
// copies its log. Whatever lasts is waited for by the runtime's poller; no thread
// is blocked for it, which is what keeps many short jobs cheap.
type keeper struct {
	dir       string
	id        string
	logger    *slog.Logger
	base      []string // environment of every job
	null      *os.File
	cgroup    string // "" = trees are swept
	forker    *launch.Forker
	strangers *launch.Strangers // guarded by mu
	slots     *launch.Slots
	spools    *spools
	alarms    *alarms
	living    sync.WaitGroup // attempts whose goroutine runs
	bred      chan struct{}  // room for one: there is a new child
	stop      chan struct{}  // room for one: somebody asked for the end

	mu       sync.Mutex
	attempts map[string]*attempt // all that are not forgotten
	mains    map[int]*attempt    // by the number of a main process that was not waited for
	strays   map[int][]*attempt  // strangers and whom they belong to
	logs     map[string]*spool   // those not yet freed to their end
	beat     beatOrder           // the last that advanced
	link     *link               // the one client, nil = none
	stopping bool
}

// Main is the keeper process of dir. It returns when it was stopped, or when it
// has had neither client nor attempts for a while. When ctx ends it kills its
// jobs and returns.
//
// It changes what belongs to the whole process: it becomes a subreaper, waits
// for every child, and sets umask and signal handlers. So it must be all that
// the process does.
func Main(ctx context.Context, dir string, log *slog.Logger) error {
	return run(ctx, dir, log, settings{cgroups: true, quota: SpoolQuota})
}

// settings are what tests choose.
type settings struct {
	cgroups bool  // false: do as on a host that has none
	quota   int64 // bytes of all spool files
}

func run(ctx context.Context, dir string, log *slog.Logger, set settings) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	unix.Umask(0o077)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	lock, err := awaitLock(ctx, dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	ownProcess()
	if err := sweep(ctx, dir); err != nil {
		return fmt.Errorf("sweep what an earlier keeper left: %w", err)
	}
	k, err := newKeeper(dir, log, set)
	if err != nil {
		return err
	}
	listener, err := listen(dir)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	ended := make(chan struct{})
	defer close(ended)
	go k.tidy(ended)
	go k.alarms.run()
	defer k.alarms.close()
	go k.accept(listener)
	log.Info("keeper started", "dir", dir, "pid", os.Getpid(), "isolation", k.isolation())
	k.wait(ctx)
	_ = listener.Close()
	k.shutdown()
	log.Info("keeper ended", "dir", dir)
	return nil
}

// ownProcess makes the process fit to be the parent of jobs: they inherit
// neither its descriptors nor signals that its own parent ignored.
func ownProcess() {
	debug.SetMemoryLimit(memoryLimit)
	// Kernels before 5.11 do not know the flag; Go opens everything close-on-exec
	// by itself, so only what the parent gave away without care is left open.
	_ = unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
	// A caught signal is reset for a child, an ignored one is not.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
}

func newKeeper(dir string, log *slog.Logger, set settings) (*keeper, error) {
	k := &keeper{
		dir: dir, id: rand.Text(), logger: log, base: launch.BaseEnviron(),
		bred: make(chan struct{}, 1), stop: make(chan struct{}, 1),
		attempts: map[string]*attempt{}, mains: map[int]*attempt{}, strays: map[int][]*attempt{},
		logs: map[string]*spool{},
	}
	var err error
	if k.null, err = os.Open(os.DevNull); err != nil {
		return nil, err
	}
	if k.strangers, err = launch.NewStrangers(); err != nil {
		return nil, err
	}
	if set.cgroups {
		if err := k.makeCgroup(); err != nil {
			return nil, err
		}
	}
	if k.slots, err = launch.NewSlots(filepath.Join(dir, slotName), k.cgroup); err != nil {
		return nil, err
	}
	if k.spools, err = newSpools(SpoolDir(dir), set.quota, log); err != nil {
		return nil, err
	}
	if k.alarms, err = newAlarms(); err != nil {
		return nil, err
	}
	k.forker = launch.NewForker()
	return k, nil
}

// makeCgroup leaves a note of the cgroup for the keeper after this one.
func (k *keeper) makeCgroup() error {
	cgroup, err := launch.MakeCgroup("lft-" + k.id)
	if err != nil {
		k.logger.Warn("process trees are held by sweeps alone", "error", err)
		return nil
	}
	k.cgroup = cgroup
	return os.WriteFile(filepath.Join(k.dir, cgroupName), []byte(cgroup), 0o600)
}

func (k *keeper) isolation() string {
	if k.cgroup != "" {
		return "cgroup"
	}
	return "sweep"
}

// wait returns when the keeper has to end.
func (k *keeper) wait(ctx context.Context) {
	tick := time.NewTicker(idleAfter)
	defer tick.Stop()
	for idle := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-k.stop:
			return
		case <-tick.C:
			was := idle
			idle = k.idle()
			if idle && was {
				return
			}
		}
	}
}

// idle reports whether nobody would miss the keeper: it has no client and holds
// nothing, or its directory was removed.
func (k *keeper) idle() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.link != nil {
		return false
	}
	_, err := os.Stat(filepath.Join(k.dir, lockName))
	return len(k.attempts) == 0 || errors.Is(err, fs.ErrNotExist)
}

// shutdown kills what runs and tells its end before it returns.
func (k *keeper) shutdown() {
	k.mu.Lock()
	k.stopping = true
	for _, a := range k.attempts {
		if a.ended == nil {
			a.want(wish{CauseCancelled, "the keeper was stopped"})
		}
	}
	k.mu.Unlock()
	k.living.Wait()
	k.mu.Lock()
	l := k.link
	k.mu.Unlock()
	if l != nil {
		l.finish(flushWithin)
	}
	if err := k.slots.Close(); err != nil {
		k.logger.Warn("remove slots", "error", err)
	}
	_ = os.Remove(filepath.Join(k.dir, socketName))
}

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrOwned
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return f, nil
}

// awaitLock waits a while for a keeper that is about to end.
func awaitLock(ctx context.Context, dir string) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, spawnWithin/2)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		f, err := lockDir(dir)
		if !errors.Is(err, ErrOwned) {
			return f, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}

func listen(dir string) (*net.UnixListener, error) {
	short, done, err := shortDir(dir)
	if err != nil {
		return nil, err
	}
	defer done()
	path := filepath.Join(short, socketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l.SetUnlinkOnClose(false) // its short name means nothing later
	return l, nil
}
