package launch

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

func TestLookup(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"work/tool": 0o700, "work/sub/tool": 0o700, "work/data": 0o600, "bin/tool": 0o700, "bin/plain": 0o600, "bin2/plain": 0o700,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, tc := range []struct{ name, path, want, err string }{
		{"tool", at("bin"), at("bin/tool"), ""},
		{"tool", at("none") + ":" + at("bin"), at("bin/tool"), ""},
		{"tool", "", "", `"tool" is not in PATH=`},
		{"tool", "sub:" + at("bin"), at("work/sub/tool"), ""},
		{"tool", ":" + at("bin"), at("work/tool"), ""},
		{"plain", at("bin") + ":" + at("bin2"), at("bin2/plain"), ""},
		{"plain", at("bin"), "", "permission denied"},
		{"./tool", at("bin"), at("work/tool"), ""},
		{"sub/tool", at("bin"), at("work/sub/tool"), ""},
		{"./data", at("bin"), "", "permission denied"},
		{"./sub", at("bin"), "", "is a directory"},
		{at("bin/tool"), "", at("bin/tool"), ""},
		{at("none"), "", "", "no such file"},
	} {
		got, err := Lookup(tc.name, tc.path, at("work"))
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && (!strings.Contains(err.Error(), tc.err) || !errors.Is(err, ErrNoProgram)) {
			t.Errorf("%s in %q: %q, %v; want %q, %q", tc.name, tc.path, got, err, tc.want, tc.err)
		}
	}
}

func TestEnviron(t *testing.T) {
	got := Environ(
		[]string{"A=1", "B=2"},
		[]string{"B=3", "C=", "=x", "D", "E=a=b", "F=\x00"},
		[]string{"A=4"},
	)
	if diff := cmp.Diff([]string{"A=4", "B=3", "C=", "E=a=b"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if Getenv(got, "E") != "a=b" || Getenv(got, "D") != "" {
		t.Errorf("values: %q", got)
	}
	base := BaseEnviron()
	if Getenv(base, "PATH") != DefaultPath || !strings.HasPrefix(Getenv(base, "HOME"), "/") {
		t.Errorf("base: %q", base)
	}
}

func TestParseStat(t *testing.T) {
	for _, name := range []string{"sh", "a b", "a) S 1 (b", "))", ""} {
		text := "42 (" + name + ") S 7 40 41 0 -1 4194304 85 0 0 0 0 0 0 0 20 0 1 0 223180 2654208 395 184"
		p, err := parseStat(42, []byte(text))
		if want := (Process{PID: 42, Parent: 7, Group: 40, Session: 41, Start: 223180}); p != want || err != nil {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
	for _, text := range []string{"", "42", "42 (x) S", "42 (x) S a b c 0 -1 4194304 85 0 0 0 0 0 0 0 20 0 1 0 x 2654208"} {
		if p, err := parseStat(42, []byte(text)); err == nil {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (x) S 7 40 41 0 -1 4194304 85 0 0 0 0 0 0 0 20 0 1 0 223180 2654208 395 184"))
	f.Fuzz(func(t *testing.T, text []byte) { _, _ = parseStat(1, text) })
}

// Below finds what a walk over parents finds.
func TestBelow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		all := make([]Process, n)
		parent := map[int]int{}
		for i := range all {
			all[i] = Process{
				PID: i + 2, Parent: rapid.IntRange(1, i+1).Draw(t, "parent"), Zombie: rapid.Bool().Draw(t, "zombie"),
			}
			parent[i+2] = all[i].Parent
		}
		root := rapid.IntRange(2, n+1).Draw(t, "root")
		want := map[int]bool{}
		for _, p := range all {
			for at := p.PID; at > 1; at = parent[at] {
				if at == root && !p.Zombie {
					want[p.PID] = true
				}
			}
		}
		got := map[int]bool{}
		for _, p := range Below(rapid.Permutation(all).Draw(t, "order"), func(p Process) bool { return p.PID == root }) {
			got[p.PID] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
	loop := []Process{{PID: 2, Parent: 3}, {PID: 3, Parent: 2}} // what two reads of /proc may show
	if got := Below(loop, func(p Process) bool { return p.PID == 2 }); len(got) != 2 {
		t.Errorf("loop: %v", got)
	}
}

// A signal reaches the process that was seen, never one that has its number now.
func TestSignal(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := FindProcess(cmd.Process.Pid)
	if err != nil || p.Parent != os.Getpid() || p.Zombie {
		t.Fatalf("%+v, %v", p, err)
	}
	other := p
	other.Start--
	if err := other.Signal(unix.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("another process of that number: %v", err)
	}
	if err := p.Signal(unix.SIGKILL); err != nil {
		t.Error(err)
	}
	err = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("ended by %v", err)
	}
	if err := p.Signal(unix.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("a dead process: %v", err)
	}
}

func start(t *testing.T, f *Forker, c Command) (pid int, log string, status unix.WaitStatus) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	c.Stdin, c.Log = null.Fd(), w.Fd()
	var exit *os.File
	err = f.Do(func() error { return Fork(&c, func(p int, e *os.File) { pid, exit = p, e }) })
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer exit.Close()
	if err := exit.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	raw, err := exit.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Read(func(uintptr) bool {
		got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
		return got == pid || err != nil
	}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return pid, out.String(), status
}

func newForker(t *testing.T) *Forker {
	t.Helper()
	f, end := NewForker(), make(chan struct{})
	t.Cleanup(func() { close(end) })
	go f.Serve(end)
	return f
}

func TestForker(t *testing.T) {
	f := newForker(t)
	dir := t.TempDir()
	pid, log, status := start(t, f, Command{
		Path: "/bin/sh", Argv: []string{"name", "-c", `echo $0; env; pwd; cut -d' ' -f 5,6 /proc/self/stat; exit 3`},
		Env: []string{"A=1", "PATH=/bin:/usr/bin"}, Dir: dir, Cgroup: -1,
	})
	got := strings.Split(strings.TrimSpace(log), "\n")
	if got[0] != "name" || !strings.Contains(log, "A=1\n") || !strings.Contains(log, dir+"\n") {
		t.Errorf("log: %q", log)
	}
	if want := strconv.Itoa(pid) + " " + strconv.Itoa(pid); got[len(got)-1] != want {
		t.Errorf("group and session %q, want %q", got[len(got)-1], want)
	}
	if status.ExitStatus() != 3 {
		t.Errorf("status %v", status)
	}
	err := f.Do(func() error {
		return Fork(&Command{Path: "/no/such", Argv: []string{"x"}, Dir: dir, Cgroup: -1}, func(int, *os.File) { t.Error("made") })
	})
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("no program: %v", err)
	}
}

func TestCgroup(t *testing.T) {
	dir, err := MakeCgroup("lft-test-" + filepath.Base(t.TempDir()) + strconv.Itoa(os.Getpid()))
	if errors.Is(err, ErrNoCgroup) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := RemoveCgroup(dir); err != nil {
			t.Error(err)
		}
	})
	slots, err := NewSlots(filepath.Join(t.TempDir(), "slot"), dir)
	if err != nil {
		t.Fatal(err)
	}
	f := newForker(t)
	slot, err := slots.Take()
	if err != nil {
		t.Fatal(err)
	}
	// The third round is in a cgroup that was killed before.
	for range 3 {
		c := Command{Path: "/bin/sh", Argv: []string{"sh", "-c", "exit 0"}, Dir: slot.Work, Cgroup: slot.CgroupFD}
		if _, _, status := start(t, f, c); !status.Exited() {
			t.Errorf("a process born in the cgroup: %v", status)
		}
		cmd := exec.Command("/bin/sleep", "1000")
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: slot.CgroupFD}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if got, err := CgroupOf(cmd.Process.Pid); got != slot.Cgroup || err != nil {
			t.Errorf("cgroup %q, %v; want %q", got, err, slot.Cgroup)
		}
		if busy, err := CgroupPopulated(dir); !busy || err != nil {
			t.Errorf("populated: %v, %v", busy, err)
		}
		if err := slot.Kill(); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Errorf("killed: %v", err)
		}
		if err := slots.Give(slot); err != nil {
			t.Fatal(err)
		}
		again, err := slots.Take()
		if err != nil || again != slot {
			t.Fatalf("slot %v, %v", again, err)
		}
	}
	if err := slots.Give(slot); err != nil {
		t.Fatal(err)
	}
	if err := slots.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(slot.Cgroup); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("cgroup is left: %v", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil { // for the cleanup
		t.Fatal(err)
	}
}

// However many there are, all strangers are listed.
func TestStrangers(t *testing.T) {
	s, err := NewStrangers()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/bin/sh", "-c", "for i in 1 2 3; do (sleep 1000 >/dev/null 2>&1 & echo $!); done").Output()
	if err != nil {
		t.Fatal(err)
	}
	s.buf = make([]byte, 3)
	listed, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(out)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(listed, pid) {
			t.Errorf("%d is not among %v", pid, listed)
		}
		_ = syscall.Kill(pid, syscall.SIGKILL)
		if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
			t.Error(err)
		}
	}
}

// Only the leading thread may execute another program: see Replace.
func TestReplace(t *testing.T) {
	f := newForker(t)
	for leading := true; leading; {
		err := f.Do(func() error { leading = unix.Gettid() == unix.Getpid(); return nil })
		if err != nil {
			t.Fatal(err)
		}
		if leading {
			f = newForker(t) // the first one holds the leading thread
		}
	}
	if err := f.Replace("/no/such", nil, nil, nil); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("by another thread: %v", err)
	}
	var before, after unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	fd := int(w.Fd())
	if err := replace("/no/such", []string{"x"}, nil, []int{fd}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no program: %v", err)
	}
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &after); err != nil || after != before {
		t.Errorf("limit of descriptors %+v, was %+v (%v)", after, before, err)
	}
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("a descriptor stays open for jobs: %x, %v", flags, err)
	}
}

// What is not in use goes, what is in use is not touched until it is given back.
func TestResumeSlots(t *testing.T) {
	cgroup, err := MakeCgroup("lft-test-" + strconv.Itoa(os.Getpid()) + "-resume")
	switch {
	case errors.Is(err, ErrNoCgroup):
		cgroup = ""
	case err != nil:
		t.Fatal(err)
	default:
		t.Cleanup(func() { _ = RemoveCgroup(cgroup) })
	}
	root := filepath.Join(t.TempDir(), "slot")
	s, err := NewSlots(root, cgroup)
	if err != nil {
		t.Fatal(err)
	}
	var old [3]*Slot
	for i := range old {
		if old[i], err = s.Take(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(old[i].Work, "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, slots, err := ResumeSlots(root, cgroup, []string{old[0].Name})
	if err != nil {
		t.Fatal(err)
	}
	slot := slots[old[0].Name]
	if slot == nil || slot.Work != old[0].Work || slot.Output != old[0].Output || slot.Cgroup != old[0].Cgroup {
		t.Fatalf("%+v, want %+v", slot, old[0])
	}
	if _, err := os.Stat(filepath.Join(slot.Work, "x")); err != nil {
		t.Errorf("a slot in use was touched: %v", err)
	}
	for _, gone := range []string{old[1].Work, old[2].Work, old[1].Cgroup, old[2].Cgroup} {
		if _, err := os.Stat(gone); gone != "" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("left: %s, %v", gone, err)
		}
	}
	if fresh, err := again.Take(); err != nil || fresh.Name == slot.Name {
		t.Errorf("%+v, %v", fresh, err)
	}
	if err := again.Give(slot); err != nil {
		t.Fatal(err)
	}
	if got, err := again.Take(); got != slot || err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	if entries, err := os.ReadDir(slot.Work); err != nil || len(entries) != 0 || (slot.CgroupFD >= 0) != (cgroup != "") {
		t.Errorf("given back: %v, %v, %+v", entries, err, slot)
	}
}

// An untouched work directory is used as it is; a touched one is made anew.
func TestSlots(t *testing.T) {
	root := filepath.Join(t.TempDir(), "slot")
	s, err := NewSlots(root, "")
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Take()
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Take()
	if err != nil || a.Work == b.Work || a.CgroupFD >= 0 {
		t.Fatalf("%+v, %+v, %v", a, b, err)
	}
	inode := func(slot *Slot) uint64 {
		var st unix.Stat_t
		if err := unix.Stat(slot.Work, &st); err != nil {
			t.Fatal(err)
		}
		return st.Ino
	}
	before := inode(a)
	for range 3 {
		if err := s.Give(a); err != nil {
			t.Fatal(err)
		}
		if again, err := s.Take(); again != a || err != nil || inode(a) != before {
			t.Fatalf("%+v, %v", again, err)
		}
	}
	for _, mess := range []func(string) error{
		func(dir string) error { return os.WriteFile(filepath.Join(dir, "x"), nil, 0o600) },
		func(dir string) error { return os.MkdirAll(filepath.Join(dir, "x/y"), 0o700) },
		func(dir string) error {
			if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
				return err
			}
			return os.Chtimes(dir, time.Unix(1, 0), time.Unix(1, 0))
		},
		os.Remove,
		func(dir string) error { return os.Rename(dir, dir+"2") },
		func(dir string) error { return os.Chmod(dir, 0o500) },
	} {
		if err := mess(a.Work); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(a.Output, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		was := a.work
		if err := s.Give(a); err != nil {
			t.Fatal(err)
		}
		if was.Close() == nil {
			t.Error("the descriptor of a work directory that is gone was left open")
		}
		if again, err := s.Take(); again != a || err != nil {
			t.Fatalf("%+v, %v", again, err)
		}
		entries, err := os.ReadDir(a.Work)
		st, stErr := os.Stat(a.Work)
		if err != nil || stErr != nil || len(entries) != 0 || st.Mode().Perm() != 0o700 {
			t.Errorf("work directory: %v, %v, %v, %v", entries, err, st.Mode(), stErr)
		}
		if _, err := os.Lstat(a.Output); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("output is left: %v", err)
		}
	}
	// A new life begins with nothing of the last.
	if _, err := NewSlots(root, ""); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 0 {
		t.Errorf("left: %v, %v", entries, err)
	}
}
