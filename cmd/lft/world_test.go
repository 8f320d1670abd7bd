package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A world is a folder of HCL with real processes of the real binary around it. Whatever it started is killed at the
// end of the test, jobs included.
type world struct {
	tb      testing.TB
	bin     string // the lft binary
	job     string // the witness binary
	dir     string // the folder of HCL
	state   string // of the state, "" = the folder's own
	witness string // what the jobs write
	run     string // directories of agents, sockets and outputs
	procs   []*proc
}

// binaries builds lft and the witness once for all tests.
var binaries = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "lft-bin")
	if err != nil {
		return "", err
	}
	for name, pkg := range map[string]string{"lft": ".", "witness": "./testdata/witness"} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
		}
	}
	return dir, nil
})

func newWorld(tb testing.TB) *world {
	tb.Helper()
	bin, err := binaries()
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	w := &world{
		tb: tb, bin: filepath.Join(bin, "lft"), job: filepath.Join(bin, "witness"),
		dir: filepath.Join(dir, "hcl"), run: filepath.Join(dir, "run"), witness: filepath.Join(dir, "witness"),
	}
	for _, d := range []string{w.dir, w.run} {
		if err := os.Mkdir(d, 0o700); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(w.end)
	return w
}

// end leaves no process behind: whatever carries the world's witness file in its environment is its own.
func (w *world) end() {
	for _, p := range w.procs {
		p.signal(syscall.SIGKILL)
		<-p.done
		if w.tb.Failed() {
			w.tb.Logf("output of %s:\n%s", p.name, tail(p.output()))
		}
	}
	for _, pid := range w.pids("") {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// pids lists the living processes of this world whose environment also holds the given text. Zombies have none.
func (w *world) pids(text string) []int {
	var out []int
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range environs {
		env, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(env, []byte("LFT_WITNESS="+w.witness)) || !bytes.Contains(env, []byte(text)) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(name, "/proc/%d/environ", &pid); err == nil && pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out
}

// argv starts a witness. A job inherits nothing of its agent's environment.
func (w *world) argv() []string { return []string{"/usr/bin/env", "LFT_WITNESS=" + w.witness, w.job} }

func tail(b []byte) []byte { return b[max(0, len(b)-8000):] }

// A proc is a process of lft that goes on until it is killed.
type proc struct {
	name string
	cmd  *exec.Cmd
	out  string
	done chan struct{} // closed when it is gone
}

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.bin, args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "LFT_WITNESS="+w.witness, "LFT_MASTER=", "LFT_STATE="+w.state, "NO_COLOR=1")
	return cmd
}

// start runs lft in the background, with its output in a file.
func (w *world) start(name string, args ...string) *proc {
	w.tb.Helper()
	p := &proc{name: name, cmd: w.command(args...), done: make(chan struct{})}
	p.out = filepath.Join(w.run, fmt.Sprintf("%02d-%s.out", len(w.procs), name))
	f, err := os.Create(p.out)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer f.Close()
	p.cmd.Stdout, p.cmd.Stderr = f, f
	// A group of its own: what is killed is that process, not the test's.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		w.tb.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	w.procs = append(w.procs, p)
	return p
}

func (p *proc) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill -9 and wait until it is gone.
func (p *proc) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

func (p *proc) output() []byte {
	b, _ := os.ReadFile(p.out)
	return b
}

// A result is what one call of lft said.
type result struct {
	stdout, stderr string
	code           int
}

// lft runs a verb and waits for its end, at most three minutes.
func (w *world) lft(args ...string) result {
	w.tb.Helper()
	cmd := w.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	err := cmd.Run()
	if !stop() {
		w.tb.Fatalf("lft %s did not end:\n%s%s", strings.Join(args, " "), tail(stdout.Bytes()), tail(stderr.Bytes()))
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.tb.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// must is lft with the exit code it has to end with.
func (w *world) must(code int, args ...string) result {
	w.tb.Helper()
	r := w.lft(args...)
	if r.code != code {
		w.tb.Fatalf("lft %s ended %d, not %d:\n%s%s", strings.Join(args, " "), r.code, code, r.stdout, r.stderr)
	}
	return r
}

// hcl writes the folder's only file and applies it.
func (w *world) apply(hcl string) {
	w.tb.Helper()
	writeFile(w.tb, w.dir, "main.hcl", hcl)
	w.must(0, "apply", "-auto-approve")
}

// execution is what lft status -json says.
type execution struct {
	ID    string
	Flow  string
	State string
	Jobs  []struct {
		Name     string
		State    string
		Waiting  string
		Attempts []struct {
			Number   int
			State    string
			Outcome  string
			ExitCode *int `json:"exit_code"`
			Signal   string
			Reason   string
			Agent    string
		}
	}
}

func (e execution) ended() bool {
	return e.State == "SUCCEEDED" || e.State == "FAILED" || e.State == "CANCELLED"
}

func (w *world) status(id string) execution {
	w.tb.Helper()
	var e execution
	w.decode(&e, "status", id, "-json")
	return e
}

// decode reads what a verb prints as JSON.
func (w *world) decode(into any, args ...string) {
	w.tb.Helper()
	r := w.must(0, args...)
	if err := json.Unmarshal([]byte(r.stdout), into); err != nil {
		w.tb.Fatalf("lft %s: %v\n%s", strings.Join(args, " "), err, r.stdout)
	}
}

// sum is the checksum of what a verb prints.
func (w *world) sum(args ...string) string {
	w.tb.Helper()
	cmd := w.command(args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		w.tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.tb.Fatal(err)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, out); err != nil {
		w.tb.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		w.tb.Errorf("lft %s: %v", strings.Join(args, " "), err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// until asks again and again until the condition holds.
func (w *world) until(what string, within time.Duration, holds func() bool) {
	w.tb.Helper()
	deadline := time.Now().Add(within)
	for pause := 5 * time.Millisecond; !holds(); pause = min(2*pause, 200*time.Millisecond) {
		if time.Now().After(deadline) {
			w.tb.Fatalf("not within %s: %s", within, what)
		}
		<-time.After(pause)
	}
}

// finish waits for the end of an execution, whichever master acts, and returns it.
func (w *world) finish(id string, within time.Duration) execution {
	w.tb.Helper()
	var e execution
	w.until(id+" ends", within, func() bool {
		r := w.lft("status", id, "-json")
		return r.code == 0 && json.Unmarshal([]byte(r.stdout), &e) == nil && e.ended()
	})
	return e
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A cluster is servers and agents of one state.
type cluster struct {
	*world
	addresses []string // of the servers
	servers   []*proc
	agents    map[string]*proc
}

// newCluster starts servers and agents on a MariaDB database.
func (w *world) newCluster(state string, servers int, agents ...string) *cluster {
	w.tb.Helper()
	w.state = state
	c := &cluster{world: w, agents: map[string]*proc{}}
	for range servers {
		c.addresses = append(c.addresses, freeAddress(w.tb))
		c.servers = append(c.servers, nil)
	}
	for i := range c.servers {
		c.serve(i)
	}
	c.leader(time.Minute)
	for _, name := range agents {
		c.join(name)
	}
	c.until("all agents are there", time.Minute, func() bool {
		r := c.lft("agents", "-json")
		return strings.Count(r.stdout, `"ACTIVE"`) == len(agents)
	})
	return c
}

func (c *cluster) serve(i int) {
	c.servers[i] = c.start(fmt.Sprintf("server%d", i), "server", "-state", c.state, "-listen", c.addresses[i],
		"-blobs", filepath.Join(c.run, "blobs"))
}

func (c *cluster) join(name string) {
	c.agents[name] = c.start(name, "agent", "-master", c.masters(), "-name", name,
		"-dir", filepath.Join(c.run, name), "-slots", "16")
}

func (c *cluster) masters() string { return "http://" + strings.Join(c.addresses, ",http://") }

// leader waits for an acting master and returns its number.
func (c *cluster) leader(within time.Duration) int {
	c.tb.Helper()
	acting, _ := c.term(within)
	return acting
}

// term waits for an acting master and returns its number and its epoch.
func (c *cluster) term(within time.Duration) (acting int, epoch int64) {
	c.tb.Helper()
	acting = -1
	c.until("a master acts", within, func() bool {
		r := c.lft("master", "-json")
		var m struct {
			Leader string
			Epoch  int64
		}
		if r.code != 0 || json.Unmarshal([]byte(r.stdout), &m) != nil || m.Leader == "" {
			return false
		}
		for i, a := range c.addresses {
			if strings.HasSuffix(m.Leader, a) {
				acting, epoch = i, m.Epoch
			}
		}
		return acting >= 0
	})
	return acting, epoch
}
