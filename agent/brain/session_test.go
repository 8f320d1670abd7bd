package brain_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leifengta/lft/agent/brain"
)

// rig is a brain whose keeper and session are open, and whose master answers
// only what a test makes it say.
type rig struct {
	t *testing.T
	w *world
}

func newRig(t *testing.T) rig {
	t.Helper()
	w := newWorld()
	w.fail = func(format string, args ...any) { t.Helper(); t.Fatalf(format, args...) }
	w.connect()
	w.register()
	w.hear() // the hello
	w.answer()
	return rig{t, w}
}

// ups takes all that was sent since the last call.
func (r rig) ups() []brain.Up {
	ups := r.w.up
	r.w.up = nil
	return ups
}

// reports lists the reports among them as "token started" or "token outcome".
func (r rig) reports() []string {
	var out []string
	for _, up := range r.ups() {
		for _, rep := range up.Reports {
			word := " started"
			if rep.Result != nil {
				word = " " + rep.Result.Outcome
			}
			out = append(out, rep.Token+word)
		}
	}
	return out
}

func (r rig) pass(d brain.Time) {
	r.w.at += d
	r.w.step(brain.Tick{})
}

// run orders a token and lets the keeper fork it.
func (r rig) run(tok string) {
	r.t.Helper()
	r.w.tokens[tok] = &token{session: r.w.session}
	r.w.say(brain.Message{Orders: []brain.Order{order(tok)}})
	r.w.answer()
	r.w.obey()
	r.w.tell()
	if r.w.forks[tok] != 1 {
		r.t.Fatalf("%s was not forked", tok)
	}
}

func (r rig) want(want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.reports(), cmpopts.EquateEmpty()); diff != "" {
		r.t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestStartIsHeldBack(t *testing.T) {
	r := newRig(t)
	r.run("short")
	r.w.finish("short", 0)
	r.w.tell()
	r.want("short succeeded")
	r.run("long")
	r.pass(brain.ReportDelay / 2)
	r.want()
	r.pass(brain.ReportDelay)
	r.want("long started")
	r.w.finish("long", 0)
	r.w.tell()
	r.want("long succeeded")
}

func TestWakesForAHeldStart(t *testing.T) {
	r := newRig(t)
	r.run("long")
	if wake := r.w.brain.NextWake(); wake <= r.w.at || wake > r.w.at+brain.ReportDelay {
		t.Errorf("wakes in %d µs", wake-r.w.at)
	}
}

func TestReportsAreRepeatedUntilAcknowledged(t *testing.T) {
	r := newRig(t)
	r.run("a")
	r.w.finish("a", 0)
	r.w.tell()
	r.want("a succeeded")
	for range 2 {
		r.w.say(brain.Message{}) // the master lives
		r.w.answer()
		r.pass(brain.RepeatAfter - brain.Second)
		r.want()
		r.w.say(brain.Message{})
		r.w.answer()
		r.pass(2 * brain.Second)
		r.want("a succeeded")
	}
	r.w.say(brain.Message{Acks: []brain.Ack{{Token: "a", Ended: true, Chunks: -1}}})
	r.w.answer()
	if !r.w.brain.Idle() {
		t.Error("an acknowledged attempt is kept")
	}
}

func TestHeartbeats(t *testing.T) {
	r := newRig(t)
	r.ups()
	r.pass(brain.HeartbeatEvery)
	if n := len(r.ups()); n != 1 {
		t.Errorf("%d messages after a heartbeat's time", n)
	}
	r.pass(brain.HeartbeatEvery / 2)
	if n := len(r.ups()); n != 0 {
		t.Errorf("%d messages before it", n)
	}
}

func TestSilentMasterIsLeft(t *testing.T) {
	r := newRig(t)
	for range 4 {
		r.pass(brain.Second)
	}
	if r.w.hungup {
		t.Fatal("left too early")
	}
	r.pass(2 * brain.Second)
	if !r.w.hungup {
		t.Fatal("a silent master is not left")
	}
	r.w.disconnect()
	if !r.w.registering {
		t.Error("no other is sought")
	}
}

func TestLowerEpochGetsNoSession(t *testing.T) {
	r := newRig(t)
	r.w.epoch = 5
	r.w.disconnect()
	r.w.register()
	r.ups()
	r.w.epoch = 4
	r.w.disconnect()
	r.w.register()
	if !r.w.hungup || len(r.w.up) > 0 {
		t.Error("a deposed master got a session")
	}
}

func TestEpochIsDurableBeforeTheHello(t *testing.T) {
	w := newWorld()
	w.fail = t.Fatalf
	w.connect()
	w.epoch = 9
	w.crash = func() bool { return false }
	w.register()
	last, ok := w.written[w.synced-1].(brain.Obeyed)
	if !ok || last.Epoch != 9 || len(w.up) != 1 {
		t.Errorf("synced %v, sent %v", w.written[:w.synced], w.up)
	}
	again := brain.New(slots, w.written[:w.synced])
	if again.Epoch() != 9 {
		t.Errorf("after a crash the highest epoch is %d", again.Epoch())
	}
}

// TestIsolation: only an answer that shows an advanced pair restarts the clock,
// and from when the question left.
func TestIsolation(t *testing.T) {
	b := brain.New(1, nil)
	ready := func() brain.Ready {
		var all brain.Ready
		for {
			r, ok := b.Ready()
			if !ok {
				return all
			}
			if r.Sync {
				b.Step(0, brain.Durable{Serial: r.Serial})
			}
			if r.Alive != nil {
				all.Alive = r.Alive
			}
		}
	}
	at := 100 * brain.Second
	b.Step(at, brain.KeeperUp{Keeper: "k", Boot: "b"})
	ready()
	b.Step(at, brain.Registered{Session: 1, Epoch: 3, Beat: 7})
	ready()
	for _, tc := range []struct {
		name              string
		epoch, beat, echo int64
		want              *brain.Alive
	}{
		{"first answer", 3, 7, 10, &brain.Alive{Epoch: 3, Beat: 7, SentAt: 10}},
		{"the pair stands still", 3, 7, 20, nil},
		{"no answer", 3, 8, 0, nil},
		{"the pair advanced", 3, 8, 30, &brain.Alive{Epoch: 3, Beat: 8, SentAt: 30}},
		{"a higher epoch", 4, 0, 40, &brain.Alive{Epoch: 4, Beat: 0, SentAt: 40}},
		{"the pair went back", 4, 0, 50, nil},
	} {
		b.Step(at, brain.Message{Session: 1, Epoch: tc.epoch, Beat: tc.beat, Echo: brain.Time(tc.echo)})
		if diff := cmp.Diff(tc.want, ready().Alive); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	// A keeper that connects later is told what is known.
	b.Step(at, brain.KeeperGone{})
	ready()
	b.Step(at, brain.KeeperUp{Keeper: "k", Boot: "b"})
	if got := ready().Alive; got == nil || got.SentAt != 40 {
		t.Errorf("a new connection is told %v", got)
	}
}

// TestBrokenJournal: nothing is taken in, what runs is seen to its end, and the
// keeper goes on knowing it.
func TestBrokenJournal(t *testing.T) {
	r := newRig(t)
	r.run("a")
	r.w.tokens["needy"] = &token{session: r.w.session}
	r.w.say(brain.Message{Orders: []brain.Order{order("needy")}})
	r.w.answer()
	r.w.step(brain.Broken{})
	r.w.fetched(true)
	r.w.tokens["b"] = &token{session: r.w.session}
	r.w.say(brain.Message{Orders: []brain.Order{order("b")}})
	r.w.answer()
	if r.w.brain.Knows("b") || r.w.brain.Knows("needy") {
		t.Error("it answers for an order that no journal holds")
	}
	r.w.finish("a", 0)
	r.w.tell()
	var draining bool
	for _, up := range r.w.up {
		draining = draining || up.Draining
	}
	if !draining {
		t.Error("the master is not told that no order is welcome")
	}
	r.want("a succeeded")
	r.w.say(brain.Message{Acks: []brain.Ack{{Token: "a", Ended: true, Chunks: -1}}})
	r.w.answer()
	for range 3 {
		r.w.obey()
	}
	if r.w.forks["b"] > 0 || r.w.attempts["a"] == nil {
		t.Errorf("forks %v, kept %v", r.w.forks, r.w.attempts)
	}
}

func TestDrain(t *testing.T) {
	r := newRig(t)
	r.run("a")
	r.ups()
	r.w.step(brain.Drain{})
	if r.w.brain.Drained() {
		t.Fatal("drained before the master knows")
	}
	if len(r.w.up) != 1 || !r.w.up[0].Draining {
		t.Fatalf("sent %v", r.w.up)
	}
	// An order that was on its way is still carried out.
	r.run("b")
	r.w.say(brain.Message{Echo: 1}) // an answer to what was said before
	r.w.answer()
	if r.w.brain.Drained() {
		t.Error("drained before the master has answered")
	}
	r.w.hear()
	r.w.answer()
	if !r.w.brain.Drained() {
		t.Error("the master has seen it, and the agent does not know")
	}
}

// TestLinger: a lone end is told at once; one among many waits a little for the
// others.
func TestLinger(t *testing.T) {
	b := brain.New(64, nil)
	ready(b)
	var orders []brain.Order
	for i := range 40 {
		orders = append(orders, order(strconv.Itoa(i)))
	}
	say(b, brain.Message{Orders: orders})
	b.Step(2, brain.Durable{Serial: drain(b).Serial})
	drain(b)
	at := 10 * brain.Second
	messages, reports := 0, 0
	end := func(tok string) {
		b.Step(at, brain.Finished{Token: tok, Result: brain.Result{StartedAt: at, Outcome: "succeeded"}})
		if up := drain(b).Up; up != nil {
			messages++
			reports += len(up.Reports)
			b.Step(at, brain.Sent{Session: 1})
		}
	}
	b.Step(at, brain.Message{Session: 1, Epoch: 1})
	drain(b)
	b.Step(at, brain.Sent{Session: 1})
	for i := range 4 { // a chain
		at += 3 * brain.Millisecond
		end(strconv.Itoa(i))
	}
	if messages != 4 || reports != 4 {
		t.Fatalf("%d messages with %d reports of 4 lone ends", messages, reports)
	}
	messages, reports = 0, 0
	for i := 4; i < 36; i++ {
		at += brain.Millisecond / 4
		end(strconv.Itoa(i))
	}
	if messages > 20 {
		t.Errorf("%d messages of 32 ends in 8 ms", messages)
	}
	wake := b.NextWake()
	if wake > at+brain.Linger {
		t.Errorf("wakes in %d µs", wake-at)
	}
	b.Step(wake, brain.Tick{})
	if up := drain(b).Up; up != nil {
		reports += len(up.Reports)
	}
	if reports != 32 {
		t.Errorf("%d reports of 32 ends", reports)
	}
}
