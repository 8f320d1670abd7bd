package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Command is a process to make. The descriptors stay the caller's.
type Command struct {
	Path   string // of the program; relative to Dir
	Argv   []string
	Env    []string
	Dir    string
	Stdin  uintptr
	Log    uintptr // standard output and standard error
	Cgroup int     // descriptor of a v2 directory to be born in; negative = none
}

// Forker forks all jobs of a process from one thread that lives as long as the
// process: the kernel kills a child with the thread that made it. Commands queue
// up and are forked one after the other, which costs nothing, as the runtime
// forks under one lock anyway.
type Forker struct {
	orders chan order
	busy   sync.Mutex // held from before a fork until made has returned
}

type order struct {
	run  func() (int, error)
	done chan<- forked
}

type forked struct {
	pid int
	err error
}

// NewForker starts the thread. It can not be stopped: its end would be the end
// of the jobs.
func NewForker() *Forker {
	f := &Forker{orders: make(chan order, 256)}
	ready := make(chan struct{})
	go f.serve(ready)
	<-ready
	return f
}

// serve keeps off the leading thread, because there the kernel lists what is
// reparented to a subreaper; see Strangers.
func (f *Forker) serve(ready chan<- struct{}) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		go f.serve(ready)
		select {} // holds the leading thread, so that the other one is not it
	}
	close(ready)
	for o := range f.orders {
		pid, err := o.run()
		o.done <- forked{pid, err}
	}
}

// Start makes the process. made is called on the forking thread as soon as the
// process exists; it must be short.
func (f *Forker) Start(c *Command, made func(pid int)) (int, error) {
	done := make(chan forked, 1)
	f.orders <- order{done: done, run: func() (int, error) {
		f.busy.Lock()
		defer f.busy.Unlock()
		pid, err := fork(c)
		if err == nil {
			made(pid)
		}
		return pid, err
	}}
	r := <-done
	return r.pid, r.err
}

// Settle returns when no process is made of which nobody was told yet: a child
// that was seen before the call is known after it.
func (f *Forker) Settle() {
	f.busy.Lock()
	f.busy.Unlock() //nolint:staticcheck // the empty section is the point
}

// Do runs fn on the forking thread. A program that replaces itself has to do it
// there, or its jobs die.
func (f *Forker) Do(fn func() error) error {
	done := make(chan forked, 1)
	f.orders <- order{done: done, run: func() (int, error) { return 0, fn() }}
	return (<-done).err
}

func fork(c *Command) (int, error) {
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if c.Cgroup >= 0 {
		sys.UseCgroupFD, sys.CgroupFD = true, c.Cgroup
	}
	return syscall.ForkExec(c.Path, c.Argv, &syscall.ProcAttr{
		Dir:   c.Dir,
		Env:   c.Env,
		Files: []uintptr{c.Stdin, c.Log, c.Log},
		Sys:   sys,
	})
}

// ErrNoProgram says that no executable file has the wanted name.
var ErrNoProgram = errors.New("no such program")

// Lookup finds the program that name means to a job: with a slash in it a path
// from dir, else an executable file in the directories of path.
func Lookup(name, path, dir string) (string, error) {
	if strings.Contains(name, "/") {
		file := name
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		if err := executable(file); err != nil {
			return "", fmt.Errorf("%w: %s: %w", ErrNoProgram, name, err)
		}
		return file, nil
	}
	var denied error
	for _, p := range filepath.SplitList(path) {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p) // also "", which means the work directory
		}
		file := filepath.Join(p, name)
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if errors.Is(err, os.ErrPermission) {
			denied = fmt.Errorf("%w: %s: %w", ErrNoProgram, file, err)
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", fmt.Errorf("%w: %q is not in PATH=%s", ErrNoProgram, name, path)
}

func executable(file string) error {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return syscall.EISDIR
	}
	return unix.Faccessat(unix.AT_FDCWD, file, unix.X_OK, unix.AT_EACCESS)
}
