package brain_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/agent/brain"
)

// These tests look at single Readys: what may leave before what is durable.

// drain is all that is ready, and it answers nothing.
func drain(b *brain.Brain) brain.Ready {
	var all brain.Ready
	for {
		r, ok := b.Ready()
		if !ok {
			return all
		}
		all.Serial = r.Serial
		all.Records = append(all.Records, r.Records...)
		all.Sync = all.Sync || r.Sync
		all.Starts = append(all.Starts, r.Starts...)
		all.Kills = append(all.Kills, r.Kills...)
		all.Forgets = append(all.Forgets, r.Forgets...)
		all.Sweep = append(all.Sweep, r.Sweep...)
		all.Ended = append(all.Ended, r.Ended...)
		all.Freed = append(all.Freed, r.Freed...)
		all.Fetch = append(all.Fetch, r.Fetch...)
		if r.Up != nil {
			all.Up = r.Up
		}
	}
}

// ready brings a brain into a session of epoch 1 with keeper k1.
func ready(b *brain.Brain) {
	b.Step(1, brain.KeeperUp{Keeper: "k1", Boot: "b"})
	b.Step(1, brain.Registered{Session: 1, Epoch: 1})
	b.Step(1, brain.Durable{Serial: drain(b).Serial})
	drain(b)
	b.Step(1, brain.Sent{Session: 1})
}

func say(b *brain.Brain, m brain.Message) {
	m.Session = 1
	if m.Epoch == 0 {
		m.Epoch = 1
	}
	b.Step(2, m)
}

func TestStartWaitsForItsOrder(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	r := drain(b)
	if !r.Sync || len(r.Starts) > 0 {
		t.Fatalf("before the order is durable: %+v", r)
	}
	b.Step(3, brain.Durable{Serial: r.Serial - 1})
	if r := drain(b); len(r.Starts) > 0 {
		t.Fatal("an older fsync lets the start go")
	}
	b.Step(4, brain.Durable{Serial: r.Serial})
	if r := drain(b); len(r.Starts) != 1 {
		t.Errorf("a durable order is not carried out: %+v", r)
	}
}

func TestHelloWaitsForItsEpoch(t *testing.T) {
	b := brain.New(8, nil)
	b.Step(1, brain.KeeperUp{Keeper: "k1", Boot: "b"})
	b.Step(1, brain.Durable{Serial: drain(b).Serial})
	b.Step(1, brain.Registered{Session: 1, Epoch: 5})
	r := drain(b)
	if r.Up != nil || !r.Sync {
		t.Fatalf("before the epoch is durable: %+v", r)
	}
	b.Step(2, brain.Durable{Serial: r.Serial})
	if r := drain(b); r.Up == nil || !r.Up.Hello {
		t.Errorf("no hello: %+v", r)
	}
}

func TestKillWaitsForItsEpoch(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	b.Step(2, brain.Durable{Serial: drain(b).Serial})
	drain(b)
	b.Step(2, brain.Started{Token: "t", At: 2})
	say(b, brain.Message{Epoch: 2, Kills: []brain.Kill{{Token: "t"}}})
	r := drain(b)
	if len(r.Kills) > 0 {
		t.Fatal("a kill of an epoch that a crash would forget is obeyed")
	}
	b.Step(3, brain.Durable{Serial: r.Serial})
	if r := drain(b); len(r.Kills) != 1 {
		t.Errorf("the kill is lost: %+v", r)
	}
}

// TestNewKeeperIsJournaledFirst: an order that no keeper has heard of goes to
// the next one, but only when the journal says so.
func TestNewKeeperIsJournaledFirst(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	b.Step(2, brain.KeeperGone{})
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	b.Step(2, brain.Durable{Serial: drain(b).Serial})
	b.Step(3, brain.KeeperUp{Keeper: "k2", Boot: "b"})
	r := drain(b)
	want := []brain.Record{brain.Kept{Keeper: "k2", Boot: "b"}}
	if diff := cmp.Diff(want, r.Records); diff != "" || len(r.Starts) > 0 || !r.Sync {
		t.Fatalf("first (-want +got):\n%s\n%+v", diff, r)
	}
	b.Step(4, brain.Durable{Serial: r.Serial})
	r = drain(b)
	want = []brain.Record{brain.Ordered{Token: "t", Task: []byte("t")}}
	if diff := cmp.Diff(want, r.Records); diff != "" || len(r.Starts) > 0 || !r.Sync {
		t.Fatalf("second (-want +got):\n%s\n%+v", diff, r)
	}
	b.Step(5, brain.Durable{Serial: r.Serial})
	if r = drain(b); len(r.Starts) != 1 {
		t.Errorf("third: %+v", r)
	}
}

// TestKillIsRepeatedToTheKeeper: a connection that breaks may lose it.
func TestKillIsRepeatedToTheKeeper(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	b.Step(2, brain.Durable{Serial: drain(b).Serial})
	say(b, brain.Message{Kills: []brain.Kill{{Token: "t", Why: "cancelled"}}})
	if r := drain(b); len(r.Kills) != 1 {
		t.Fatalf("%+v", r)
	}
	b.Step(3, brain.KeeperGone{})
	b.Step(4, brain.KeeperUp{Keeper: "k1", Boot: "b", Held: []brain.Held{{Token: "t", StartedAt: 2}}})
	if r := drain(b); len(r.Kills) != 1 || r.Kills[0].Why != "cancelled" {
		t.Errorf("%+v", r)
	}
}

// TestStoredSurvivesARewrite: the front of the spool is gone by then, so it must
// not be shipped again.
func TestStoredSurvivesARewrite(t *testing.T) {
	b := brain.New(8, nil)
	ready(b)
	say(b, brain.Message{Orders: []brain.Order{order("t")}})
	b.Step(2, brain.Durable{Serial: drain(b).Serial})
	b.Step(2, brain.Started{Token: "t", At: 2})
	b.Step(3, brain.Uploaded{Token: "t", Chunk: brain.Chunk{To: 10}})
	b.Step(3, brain.Uploaded{Token: "t", Chunk: brain.Chunk{From: 10, To: 15}})
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: 10}}})
	again := brain.New(8, b.Records())
	if diff := cmp.Diff(b.Records(), again.Records()); diff != "" {
		t.Errorf("records (-first +second):\n%s", diff)
	}
	if got := again.LogEnd("t"); got != 15 || again.Epoch() != 1 {
		t.Errorf("shipping would begin at %d, the epoch is %d", got, again.Epoch())
	}
	// All of it acknowledged.
	say(b, brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: 15}}})
	if got := brain.New(8, b.Records()).LogEnd("t"); got != 15 {
		t.Errorf("shipping would begin at %d", got)
	}
}

func TestAckOfALogIsNoAckOfAStart(t *testing.T) {
	r := newRig(t)
	r.run("t")
	r.pass(2 * brain.ReportDelay)
	r.want("t started")
	r.w.step(brain.Uploaded{Token: "t", Chunk: brain.Chunk{To: 10}})
	r.ups()
	r.w.say(brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: 10}}})
	r.w.answer()
	for range 2 {
		r.w.say(brain.Message{})
		r.w.answer()
		r.pass(brain.RepeatAfter - 2*brain.Second)
	}
	r.want("t started")
	r.w.say(brain.Message{Acks: []brain.Ack{{Token: "t", Chunks: -1}}})
	r.w.answer()
	for range 2 {
		r.w.say(brain.Message{})
		r.w.answer()
		r.pass(brain.RepeatAfter - 2*brain.Second)
	}
	r.want()
}

// TestKeeperIsToldAgainToForget: the journal knows that it is over.
func TestKeeperIsToldAgainToForget(t *testing.T) {
	b := brain.New(8, nil)
	done := brain.Result{Outcome: "succeeded"}
	b.Step(1, brain.KeeperUp{Keeper: "k1", Boot: "b", Held: []brain.Held{{Token: "old", StartedAt: 1, Result: &done}}})
	if r := drain(b); !cmp.Equal(r.Forgets, []string{"old"}) || !b.Idle() {
		t.Errorf("%+v", r)
	}
	// One that runs is answered for, whatever became of the journal.
	b.Step(2, brain.KeeperGone{})
	b.Step(3, brain.KeeperUp{Keeper: "k1", Boot: "b", Held: []brain.Held{{Token: "new", StartedAt: 1}}})
	drain(b)
	if b.Idle() {
		t.Error("a running process is nobody's")
	}
}

// TestSettledIsForgottenWithItsSession: what a session has done is remembered as
// long as it can be repeated.
func TestSettledIsForgottenWithItsSession(t *testing.T) {
	r := newRig(t)
	settle := func() int {
		n := 0
		for ; !r.w.hungup && n < 2*brain.MaxSettled; n++ {
			tok := string(rune('a'+n%26)) + string(rune(0x4e00+n/26))
			r.w.say(brain.Message{Kills: []brain.Kill{{Token: tok}}})
			r.w.answer()
			r.w.say(brain.Message{Acks: []brain.Ack{{Token: tok, Ended: true, Chunks: -1}}})
			r.w.answer()
			r.w.up = nil
		}
		return n
	}
	first := settle()
	r.w.disconnect()
	r.w.register()
	r.w.hear()
	r.w.answer()
	if second := settle(); second != first || first != brain.MaxSettled {
		t.Errorf("sessions were replaced after %d and %d", first, second)
	}
}
