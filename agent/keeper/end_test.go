package keeper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leifengta/lft/agent/launch"
)

func TestKill(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	for _, tc := range []struct {
		name, script string
		grace        time.Duration
		signal       string
		code         int
	}{
		{"polite", "sleep 1000", 10 * time.Second, "SIGTERM", -1},
		{"tidy", `trap 'exit 7' TERM; echo $$ > FILE; while :; do sleep 0.01; done`, 10 * time.Second, "", 7},
		{"deaf", `trap '' TERM HUP INT; echo $$ > FILE; while :; do sleep 0.01; done`, 50 * time.Millisecond, "SIGKILL", -1},
		{"stopped", `echo $$ > FILE; kill -STOP $$; sleep 100`, 20 * time.Millisecond, "SIGKILL", -1},
		{"at once", `trap '' TERM; echo $$ > FILE; while :; do sleep 0.01; done`, 0, "SIGKILL", -1},
	} {
		token := strings.ReplaceAll(tc.name, " ", "-")
		file := filepath.Join(dir, token)
		s := sh(token, strings.ReplaceAll(tc.script, "FILE", file))
		s.KillGrace = tc.grace
		r.start(s)
		r.started(token)
		if strings.Contains(tc.script, "FILE") {
			p := pidIn(t, file)
			until(t, "it is as it wants to be", func() bool { return tc.name != "stopped" || stopped(t, p.PID) })
		}
		r.c.Kill(token, "asked for")
		e := r.ended(token)
		if e.Signal != tc.signal || e.ExitCode != tc.code || e.Cause != CauseCancelled || e.Why != "asked for" {
			t.Errorf("%s: %+v", tc.name, e)
		}
	}
	r.c.Kill("no-such-token", "")
}

// stopped reports whether a process has obeyed SIGSTOP.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), ") T ")
}

// daemon is a script that leaves a process behind in a session of its own,
// deaf to TERM, holding the log open, and ends or goes on itself.
func daemon(file, env, then string) string {
	return fmt.Sprintf(`(%s setsid /bin/sh -c 'trap "" TERM HUP; echo $$ > %s; while :; do sleep 0.01; done' &) ; while [ ! -s %s ]; do sleep 0.005; done; %s`,
		env, file, file, then)
}

func TestDoubleFork(t *testing.T) {
	for _, isolation := range []string{"cgroup", "sweep"} {
		for _, env := range []string{"", "env -i"} {
			t.Run(isolation+env, func(t *testing.T) {
				r := newRig(t, "LFT_TEST_ISOLATION="+isolation)
				if got := r.c.Hello().Isolation; got != isolation {
					t.Skipf("isolation here is %s", got)
				}
				t.Run("killed", func(t *testing.T) {
					file := filepath.Join(t.TempDir(), "pid")
					s := sh("killed", daemon(file, env, "sleep 1000"))
					s.KillGrace = 30 * time.Millisecond
					r.start(s)
					p := pidIn(t, file)
					r.c.Kill("killed", "")
					e := r.ended("killed")
					if alive(p) {
						t.Error("a daemon outlives its attempt")
					}
					// On a busy host a grace this short may be over before TERM has taken effect.
					if e.Cause != CauseCancelled || e.Signal != "SIGTERM" && e.Signal != "SIGKILL" {
						t.Errorf("%+v", e)
					}
				})
				t.Run("left", func(t *testing.T) {
					file := filepath.Join(t.TempDir(), "pid")
					s := sh("left", daemon(file, env, "exit 5"))
					s.KillGrace = 30 * time.Millisecond
					r.start(s)
					p := pidIn(t, file)
					e := r.ended("left")
					if alive(p) {
						t.Error("a daemon outlives its attempt")
					}
					if e.Cause != CauseNone || e.ExitCode != 5 || e.Leftover == 0 {
						t.Errorf("%+v", e)
					}
				})
			})
		}
	}
}

// A descendant that ends within the grace is let alone, and what it wrote is in
// the log.
func TestLeftoverEnds(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	s := sh("late", fmt.Sprintf(`(while [ ! -e %s/go ]; do sleep 0.005; done; echo late) & echo early`, dir))
	r.start(s)
	until(t, "the keeper sees it", func() bool {
		text, _ := os.ReadFile(filepath.Join(r.dir, logName))
		return strings.Contains(string(text), "processes outlive their job")
	})
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := r.ended("late")
	if e.ExitCode != 0 || e.Leftover == 0 || r.spool("late") != "early\nlate\n" {
		t.Errorf("%+v %q", e, r.spool("late"))
	}
}

// A wish does not wait until the grace of leftovers is over, which is much
// longer than this test may last.
func TestKillOfLeftover(t *testing.T) {
	r := newRig(t)
	s := sh("left", "sleep 1000 & exit 5")
	s.KillGrace = time.Hour
	r.start(s)
	until(t, "the keeper sees it", func() bool {
		text, _ := os.ReadFile(filepath.Join(r.dir, logName))
		return strings.Contains(string(text), "processes outlive their job")
	})
	r.c.Kill("left", "asked for")
	if e := r.ended("left"); e.Cause != CauseCancelled || e.Why != "asked for" || e.ExitCode != 5 || e.Leftover != 1 {
		t.Errorf("%+v", e)
	}
}

// For many programs a second TERM means more than the first.
func TestOneTerm(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "pid")
	r.start(sh("count", fmt.Sprintf(`n=0; trap 'n=$((n+1))' TERM; echo $$ > %s; while [ $n = 0 ]; do sleep 0.01; done; sleep 0.2; exit $n`, file)))
	pidIn(t, file)
	r.c.Kill("count", "")
	if e := r.ended("count"); e.ExitCode != 1 {
		t.Errorf("%+v", e)
	}
}

// Orphans that die while their job lives do not stay zombies, not after an
// upgrade either.
func TestTidy(t *testing.T) {
	r := newRig(t, "LFT_TEST_BUILD=0")
	dir := t.TempDir()
	r.start(sh("parent", fmt.Sprintf(`for i in 1 2 3; do while [ ! -e %s/go$i ]; do sleep 0.01; done; (sh -c 'echo $$ > %s/pid'$i &); done; sleep 1000`, dir, dir)))
	for i := 1; i <= 3; i++ {
		if i == 3 {
			r.upgradeTo("1")
		}
		if err := os.WriteFile(fmt.Sprintf("%s/go%d", dir, i), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		until(t, fmt.Sprint("orphan ", i, " was waited for"), func() bool {
			var pid int
			text, _ := os.ReadFile(fmt.Sprintf("%s/pid%d", dir, i))
			if _, err := fmt.Sscan(string(text), &pid); err != nil {
				return false
			}
			_, err := launch.FindProcess(pid)
			return err != nil
		})
	}
}

func TestTimeout(t *testing.T) {
	r := newRig(t)
	s := sh("patient", "sleep 1000")
	s.Timeout = time.Hour
	r.start(s)
	r.started("patient") // its alarm is set, and is not the next one for long
	s = sh("slow", "sleep 1000")
	s.Timeout = 50 * time.Millisecond
	e := r.run(s)
	if e.Cause != CauseTimeout || e.Signal != "SIGTERM" || e.At-e.StartedAt < 50_000 {
		t.Errorf("%+v", e)
	}
	s = sh("quick", "true")
	s.Timeout = time.Hour
	if e := r.run(s); e.Cause != CauseNone || e.ExitCode != 0 {
		t.Errorf("%+v", e)
	}
}

func TestIsolation(t *testing.T) {
	r := newRig(t)
	at := launch.BootTime()
	r.c.Beat(3, 1, at)
	s := sh("lonely", "sleep 1000")
	s.RerunAfter = 1500 * time.Millisecond
	r.start(s)
	r.started("lonely")
	later := at + 150_000
	r.c.Beat(3, 2, later)
	r.c.Beat(3, 2, later+10_000_000) // the same pair again proves nothing
	r.c.Beat(2, 9, later+10_000_000) // a deposed master neither
	e := r.ended("lonely")
	if e.Cause != CauseIsolated || e.At < later+1_500_000 || e.At > later+8_000_000 {
		t.Errorf("%+v, %d µs after the last beat", e, e.At-later)
	}
}

func TestOnce(t *testing.T) {
	r := newRig(t)
	file := filepath.Join(t.TempDir(), "runs")
	s := sh("once", fmt.Sprintf("echo run >> %s", file))
	r.run(s)
	r.seen = nil
	r.run(s) // told again, not run again
	if text, _ := os.ReadFile(file); string(text) != "run\n" {
		t.Errorf("runs: %q", text)
	}
	r.start(sh("runs", "sleep 1000"))
	r.c.Forget("once", "runs") // what runs is not forgotten
	// The answer comes after what was said before; a new connection alone might be served first.
	if _, _, err := r.c.Tail(t.Context(), "once", 0, 1); err == nil {
		t.Error("a job that wrote nothing has a spool")
	}
	r.dial()
	if a := r.c.Hello().Attempts; len(a) != 1 || a[0].Token != "runs" {
		t.Errorf("not forgotten: %+v", a)
	}
}

// The agent is killed; its job goes on, writes on, and its end waits for the
// next agent.
func TestAgentKilled(t *testing.T) {
	dir, work := t.TempDir(), t.TempDir()
	t.Cleanup(func() { endKeeper(t, dir) })
	spawn := testSpawn("agent")
	script := fmt.Sprintf(`echo before; while [ ! -e %s/go ]; do sleep 0.005; done; echo after; exit 9`, work)
	agent, err := os.StartProcess(spawn.Argv[0], []string{spawn.Argv[0], dir, script}, &os.ProcAttr{
		Env: append(os.Environ(), spawn.Env...), Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the job has written", func() bool {
		text, _ := os.ReadFile(filepath.Join(SpoolDir(dir), "orphan"))
		return string(text) == "before\n"
	})
	agent.Kill()
	agent.Wait()
	r := &rig{t: t, dir: dir}
	r.dial()
	until(t, "what was written is counted", func() bool {
		r.dial()
		return len(r.c.Hello().Attempts) == 1 && r.c.Hello().Attempts[0].Log > 0
	})
	known := r.c.Hello().Attempts
	if len(known) != 1 || known[0].Token != "orphan" || known[0].Started == nil || known[0].Ended != nil || known[0].Log != 7 {
		t.Fatalf("known: %+v", known)
	}
	r.c.Close()
	os.WriteFile(work+"/go", nil, 0o600)
	until(t, "the record is there", func() bool {
		r.dial()
		return r.c.Hello().Attempts[0].Ended != nil
	})
	e := r.c.Hello().Attempts[0].Ended
	if e.ExitCode != 9 || r.spool("orphan") != "before\nafter\n" {
		t.Errorf("%+v", e)
	}
	data, eof, err := r.c.Tail(t.Context(), "orphan", 7, 100)
	if string(data) != "after\n" || !eof || err != nil {
		t.Errorf("tail %q %v %v", data, eof, err)
	}
}

// The keeper is killed: its jobs die at once, what they left behind dies with
// the next one.
func TestKeeperKilled(t *testing.T) {
	for _, isolation := range []string{"cgroup", "sweep"} {
		t.Run(isolation, func(t *testing.T) {
			r := newRig(t, "LFT_TEST_ISOLATION="+isolation)
			hello := r.c.Hello()
			if hello.Isolation != isolation {
				t.Skipf("isolation here is %s", hello.Isolation)
			}
			file := filepath.Join(t.TempDir(), "pid")
			r.start(sh("doomed", daemon(file, "", "sleep 1000")))
			stray := pidIn(t, file)
			main, err := launch.FindProcess(r.started("doomed").PID)
			if err != nil {
				t.Fatal(err)
			}
			cgroup, err := os.ReadFile(filepath.Join(r.dir, cgroupName))
			if (err == nil) != (isolation == "cgroup") {
				t.Fatalf("note of the cgroup: %v", err)
			}
			if err := Sweep(t.Context(), r.dir); !errors.Is(err, ErrOwned) {
				t.Fatalf("sweep under a living keeper: %v", err)
			}
			syscall.Kill(hello.PID, syscall.SIGKILL)
			next(r, func(Gone) bool { return true })
			until(t, "the job is dead", func() bool { return !alive(main) })
			r.dial()
			if alive(stray) {
				t.Error("a daemon outlives the next keeper's start")
			}
			if _, err := os.Stat(string(cgroup)); err == nil {
				t.Errorf("%s is left", cgroup)
			}
			if now := r.c.Hello(); now.Keeper == hello.Keeper || len(now.Attempts) != 0 {
				t.Errorf("hello: %+v", now)
			}
			if e := r.run(sh("next", "echo 1; exit 3")); e.ExitCode != 3 {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestStop(t *testing.T) {
	r := newRig(t)
	r.start(sh("a", "sleep 1000"))
	r.started("a")
	r.c.Stop()
	e := r.ended("a")
	if e.Cause != CauseCancelled || e.Signal != "SIGTERM" {
		t.Errorf("%+v", e)
	}
	next(r, func(Gone) bool { return true })
	if _, err := Dial(t.Context(), r.dir, Spawn{}); err == nil {
		t.Error("the keeper still answers")
	}
	if err := r.c.Start(sh("b", "true")); !errors.Is(err, ErrGone) {
		t.Errorf("start: %v", err)
	}
}
