package brain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/agent/brain"
)

// again ends session 1 and begins session 2, and returns its hello.
func again(t *testing.T, b *brain.Brain) *brain.Up {
	t.Helper()
	drain(b)
	b.Step(0, brain.Disconnected{Session: 1})
	b.Step(0, brain.Registered{Session: 2, Epoch: 1})
	up := drain(b).Up
	if up == nil || !up.Hello {
		t.Fatalf("hello %+v", up)
	}
	return up
}

// TestReconcile names what the agent answers for, and nothing else.
func TestReconcile(t *testing.T) {
	if got := again(t, running(t)).Reconcile; !cmp.Equal(got, []brain.TokenState{{Token: "t", Started: true}}) {
		t.Errorf("running: %v", got)
	}
	if got := again(t, begun(t)).Reconcile; !cmp.Equal(got, []brain.TokenState{{Token: "t"}}) {
		t.Errorf("handed over: %v", got)
	}
	swept := running(t)
	swept.Step(4, brain.KeeperUp{Keeper: "k2", Boot: "b"})
	if got := again(t, swept).Reconcile; !cmp.Equal(got, []brain.TokenState{{Token: "t", Started: true}}) {
		t.Errorf("of a keeper that died: %v", got)
	}
	if got := again(t, finished(t)).Reconcile; len(got) > 0 {
		t.Errorf("acknowledged but for its log: %v", got)
	}
	settled := finished(t)
	settled.Step(7, brain.LogGone{Token: "t"})
	if got := again(t, settled).Reconcile; len(got) > 0 {
		t.Errorf("settled: %v", got)
	}
	read := brain.New(8, []brain.Record{brain.Ordered{Token: "t"}, brain.Ended{Token: "t"}, brain.Settled{Token: "t"}})
	ready(read)
	if got := again(t, read).Reconcile; len(got) > 0 {
		t.Errorf("settled in an earlier life: %v", got)
	}
}

// TestRegisters only once a keeper has said what it holds, and not while it drains.
func TestRegisters(t *testing.T) {
	registers := func(b *brain.Brain) (registers bool) {
		for r, ok := b.Ready(); ok; r, ok = b.Ready() {
			registers = registers || r.Register
		}
		return registers
	}
	b := brain.New(8, nil)
	if b.Step(1, brain.Tick{}); registers(b) {
		t.Error("before a keeper answers")
	}
	b.Step(1, brain.KeeperUp{Keeper: "k1", Boot: "b"})
	if !registers(b) {
		t.Error("not when it does")
	}
	b.Step(1, brain.Registered{Session: 1, Epoch: 1})
	b.Step(2, brain.Drain{})
	b.Step(3, brain.Disconnected{Session: 1})
	if registers(b) || !b.Drained() {
		t.Error("again although it drains")
	}
}

// TestOneMessageAtATime: what an earlier session has sent makes no room.
func TestOneMessageAtATime(t *testing.T) {
	b := running(t)
	again(t, b)
	b.Step(5, brain.Sent{Session: 1})
	b.Step(brain.Second, brain.Uploaded{Token: "t", Chunk: brain.Chunk{To: 10}})
	if up := drain(b).Up; up != nil {
		t.Errorf("sent beside the hello: %+v", up)
	}
	b.Step(brain.Second, brain.Sent{Session: 2})
	if up := drain(b).Up; up == nil || len(up.Chunks) != 1 {
		t.Errorf("sent after it: %+v", up)
	}
}

// TestTimeNeverGoesBack: an earlier time counts as now.
func TestTimeNeverGoesBack(t *testing.T) {
	b := running(t)
	b.Step(10*brain.Second, brain.Message{Session: 1, Epoch: 1})
	b.Step(brain.Second, brain.Message{Session: 1, Epoch: 1, Kills: []brain.Kill{{Token: "new"}}})
	for _, rec := range drain(b).Records {
		if e, ok := rec.(brain.Ended); ok && e.Result.EndedAt != 10*brain.Second {
			t.Errorf("ended at %d", e.Result.EndedAt)
		}
	}
}

// TestRepeat: each report is told again when it has had its time, not when an
// earlier one of the same token has; chunks go along.
func TestRepeat(t *testing.T) {
	b := running(t)
	at := brain.Time(3) + brain.ReportDelay
	tick := func(d brain.Time) *brain.Up {
		at += d
		b.Step(at, brain.Message{Session: 1, Epoch: 1})
		b.Step(at, brain.Sent{Session: 1})
		return drain(b).Up
	}
	tick(brain.RepeatAfter - brain.Second)
	b.Step(at, brain.Uploaded{Token: "t", Chunk: brain.Chunk{To: 10}})
	b.Step(at, brain.Finished{Token: "t", Result: brain.Result{StartedAt: 3, Outcome: "succeeded", Log: brain.Log{Bytes: 10}}})
	b.Step(at, brain.Sent{Session: 1})
	drain(b)
	b.Step(at, brain.Sent{Session: 1})
	if up := tick(2 * brain.Second); up != nil && len(up.Reports)+len(up.Chunks) > 0 {
		t.Errorf("told again too soon: %+v", up)
	}
	if up := tick(brain.RepeatAfter - 2*brain.Second + brain.Millisecond); up == nil || len(up.Reports) != 1 || len(up.Chunks) != 1 {
		t.Errorf("not told again: %+v", up)
	}
}

// TestMessagesAreBounded, however much there is to tell.
func TestMessagesAreBounded(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	tokens := []string{"a", "b", "c"}
	for _, tok := range tokens {
		say(b, brain.Message{Orders: []brain.Order{order(tok)}})
	}
	b.Step(3, brain.Durable{Serial: drain(b).Serial})
	drain(b)
	b.Step(3+brain.HeartbeatEvery, brain.Tick{}) // a message is on its way
	for _, tok := range tokens {
		b.Step(0, brain.Finished{Token: tok, Result: brain.Result{Outcome: "succeeded", Output: make([]byte, brain.MaxUp*6/10)}})
	}
	drain(b)
	var sizes []int
	for range 3 {
		b.Step(0, brain.Sent{Session: 1})
		if up := drain(b).Up; up != nil {
			sizes = append(sizes, len(up.Reports))
		}
	}
	if diff := cmp.Diff([]int{2, 1}, sizes); diff != "" {
		t.Errorf("reports by message (-want +got):\n%s", diff)
	}
}

// TestSweptHoldsItsSlot: what a dead keeper left may still run.
func TestSweptHoldsItsSlot(t *testing.T) {
	b := brain.New(1, nil)
	ready(b)
	durable := func() brain.Ready {
		all := drain(b)
		b.Step(0, brain.Durable{Serial: all.Serial})
		more := drain(b)
		all.Starts = append(all.Starts, more.Starts...)
		if more.Serial > all.Serial {
			b.Step(0, brain.Durable{Serial: more.Serial})
			all.Starts = append(all.Starts, drain(b).Starts...)
		}
		return all
	}
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	durable()
	b.Step(3, brain.Started{Token: "t", At: 3})
	b.Step(4, brain.KeeperUp{Keeper: "k2", Boot: "b"})
	say(b, brain.Message{Orders: []brain.Order{order("u")}})
	if r := durable(); len(r.Starts) > 0 {
		t.Errorf("started beside it: %v", r.Starts)
	}
	b.Step(5, brain.Swept{List: []brain.Remains{{Token: "t"}}})
	if r := durable(); len(r.Starts) != 1 {
		t.Errorf("started after it: %v", r.Starts)
	}
}
