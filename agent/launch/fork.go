package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
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
}

type order struct {
	run  func() error
	done chan<- error
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
		o.done <- o.run()
	}
}

// Start makes the process. made is called on the forking thread as soon as the
// process exists; it must be short, and it owns exit: a descriptor that can be
// read from when the process has ended.
func (f *Forker) Start(c *Command, made func(pid int, exit *os.File)) error {
	return f.Do(func() error { return fork(c, made) })
}

// Do runs fn on the forking thread. A program that replaces itself has to do it
// there, or its jobs die.
func (f *Forker) Do(fn func() error) error {
	done := make(chan error, 1)
	f.orders <- order{fn, done}
	return <-done
}

func fork(c *Command, made func(int, *os.File)) error {
	exit := -1
	sys := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL, PidFD: &exit}
	if c.Cgroup >= 0 {
		sys.UseCgroupFD, sys.CgroupFD = true, c.Cgroup
	}
	pid, err := syscall.ForkExec(c.Path, c.Argv, &syscall.ProcAttr{
		Dir:   c.Dir,
		Env:   c.Env,
		Files: []uintptr{c.Stdin, c.Log, c.Log},
		Sys:   sys,
	})
	if err != nil {
		return err
	}
	if exit < 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		return errors.New("the kernel gives no descriptor of a process: Linux 5.4 is needed")
	}
	if err := unix.SetNonblock(exit, true); err != nil { // or the runtime would block a thread on it
		_ = unix.Close(exit)
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		return fmt.Errorf("process descriptor: %w", err)
	}
	made(pid, os.NewFile(uintptr(exit), "process"))
	return nil
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
