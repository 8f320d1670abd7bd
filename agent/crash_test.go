package agent_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leifengta/lft/agent"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/providers/builtin"
)

// witness is a directory outside of lft in which jobs leave a mark for each
// time they are started.
type witness struct {
	t   testing.TB
	dir string
}

// mark is a piece of script: a second start of the same token shows.
func (w witness) mark() string {
	return "mkdir " + w.dir + "/$LFT_TOKEN || echo > " + w.dir + "/again-$LFT_TOKEN\n"
}

// once checks that each token was started exactly once.
func (w witness) once(tokens ...string) {
	w.t.Helper()
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(tokens)
	if !slices.Equal(got, tokens) {
		w.t.Errorf("started: %v, want each once of %v", got, tokens)
	}
}

func (w witness) has(token string) bool {
	_, err := os.Stat(filepath.Join(w.dir, token))
	return err == nil
}

// TestAgentKilled: jobs end while no agent is up; the next one tells how.
func TestAgentKilled(t *testing.T) {
	t.Parallel()
	m, w := newMaster(t), witness{t, t.TempDir()}
	c := config(t, t.TempDir(), m)
	p := launch(t, c)
	m.connected(1)
	gate := filepath.Join(w.dir, "..", "gate-"+filepath.Base(c.Dir)+"x")
	var tokens []string
	for i := range 8 {
		token := fmt.Sprintf("t%d", i)
		tokens = append(tokens, token)
		end := fmt.Sprintf("exit %d", i)
		if i == 7 {
			end = "kill -KILL $$"
		}
		m.order(token, w.mark()+"while [ ! -e "+gate+" ]; do sleep 0.02; done; "+end)
	}
	for _, token := range tokens {
		eventually(t, "the start of "+token, func() bool { return w.has(token) })
	}
	p.kill()
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(gate)
	for _, token := range tokens {
		eventually(t, "the end of "+token, func() bool { return len(carriers(t, c.Dir, token)) == 0 })
	}
	p.start(c)
	for i, token := range tokens {
		got := m.end(token)
		if i == 7 {
			if got.GetSignal() != "SIGKILL" || got.GetHasExit() {
				t.Errorf("%s: %v", token, got)
			}
		} else if int(got.GetExitCode()) != i || !got.GetHasExit() {
			t.Errorf("%s: %v", token, got)
		}
	}
	if named := m.connected(2).GetReconcile(); len(named) != len(tokens) {
		t.Errorf("the new agent answers for %d tokens", len(named))
	}
	w.once(tokens...)
}

// TestKeeperKilled: what its keeper took along is lost, and known to be so only
// when nothing of it lives.
func TestKeeperKilled(t *testing.T) {
	t.Parallel()
	for _, both := range []bool{false, true} {
		t.Run(fmt.Sprintf("agent too %v", both), func(t *testing.T) {
			t.Parallel()
			m, w := newMaster(t), witness{t, t.TempDir()}
			c := config(t, t.TempDir(), m)
			p := launch(t, c)
			m.connected(1)
			// A grandchild in a session of its own outlives its parent.
			m.order("t1", w.mark()+"setsid sleep 300 & sleep 300")
			eventually(t, "the start", func() bool { return len(carriers(t, c.Dir, "t1")) >= 3 })
			pid := keeperPID(t, c.Dir)
			if both {
				p.kill()
			}
			killKeeper(t, c.Dir)
			if both {
				p.start(c)
			}
			got := m.end("t1")
			if left := carriers(t, c.Dir, "t1"); len(left) > 0 {
				t.Errorf("processes %v live after the end was told", left)
			}
			if got.GetOutcome() != "lost" || got.GetReason() != "keeper_lost" {
				t.Errorf("got %v", got)
			}
			m.order("t2", w.mark())
			if got := m.end("t2"); got.GetOutcome() != "succeeded" {
				t.Errorf("the next keeper: %v", got)
			}
			if now := keeperPID(t, c.Dir); now == pid || now == 0 {
				t.Errorf("keeper %d, before %d", now, pid)
			}
			w.once("t1", "t2")
		})
	}
}

// TestHostRestarted: another boot is another reason, and times of the boot
// before are not told.
func TestHostRestarted(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	c := config(t, t.TempDir(), m)
	c.Host = &agent.Host{MachineID: "m", BootID: "b1", Namespace: "n"}
	p := launch(t, c)
	m.connected(1)
	m.order("t1", "sleep 300")
	m.start("t1")
	p.kill()
	killKeeper(t, c.Dir)
	c.Host.BootID = "b2"
	p.start(c)
	if got := m.end("t1"); got.GetOutcome() != "lost" || got.GetReason() != "host_restarted" || got.GetStartedAt() != 0 {
		t.Errorf("got %v", got)
	}
}

// TestDrain: an agent that is told to stop says so, leaves jobs alone and ends;
// the next one goes on.
func TestDrain(t *testing.T) {
	t.Parallel()
	m, w := newMaster(t), witness{t, t.TempDir()}
	c := config(t, t.TempDir(), m)
	p := launch(t, c)
	m.connected(1)
	m.order("t1", w.mark()+"while [ ! -e "+w.dir+"/t2 ]; do sleep 0.02; done; exit 6")
	m.start("t1")
	begin := time.Now()
	p.term()
	if d := time.Since(begin); d > time.Second {
		t.Errorf("it took %v to stop", d)
	}
	m.change(func() {
		if !m.draining {
			t.Error("the master was not told")
		}
		if m.ended["t1"] != nil {
			t.Errorf("the job ended with its agent: %v", m.ended["t1"])
		}
	})
	p.start(c)
	m.connected(2)
	m.order("t2", w.mark())
	if got := m.end("t1"); got.GetExitCode() != 6 {
		t.Errorf("got %v", got)
	}
	m.end("t2")
	w.once("t1", "t2")
}

// TestStopKeeper: with nothing left to do the keeper goes with its agent.
func TestStopKeeper(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	c := config(t, t.TempDir(), m)
	c.StopKeeper = true
	p := launch(t, c)
	m.connected(1)
	m.order("t1", "true")
	m.end("t1")
	p.term()
	eventually(t, "the end of the keeper", func() bool { return keeperPID(t, c.Dir) == 0 })
	// With a job left it stays.
	p.start(c)
	m.connected(2)
	m.order("t2", "sleep 300")
	m.start("t2")
	p.term()
	if pid := keeperPID(t, c.Dir); pid == 0 {
		t.Error("a running job was ended with the agent")
	}
}

// TestStopKeeperAtOnce: told to stop before its keeper has answered, an agent ends it all the same.
func TestStopKeeperAtOnce(t *testing.T) {
	t.Parallel()
	c := config(t, t.TempDir(), newMaster(t))
	c.JobTypes, c.StopKeeper = builtin.Set(), true
	t.Cleanup(func() { killKeeper(t, c.Dir) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := agent.Run(ctx, c); err != nil {
		t.Error(err)
	}
	eventually(t, "the end of the keeper", func() bool { return keeperPID(t, c.Dir) == 0 })
	if _, err := os.Stat(filepath.Join(c.Dir, "keeper.log")); err != nil {
		t.Errorf("there was no keeper: %v", err)
	}
}

// TestJournalLost: what the keeper holds is proof enough.
func TestJournalLost(t *testing.T) {
	t.Parallel()
	m, w := newMaster(t), witness{t, t.TempDir()}
	c := config(t, t.TempDir(), m)
	p := launch(t, c)
	m.connected(1)
	m.order("t1", w.mark()+"while [ ! -e "+w.dir+"/t2 ]; do sleep 0.02; done")
	m.start("t1")
	p.kill()
	if err := os.Remove(filepath.Join(c.Dir, "journal")); err != nil {
		t.Fatal(err)
	}
	p.start(c)
	hello := m.connected(2)
	if named := hello.GetReconcile(); len(named) != 1 || named[0].GetToken() != "t1" || !named[0].GetStarted() {
		t.Errorf("the agent answers for %v", named)
	}
	m.change(func() {
		if a, b := m.register[0].GetIdentity().GetJournalId(), m.register[1].GetIdentity().GetJournalId(); a == b {
			t.Error("another journal goes by the same id")
		}
	})
	m.order("t2", w.mark())
	if got := m.end("t1"); got.GetOutcome() != "succeeded" {
		t.Errorf("got %v", got)
	}
	w.once("t1", "t2")
}

// TestKilledAtRandom: killed at any moment, an agent starts nothing twice, loses
// nothing, and never claims a smaller sequence of the same journal.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	m, w := newMaster(t), witness{t, t.TempDir()}
	c := config(t, t.TempDir(), m)
	p := launch(t, c)
	m.connected(1)
	var tokens []string
	for round := range rounds {
		for i := range 20 {
			token := fmt.Sprintf("r%d-%02d", round, i)
			tokens = append(tokens, token)
			m.order(token, w.mark()+fmt.Sprintf("sleep 0.0%d", i%5))
		}
		time.Sleep(rand.N(60 * time.Millisecond)) // any moment will do
		p.kill()
		p.start(c)
		m.connected(round + 2)
	}
	for _, token := range tokens {
		if got := m.end(token); got.GetOutcome() != "succeeded" {
			t.Errorf("%s: %v", token, got)
		}
	}
	w.once(tokens...)
	seq := int64(-1)
	for _, r := range m.register {
		if s := r.GetIdentity().GetJournalSeq(); s < seq {
			t.Errorf("the journal's sequence went from %d to %d", seq, s)
		} else {
			seq = s
		}
	}
}

// TestLog: rows cover every byte, and the bytes are those of the job.
func TestLog(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	bucket := t.TempDir()
	if err := os.WriteFile(filepath.Join(bucket, "lft-cluster"), []byte("test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.bucket = "file://" + bucket
	c := config(t, t.TempDir(), m)
	c.JobTypes = builtin.Set()
	run(t, c)
	m.connected(1)
	m.order("t1", "echo one; echo two >&2")
	got := m.end("t1")
	if got.GetLog().GetBytes() != 8 || got.GetLog().GetState() != "eof" {
		t.Errorf("log %v", got.GetLog())
	}
	m.await("rows of the log", func() bool { return covered(m.chunks["t1"]) == 8 })
	var text strings.Builder
	for _, row := range m.chunks["t1"] {
		data, err := os.ReadFile(filepath.Join(bucket, row.GetObject()))
		if err != nil {
			t.Fatal(err)
		}
		text.Write(data[row.GetObjectOffset():][:row.GetTo()-row.GetFrom()])
	}
	if text.String() != "one\ntwo\n" {
		t.Errorf("log %q", text.String())
	}
	eventually(t, "the spool to be freed", func() bool {
		entries, err := os.ReadDir(filepath.Join(c.Dir, "spool"))
		return err == nil && len(entries) == 0
	})
}

// covered is how far rows reach without a hole.
func covered(rows []*lftv1.Chunk) int64 {
	end := int64(0)
	for _, row := range rows {
		if row.GetFrom() <= end {
			end = max(end, row.GetTo())
		}
	}
	return end
}

func TestTail(t *testing.T) {
	t.Parallel()
	m := newMaster(t)
	c := config(t, t.TempDir(), m)
	run(t, c)
	m.connected(1)
	m.order("t1", "echo hello; sleep 300")
	m.start("t1")
	ask := func(request string, from int64) *lftv1.TailData {
		t.Helper()
		m.change(func() {
			m.send(&lftv1.SessionResponse{Tails: []*lftv1.Tail{{Request: request, Token: "t1", From: from, Max: 100}}})
		})
		m.await("an answer to "+request, func() bool { return m.tails[request] != nil })
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.tails[request]
	}
	n := 0
	eventually(t, "the first line", func() bool {
		n++
		return string(ask(fmt.Sprint("r", n), 0).GetData()) == "hello\n"
	})
	if got := ask("mid", 2); string(got.GetData()) != "llo\n" || got.GetEof() || got.GetFrom() != 2 {
		t.Errorf("got %v", got)
	}
	m.change(func() {
		m.send(&lftv1.SessionResponse{Tails: []*lftv1.Tail{{Request: "unknown", Token: "nobody", Max: 100}}})
	})
	m.await("an answer about an unknown token", func() bool { return m.tails["unknown"] != nil })
	if m.tails["unknown"].GetError() == "" {
		t.Errorf("got %v", m.tails["unknown"])
	}
}
