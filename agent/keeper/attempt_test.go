package keeper

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// Who is wanted dead before its turn comes is not forked, and its end leaves no
// alarm and none of its files behind.
func TestUnwanted(t *testing.T) {
	k := &keeper{
		null: os.Stdin, logger: slog.New(slog.DiscardHandler), attempts: map[string]*attempt{}, logs: map[string]*spool{},
	} // no forker
	var err error
	if k.slots, err = launch.NewSlots(t.TempDir(), ""); err != nil {
		t.Fatal(err)
	}
	if k.alarms, err = newAlarms(); err != nil {
		t.Fatal(err)
	}
	defer k.alarms.close()
	a := newAttempt(Start{Token: "a", Argv: []string{"/bin/true"}, Timeout: time.Hour, RerunAfter: time.Hour})
	a.want(wish{CauseCancelled, "asked for"})
	a.want(wish{CauseTimeout, ""})
	if err := k.launch(a); !errors.Is(err, errUnwanted) || a.end.Cause != CauseCancelled || a.end.Why != "asked for" {
		t.Errorf("%v, %+v", err, a.end)
	}
	a.started = &Started{At: launch.BootTime()}
	k.watch(a)
	k.gate.enter()
	k.end(a)
	if a.ended == nil || len(k.alarms.due) != 0 || a.start.Argv != nil || a.slot != nil {
		t.Errorf("%+v, %d alarms", a, len(k.alarms.due))
	}
}

func TestAdvance(t *testing.T) {
	k := &keeper{}
	for _, step := range []struct{ beat, want beatOrder }{
		{beatOrder{3, 5, 100}, beatOrder{3, 5, 100}},
		{beatOrder{3, 5, 200}, beatOrder{3, 5, 100}},
		{beatOrder{2, 9, 200}, beatOrder{3, 5, 100}},
		{beatOrder{3, 6, 50}, beatOrder{3, 6, 100}}, // sent before, answered after
		{beatOrder{4, 1, 300}, beatOrder{4, 1, 300}},
	} {
		k.advance(step.beat)
		if k.beat != step.want {
			t.Errorf("after %+v: %+v, want %+v", step.beat, k.beat, step.want)
		}
	}
}

// The keeper obeys its own user alone, also where the directory lets others in.
func TestStrangerIsRefused(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	path := fmt.Sprintf("@lft-test-%d", os.Getpid()) // has no directory that could keep anybody out
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for uid, refused := range map[int]bool{0: false, 65534: true} {
		fd := connectAs(t, path, uid)
		conn, err := listener.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkPeer(conn); (err != nil) != refused {
			t.Errorf("uid %d: %v", uid, err)
		}
		conn.Close()
		unix.Close(fd)
	}
}

// connectAs has one thread be somebody else meanwhile, for which there is only
// the bare call.
func connectAs(t *testing.T, path string, uid int) int {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const same = ^uintptr(0)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, same, uintptr(uid), same); errno != 0 {
		t.Fatal(errno)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, same, 0, same); errno != 0 {
		panic(errno)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// A keeper ends by itself when nobody would miss it, not before.
func TestIdle(t *testing.T) {
	dir := t.TempDir()
	lock, err := lockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	k := &keeper{dir: dir, link: &link{}, attempts: map[string]*attempt{}}
	if k.idle() {
		t.Error("with a client")
	}
	k.link = nil
	if !k.idle() {
		t.Error("not with nothing")
	}
	k.attempts["a"] = newAttempt(Start{Token: "a"})
	if k.idle() {
		t.Error("with an attempt")
	}
	if err := os.Remove(lock.Name()); err != nil {
		t.Fatal(err)
	}
	if !k.idle() {
		t.Error("not when its directory is gone")
	}
}
