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
	wish  chan wish               // room for one: the first that wants it dead has its way
	main  atomic.Pointer[os.File] // readable when the main process has ended; nil = none yet
	slot  *launch.Slot
	log   *spool

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
	cause Cause
	why   string
}

func newAttempt(s Start) *attempt {
	return &attempt{start: s, wish: make(chan wish, 1)}
}

// want makes the attempt end, unless it is ending for another cause.
func (a *attempt) want(w wish) {
	select {
	case a.wish <- w:
	default:
		return
	}
	if main := a.main.Load(); main != nil {
		_ = main.SetReadDeadline(longAgo()) // wakes who waits for its end
	}
}

// longAgo is a deadline that has passed.
func longAgo() time.Time { return time.Unix(1, 0) }

var errUnwanted = errors.New("ended before it was started")

// live is the life of an attempt.
func (k *keeper) live(a *attempt) {
	defer k.living.Done()
	end := Ended{Token: a.start.Token}
	if err := k.launch(a, &end); err != nil {
		if !errors.Is(err, errUnwanted) {
			end.Refused = err.Error()
		}
		k.end(a, end)
		return
	}
	k.attend(a, &end)
	end.StartedAt = a.started.At
	a.main.Load().Close()
	if a.status.Signaled() {
		end.ExitCode, end.Signal = -1, unix.SignalName(a.status.Signal())
	} else {
		end.ExitCode = a.status.ExitStatus()
	}
	end.Log = a.log.finish()
	end.Output, end.BadOutput = readOutput(a.slot.Output)
	k.end(a, end)
}

// end publishes the exit record, then cleans up: nobody waits for that.
func (k *keeper) end(a *attempt, end Ended) {
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
	k.mu.Unlock()
	if a.slot != nil {
		if err := k.slots.Give(a.slot); err != nil {
			k.logger.Warn("slot is lost", "token", end.Token, "error", err)
		}
		a.slot = nil
	}
}

// launch makes the process; nothing is left of it when it fails, but a slot to
// be given back.
func (k *keeper) launch(a *attempt, end *Ended) error {
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
	select {
	case w := <-a.wish:
		reader.Close()
		end.Cause, end.Why = w.cause, w.why
		return errUnwanted
	default:
	}
	err = k.forker.Start(&launch.Command{
		Path: program, Argv: a.start.Argv, Env: env, Dir: slot.Work,
		Stdin: stdin.Fd(), Log: uintptr(pipe[1]), Cgroup: slot.CgroupFD,
	}, func(pid int, exit *os.File) { k.born(a, pid, exit) })
	if err != nil {
		reader.Close()
		return fmt.Errorf("start %s: %w", program, err)
	}
	limit := a.start.LogCap
	if limit <= 0 {
		limit = DefaultLogCap
	}
	a.log = k.spools.newSpool(a.start.Token, limit, reader, func() { k.grown(a) })
	k.mu.Lock()
	k.logs[a.start.Token] = a.log
	k.mu.Unlock()
	go a.log.copy()
	return nil
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
	if a.start.Timeout > 0 {
		a.timeout = k.alarms.set(now+a.start.Timeout.Microseconds(), func() { a.want(wish{cause: CauseTimeout}) })
	}
	if a.start.RerunAfter > 0 {
		k.watchIsolation(a)
	}
	k.tell(func(n *news) { n.Started = append(n.Started, *a.started) }, false)
	select {
	case k.bred <- struct{}{}:
	default:
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
		a.want(wish{cause: CauseIsolated})
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

func (k *keeper) grown(a *attempt) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell(func(n *news) { n.Grown = append(n.Grown, Grown{Token: a.start.Token}) }, false)
}

// stdin is what a job reads: nothing, or data in memory that it may seek in.
func (k *keeper) stdin(data []byte) (*os.File, error) {
	if data == nil {
		return k.null, nil
	}
	fd, err := unix.MemfdCreate("stdin", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make standard input: %w", err)
	}
	f := os.NewFile(uintptr(fd), "stdin")
	if _, err := f.Write(data); err != nil {
		f.Close()
		return nil, fmt.Errorf("write standard input: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("write standard input: %w", err)
	}
	return f, nil
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
