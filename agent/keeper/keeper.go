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
	"runtime"
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

// keeper is the process. Its goroutines are: that of Main, which forks
// (launch.Forker), one that waits until the keeper has to end, one that waits for
// strangers (tidy), one that serves alarms, one that accepts, two for the one
// client, and for each attempt one that lives its life and one that copies its
// log. Whatever lasts is waited for by the runtime's poller; no thread
// is blocked for it, which is what keeps many short jobs cheap.
type keeper struct {
	dir       string
	id        string
	build     string
	logger    *slog.Logger
	base      []string // environment of every job
	lock      *os.File
	listener  *net.UnixListener
	null      *os.File
	gate      gate   // closed for an upgrade
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
	forks    int                 // begun and ended, so odd while a job is being made
	forked   *sync.Cond          // forks was raised
	link     *link               // the one client, nil = none
	stopping bool
}

// Main is the keeper process of dir; build is the version of its program. It
// returns when it was stopped, or when it has had neither client nor attempts
// for a while. When ctx ends it kills its jobs and returns.
//
// It changes what belongs to the whole process: it becomes a subreaper, waits
// for every child, and sets umask and signal handlers. So it must be all that
// the process does. It forks on the thread it is called on; unless that is the
// leading one, to which func main can lock its goroutine, the keeper cannot be
// upgraded.
func Main(ctx context.Context, dir, build string, log *slog.Logger) error {
	return run(ctx, dir, log, settings{build: build, format: handoverFormat, cgroups: true, quota: SpoolQuota})
}

// settings are what tests choose.
type settings struct {
	build   string
	format  int
	cgroups bool  // false: do as on a host that has none
	quota   int64 // bytes of all spool files
}

func run(ctx context.Context, dir string, log *slog.Logger, set settings) error {
	runtime.LockOSThread()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	state, rehearsal, err := takeover(set.format)
	switch {
	case err != nil:
		return err
	case rehearsal:
		_, err := os.Stdout.WriteString(state.Keeper)
		return err
	}
	unix.Umask(0o077)
	ownProcess()
	k, err := newKeeper(dir, log, set)
	if err != nil {
		return err
	}
	defer func() { k.lock.Close() }()
	if state == nil {
		err = k.found(ctx, set)
	} else {
		err = k.resume(state, set)
	}
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.wait(ctx)
		_ = k.listener.Close()
		k.shutdown()
	}()
	log.Info("keeper started", "dir", dir, "pid", os.Getpid(), "build", k.build, "isolation", k.isolation(), "attempts", len(k.attempts))
	k.proceed()
	go k.tidy(ended)
	go k.alarms.run()
	defer k.alarms.close()
	go k.accept()
	k.forker.Serve(ended)
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

// newKeeper makes one that holds nothing yet.
func newKeeper(dir string, log *slog.Logger, set settings) (*keeper, error) {
	k := &keeper{
		dir: dir, build: set.build, logger: log, base: launch.BaseEnviron(), forker: launch.NewForker(),
		bred: make(chan struct{}, 1), stop: make(chan struct{}, 1),
		attempts: map[string]*attempt{}, mains: map[int]*attempt{}, strays: map[int][]*attempt{},
		logs: map[string]*spool{},
	}
	k.forked = sync.NewCond(&k.mu)
	var err error
	if k.null, err = os.Open(os.DevNull); err != nil {
		return nil, err
	}
	if k.strangers, err = launch.NewStrangers(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if k.alarms, err = newAlarms(); err != nil {
		return nil, err
	}
	return k, nil
}

// found makes the directory this keeper's own.
func (k *keeper) found(ctx context.Context, set settings) (err error) {
	k.id = rand.Text()
	if k.lock, err = awaitLock(ctx, k.dir); err != nil {
		return err
	}
	if k.spools, err = newSpools(SpoolDir(k.dir), set.quota, &k.gate, k.logger); err != nil {
		return err
	}
	if err := sweep(ctx, k.dir); err != nil {
		return fmt.Errorf("sweep what an earlier keeper left: %w", err)
	}
	if set.cgroups {
		if err := k.makeCgroup(); err != nil {
			return err
		}
	}
	if k.slots, err = launch.NewSlots(filepath.Join(k.dir, slotName), k.cgroup); err != nil {
		return err
	}
	k.listener, err = listen(k.dir)
	return err
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
			a.want(keeperStopped)
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
