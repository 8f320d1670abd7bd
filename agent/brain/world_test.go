package brain_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/agent/brain"
)

// world is everything around a brain: a journal that remembers what was written
// and, apart, what was synced, a keeper that forks, and a master that keeps to
// the protocol. Whoever drives it chooses what happens next.
type world struct {
	fail func(format string, args ...any)
	// crash is asked between any two effects of a Ready.
	crash func() bool

	at    brain.Time
	brain *brain.Brain

	written []brain.Record
	synced  int

	life, boot int
	attempts   map[string]*attempt // of the keeper that lives
	forks      map[string]int      // for ever
	toKeeper   []any               // on the connection
	fromKeeper []brain.Event
	dial, conn bool
	orphans    map[string]bool // what a dead keeper left running, until it is swept
	slow       func() bool     // the bucket: is it too slow for a result to take its log along
	uploads    []brain.Event   // come later
	fetches    []string        // under way, of tokens

	epoch, beat, session int64
	registering          bool
	open                 bool // as the agent sees it
	hungup               bool
	up                   []brain.Up
	down                 []brain.Message
	hello                bool // the master has had the session's hello
	tokens               map[string]*token
}

// attempt is a process of the keeper.
type attempt struct {
	started brain.Time
	result  *brain.Result
	kill    string
}

// token is what the master knows.
type token struct {
	result *brain.Result
	log    int64 // bytes it has rows for
	kill   bool
	cut    bool // the rest of its log went down with the host
	// session it was last ordered or settled in: only in that one may its order
	// be doubled once it has ended.
	session int64
}

const slots = 3

func newWorld() *world {
	w := &world{
		crash: func() bool { return false }, slow: func() bool { return false },
		orphans: map[string]bool{},
		life:    1, boot: 1, epoch: 1,
		attempts: map[string]*attempt{}, forks: map[string]int{}, tokens: map[string]*token{},
	}
	w.start()
	return w
}

// start begins a life of the agent from what is on disk.
func (w *world) start() {
	w.brain = brain.New(slots, w.written)
	w.written = w.brain.Records()
	w.synced = len(w.written)
	w.dial, w.conn, w.registering, w.open, w.hungup = false, false, false, false, false
	w.toKeeper, w.fromKeeper, w.up, w.down, w.uploads, w.fetches = nil, nil, nil, nil, nil, nil
	unshipped := maps.Collect(w.brain.Unshipped())
	for _, tok := range slices.Sorted(maps.Keys(unshipped)) {
		w.uploads = append(w.uploads, upload(tok, unshipped[tok]))
	}
	w.settle()
}

func upload(tok string, bytes int64) brain.Uploaded {
	return brain.Uploaded{Token: tok, Chunk: brain.Chunk{To: bytes, Object: "log/" + tok}}
}

func (w *world) step(ev brain.Event) {
	w.at += brain.Millisecond
	w.brain.Step(w.at, ev)
	w.settle()
}

// settle performs what is ready. It may end in a crash, after any effect.
func (w *world) settle() {
	for {
		r, ok := w.brain.Ready()
		if !ok {
			return
		}
		for _, do := range w.effects(r) {
			if w.crash() {
				w.crashAgent()
				return
			}
			do()
		}
	}
}

func (w *world) effects(r brain.Ready) []func() {
	var out []func()
	for _, rec := range r.Records {
		out = append(out, func() { w.written = append(w.written, rec) })
	}
	if r.Sync {
		out = append(out, func() {
			w.synced = len(w.written)
			w.brain.Step(w.at, brain.Durable{Serial: r.Serial})
		})
	}
	for _, f := range r.Fetch {
		out = append(out, func() { w.fetches = append(w.fetches, f.Token) })
	}
	for _, tok := range r.Ended {
		if a := w.attempts[tok]; a != nil && a.result == nil || w.orphans[tok] {
			w.fail("%s is said to have ended while it runs", tok)
		}
	}
	for _, s := range r.Starts {
		out = append(out, func() { w.send(s) })
	}
	for _, k := range r.Kills {
		out = append(out, func() { w.send(k) })
	}
	for _, f := range r.Forgets {
		out = append(out, func() { w.send(f) })
	}
	if len(r.Sweep) > 0 {
		out = append(out, func() {
			var ev brain.Swept
			for _, tok := range r.Sweep {
				if a := w.attempts[tok]; a != nil && a.result == nil {
					w.fail("%s is swept while it runs", tok)
				}
				delete(w.orphans, tok)
				ev.List = append(ev.List, brain.Remains{Token: tok})
			}
			w.brain.Step(w.at, ev)
		})
	}
	if r.Dial {
		out = append(out, func() { w.dial = true })
	}
	if r.Register {
		out = append(out, func() { w.registering = true })
	}
	if r.Hangup != 0 {
		out = append(out, func() { w.hungup = true })
	}
	if r.Up != nil {
		out = append(out, func() {
			w.up = append(w.up, *r.Up)
			w.brain.Step(w.at, brain.Sent{Session: r.Up.Session})
		})
	}
	return out
}

func (w *world) send(command any) {
	if w.conn {
		w.toKeeper = append(w.toKeeper, command)
	}
}

// crashAgent is kill -9 of the agent. What it wrote stays.
func (w *world) crashAgent() { w.start() }

// crashHost loses all processes and what was not synced.
func (w *world) crashHost(kept int) {
	w.written = w.written[:min(w.synced+kept, len(w.written))]
	w.boot++
	for _, t := range w.tokens {
		t.cut = t.cut || t.result != nil && t.log < t.result.Log.Bytes
	}
	w.killKeeper()
	clear(w.orphans)
	w.start()
}

// killKeeper ends the keeper, and with it only those jobs that a sweep finds.
func (w *world) killKeeper() {
	w.life++
	for _, tok := range w.running() {
		w.orphans[tok] = true
	}
	w.attempts = map[string]*attempt{}
	w.cut()
}

// cut breaks the connection to the keeper.
func (w *world) cut() {
	if !w.conn {
		return
	}
	w.conn = false
	w.toKeeper, w.fromKeeper = nil, nil
	w.step(brain.KeeperGone{})
}

// connect answers Dial.
func (w *world) connect() {
	if !w.dial {
		return
	}
	w.dial, w.conn = false, true
	w.toKeeper, w.fromKeeper = nil, nil
	ev := brain.KeeperUp{Keeper: fmt.Sprint("k", w.life), Boot: fmt.Sprint("b", w.boot)}
	var late []brain.Event
	for _, tok := range slices.Sorted(maps.Keys(w.attempts)) {
		a := w.attempts[tok]
		h := brain.Held{Token: tok, StartedAt: a.started}
		switch {
		case a.result == nil:
		case a.result.Log.Bytes == 0:
			h.Result = a.result
		default:
			late = append(late, brain.Finished{Token: tok, Result: *a.result})
		}
		ev.Held = append(ev.Held, h)
	}
	w.step(ev)
	w.fromKeeper = late
}

// obey lets the keeper carry out one command.
func (w *world) obey() {
	if len(w.toKeeper) == 0 {
		return
	}
	command := w.toKeeper[0]
	w.toKeeper = w.toKeeper[1:]
	switch c := command.(type) {
	case brain.Start:
		if w.attempts[c.Token] != nil {
			return
		}
		m := w.tokens[c.Token]
		if m == nil {
			w.fail("%s is forked, which no acting master ordered", c.Token)
			return
		}
		if m.result != nil {
			w.fail("%s is forked although the master has its end: %+v", c.Token, *m.result)
		}
		if w.forks[c.Token]++; w.forks[c.Token] > 1 {
			w.fail("%s is forked twice", c.Token)
		}
		running := 0
		for _, a := range w.attempts {
			if a.result == nil {
				running++
			}
		}
		if running >= slots {
			w.fail("%s is forked while %d run", c.Token, running)
		}
		if !slices.ContainsFunc(w.written[:w.synced], func(r brain.Record) bool {
			o, ok := r.(brain.Ordered)
			return ok && o.Token == c.Token
		}) {
			w.fail("%s is forked before its order is durable", c.Token)
		}
		w.attempts[c.Token] = &attempt{started: w.at}
		w.fromKeeper = append(w.fromKeeper, brain.Started{Token: c.Token, At: w.at})
	case brain.Kill:
		if a := w.attempts[c.Token]; a != nil && a.result == nil {
			a.kill = c.Why
		}
	case string:
		if a := w.attempts[c]; a != nil && a.result == nil {
			w.fail("%s is forgotten while it runs", c)
		}
		delete(w.attempts, c)
	}
}

// running lists the attempts that can end.
func (w *world) running() []string {
	var out []string
	for _, tok := range slices.Sorted(maps.Keys(w.attempts)) {
		if w.attempts[tok].result == nil {
			out = append(out, tok)
		}
	}
	return out
}

// finish ends a process of the keeper.
func (w *world) finish(tok string, bytes int64) {
	a := w.attempts[tok]
	a.result = &brain.Result{
		StartedAt: a.started, EndedAt: w.at, Outcome: "succeeded", HasExit: true,
		Log: brain.Log{Bytes: bytes, State: "eof"},
	}
	if a.kill != "" {
		a.result.Outcome, a.result.Reason = "cancelled", a.kill
	}
	if w.conn {
		w.fromKeeper = append(w.fromKeeper, brain.Finished{Token: tok, Result: *a.result})
	}
}

// tell delivers one event of the keeper, as the shell does.
func (w *world) tell() {
	if len(w.fromKeeper) == 0 {
		return
	}
	ev := w.fromKeeper[0]
	w.fromKeeper = w.fromKeeper[1:]
	if f, ok := ev.(brain.Finished); ok && f.Result.Log.Bytes > w.brain.LogEnd(f.Token) {
		up := upload(f.Token, f.Result.Log.Bytes)
		if w.slow() {
			w.uploads = append(w.uploads, up)
		} else {
			w.brain.Step(w.at, up)
		}
	}
	w.step(ev)
}

// ship ends one slow upload.
func (w *world) ship() {
	if len(w.uploads) == 0 {
		return
	}
	ev := w.uploads[0]
	w.uploads = w.uploads[1:]
	w.step(ev)
}

// register answers Register.
func (w *world) register() {
	if !w.registering {
		return
	}
	w.registering, w.open, w.hello = false, true, false
	w.session++
	w.up, w.down = nil, nil
	w.step(brain.Registered{Session: w.session, Epoch: w.epoch, Beat: w.beat})
}

// disconnect ends the session; some of what was under way is lost.
func (w *world) disconnect() {
	if !w.open {
		return
	}
	w.open, w.hungup = false, false
	w.up, w.down = nil, nil
	w.step(brain.Disconnected{Session: w.session})
}

// hear lets the master take in one message.
func (w *world) hear() {
	if len(w.up) == 0 {
		return
	}
	up := w.up[0]
	w.up = w.up[1:]
	if up.Session != w.session {
		return
	}
	w.beat++
	m := brain.Message{Session: w.session, Epoch: w.epoch, Beat: w.beat, Echo: up.SentAt}
	if up.Hello {
		w.hello = true
		m.Orders = w.reconcile(up.Reconcile)
	}
	for _, c := range up.Chunks {
		if t := w.tokens[c.Token]; t != nil {
			t.log = max(t.log, c.Chunk.To)
			m.Acks = append(m.Acks, brain.Ack{Token: c.Token, Chunks: t.log})
		}
	}
	for _, r := range up.Reports {
		m.Acks = append(m.Acks, w.report(r))
	}
	w.down = append(w.down, m)
}

// reconcile orders again what the agent does not answer for: it never started.
func (w *world) reconcile(named []brain.TokenState) []brain.Order {
	var orders []brain.Order
	for _, tok := range slices.Sorted(maps.Keys(w.tokens)) {
		if w.tokens[tok].result != nil {
			continue
		}
		if !slices.ContainsFunc(named, func(s brain.TokenState) bool { return s.Token == tok }) {
			if w.forks[tok] > 0 {
				w.fail("%s has run, and the agent does not answer for it", tok)
			}
			w.tokens[tok].session = w.session
			orders = append(orders, order(tok))
		}
	}
	return orders
}

// order makes the order of a token; those that end so need something first.
func order(tok string) brain.Order {
	return brain.Order{Token: tok, Task: []byte(tok), Needs: tok == "needy" || tok[0] == 't' && strings.HasSuffix(tok, "7")}
}

// fetched ends the oldest fetch, well or badly. It may be that of an order which
// nobody holds any more.
func (w *world) fetched(well bool) {
	if len(w.fetches) == 0 {
		return
	}
	ev := brain.Fetched{Token: w.fetches[0]}
	w.fetches = w.fetches[1:]
	if !well {
		ev.Refused = &brain.Result{EndedAt: w.at, Outcome: "rejected", Reason: "dependency"}
	}
	w.step(ev)
}

func (w *world) report(r brain.Report) brain.Ack {
	t := w.tokens[r.Token]
	ack := brain.Ack{Token: r.Token, Ended: r.Result != nil, Chunks: -1}
	switch {
	case r.Result == nil:
		if w.forks[r.Token] == 0 {
			w.fail("%s is said to have started", r.Token)
		}
	case t.result == nil:
		w.judge(r.Token, *r.Result)
		t.result = r.Result
		t.session = w.session
	case !cmp.Equal(t.result, r.Result):
		// A host that crashed may have lost a result it had told already; what it
		// says now must be that the attempt is lost.
		if r.Result.Outcome != "lost" {
			w.fail("%s: two results: %s", r.Token, cmp.Diff(t.result, r.Result))
		}
	}
	return ack
}

// judge checks a result against what has happened.
func (w *world) judge(tok string, r brain.Result) {
	a := w.attempts[tok]
	switch r.Outcome {
	case "succeeded":
		if w.forks[tok] != 1 {
			w.fail("%s is said to have succeeded", tok)
		}
	case "lost":
		if w.orphans[tok] {
			w.fail("%s is said to be lost while it runs on without its keeper", tok)
		}
		if a != nil && a.result == nil {
			w.fail("%s is said to be lost while it runs", tok)
		}
		if a != nil {
			w.fail("%s is said to be lost while its keeper knows its end", tok)
		}
	case "cancelled":
		if r.StartedAt == 0 && w.forks[tok] != 0 {
			w.fail("%s is said to have been cancelled before its start", tok)
		}
		if !w.tokens[tok].kill {
			w.fail("%s is cancelled, which nobody asked for", tok)
		}
	case "rejected":
		if w.forks[tok] != 0 {
			w.fail("%s is said to have been rejected, and has run", tok)
		}
	default:
		w.fail("%s: outcome %q", tok, r.Outcome)
	}
}

// answer delivers one message of the master.
func (w *world) answer() {
	if !w.open || len(w.down) == 0 {
		return
	}
	m := w.down[0]
	w.down = w.down[1:]
	w.step(m)
}

// say makes the master send something in the open session.
func (w *world) say(m brain.Message) {
	if !w.open || !w.hello {
		return
	}
	m.Session, m.Epoch, m.Beat = w.session, w.epoch, w.beat
	w.down = append(w.down, m)
}

// heal lets everything work and time pass until nothing is left to do.
func (w *world) heal() {
	w.crash = func() bool { return false }
	w.disconnect() // what a master lost comes out when it reconciles
	for range 2000 {
		w.connect()
		w.register()
		if w.hungup {
			w.disconnect()
		}
		w.obey()
		for _, tok := range w.running() {
			w.finish(tok, 0)
		}
		w.tell()
		w.ship()
		w.fetched(true)
		w.hear()
		w.answer()
		w.at += 20 * brain.Millisecond
		w.step(brain.Tick{})
		if w.quiet() {
			if !brain.New(slots, w.written).Idle() {
				w.fail("the journal would bring settled tokens back")
			}
			return
		}
	}
	for _, tok := range slices.Sorted(maps.Keys(w.tokens)) {
		if w.tokens[tok].result == nil {
			w.fail("%s never got a result", tok)
		}
	}
	w.fail("no rest: idle %v, %d attempts kept, %d messages up", w.brain.Idle(), len(w.attempts), len(w.up))
}

func (w *world) quiet() bool {
	for _, t := range w.tokens {
		if t.result == nil || t.log < t.result.Log.Bytes && !t.cut {
			return false
		}
	}
	return w.brain.Idle() && len(w.attempts) == 0 && len(w.toKeeper) == 0
}
