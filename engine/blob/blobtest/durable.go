package blobtest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Durable runs call and tells the steps by which it made files durable, in their
// order: "sync NAME" for each file or folder it synced, NAME being relative to
// dir, and "rename". An fsync that is missing shows in no content and in no test
// that only kills processes, so the kernel is asked to tell of each one. What
// call does on other goroutines is not seen.
func Durable(t *testing.T, dir string, call func()) []string {
	t.Helper()
	returned, returns, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer returned.Close()
	listener, done := make(chan int), make(chan struct{})
	go func() {
		defer close(done)
		defer returns.Close()
		runtime.LockOSThread() // for good: nothing else may run on a thread with this filter
		fd, err := notifyOfSyncs()
		if err != nil {
			t.Logf("no notifications of system calls: %v", err)
			fd = -1
		}
		listener <- fd
		if fd >= 0 {
			call()
		}
	}()
	fd := <-listener
	if fd < 0 {
		t.Skip("this machine does not tell of fsync")
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	steps, err := hear(fd, int(returned.Fd()), dir)
	if err != nil {
		t.Fatal(err)
	}
	<-done
	return steps
}

// notification and verdict are struct seccomp_notif and seccomp_notif_resp.
type (
	notification struct {
		id         uint64
		pid, flags uint32
		call       int32
		arch       uint32
		ip         uint64
		args       [6]uint64
	}
	verdict struct {
		id           uint64
		value        int64
		error, flags int32
	}
)

// notifyOfSyncs has the calling thread wait at each fsync and rename until
// whoever listens lets it go on.
func notifyOfSyncs() (listener int, err error) {
	calls := []uint32{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_RENAMEAT}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the call's number
	for i, call := range calls {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: uint8(len(calls) - i)})
	}
	filter = append(filter,
		unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET, K: unix.SECCOMP_RET_USER_NOTIF})
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER,
		uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return 0, errno
	}
	return int(fd), nil
}

// hear collects steps until the other end of a pipe is closed.
func hear(listener, returned int, dir string) (steps []string, err error) {
	for {
		ready := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}, {Fd: int32(returned)}}
		if _, err := unix.Poll(ready, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return steps, err
		}
		if ready[0].Revents&unix.POLLIN == 0 {
			return steps, nil
		}
		var n notification
		if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			return steps, fmt.Errorf("hear of a system call: %w", err)
		}
		steps = append(steps, n.step(dir))
		v := verdict{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&v)); err != nil {
			return steps, fmt.Errorf("let a system call go on: %w", err)
		}
	}
}

func (n *notification) step(dir string) string {
	if n.call == unix.SYS_RENAMEAT {
		return "rename"
	}
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", n.args[0]))
	if err != nil {
		return "sync of " + err.Error()
	}
	if inside, err := filepath.Rel(dir, name); err == nil && !strings.HasPrefix(inside, "..") {
		name = inside
	}
	return "sync " + name
}

func ioctl(fd int, request uintptr, argument unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(argument))
	if errno != 0 {
		return errno
	}
	return nil
}
