package brain_test

import (
	"testing"

	"github.com/leifengta/lft/agent/brain"
)

// begun is a brain in a session whose token t the keeper has been told to start.
func begun(t *testing.T) *brain.Brain {
	t.Helper()
	b := brain.New(8, nil)
	ready(b)
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	b.Step(2, brain.Durable{Serial: drain(b).Serial})
	if r := drain(b); len(r.Starts) != 1 {
		t.Fatalf("%+v", r)
	}
	return b
}

// finished is one whose t has ended with ten bytes of log, as the master knows.
func finished(t *testing.T) *brain.Brain {
	t.Helper()
	b := begun(t)
	b.Step(3, brain.Started{Token: "t", At: 3})
	b.Step(4, brain.Finished{Token: "t", Result: brain.Result{
		StartedAt: 3, EndedAt: 4, Outcome: "succeeded", Log: brain.Log{Bytes: 10, State: "eof"},
	}})
	r := drain(b)
	b.Step(5, brain.Durable{Serial: r.Serial})
	drain(b)
	if r.Up == nil || len(r.Up.Reports) != 1 || r.Up.Reports[0].Result == nil {
		t.Fatalf("%+v", r)
	}
	b.Step(6, brain.Sent{Session: 1})
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Ended: true, Chunks: -1}}})
	drain(b)
	return b
}

// TestKillOfAStartThatGotLost: the keeper never heard of it, so it is not told
// to start it now.
func TestKillOfAStartThatGotLost(t *testing.T) {
	b := begun(t)
	say(b, brain.Message{Kills: []brain.Kill{{Token: "t", Why: "cancelled"}}})
	drain(b)
	b.Step(3, brain.KeeperGone{})
	b.Step(4, brain.KeeperUp{Keeper: "k1", Boot: "b"})
	r := drain(b)
	b.Step(5, brain.Durable{Serial: r.Serial})
	if more := drain(b); len(r.Starts)+len(more.Starts) > 0 {
		t.Errorf("started although it is cancelled: %+v %+v", r, more)
	}
	for _, rec := range b.Records() {
		if e, ok := rec.(brain.Ended); ok && e.Token == "t" && e.Result.Outcome == "cancelled" {
			return
		}
	}
	t.Errorf("it has not ended: %+v", b.Records())
}

// TestLowerEpochEndsTheSession: who speaks with a lower epoch in the middle of a
// session is left, not only ignored.
func TestLowerEpochEndsTheSession(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	say(b, brain.Message{Epoch: 5})
	b.Step(2, brain.Durable{Serial: drain(b).Serial})
	drain(b)
	say(b, brain.Message{Epoch: 4, Orders: []brain.Order{order("t")}})
	r, ok := b.Ready()
	if !ok || r.Hangup != 1 || r.Why == "" || len(r.Records) > 0 {
		t.Errorf("%+v", r)
	}
	say(b, brain.Message{Epoch: 5, Orders: []brain.Order{order("t")}})
	if r := drain(b); len(r.Records) > 0 {
		t.Errorf("a session that is being closed is obeyed: %+v", r)
	}
}

// TestAskedForWhatHasEnded: a master that orders a token again does not know its
// end any more, so it is told again.
func TestAskedForWhatHasEnded(t *testing.T) {
	b := finished(t)
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	r := drain(b)
	if len(r.Starts) > 0 || r.Up == nil || len(r.Up.Reports) != 1 || r.Up.Reports[0].Result == nil {
		t.Errorf("%+v", r)
	}
}

// TestLogThatIsGone: an end the master knows is forgotten when no log of it can
// come any more.
func TestLogThatIsGone(t *testing.T) {
	b := finished(t)
	if b.Idle() {
		t.Error("forgotten before its log is stored")
	}
	b.Step(7, brain.LogGone{Token: "t"})
	if r := drain(b); len(r.Forgets) != 1 || !b.Idle() {
		t.Errorf("%+v", r)
	}
}
