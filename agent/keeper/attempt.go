package keeper

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// attempt is one job process with all that descends from it. One goroutine, live,
// carries it from its start to its exit record.
type attempt struct {
	start Start
	wish  atomic.Pointer[wish]    // the first that wants it dead has its way
	main  atomic.Pointer[os.File] // readable when the main process has ended; nil = none yet

	// Written by live alone, inside the gate.
	slot  *launch.Slot
	log   *spool
	stage stage
	until int64 // when the stage is over, boot-time µs
	end   Ended // what is known of it so far

	// Guarded by keeper.mu.
	pid     int // of the main process; 0 = none yet
	status  unix.WaitStatus
	started *Started
	ended   *Ended
	timeout *alarm
	lonely  *alarm // fires when the agent is isolated for too long
}

// wish is why an attempt has to end.
type wish struct {
	Cause Cause  `json:"cause"`
	Why   string `json:"why"`
}

// keeperStopped is the wish of a keeper that has to end.
var keeperStopped = wish{CauseCancelled, "the keeper was stopped"}

func newAttempt(s Start) *attempt {
	return &attempt{start: s, end: Ended{Token: s.Token}}
}

// want makes the attempt end, unless somebody else wanted it before.
func (a *attempt) want(w wish) {
	if !a.wish.CompareAndSwap(nil, &w) {
		return
	}
	if main := a.main.Load(); main != nil {
		_ = main.SetReadDeadline(longAgo()) // wakes who waits for its end
	}
}

// takeWish makes the wish the cause of the end, if there is none yet.
func (a *attempt) takeWish() {
	if w := a.wish.Load(); w != nil && a.end.Cause == CauseNone {
		a.end.Cause, a.end.Why = w.Cause, w.Why
	}
}

// longAgo is a deadline that has passed.
func longAgo() time.Time { return time.Unix(1, 0) }

var errUnwanted = errors.New("ended before it was started")

// live is the life of an attempt, or what is left of it after an upgrade.
func (k *keeper) live(a *attempt) {
	defer k.living.Done()
	if a.started == nil && !k.ran(a) {
		return
	}
	k.attend(a)
	a.main.Load().Close()
	log := a.log.finish()
	k.gate.enter()
	a.end.StartedAt, a.end.Log = a.started.At, log
	if a.status.Signaled() {
		a.end.ExitCode, a.end.Signal = -1, unix.SignalName(a.status.Signal())
	} else {
		a.end.ExitCode = a.status.ExitStatus()
	}
	a.end.Output, a.end.BadOutput = readOutput(a.slot.Output)
	k.end(a)
}

// ran reports whether the attempt has started; if not, it has ended.
func (k *keeper) ran(a *attempt) bool {
	k.gate.enter()
	err := k.launch(a)
	if err == nil {
		k.gate.leave()
		return true
	}
	if !errors.Is(err, errUnwanted) {
		a.end.Refused = err.Error()
	}
	k.end(a)
	return false
}

// end publishes the exit record and leaves the gate, then cleans up: nobody
// waits for that.
func (k *keeper) end(a *attempt) {
	end := a.end
	end.At = launch.BootTime()
	k.mu.Lock()
	a.ended = &end
	a.start = Start{Token: a.start.Token} // files and input are not needed again
	k.alarms.stop(a.timeout)
	k.alarms.stop(a.lonely)
	if a.log != nil && end.Log.Bytes == 0 {
		delete(k.logs, end.Token)
	}
	k.tell(func(n *news) { n.Ended = append(n.Ended, end) }, true)
	slot := a.slot
	a.slot = nil
	k.mu.Unlock()
	k.gate.leave()
	if slot != nil {
		if err := k.slots.Give(slot); err != nil {
			k.logger.Warn("slot is lost", "token", end.Token, "error", err)
		}
	}
}

// launch makes the process; nothing is left of it when it fails, but a slot to
// be given back.
func (k *keeper) launch(a *attempt) error {
	switch {
	case !tokenShape.MatchString(a.start.Token):
		return errors.New("token is malformed")
	case len(a.start.Argv) == 0 || a.start.Argv[0] == "":
		return errors.New("no program is named")
	}
	slot, err := k.slots.Take()
	if err != nil {
		return err
	}
	a.slot = slot
	if err := furnish(slot.Work, &a.start); err != nil {
		return err
	}
	env := launch.Environ(k.base, a.start.Env, []string{
		"LFT_TOKEN=" + a.start.Token, "LFT_OUTPUT=" + slot.Output, "LFT_WORKDIR=" + slot.Work,
	})
	program, err := launch.Lookup(a.start.Argv[0], launch.Getenv(env, "PATH"), slot.Work)
	if err != nil {
		return err
	}
	stdin, err := k.stdin(a.start.Stdin)
	if err != nil {
		return err
	}
	if stdin != k.null {
		defer stdin.Close()
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("make log pipe: %w", err)
	}
	defer func() { _ = unix.Close(pipe[1]) }()
	if err := unix.SetNonblock(pipe[0], true); err != nil {
		_ = unix.Close(pipe[0])
		return fmt.Errorf("make log pipe: %w", err)
	}
	reader := os.NewFile(uintptr(pipe[0]), "log")
	if a.takeWish(); a.end.Cause != CauseNone {
		reader.Close()
		return errUnwanted
	}
	if err := k.fork(a, &launch.Command{
		Path: program, Argv: a.start.Argv, Env: env, Dir: slot.Work,
		Stdin: stdin.Fd(), Log: uintptr(pipe[1]), Cgroup: slot.CgroupFD,
	}); err != nil {
		reader.Close()
		return fmt.Errorf("start %s: %w", program, err)
	}
	limit := a.start.LogCap
	if limit <= 0 {
		limit = DefaultLogCap
	}
	a.log = k.spools.newSpool(a.start.Token, limit, reader, func() { k.grown(a.start.Token) })
	k.mu.Lock()
	k.logs[a.start.Token] = a.log
	k.mu.Unlock()
	go a.log.copy()
	return nil
}

// fork says before and after that there is a child which may not be known yet.
func (k *keeper) fork(a *attempt, c *launch.Command) error {
	return k.forker.Do(func() error {
		k.countFork()
		defer k.countFork()
		return launch.Fork(c, func(pid int, exit *os.File) { k.born(a, pid, exit) })
	})
}

func (k *keeper) countFork() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forks++
	k.forked.Broadcast()
}

// born is called on the forking thread.
func (k *keeper) born(a *attempt, pid int, exit *os.File) {
	now := launch.BootTime()
	a.main.Store(exit)
	k.mu.Lock()
	defer k.mu.Unlock()
	a.pid = pid
	a.started = &Started{Token: a.start.Token, PID: pid, At: now}
	k.mains[pid] = a
	k.watch(a)
	k.tell(func(n *news) { n.Started = append(n.Started, *a.started) }, false)
	k.breed()
}

// breed tells tidy that there is something to wait for.
func (k *keeper) breed() {
	select {
	case k.bred <- struct{}{}:
	default:
	}
}

// watch sets the alarms of an attempt that has started. The caller holds mu.
func (k *keeper) watch(a *attempt) {
	if a.start.Timeout > 0 {
		at := a.started.At + a.start.Timeout.Microseconds()
		a.timeout = k.alarms.set(at, func() { a.want(wish{Cause: CauseTimeout}) })
	}
	if a.start.RerunAfter > 0 {
		k.watchIsolation(a)
	}
}

// watchIsolation sets the alarm by which the attempt dies when no master has
// advanced until then. The caller holds mu.
func (k *keeper) watchIsolation(a *attempt) {
	since := k.beat.SentAt
	if since == 0 {
		since = a.started.At
	}
	at := since + a.start.RerunAfter.Microseconds()
	if at <= launch.BootTime() {
		a.want(wish{Cause: CauseIsolated})
		return
	}
	a.lonely = k.alarms.set(at, func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if a.ended == nil {
			k.watchIsolation(a) // a beat may have come meanwhile
		}
	})
}

func (k *keeper) grown(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell(func(n *news) { n.Grown = append(n.Grown, Grown{Token: token}) }, false)
}

// stdin is what a job reads: nothing, or data that it may seek in.
func (k *keeper) stdin(data []byte) (*os.File, error) {
	if data == nil {
		return k.null, nil
	}
	return memoryFile("stdin", data)
}

// furnish makes the files and links of a start. Nothing is made through a link:
// files come first, and links stand where no file may be.
func furnish(dir string, s *Start) error {
	if len(s.Files) == 0 && len(s.Links) == 0 {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open work directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	for _, f := range s.Files {
		if err := writeFile(root, f); err != nil {
			return fmt.Errorf("make file %q: %w", f.Name, err)
		}
	}
	for _, l := range s.Links {
		if err := root.MkdirAll(path.Dir(l.Name), 0o700); err != nil {
			return fmt.Errorf("make link %q: %w", l.Name, err)
		}
		if err := root.Symlink(l.Target, l.Name); err != nil {
			return fmt.Errorf("make link %q: %w", l.Name, err)
		}
	}
	return nil
}

func writeFile(root *os.Root, f File) error {
	if d := path.Dir(f.Name); d != "." {
		if err := root.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	file, err := root.OpenFile(f.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(f.Data); err != nil {
		return err
	}
	if mode := fs.FileMode(f.Mode).Perm(); mode != 0o600 {
		if err := file.Chmod(mode); err != nil { // the umask has no say here
			return err
		}
	}
	return file.Close()
}

// readOutput reads the file a job left at LFT_OUTPUT. Whatever else it made of
// that path is its own fault, and is said.
func readOutput(name string) (data []byte, bad string) {
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, ""
	}
	if err != nil {
		return nil, fmt.Sprintf("LFT_OUTPUT can not be read: %v", err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Sprintf("LFT_OUTPUT can not be read: %v", err)
	case !st.Mode().IsRegular():
		return nil, "LFT_OUTPUT is not a regular file"
	}
	data, err = io.ReadAll(io.LimitReader(f, MaxOutput+1))
	switch {
	case err != nil:
		return nil, fmt.Sprintf("LFT_OUTPUT can not be read: %v", err)
	case len(data) > MaxOutput:
		return nil, fmt.Sprintf("LFT_OUTPUT has %d bytes, more than %d", st.Size(), MaxOutput)
	}
	return data, ""
}

// grace is how long an attempt has between TERM and KILL.
func (a *attempt) grace() time.Duration { return max(0, a.start.KillGrace) }
