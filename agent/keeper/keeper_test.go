package keeper

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

// The test binary is also the keeper: its Main wants a process to itself.
func TestMain(m *testing.M) {
	switch os.Getenv("LFT_TEST_ROLE") {
	case "keeper":
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		log := slog.New(slog.NewTextHandler(os.Stderr, nil))
		cgroups := os.Getenv("LFT_TEST_ISOLATION") != "sweep"
		if err := run(ctx, os.Args[len(os.Args)-1], log, cgroups); err != nil {
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

func TestExit(t *testing.T) {
	r := newRig(t)
	for _, code := range []int{0, 1, 2, 126, 127, 128, 255} {
		e := r.run(sh(fmt.Sprint("exit", code), fmt.Sprint("exit ", code)))
		if e.ExitCode != code || e.Signal != "" || e.Refused != "" || e.Cause != CauseNone || e.Log.Bytes != 0 {
			t.Errorf("exit %d: %+v", code, e)
		}
		if s := r.started(e.Token); e.StartedAt != s.At || e.At < e.StartedAt || s.PID == 0 {
			t.Errorf("times: %+v, %+v", s, e)
		}
	}
	if entries, _ := os.ReadDir(SpoolDir(r.dir)); len(entries) != 0 {
		t.Errorf("silent jobs left spool files: %v", entries)
	}
}

func TestSignals(t *testing.T) {
	r := newRig(t)
	for sig := syscall.Signal(1); sig < 32; sig++ {
		name := unix.SignalName(sig)
		switch sig {
		case syscall.SIGCHLD, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGCONT: // ignored by default
			continue
		case syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU:
			continue
		}
		e := r.run(sh("sig"+name, fmt.Sprintf("ulimit -c 0; kill -%d $$; exit 3", int(sig))))
		if e.Signal != name || e.ExitCode != -1 || e.Cause != CauseNone {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestRefused(t *testing.T) {
	r := newRig(t)
	script := []byte("#!/no/such/interpreter\n")
	for _, tc := range []struct {
		name  string
		start Start
		want  string
	}{
		{"missing", Start{Argv: []string{"no-such-program"}}, `"no-such-program" is not in PATH=`},
		{"absolute", Start{Argv: []string{"/no/such"}}, "/no/such: no such file"},
		{"relative", Start{Argv: []string{"./x"}}, "./x: no such file"},
		{"denied", Start{Argv: []string{"./x"}, Files: []File{{Name: "x", Mode: 0o600}}}, "./x: permission denied"},
		{"folder", Start{Argv: []string{"/etc"}}, "/etc: is a directory"},
		{"interpreter", Start{Argv: []string{"./x"}, Files: []File{{Name: "x", Mode: 0o700, Data: script}}}, "no such file"},
		{"nothing", Start{}, "no program"},
		{"outside", Start{Argv: []string{"true"}, Files: []File{{Name: "../x", Mode: 0o600}}}, `make file "../x"`},
		{"twice", Start{Argv: []string{"true"}, Files: []File{{Name: "x"}, {Name: "x"}}}, "file exists"},
		{"../token", Start{Argv: []string{"true"}}, "token is malformed"},
		{"too-long", Start{Argv: []string{"true", strings.Repeat("x", 1<<18)}}, "argument list too long"},
	} {
		tc.start.Token = tc.name
		e := r.run(tc.start)
		if !strings.Contains(e.Refused, tc.want) || e.StartedAt != 0 {
			t.Errorf("%s: %+v, want %q", tc.name, e, tc.want)
		}
	}
	if e := r.run(sh("after", "exit 4")); e.ExitCode != 4 {
		t.Errorf("a job after refusals: %+v", e)
	}
}

func TestEnvironment(t *testing.T) {
	r := newRig(t, "KEEPER_SECRET=1", "PATH=/nowhere")
	s := sh("env", `env | sort; pwd; umask; ls -A; ls /proc/$$/fd; cat; echo x > "$LFT_OUTPUT"`)
	s.Env = []string{"A=1", "B=two words", "HOME=/tmp", "A=2", "malformed"}
	e := r.run(s)
	if e.ExitCode != 0 {
		t.Fatalf("%+v: %s", e, r.spool("env"))
	}
	got := r.spool("env")
	work := filepath.Join(r.dir, "slot/1/work")
	want := strings.Join([]string{
		"A=2", "B=two words", "HOME=/tmp", "LANG=C.UTF-8",
	}, "\n")
	for _, line := range []string{
		want, "LFT_OUTPUT=" + filepath.Join(r.dir, "slot/1/output"), "LFT_TOKEN=env", "LFT_WORKDIR=" + work,
		"PATH=" + launch.DefaultPath, "\n" + work + "\n0077\n0\n1\n2\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("no %q in:\n%s", line, got)
		}
	}
	if strings.Contains(got, "SECRET") || strings.Contains(got, "malformed") {
		t.Errorf("something leaked:\n%s", got)
	}
	if string(e.Output) != "x\n" {
		t.Errorf("output %q", e.Output)
	}
}

func TestStdinAndFiles(t *testing.T) {
	r := newRig(t)
	s := sh("in", `cat; cat a/b; stat -c %a a/b c; ./c`)
	s.Stdin = []byte("from stdin\n")
	s.Files = []File{{"a/b", 0o640, []byte("from file\n")}, {"c", 0o755, []byte("#!/bin/sh\necho ran\n")}}
	r.run(s)
	if got, want := r.spool("in"), "from stdin\nfrom file\n640\n755\nran\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	r.run(sh("none", `cat; ls -A`))
	if e := r.ended("none"); e.ExitCode != 0 || e.Log.Bytes != 0 {
		t.Errorf("stdin is not empty, or files are left: %+v", e)
	}
}

// Whatever a job does to its work directory, the next one finds it empty.
func TestWorkDirectory(t *testing.T) {
	r := newRig(t)
	for i, mess := range []string{
		"touch a", "mkdir -p a/b; touch a/b/c; chmod 0 a/b a", "rmdir ../work", "mv ../work ../gone; mkdir ../work; touch ../work/x",
		"chmod 0 .", "ln -s / root", "touch a; rm a", "touch a; touch -d @1 .", "rm -rf ../../1", "mkdir ../output", "true",
	} {
		r.run(sh(fmt.Sprint("mess", i), mess))
		e := r.run(sh(fmt.Sprint("look", i), `ls -lA >&2; [ -z "$(ls -A)" ] && [ "$PWD" = "$LFT_WORKDIR" ] && [ ! -e "$LFT_OUTPUT" ] && echo fine > ok`))
		if e.ExitCode != 0 || e.BadOutput != "" {
			t.Errorf("after %q: %+v", mess, e)
		}
	}
	if entries, err := os.ReadDir("/"); err != nil || len(entries) < 5 {
		t.Fatalf("the root was emptied: %v %v", entries, err)
	}
}

func TestOutput(t *testing.T) {
	r := newRig(t)
	for _, tc := range []struct{ name, script, want, bad string }{
		{"none", `true`, "", ""},
		{"empty", `: > "$LFT_OUTPUT"`, "", ""},
		{"pair", `echo a=1 >> "$LFT_OUTPUT"; echo b=2 >> "$LFT_OUTPUT"`, "a=1\nb=2\n", ""},
		{"most", `head -c 65536 /dev/zero | tr '\0' x > "$LFT_OUTPUT"`, strings.Repeat("x", 65536), ""},
		{"more", `head -c 65537 /dev/zero > "$LFT_OUTPUT"`, "", "65537 bytes, more than 65536"},
		{"link", `ln -s /etc/passwd "$LFT_OUTPUT"`, "", "can not be read"},
		{"folder", `mkdir "$LFT_OUTPUT"`, "", "not a regular file"},
		{"fifo", `mkfifo "$LFT_OUTPUT"`, "", "not a regular file"},
	} {
		e := r.run(sh(tc.name, tc.script))
		if string(e.Output) != tc.want || !strings.Contains(e.BadOutput, tc.bad) || (e.BadOutput == "") != (tc.bad == "") {
			t.Errorf("%s: output %.20q, bad %q", tc.name, e.Output, e.BadOutput)
		}
		if (e.Output == nil) != (tc.name == "none" || tc.bad != "") {
			t.Errorf("%s: nil %v", tc.name, e.Output == nil)
		}
	}
}

func TestLog(t *testing.T) {
	r := newRig(t)
	e := r.run(sh("log", `echo out; echo err >&2; echo x > /dev/stderr; echo y > /dev/stdout; printf 'z'`))
	text := "out\nerr\nx\ny\nz"
	sum := sha256.Sum256([]byte(text))
	if got := r.spool("log"); got != text {
		t.Errorf("log %q, want %q", got, text)
	}
	if e.Log != (Log{Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}) {
		t.Errorf("%+v", e.Log)
	}
}

func TestLogCap(t *testing.T) {
	r := newRig(t)
	s := sh("cap", `head -c 1000000 /dev/zero; echo end`)
	s.LogCap = 100_001
	e := r.run(s)
	sum := sha256.Sum256(make([]byte, 100_001))
	if want := (Log{Bytes: 100_001, SHA256: hex.EncodeToString(sum[:]), Cut: 900_003}); e.Log != want || e.ExitCode != 0 {
		t.Errorf("%+v, want %+v", e, want)
	}
}

// 200 MB without a newline, with something that truncates a file in between,
// arrive whole and do not fill the keeper's memory.
func TestLargeLog(t *testing.T) {
	if testing.Short() {
		t.Skip("200 MB")
	}
	r := newRig(t)
	data := filepath.Join(t.TempDir(), "data")
	random, err := os.Open("/dev/urandom")
	if err != nil {
		t.Fatal(err)
	}
	defer random.Close()
	f, err := os.Create(data)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	half := int64(100 << 20)
	if raceEnabled {
		half = 4 << 20 // the detector makes hashing a hundred times slower
	}
	if _, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(random, half)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	whole := sha256.New()
	body, err := os.ReadFile(data)
	if err != nil {
		t.Fatal(err)
	}
	body = bytes.ReplaceAll(body, []byte("\n"), []byte("."))
	if err := os.WriteFile(data, body, 0o600); err != nil {
		t.Fatal(err)
	}
	whole.Write(body)
	whole.Write([]byte("x\n"))
	whole.Write(body)
	e := r.run(sh("large", fmt.Sprintf("cat %s; echo x > /dev/stderr; cat %s", data, data)))
	if e.Log.Bytes != int64(2*len(body)+2) || e.Log.SHA256 != hex.EncodeToString(whole.Sum(nil)) || e.Log.Cut != 0 {
		t.Errorf("%+v", e)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.c.Hello().PID))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	peak, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil || peak > 64<<10 && !raceEnabled {
		t.Errorf("the keeper had %d KiB resident (%v)", peak, err)
	}
	t.Logf("peak resident %d KiB", peak)
}

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
			pidIn(t, file)
		}
		r.c.Kill(token, "asked for")
		e := r.ended(token)
		if e.Signal != tc.signal || e.ExitCode != tc.code || e.Cause != CauseCancelled || e.Why != "asked for" {
			t.Errorf("%s: %+v", tc.name, e)
		}
	}
	r.c.Kill("no-such-token", "")
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
					if e.Cause != CauseCancelled || e.Signal != "SIGTERM" {
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

func TestTimeout(t *testing.T) {
	r := newRig(t)
	s := sh("slow", "sleep 1000")
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
	s.RerunAfter = 400 * time.Millisecond
	r.start(s)
	r.started("lonely")
	later := at + 150_000
	r.c.Beat(3, 2, later)
	r.c.Beat(3, 2, later+10_000_000) // the same pair again proves nothing
	r.c.Beat(2, 9, later+10_000_000) // a deposed master neither
	e := r.ended("lonely")
	if e.Cause != CauseIsolated || e.At < later+400_000 || e.At > later+5_000_000 {
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
	r.c.Forget("once")
	r.dial()
	if a := r.c.Hello().Attempts; len(a) != 0 {
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

func TestFree(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	r.start(sh("free", fmt.Sprintf(`head -c 100000 /dev/zero | tr '\0' a; touch %s/half; while [ ! -e %s/go ]; do sleep 0.005; done; head -c 100000 /dev/zero | tr '\0' b`, dir, dir)))
	until(t, "half is written", func() bool { _, err := os.Stat(dir + "/half"); return err == nil })
	r.c.Free("free", 50_000)
	if _, _, err := r.c.Tail(t.Context(), "free", 0, 10); !errors.Is(err, ErrFreed) {
		t.Errorf("tail of freed bytes: %v", err)
	}
	data, eof, err := r.c.Tail(t.Context(), "free", 99_990, 100)
	if string(data) != "aaaaaaaaaa" || eof || err != nil {
		t.Errorf("tail: %q %v %v", data, eof, err)
	}
	os.WriteFile(dir+"/go", nil, 0o600)
	e := r.ended("free")
	if e.Log.Bytes != 200_000 {
		t.Errorf("%+v", e)
	}
	path := filepath.Join(SpoolDir(r.dir), "free")
	body, err := os.ReadFile(path)
	if err != nil || len(body) != 200_000 || strings.Count(string(body), "b") != 100_000 || strings.Count(string(body), "a") >= 60_000 {
		t.Errorf("spool: %d bytes, %d a, %v", len(body), strings.Count(string(body), "a"), err)
	}
	r.c.Free("free", 200_000)
	until(t, "the file is gone", func() bool { _, err := os.Stat(path); return err != nil })
}

func TestTailOfSilent(t *testing.T) {
	r := newRig(t)
	r.run(sh("silent", "true"))
	if data, eof, err := r.c.Tail(t.Context(), "silent", 0, 10); len(data) != 0 || !eof || err != nil {
		t.Errorf("%q %v %v", data, eof, err)
	}
}

// Many jobs leave no descriptor, thread or slot behind.
func TestLeaks(t *testing.T) {
	r := newRig(t)
	fds := func() int {
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.c.Hello().PID))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	round := func(n int) {
		for i := range 40 {
			s := sh(fmt.Sprint("j", n, "-", i), "echo hello; echo x=1 > $LFT_OUTPUT")
			s.Timeout, s.Stdin = time.Hour, []byte("x")
			r.start(s)
		}
		for i := range 40 {
			r.ended(fmt.Sprint("j", n, "-", i))
		}
	}
	round(0)
	until(t, "slots are given back", func() bool {
		before := fds()
		round(before) // warm
		return fds() <= before
	})
	before := fds()
	for n := range 3 {
		round(1000000 + n)
	}
	until(t, "descriptors are closed", func() bool { return fds() <= before })
}
