package launch

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Process is one process as /proc shows it. PID and Start name it for ever; the
// number alone is used again.
type Process struct {
	PID     int
	Parent  int
	Group   int
	Session int
	Start   uint64 // clock ticks since boot
	Zombie  bool
}

// ErrGone says that a process is no more.
var ErrGone = errors.New("process is gone")

// FindProcess reads what pid is now.
func FindProcess(pid int) (Process, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Process{}, fmt.Errorf("%w: %w", ErrGone, err)
	}
	return parseStat(pid, text)
}

// parseStat reads /proc/PID/stat. The name in parentheses may hold anything, so
// fields are counted from its last parenthesis on: state is the third of all.
func parseStat(pid int, text []byte) (Process, error) {
	_, after, ok := bytes.Cut(text[max(0, bytes.LastIndexByte(text, ')')):], []byte(") "))
	f := bytes.Fields(after)
	if !ok || len(f) < 20 {
		return Process{}, fmt.Errorf("/proc/%d/stat is not understood: %q", pid, text)
	}
	p := Process{PID: pid, Zombie: f[0][0] == 'Z' || f[0][0] == 'X'}
	var errs [4]error
	p.Parent, errs[0] = strconv.Atoi(string(f[1]))
	p.Group, errs[1] = strconv.Atoi(string(f[2]))
	p.Session, errs[2] = strconv.Atoi(string(f[3]))
	p.Start, errs[3] = strconv.ParseUint(string(f[19]), 10, 64)
	return p, errors.Join(errs[:]...)
}

// Processes lists all processes that can be seen.
func Processes() ([]Process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	list := make([]Process, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := FindProcess(pid); err == nil {
			list = append(list, p)
		}
	}
	return list, nil
}

// Below returns those of all that descend from a process for which root holds,
// these included, dead ones left out.
func Below(all []Process, root func(Process) bool) []Process {
	children := make(map[int][]Process, len(all))
	var todo []Process
	for _, p := range all {
		children[p.Parent] = append(children[p.Parent], p)
		if root(p) {
			todo = append(todo, p)
		}
	}
	seen := make(map[int]bool)
	var found []Process
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[p.PID] {
			continue
		}
		seen[p.PID] = true
		if !p.Zombie {
			found = append(found, p)
		}
		todo = append(todo, children[p.PID]...)
	}
	return found
}

// Signal sends a signal to this process and to no other that has its number by
// now: the descriptor is taken first, then the process is looked at again.
func (p Process) Signal(sig unix.Signal) error {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	defer func() { _ = unix.Close(fd) }()
	now, err := FindProcess(p.PID)
	if err != nil {
		return err
	}
	if now.Start != p.Start {
		return ErrGone
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return nil
}

// ProcessEnviron is the environment a process was started with, nil when it can
// not be read.
func ProcessEnviron(pid int) []string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// Strangers reads which processes the kernel has given to this subreaper: those
// whose parent has died. It is one cheap read. They are children of the leading
// thread, so what a Forker makes there is listed too.
type Strangers struct {
	file *os.File
	buf  []byte
}

// NewStrangers makes the calling process a subreaper.
func NewStrangers() (*Strangers, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become subreaper: %w", err)
	}
	pid := os.Getpid()
	f, err := os.Open(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil, fmt.Errorf("kernel lists no children: %w", err)
	}
	return &Strangers{file: f, buf: make([]byte, 4<<10)}, nil
}

// List returns their numbers, dead ones that nobody waited for included.
func (s *Strangers) List() ([]int, error) {
	n, err := unix.Pread(int(s.file.Fd()), s.buf, 0)
	for err == nil && n == len(s.buf) {
		s.buf = make([]byte, 2*len(s.buf))
		n, err = unix.Pread(int(s.file.Fd()), s.buf, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("list children: %w", err)
	}
	if n == 0 {
		return nil, nil
	}
	var pids []int
	for _, f := range bytes.Fields(s.buf[:n]) {
		if pid, err := strconv.Atoi(string(f)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// WatchExit returns a descriptor of a child that can be read from when the
// process has ended. A child that was not waited for keeps its number.
func WatchExit(pid int) (*os.File, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("process descriptor of %d: %w", pid, err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or the runtime would block a thread on it
		_ = unix.Close(fd)
		return nil, fmt.Errorf("process descriptor of %d: %w", pid, err)
	}
	return os.NewFile(uintptr(fd), "process"), nil
}
