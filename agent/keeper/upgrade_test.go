package keeper

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// upgradeTo dials as the agent of another build does.
func (r *rig) upgradeTo(build string) {
	r.t.Helper()
	s := testSpawn("keeper")
	s.Argv, s.Build = []string{"/usr/bin/env", "LFT_TEST_BUILD=" + build, s.Argv[0]}, build
	was := r.c.Hello()
	r.dialAs(s)
	now := r.c.Hello()
	if err := r.c.Stale(); err != nil || now.Build != build || now.PID != was.PID || now.Keeper != was.Keeper {
		r.t.Fatalf("upgrade to %s: %v, %+v", build, err, now)
	}
}

func (r *rig) dialAs(s Spawn) {
	r.t.Helper()
	r.settle()
	c, err := Dial(r.t.Context(), r.dir, s)
	if err != nil {
		r.t.Fatalf("dial: %v", err)
	}
	r.t.Cleanup(func() { c.Close() })
	r.c, r.seen = c, nil
	for _, a := range c.Hello().Attempts {
		if a.Ended != nil {
			r.seen = append(r.seen, *a.Ended)
		}
	}
}

// settle returns when the keeper has obeyed all that it was told.
func (r *rig) settle() {
	r.t.Helper()
	if _, _, err := r.c.Tail(r.t.Context(), "no-such-token", 0, 1); !errors.Is(err, ErrFreed) {
		r.t.Fatal(err)
	}
}

func (r *rig) checkLog(token, want string, got Log) {
	r.t.Helper()
	sum := sha256.Sum256([]byte(want))
	if text := r.spool(token); text != want || got != (Log{Bytes: int64(len(want)), SHA256: hex.EncodeToString(sum[:])}) {
		r.t.Errorf("log of %s: %d bytes, want %d; %+v", token, len(text), len(want), got)
	}
}

// A keeper becomes another program again and again, while jobs of all programs
// run, write, are killed, time out and end.
func TestUpgrade(t *testing.T) {
	for _, isolation := range []string{"cgroup", "sweep"} {
		t.Run(isolation, func(t *testing.T) {
			r := newRig(t, "LFT_TEST_BUILD=0", "LFT_TEST_ISOLATION="+isolation)
			if got := r.c.Hello().Isolation; got != isolation {
				t.Skipf("isolation here is %s", got)
			}
			upgradeRounds(r, t.TempDir())
		})
	}
}

func upgradeRounds(r *rig, dir string) {
	const rounds = 4
	t, done := r.t, filepath.Join(dir, "done")
	at := launch.BootTime() + 400_000 // isolation counts from here, not from the start
	r.c.Beat(1, 1, at)
	timed, lonely := sh("timed", "sleep 1000"), sh("lonely", "sleep 1000")
	timed.Timeout, lonely.RerunAfter = 900*time.Millisecond, 900*time.Millisecond
	left := sh("left", daemon(filepath.Join(dir, "left"), "", "exit 6"))
	left.KillGrace = 800 * time.Millisecond
	r.start(timed)
	r.start(lonely)
	r.start(left)
	stray := pidIn(t, filepath.Join(dir, "left"))
	for n := range rounds {
		steady := fmt.Sprint("steady", n)
		r.start(sh(steady, fmt.Sprintf(`i=0; while [ ! -e %s ]; do echo line $i; i=$((i+1)); done; echo $i > "$LFT_OUTPUT"; exit 5`, done)))
		deaf := sh(fmt.Sprint("deaf", n), fmt.Sprintf(`trap '' TERM; echo $$ > %s/deaf%d; while :; do sleep 0.01; done`, dir, n))
		deaf.KillGrace = 200 * time.Millisecond
		r.start(deaf)
		pidIn(t, fmt.Sprintf("%s/deaf%d", dir, n))
		r.c.Kill(deaf.Token, "asked for")
		for i := range 12 { // one after the other ends, or has not begun, when the program goes
			r.start(sh(fmt.Sprint("short", n, "-", i), fmt.Sprintf("sleep 0.%03d; echo %d; exit %d", i*7, i, i)))
		}
		before := launch.BootTime()
		r.upgradeTo(fmt.Sprint(n + 1))
		if e := r.ended(deaf.Token); e.Signal != "SIGKILL" || e.Why != "asked for" || e.At-before < 150_000 {
			t.Errorf("%+v, %d µs after it was killed", e, e.At-before)
		}
		for i := range 12 {
			e := r.ended(fmt.Sprint("short", n, "-", i))
			if e.ExitCode != i || e.Refused != "" || e.Cause != CauseNone {
				t.Errorf("%+v", e)
			}
			r.checkLog(e.Token, fmt.Sprintln(i), e.Log)
		}
	}
	if e := r.ended("timed"); e.Cause != CauseTimeout || e.Signal != "SIGTERM" || e.At-e.StartedAt < 900_000 {
		t.Errorf("%+v", e)
	}
	if e := r.ended("lonely"); e.Cause != CauseIsolated || e.Signal != "SIGTERM" || e.At-at < 900_000 {
		t.Errorf("%+v", e)
	}
	if e := r.ended("left"); e.Cause != CauseNone || e.ExitCode != 6 || e.Leftover == 0 || alive(stray) {
		t.Errorf("%+v, daemon lives: %v", e, alive(stray))
	}
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for n := range rounds {
		e := r.ended(fmt.Sprint("steady", n))
		var lines int
		if _, err := fmt.Sscan(string(e.Output), &lines); err != nil || e.ExitCode != 5 || e.Cause != CauseNone {
			t.Fatalf("%+v, %v", e, err)
		}
		var want bytes.Buffer
		for i := range lines {
			fmt.Fprintln(&want, "line", i)
		}
		r.checkLog(e.Token, want.String(), e.Log)
	}
	if e := r.run(sh("after", "[ $(ls -A | wc -l) = 0 ] && exit 3")); e.ExitCode != 3 {
		t.Errorf("%+v", e)
	}
}

// What was read from a pipe and found no room comes with the upgrade, and a log
// that was partly freed goes on where it was.
func TestUpgradeOfBlocked(t *testing.T) {
	const quota, first, volume = 256 << 10, 296 << 10, 1 << 20 // what of first finds no room is less than a pipe holds
	r := newRig(t, "LFT_TEST_BUILD=0", fmt.Sprint("LFT_TEST_QUOTA=", quota))
	dir := t.TempDir()
	r.start(sh("chatty", fmt.Sprintf(`seq 1000000 %d; touch %s/first; while [ ! -e %s/more ]; do sleep 0.005; done; seq %d %d`,
		1000000+first/8-1, dir, dir, 1000000+first/8, 1000000+volume/8-1)))
	pid := r.started("chatty").PID
	until(t, "more was read from the pipe than has room", func() bool {
		_, err := os.Stat(dir + "/first")
		return err == nil && first-inPipe(t, pid) > quota
	})
	r.upgradeTo("1")
	r.upgradeTo("2") // and the state comes from a state
	if err := os.WriteFile(dir+"/more", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for n := 0; got.Len() < volume; n++ {
		data, _, err := r.c.Tail(t.Context(), "chatty", int64(got.Len()), readSize)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(data)
		r.c.Free("chatty", int64(got.Len()))
		if n%5 != 0 {
			continue
		}
		r.upgradeTo(fmt.Sprint("n", n))
		if a := r.c.Hello().Attempts[0]; a.Ended == nil && a.Freed != int64(got.Len())/block*block {
			t.Errorf("after an upgrade %d bytes are freed, %d were", a.Freed, got.Len())
		}
	}
	e := r.ended("chatty")
	r.upgradeTo("last") // with an exit record and a log that is whole
	if again := r.ended("chatty"); again.Log != e.Log {
		t.Errorf("%+v, then %+v", e, again)
	}
	var want bytes.Buffer
	for i := range volume / 8 {
		fmt.Fprintln(&want, 1000000+i)
	}
	sum := sha256.Sum256(want.Bytes())
	if !bytes.Equal(got.Bytes(), want.Bytes()) || e.Log != (Log{Bytes: volume, SHA256: hex.EncodeToString(sum[:])}) {
		t.Errorf("%d bytes, %+v", got.Len(), e)
	}
}

// A job may have closed its log and live on, when all of that was freed.
func TestUpgradeOfFreed(t *testing.T) {
	r := newRig(t, "LFT_TEST_BUILD=0")
	done := filepath.Join(t.TempDir(), "done")
	r.start(sh("quiet", fmt.Sprintf(`echo hello; exec >&- 2>&-; while [ ! -e %s ]; do sleep 0.005; done; exit 4`, done)))
	until(t, "the log is at its end", func() bool {
		_, eof, err := r.c.Tail(t.Context(), "quiet", 6, 1)
		return eof && err == nil
	})
	r.c.Free("quiet", 6)
	r.settle()
	if text := r.spoolSoFar("quiet"); text != "" {
		t.Fatalf("not freed: %q", text)
	}
	r.upgradeTo("1")
	if err := os.WriteFile(done, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("hello\n"))
	if e := r.ended("quiet"); e.ExitCode != 4 || e.Log != (Log{Bytes: 6, SHA256: hex.EncodeToString(sum[:])}) {
		t.Errorf("%+v", e)
	}
}

// inPipe is how many bytes the standard output of a process holds.
func inPipe(t *testing.T, pid int) int {
	t.Helper()
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/1", pid), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := unix.IoctlGetInt(int(f.Fd()), unix.TIOCINQ)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A program that cannot take over is left alone, whatever is wrong with it.
func TestUpgradeRefused(t *testing.T) {
	r := newRig(t, "LFT_TEST_BUILD=0")
	dir, self := t.TempDir(), testSpawn("").Argv[0]
	script := func(name, text string) []string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return []string{path}
	}
	go1 := filepath.Join(dir, "go")
	r.start(sh("job", fmt.Sprintf(`i=0; while [ ! -e %s ]; do i=$((i+1)); echo $i; sleep 0.001; done; echo $i > "$LFT_OUTPUT"`, go1)))
	for _, tc := range []struct {
		name string
		argv []string
		want string
	}{
		{"missing", []string{dir + "/none"}, "no such file"},
		{"relative", []string{"keeper"}, "absolute"},
		{"broken", script("broken", "echo two >&2; echo words >&2; exit 3"), "exit status 3: words"},
		{"no keeper", []string{"/bin/true"}, "no keeper that knows how"},
		{"other format", []string{"/usr/bin/env", "LFT_TEST_FORMAT=2", self}, errFormat.Error()},
		{"gone", script("gone", `rm "$0"; exec /usr/bin/env LFT_TEST_BUILD=1 `+self+` "$@"`), "execute " + dir + "/gone: no such file"},
	} {
		was := r.c.Hello()
		r.dialAs(Spawn{Argv: tc.argv, Build: "1"})
		now := r.c.Hello()
		if err := r.c.Stale(); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
		if now.PID != was.PID || now.Keeper != was.Keeper || now.Build != "0" || len(now.Attempts) != 1 || now.Attempts[0].Started == nil {
			t.Errorf("%s: %+v", tc.name, now)
		}
	}
	if err := os.WriteFile(go1, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := r.ended("job")
	var want bytes.Buffer
	var lines int
	if _, err := fmt.Sscan(string(e.Output), &lines); err != nil || e.ExitCode != 0 {
		t.Fatalf("%+v, %v", e, err)
	}
	for i := range lines {
		fmt.Fprintln(&want, i+1)
	}
	r.checkLog("job", want.String(), e.Log)
}

func TestUpgradeUnknown(t *testing.T) {
	r := newRig(t) // without a build, as a keeper from before there were upgrades
	pid := r.c.Hello().PID
	r.dialAs(Spawn{Argv: []string{"/bin/false"}, Build: "1"})
	if err := r.c.Stale(); err == nil || r.c.Hello().PID != pid {
		t.Errorf("%v", err)
	}
}

func TestDecodeHandover(t *testing.T) {
	for text, want := range map[string]string{
		`{"format": 2, "more": 1}`: errFormat.Error(),
		`{}`:                       errFormat.Error(),
		`{"format": 1, "more": 1}`: "unknown field",
		`{"format": 1, "logs": [{"token": "a", "hash": "AAAA"}]}`: "sum of a log",
		`{"format": 1`: "unexpected end",
	} {
		if h, err := decodeHandover([]byte(text), 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want %q", text, h, err, want)
		}
	}
}

// A log that was freed to its end is known for its attempt alone.
func TestResumeFreedLog(t *testing.T) {
	s, err := newSpools(t.TempDir(), SpoolQuota, new(gate), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{spools: s, attempts: map[string]*attempt{}, mains: map[int]*attempt{}, logs: map[string]*spool{}}
	for token, freed := range map[string]int64{"all": 8, "half": 4} {
		if err := k.resumeLog(logState{Token: token, Cap: 9, Bytes: 8, Cut: 1, Freed: freed, Pipe: -1}); err != nil {
			t.Fatal(err)
		}
		if err := k.resumeAttempt(attemptState{Start: Start{Token: token}, Started: &Started{Token: token}, Waited: true}, nil); err != nil {
			t.Fatal(err)
		}
		a := k.attempts[token]
		if got := a.log.finish(); got != (Log{Bytes: 8, Cut: 1}) || (k.logs[token] != nil) != (token == "half") {
			t.Errorf("%s: %+v, known %v", token, got, k.logs[token])
		}
	}
}

// Who was not started yet, but is wanted dead, will not be.
func TestResumeWish(t *testing.T) {
	k := &keeper{attempts: map[string]*attempt{}}
	w := wish{CauseCancelled, "asked for"}
	if err := k.resumeAttempt(attemptState{Start: Start{Token: "a"}, Wish: &w}, nil); err != nil {
		t.Fatal(err)
	}
	a := k.attempts["a"]
	if a.takeWish(); a.end.Cause != CauseCancelled || a.end.Why != "asked for" {
		t.Errorf("%+v", a.end)
	}
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		g.enter()
		if g.close(time.Second) {
			t.Fatal("it closes with somebody inside")
		}
		g.enter() // it is open again
		go func() {
			time.Sleep(time.Second)
			g.leave()
			g.leave()
		}()
		if !g.close(time.Minute) {
			t.Fatal("it does not close")
		}
		entered := false
		go func() {
			g.enter()
			entered = true
		}()
		synctest.Wait()
		if entered {
			t.Error("it is not closed")
		}
		g.open()
		synctest.Wait()
		if !entered {
			t.Error("it is not open")
		}
	})
}
