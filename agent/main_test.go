package agent_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/leifengta/lft/agent"
	"github.com/leifengta/lft/agent/keeper"
	"github.com/leifengta/lft/providers/builtin"
)

// role says which process of lft the test binary is to be.
const role = "LFT_AGENT_TEST_ROLE"

func TestMain(m *testing.M) {
	os.Exit(play(m))
}

func play(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	var err error
	switch os.Getenv(role) {
	case "":
		return m.Run()
	case "keeper":
		err = keeper.Main(ctx, os.Args[len(os.Args)-1], "test", log)
	case "agent":
		var c agent.Config
		if err = json.Unmarshal([]byte(os.Args[1]), &c); err != nil {
			break
		}
		c.JobTypes, c.Log = builtin.Set(), log
		err = agent.Run(ctx, c)
	}
	if err != nil {
		log.Error("ended", "error", err)
		return 1
	}
	return 0
}

// process is an agent in a process of its own, as lft agent would be.
type process struct {
	t   testing.TB
	dir string
	cmd *exec.Cmd
	log *os.File
}

// config is that of an agent of the master. Its keeper is this binary again.
func config(tb testing.TB, dir string, masters ...*master) agent.Config {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	c := agent.Config{
		Name: "a-" + strings.ToLower(rand.Text()), Dir: dir, Slots: 8, Labels: map[string]string{"zone": "x"}, Version: "test",
		KeeperArgv: []string{"/usr/bin/env", role + "=keeper", self},
	}
	for _, m := range masters {
		c.Masters = append(c.Masters, m.url)
		m.change(func() { m.agents[c.Name] = true })
	}
	return c
}

// launch starts an agent process in dir and ends it, its keeper and what they
// run when the test ends.
func launch(tb testing.TB, c agent.Config) *process {
	tb.Helper()
	p := &process{t: tb, dir: c.Dir}
	p.start(c)
	tb.Cleanup(func() {
		p.kill()
		killKeeper(tb, c.Dir)
		if tb.Failed() {
			for _, name := range []string{"agent.log", "keeper.log"} {
				text, _ := os.ReadFile(filepath.Join(c.Dir, name))
				tb.Logf("%s:\n%s", name, text)
			}
		}
	})
	return p
}

func (p *process) start(c agent.Config) {
	p.t.Helper()
	text, err := json.Marshal(struct {
		agent.Config
		JobTypes, Log, HTTP any `json:",omitempty"`
	}{Config: c})
	if err != nil {
		p.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	if p.log, err = os.OpenFile(filepath.Join(c.Dir, "agent.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(self, string(text))
	p.cmd.Env = append(os.Environ(), role+"=agent", "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// kill is kill -9.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.log.Close()
	p.cmd = nil
}

// term asks the agent to stop and waits until it has.
func (p *process) term() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			p.t.Errorf("the agent ended with %v", err)
		}
	case <-time.After(patience):
		p.t.Errorf("the agent does not stop")
		_ = p.cmd.Process.Kill()
		<-done
	}
	p.log.Close()
	p.cmd = nil
}

// killKeeper is kill -9 of the keeper of dir, if there is one.
func killKeeper(tb testing.TB, dir string) {
	tb.Helper()
	pid := keeperPID(tb, dir)
	if pid > 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// keeperPID finds the keeper of dir by its command line.
func keeperPID(tb testing.TB, dir string) int {
	tb.Helper()
	pids := processes(tb, "cmdline", func(text string) bool {
		return strings.HasSuffix(text, "\x00-dir\x00"+dir+"\x00")
	})
	if len(pids) == 0 {
		return 0
	}
	return pids[0]
}

// carriers are the processes of the agent of dir that carry a token in their
// environment.
func carriers(tb testing.TB, dir, token string) []int {
	tb.Helper()
	return processes(tb, "environ", func(text string) bool {
		text = "\x00" + text
		return strings.Contains(text, "\x00LFT_TOKEN="+token+"\x00") && strings.Contains(text, "\x00LFT_WORKDIR="+dir+"/")
	})
}

// processes lists those whose file of that name in /proc is as asked.
func processes(tb testing.TB, name string, is func(string) bool) []int {
	tb.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		tb.Fatal(err)
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if text, err := os.ReadFile(filepath.Join("/proc", e.Name(), name)); err == nil && is(string(text)) {
			out = append(out, pid)
		}
	}
	return out
}

// eventually waits for what only looking can tell.
func eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !cond(); {
		if time.Now().After(deadline) {
			tb.Fatalf("waited %v in vain for %s", patience, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
