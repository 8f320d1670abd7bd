package keeper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leifengta/lft/agent/launch"
)

// What is initialised runs on the leading thread; on a busy host TestMain is not
// so sure to.
var _ = func() struct{} {
	if os.Getenv("LFT_TEST_ROLE") == "keeper" {
		runtime.LockOSThread()
	}
	return struct{}{}
}()

// The test binary is also the keeper: its Main wants a process to itself.
func TestMain(m *testing.M) {
	switch os.Getenv("LFT_TEST_ROLE") {
	case "keeper":
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		log := slog.New(slog.NewTextHandler(os.Stderr, nil))
		set := settings{build: os.Getenv("LFT_TEST_BUILD"), format: handoverFormat, cgroups: os.Getenv("LFT_TEST_ISOLATION") != "sweep", quota: SpoolQuota}
		if n, err := strconv.ParseInt(os.Getenv("LFT_TEST_QUOTA"), 10, 64); err == nil {
			set.quota = n
		}
		if n, err := strconv.Atoi(os.Getenv("LFT_TEST_FORMAT")); err == nil {
			set.format = n
		}
		if err := run(ctx, os.Args[len(os.Args)-1], log, set); err != nil {
			log.Error("keeper", "error", err)
			os.Exit(1)
		}
	case "agent": // dials, starts what it is told, and lives until it is killed
		c, err := Dial(context.Background(), os.Args[1], testSpawn("keeper"))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_ = c.Start(Start{Token: "orphan", Argv: []string{"/bin/sh", "-c", os.Args[2]}})
		for e := range c.Events() {
			fmt.Printf("%T\n", e)
		}
	default:
		os.Exit(m.Run())
	}
}

func testSpawn(role string, env ...string) Spawn {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Spawn{Argv: []string{exe}, Env: append([]string{
		"LFT_TEST_ROLE=" + role, "GORACE=atexit_sleep_ms=0", // or each keeper ends a second late
	}, env...)}
}

// rig is a keeper in a directory of its own with one client.
type rig struct {
	t    *testing.T
	dir  string
	c    *Client
	seen []Event
}

func newRig(t *testing.T, env ...string) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	t.Cleanup(func() { endKeeper(t, r.dir) })
	r.dial(env...)
	return r
}

func (r *rig) dial(env ...string) {
	r.t.Helper()
	c, err := Dial(r.t.Context(), r.dir, testSpawn("keeper", env...))
	if err != nil {
		text, _ := os.ReadFile(filepath.Join(r.dir, logName))
		r.t.Fatalf("dial: %v\n%s", err, text)
	}
	r.t.Cleanup(func() { c.Close() })
	r.c, r.seen = c, nil
}

// endKeeper leaves no process behind, whatever the test did.
func endKeeper(t *testing.T, dir string) {
	t.Helper()
	c, err := Dial(context.Background(), dir, Spawn{})
	if err == nil {
		pid := c.Hello().PID
		_ = c.Stop()
		for range c.Events() {
		}
		c.Close()
		until(t, "the keeper ends", func() bool {
			p, err := launch.FindProcess(pid)
			return err != nil || p.Zombie
		})
	}
	var swept error
	until(t, "the lock is free", func() bool {
		swept = Sweep(context.Background(), dir)
		return !errors.Is(swept, ErrOwned)
	})
	if swept != nil {
		t.Errorf("sweep: %v", swept)
	}
	if t.Failed() {
		text, _ := os.ReadFile(filepath.Join(dir, logName))
		t.Logf("keeper's log:\n%s", text)
	}
}

// until polls a condition of the outside world.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("waited too long until %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (r *rig) start(s Start) {
	r.t.Helper()
	if err := r.c.Start(s); err != nil {
		r.t.Fatal(err)
	}
}

func sh(token, script string) Start {
	return Start{Token: token, Argv: []string{"/bin/sh", "-c", script}, KillGrace: 10 * time.Second}
}

// next waits for the first event, seen before or not, for which ok holds.
func next[E Event](r *rig, ok func(E) bool) E {
	r.t.Helper()
	for _, e := range r.seen {
		if e, is := e.(E); is && ok(e) {
			return e
		}
	}
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e, open := <-r.c.Events():
			if !open {
				r.t.Fatalf("events ended while waiting; seen %+v", r.seen)
			}
			r.seen = append(r.seen, e)
			if e, is := e.(E); is && ok(e) {
				return e
			}
		case <-deadline:
			r.t.Fatalf("waited too long for %T; seen %+v", *new(E), r.seen)
		}
	}
}

func (r *rig) started(token string) Started {
	r.t.Helper()
	return next(r, func(e Started) bool { return e.Token == token })
}

func (r *rig) ended(token string) Ended {
	r.t.Helper()
	return next(r, func(e Ended) bool { return e.Token == token })
}

func (r *rig) run(s Start) Ended {
	r.t.Helper()
	r.start(s)
	return r.ended(s.Token)
}

func (r *rig) spool(token string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(SpoolDir(r.dir), token))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// spoolSoFar is empty while there is no file.
func (r *rig) spoolSoFar(token string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(SpoolDir(r.dir), token))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.t.Fatal(err)
	}
	return string(text)
}

// pidIn waits until a job has written a process number into a file.
func pidIn(t *testing.T, path string) launch.Process {
	t.Helper()
	var p launch.Process
	until(t, "there is a number in "+path, func() bool {
		text, err := os.ReadFile(path)
		if err != nil || !strings.HasSuffix(string(text), "\n") {
			return false
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatalf("%s holds %q", path, text)
		}
		p, err = launch.FindProcess(pid)
		return err == nil
	})
	return p
}

func alive(p launch.Process) bool {
	now, err := launch.FindProcess(p.PID)
	return err == nil && now.Start == p.Start && !now.Zombie
}
