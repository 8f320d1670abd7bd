package brain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/agent/brain"
)

// running is a brain whose t has started, and has told the master of it.
func running(t *testing.T) *brain.Brain {
	t.Helper()
	b := begun(t)
	b.Step(3, brain.Started{Token: "t", At: 3})
	b.Step(3+brain.ReportDelay, brain.Tick{})
	if r := drain(b); r.Up == nil || len(r.Up.Reports) != 1 {
		t.Fatalf("%+v", r)
	}
	b.Step(3, brain.Sent{Session: 1})
	return b
}

// TestKillBeforeTheOrderIsDurable: what is cancelled before anything may happen
// never happens.
func TestKillBeforeTheOrderIsDurable(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	say(b, brain.Message{Kills: []brain.Kill{{Token: "t", Why: "cancelled"}}})
	r := drain(b)
	b.Step(3, brain.Durable{Serial: r.Serial})
	if more := drain(b); len(r.Starts)+len(more.Starts) > 0 {
		t.Errorf("started: %+v, %+v", r, more)
	}
}

// TestKillOfTheUnknown: a token that is cancelled before it was ever ordered is
// answered for, also after a crash, so that a late order starts nothing.
func TestKillOfTheUnknown(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	say(b, brain.Message{Kills: []brain.Kill{{Token: "t"}}})
	r := drain(b)
	if !r.Sync || len(r.Records) != 2 {
		t.Fatalf("%+v", r)
	}
	if again := brain.New(8, r.Records); !again.Knows("t") {
		t.Error("a crash forgets it")
	}
}

// TestKillOnce: the first reason stays, and the keeper is told once.
func TestKillOnce(t *testing.T) {
	b := running(t)
	say(b, brain.Message{Kills: []brain.Kill{{Token: "t", Why: "timeout"}}})
	say(b, brain.Message{Kills: []brain.Kill{{Token: "t", Why: "cancelled"}}})
	if diff := cmp.Diff([]brain.Kill{{Token: "t", Why: "timeout"}}, drain(b).Kills); diff != "" {
		t.Errorf("kills (-want +got):\n%s", diff)
	}
}

// TestKillWithoutAKeeper waits for one that answers.
func TestKillWithoutAKeeper(t *testing.T) {
	b := running(t)
	b.Step(4, brain.KeeperGone{})
	say(b, brain.Message{Kills: []brain.Kill{{Token: "t", Why: "cancelled"}}})
	if r := drain(b); len(r.Kills) > 0 {
		t.Errorf("nobody is told: %+v", r.Kills)
	}
	b.Step(5, brain.KeeperUp{Keeper: "k1", Boot: "b", Held: []brain.Held{{Token: "t", StartedAt: 3}}})
	if r := drain(b); len(r.Kills) != 1 {
		t.Errorf("it is lost: %+v", r)
	}
}

// TestHeldKillGoesWithItsSession: the master says again what it still wants.
func TestHeldKillGoesWithItsSession(t *testing.T) {
	b := running(t)
	say(b, brain.Message{Epoch: 2, Kills: []brain.Kill{{Token: "t"}}})
	r := drain(b)
	b.Step(4, brain.Disconnected{Session: 1})
	b.Step(5, brain.Durable{Serial: r.Serial})
	if more := drain(b); len(r.Kills)+len(more.Kills) > 0 {
		t.Errorf("killed: %+v, %+v", r, more)
	}
}

// TestEndOfAnotherSession does not end this one.
func TestEndOfAnotherSession(t *testing.T) {
	b := running(t)
	b.Step(4, brain.Disconnected{Session: 1})
	b.Step(5, brain.Registered{Session: 2, Epoch: 1})
	b.Step(6, brain.Disconnected{Session: 1})
	if b.Session() != 2 {
		t.Errorf("session %d", b.Session())
	}
}

// TestBrokenJournalStartsNothing, although the order had become durable before.
func TestBrokenJournalStartsNothing(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	b.Step(2, brain.KeeperGone{})
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	b.Step(3, brain.Durable{Serial: drain(b).Serial})
	b.Step(4, brain.Broken{})
	b.Step(5, brain.KeeperUp{Keeper: "k1", Boot: "b"})
	if r := drain(b); len(r.Starts) > 0 {
		t.Errorf("started: %+v", r)
	}
}

// TestAckOfAnEndThatHasNotCome: a master that knows of an end by itself is told
// the one that there was.
func TestAckOfAnEndThatHasNotCome(t *testing.T) {
	b := running(t)
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Ended: true, Chunks: -1}}})
	b.Step(brain.Second, brain.Finished{Token: "t", Result: brain.Result{StartedAt: 3, Outcome: "succeeded"}})
	if r := drain(b); r.Up == nil || len(r.Up.Reports) != 1 || r.Up.Reports[0].Result == nil {
		t.Errorf("%+v", r)
	}
}

// TestAckOfALog: what is acknowledged is freed, and what was told is not told again
// for it.
func TestAckOfALog(t *testing.T) {
	b := running(t)
	chunks := []brain.Chunk{{To: 10}, {From: 10, To: 15}, {From: 15, To: 20}}
	b.Step(brain.Second, brain.Uploaded{Token: "t", Chunk: chunks[0]})
	b.Step(brain.Second, brain.Sent{Session: 1})
	b.Step(brain.Second, brain.Uploaded{Token: "t", Chunk: chunks[1]})
	b.Step(brain.Second, brain.Sent{Session: 1})
	drain(b)
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: 10}}})
	if diff := cmp.Diff([]brain.Freed{{Token: "t", To: 10}}, drain(b).Freed); diff != "" {
		t.Errorf("freed (-want +got):\n%s", diff)
	}
	b.Step(brain.Second, brain.Uploaded{Token: "t", Chunk: chunks[2]})
	if r := drain(b); r.Up == nil || !cmp.Equal(r.Up.Chunks, []brain.TokenChunk{{Token: "t", Chunk: chunks[2]}}) {
		t.Errorf("told %+v", r.Up)
	}
}

// TestNewSessionHearsAll: what one session has told may have reached nobody.
func TestNewSessionHearsAll(t *testing.T) {
	b := running(t)
	chunk := brain.Chunk{To: 10}
	b.Step(brain.Second, brain.Uploaded{Token: "t", Chunk: chunk})
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: -1}}})
	drain(b)
	b.Step(brain.Second, brain.Disconnected{Session: 1})
	b.Step(brain.Second, brain.Registered{Session: 2, Epoch: 1})
	r := drain(b)
	if r.Up == nil || !r.Up.Hello || !cmp.Equal(r.Up.Chunks, []brain.TokenChunk{{Token: "t", Chunk: chunk}}) ||
		!cmp.Equal(r.Up.Reports, []brain.Report{{Token: "t", StartedAt: 3}}) {
		t.Errorf("told %+v", r.Up)
	}
}

// TestSettledHasNotToRun: a keeper that has not heard yet that a token is forgotten
// brings it not back, not even when it has not told its end.
func TestSettledHasNotToRun(t *testing.T) {
	b := running(t)
	b.Step(brain.Second, brain.Finished{Token: "t", Result: brain.Result{StartedAt: 3, Outcome: "succeeded"}})
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Ended: true, Chunks: -1}}})
	drain(b)
	b.Step(brain.Second, brain.KeeperGone{})
	b.Step(brain.Second, brain.KeeperUp{Keeper: "k1", Boot: "b", Held: []brain.Held{{Token: "t", StartedAt: 3}}})
	if r := drain(b); !b.Idle() || len(r.Forgets) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestDrainIsOfASession: the master of a new one has yet to hear of it.
func TestDrainIsOfASession(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	b.Step(2, brain.Broken{})
	b.Step(3, brain.Message{Session: 1, Epoch: 1, Echo: 3})
	b.Step(4, brain.Disconnected{Session: 1})
	b.Step(5, brain.Registered{Session: 2, Epoch: 1})
	b.Step(6, brain.Drain{})
	if b.Drained() {
		t.Error("drained before the master of this session knows")
	}
}

// TestStartIsNoNewsTwice: a keeper that answers again says of each process when it
// has started.
func TestStartIsNoNewsTwice(t *testing.T) {
	b := running(t)
	b.Step(brain.Second, brain.KeeperGone{})
	b.Step(brain.Second, brain.KeeperUp{Keeper: "k1", Boot: "b", Held: []brain.Held{{Token: "t", StartedAt: 3}}})
	b.Step(brain.Second+2*brain.ReportDelay, brain.Tick{})
	if r := drain(b); r.Up != nil && len(r.Up.Reports) > 0 {
		t.Errorf("told again: %+v", r.Up)
	}
}

// TestSwept: what a dead keeper leaves behind is lost, and says on which clock its
// start was; what another keeper runs is not.
func TestSwept(t *testing.T) {
	b := running(t)
	b.Step(brain.Second, brain.Swept{List: []brain.Remains{{Token: "t"}}})
	if r := drain(b); len(r.Ended) > 0 {
		t.Errorf("ended while its keeper lives: %+v", r)
	}
	for boot, want := range map[string]brain.Result{
		"b":     {StartedAt: 3, EndedAt: brain.Second, Outcome: "lost", Reason: "keeper_lost", Log: brain.Log{Bytes: 7, State: "agent_lost"}},
		"other": {EndedAt: brain.Second, Outcome: "lost", Reason: "host_restarted", Log: brain.Log{Bytes: 7, State: "agent_lost"}},
	} {
		b := running(t)
		b.Step(brain.Second, brain.KeeperUp{Keeper: "k2", Boot: boot})
		if r := drain(b); !cmp.Equal(r.Sweep, []string{"t"}) {
			t.Fatalf("%+v", r)
		}
		b.Step(brain.Second, brain.Swept{List: []brain.Remains{{Token: "t", Log: brain.Log{Bytes: 7, State: "eof"}}}})
		r := drain(b)
		var got brain.Result
		for _, rec := range r.Records {
			if e, ok := rec.(brain.Ended); ok {
				got = e.Result
			}
		}
		got.Message = ""
		if diff := cmp.Diff(want, got); diff != "" || !cmp.Equal(r.Ended, []string{"t"}) {
			t.Errorf("boot %s, ended %v (-want +got):\n%s", boot, r.Ended, diff)
		}
	}
}

// TestEndWaitsForItsLog, also for bytes that are in the bucket and no longer on the
// host.
func TestEndWaitsForItsLog(t *testing.T) {
	b := running(t)
	b.Step(brain.Second, brain.Uploaded{Token: "t", Chunk: brain.Chunk{To: 10}})
	b.Step(brain.Second, brain.KeeperUp{Keeper: "k2", Boot: "other"})
	b.Step(brain.Second, brain.Swept{List: []brain.Remains{{Token: "t"}}})
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Ended: true, Chunks: -1}}})
	if b.Idle() {
		t.Error("forgotten before its log is known")
	}
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: 10}}})
	drain(b)
	if !b.Idle() {
		t.Error("kept although all is known")
	}
	// What is known is not journaled again.
	b = running(t)
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: 10}}})
	drain(b)
	b.Step(brain.Second, brain.Uploaded{Token: "t", Chunk: brain.Chunk{To: 10}})
	if r := drain(b); len(r.Records) > 0 {
		t.Errorf("%+v", r.Records)
	}
}

// TestLogThatIsGoneLater: what was shipped before is acknowledged as ever, and then
// there is no more to wait for.
func TestLogThatIsGoneLater(t *testing.T) {
	b := finished(t)
	b.Step(7, brain.Uploaded{Token: "t", Chunk: brain.Chunk{To: 5}})
	b.Step(7, brain.LogGone{Token: "t"})
	if b.Idle() {
		t.Error("forgotten before what was shipped of it is known")
	}
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: 5}}})
	if r := drain(b); len(r.Freed) != 1 {
		t.Errorf("%+v", r)
	}
	if !b.Idle() {
		t.Error("kept for ever")
	}
}
