package keeper

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/agent/launch"
)

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
	harmless := []syscall.Signal{ // ignored by default, or they stop
		syscall.SIGCHLD, syscall.SIGURG, syscall.SIGWINCH, syscall.SIGCONT,
		syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU,
	}
	for sig := syscall.Signal(1); sig < 32; sig++ {
		name := unix.SignalName(sig)
		if slices.Contains(harmless, sig) {
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

// Jobs inherit neither a descriptor that the keeper was started with nor a
// signal that its parent ignored.
func TestInherited(t *testing.T) {
	r := &rig{t: t, dir: t.TempDir()}
	t.Cleanup(func() { endKeeper(t, r.dir) })
	s := testSpawn("keeper")
	s.Argv = []string{"/bin/sh", "-c", `trap "" HUP QUIT PIPE; exec "$@" 7</dev/null`, "sh", s.Argv[0]}
	c, err := Dial(t.Context(), r.dir, s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r.c = c
	r.run(sh("fds", "ls /proc/$$/fd"))
	if got := r.spool("fds"); got != "0\n1\n2\n" {
		t.Errorf("descriptors %q", got)
	}
	for _, sig := range []string{"HUP", "QUIT", "PIPE"} {
		if e := r.run(sh(sig, "ulimit -c 0; kill -"+sig+" $$; exit 3")); e.Signal != "SIG"+sig {
			t.Errorf("%s: %+v", sig, e)
		}
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
