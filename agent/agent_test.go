package agent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/agent"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
	"github.com/leifengta/lft/providers/builtin"
)

// run starts an agent in this process and ends it with the test.
func run(t *testing.T, c agent.Config) (stop func()) {
	t.Helper()
	c.JobTypes = builtin.Set()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx, c) }()
	stopped := false
	stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the agent ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("the agent does not stop")
		}
	}
	t.Cleanup(func() {
		stop()
		killKeeper(t, c.Dir)
	})
	return stop
}

func TestRegisters(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	c := config(t, t.TempDir(), m)
	run(t, c)
	hello := m.connected(1)
	if len(hello.GetReconcile()) != 0 || !hello.GetReconciled() {
		t.Errorf("first message: %v", hello)
	}
	r := m.register[0]
	id := r.GetIdentity()
	for name, v := range map[string]string{
		"uid": id.GetUid(), "machine": id.GetMachineId(), "boot": id.GetBootId(),
		"namespace": id.GetNamespace(), "journal": id.GetJournalId(), "isolation": r.GetIsolation(),
	} {
		if v == "" {
			t.Errorf("%s is empty", name)
		}
	}
	if id.GetName() != c.Name || r.GetSlots() != 8 || r.GetLabels()["zone"] != "x" {
		t.Errorf("registered as %v", r)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	run(t, config(t, t.TempDir(), m))
	m.connected(1)
	declared := func(task *providers.Task) {
		task.Outputs = []*spec.Output{{Name: "rows", Type: spec.Type(`"number"`)}}
	}
	script := func(text string) map[string]any { return map[string]any{"script": text} }
	for _, tc := range []struct {
		name   string
		task   []byte
		want   *lftv1.Report // without times
		output string
	}{
		{"success", task(t, "exit 0"), &lftv1.Report{Outcome: "succeeded", HasExit: true}, ""},
		{"exit", task(t, "exit 7"), &lftv1.Report{Outcome: "failed", Reason: "exit", HasExit: true, ExitCode: 7}, ""},
		{"signal", task(t, "kill -SEGV $$"), &lftv1.Report{Outcome: "failed", Reason: "signal", Signal: "SIGSEGV"}, ""},
		{"output", anyTask(t, script("echo rows=12 > $LFT_OUTPUT"), declared), &lftv1.Report{Outcome: "succeeded", HasExit: true}, `{"rows":12}`},
		{"missing output", anyTask(t, script("true"), declared), &lftv1.Report{Outcome: "failed", Reason: "bad_output", HasExit: true}, ""},
		{"undeclared output", task(t, "echo rows=12 > $LFT_OUTPUT"), &lftv1.Report{Outcome: "failed", Reason: "bad_output", HasExit: true}, ""},
		{"wrong output", anyTask(t, script("echo rows=many > $LFT_OUTPUT"), declared), &lftv1.Report{Outcome: "failed", Reason: "bad_output", HasExit: true}, ""},
		{"no output of a failure", anyTask(t, script("exit 3"), declared), &lftv1.Report{Outcome: "failed", Reason: "exit", HasExit: true, ExitCode: 3}, ""},
		{"timeout", anyTask(t, script("sleep 60"), func(p *providers.Task) { p.Timeout = 50_000 }), &lftv1.Report{Outcome: "timeout", Reason: "timeout", Signal: "SIGTERM"}, ""},
		{"no such program", anyTask(t, map[string]any{"command": []string{"/no/such/program"}}, nil), &lftv1.Report{Outcome: "rejected", Reason: "cannot_start"}, ""},
		{"no such type", []byte(`{"type":"spark"}`), &lftv1.Report{Outcome: "rejected", Reason: "cannot_start"}, ""},
		{"no task", []byte(`{`), &lftv1.Report{Outcome: "rejected", Reason: "cannot_start"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			token := strings.ReplaceAll(tc.name, " ", "-")
			m.orderTask(token, tc.task)
			got := m.end(token)
			if got.GetOutcome() != tc.want.GetOutcome() || got.GetReason() != tc.want.GetReason() ||
				got.GetSignal() != tc.want.GetSignal() || got.GetHasExit() != tc.want.GetHasExit() ||
				got.GetExitCode() != tc.want.GetExitCode() || string(got.GetOutput()) != tc.output {
				t.Errorf("got %v, want %v with output %s", got, tc.want, tc.output)
			}
			if got.GetOutcome() == "rejected" {
				if got.GetMessage() == "" {
					t.Error("nobody says why it could not be started")
				}
				return
			}
			if got.GetStartedAt() == 0 || got.GetEndedAt() < got.GetStartedAt() {
				t.Errorf("started at %d, ended at %d", got.GetStartedAt(), got.GetEndedAt())
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("AGENT_SECRET", "not for jobs")
	m := newMaster(t)
	dir := t.TempDir()
	run(t, config(t, dir, m))
	m.connected(1)
	out := filepath.Join(t.TempDir(), "env")
	m.orderTask("tok", anyTask(t, map[string]any{"script": "env > " + out + "; pwd >> " + out}, func(p *providers.Task) {
		p.Env = map[string]string{"LFT_EXECUTION": "x1"}
	}))
	m.end("tok")
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[name] = value
	}
	for _, name := range []string{"LFT_TOKEN", "LFT_OUTPUT", "LFT_WORKDIR", "PATH", "LFT_EXECUTION"} {
		if env[name] == "" {
			t.Errorf("%s is not set", name)
		}
	}
	if env["LFT_TOKEN"] != "tok" || env["LFT_EXECUTION"] != "x1" {
		t.Errorf("token %q, execution %q", env["LFT_TOKEN"], env["LFT_EXECUTION"])
	}
	if _, ok := env["AGENT_SECRET"]; ok {
		t.Error("a job sees the agent's own environment")
	}
	if !strings.Contains(string(text), "\n"+env["LFT_WORKDIR"]+"\n") {
		t.Error("a job does not start in its work directory")
	}
}

// TestShortJobIsOneReport: the news of a start waits a little for the end.
func TestShortJobIsOneReport(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	run(t, config(t, t.TempDir(), m))
	m.connected(1)
	m.order("short", "true")
	m.end("short")
	m.order("long", "sleep 0.6")
	m.start("long")
	m.end("long")
	m.change(func() {
		if m.started["short"] != nil {
			t.Error("the start of a short job is told apart")
		}
	})
}

func TestKill(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	dir := t.TempDir()
	run(t, config(t, dir, m))
	m.connected(1)
	// Ignores TERM, and a grandchild leaves its session.
	m.order("stubborn", "trap '' TERM; setsid sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' & while :; do sleep 0.05; done")
	m.start("stubborn")
	m.kill("stubborn")
	if got := m.end("stubborn"); got.GetOutcome() != "cancelled" || got.GetReason() != "cancelled" {
		t.Errorf("got %v", got)
	}
	if left := carriers(t, dir, "stubborn"); len(left) > 0 {
		t.Errorf("processes %v live after the end was told", left)
	}
	// One that is not known yet never starts.
	m.kill("unborn")
	if got := m.end("unborn"); got.GetOutcome() != "cancelled" || got.GetStartedAt() != 0 {
		t.Errorf("got %v", got)
	}
	m.order("unborn", "true")
	m.order("after", "true")
	m.end("after")
	m.change(func() {
		if m.started["unborn"] != nil || m.repeats["unborn"] > 0 {
			t.Error("an attempt that was cancelled before it was known has started")
		}
	})
}

// TestOutlivesMaster: jobs run on without a master, and their results arrive.
func TestOutlivesMaster(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	dir := t.TempDir()
	run(t, config(t, dir, m))
	m.connected(1)
	gate := filepath.Join(t.TempDir(), "gate")
	m.order("job", "while [ ! -e "+gate+" ]; do sleep 0.02; done; exit 4")
	m.start("job")
	m.stop()
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the job", func() bool { return len(carriers(t, dir, "job")) == 0 })
	back := time.Now()
	m.serve(m.addr)
	if got := m.end("job"); got.GetExitCode() != 4 {
		t.Errorf("got %v", got)
	}
	if d := time.Since(back); d > 3*time.Second {
		t.Errorf("the result came %v after the master was back", d)
	}
}

func TestFollowsLeader(t *testing.T) {
	t.Parallel()
	standby, leader := newMaster(t), newMaster(t)
	away := connect.NewError(connect.CodeUnavailable, errors.New("this master stands by"))
	away.Meta().Set("Lft-Leader", leader.addr)
	standby.refuse = away
	c := config(t, t.TempDir(), standby, leader)
	c.Masters = c.Masters[:1] // knows of the standby alone
	run(t, c)
	leader.connected(1)
}

// TestLowerEpochIsRefused: an agent that has obeyed epoch 7 takes no order of
// epoch 6, also after a restart.
func TestLowerEpochIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := newMaster(t)
	m.epoch = 7
	stop := run(t, config(t, dir, m))
	m.connected(1)
	stop()
	m.change(func() { m.epoch = 6; m.tasks["stale"] = task(t, "true") })
	run(t, config(t, dir, m))
	m.await("another try to register", func() bool { return len(m.register) >= 3 })
	m.change(func() {
		if len(m.hellos) != 1 {
			t.Error("the agent opened a session with a deposed master")
		}
		if got := m.register[1].GetMaxEpoch(); got != 7 {
			t.Errorf("it says it has obeyed %d", got)
		}
		m.epoch = 8
	})
	if got := m.end("stale"); got.GetOutcome() != "succeeded" {
		t.Errorf("got %v", got)
	}
}

func TestRefusalIsNotAskedAgainSoon(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	m.refuse = connect.NewError(connect.CodeFailedPrecondition, errors.New("agent is quarantined"))
	run(t, config(t, t.TempDir(), m))
	m.await("a try to register", func() bool { return len(m.register) > 0 })
	time.Sleep(time.Second)
	m.change(func() {
		if n := len(m.register); n > 1 {
			t.Errorf("%d tries in a second", n)
		}
	})
}

func TestForeignBucketIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lft-cluster"), []byte("other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMaster(t)
	m.bucket = "file://" + dir
	run(t, config(t, t.TempDir(), m))
	m.await("a try to register", func() bool { return len(m.register) > 0 })
	time.Sleep(300 * time.Millisecond)
	m.change(func() {
		if len(m.hellos) > 0 {
			t.Error("the agent takes work whose logs it cannot keep")
		}
	})
}

func TestDirectoryServesOneAgent(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	c := config(t, t.TempDir(), m)
	run(t, c)
	m.connected(1)
	c.JobTypes = builtin.Set()
	if err := agent.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "another agent") {
		t.Errorf("error %v", err)
	}
}

func TestSlotsBoundWhatRuns(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	c := config(t, t.TempDir(), m)
	c.Slots = 2
	run(t, c)
	m.connected(1)
	dir := t.TempDir()
	for i := range 8 {
		m.order(fmt.Sprint("t", i), "mkdir "+dir+"/$LFT_TOKEN; ls "+dir+" | wc -l; n=$(ls "+dir+" | wc -l); sleep 0.02; rmdir "+dir+"/$LFT_TOKEN; [ $n -le 2 ]")
	}
	for i := range 8 {
		if got := m.end(fmt.Sprint("t", i)); got.GetOutcome() != "succeeded" {
			t.Errorf("%v", got)
		}
	}
}
