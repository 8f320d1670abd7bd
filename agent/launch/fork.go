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

// Forker has all jobs of a process forked by one thread, as the kernel kills a
// child with the thread that made it. Orders queue up and are carried out one
// after the other, which costs nothing: the runtime forks under one lock anyway.
type Forker struct {
	orders chan order
}

type order struct {
	run  func() error
	done chan<- error
}

// NewForker makes a forker that still needs somebody who serves it.
func NewForker() *Forker { return &Forker{orders: make(chan order, 256)} }

// Serve carries out orders on the calling goroutine, which it ties to its thread
// for good, until end is closed. That has to be when no job lives: the thread
// may end with the goroutine.
func (f *Forker) Serve(end <-chan struct{}) {
	runtime.LockOSThread()
	for {
		select {
		case o := <-f.orders:
			o.done <- o.run()
		case <-end:
			return
		}
	}
}

// Do runs fn on the forking thread.
func (f *Forker) Do(fn func() error) error {
	done := make(chan error, 1)
	f.orders <- order{fn, done}
	return <-done
}

// Replace runs another program in place of this process, which keeps its number
// and its jobs, and returns only when it failed. The descriptors in keep stay
// open under their numbers, all others are closed.
//
// The forking thread has to be the leading one. An exec ends all other threads,
// and leaves the one that called it as the leader: called by another one it
// would kill what the leader has forked, and from then on the jobs are the
// leader's. Only a process that always forks there can be replaced twice.
func (f *Forker) Replace(path string, argv, env []string, keep []int) error {
	return f.Do(func() error {
		if unix.Gettid() != unix.Getpid() {
			return errors.New("jobs are not forked by the leading thread")
		}
		return replace(path, argv, env, keep)
	})
}

func replace(path string, argv, env []string, keep []int) error {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return fmt.Errorf("limit of descriptors: %w", err)
	}
	for _, fd := range keep {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return fmt.Errorf("keep descriptor %d: %w", fd, err)
		}
		defer unix.CloseOnExec(fd)
	}
	err := syscall.Exec(path, argv, env)
	// Exec has put the limit back to what this process was started with.
	return errors.Join(fmt.Errorf("execute %s: %w", path, err), unix.Setrlimit(unix.RLIMIT_NOFILE, &files))
}

// Fork makes the process. It is called on the forking thread. made is called as
// soon as the process exists; it must be short, and it owns exit: a descriptor
// that can be read from when the process has ended.
func Fork(c *Command, made func(pid int, exit *os.File)) error {
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
	if err := unix.SetNonblock(exit, true); err != nil { // as in WatchExit
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
