package sim

import (
	"fmt"
	"slices"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

// host is a machine with an agent, its journal and its keeper.
type host struct {
	w       *world
	uid     string
	name    string
	slots   int
	boot    int
	offset  micros // of its boot-time clock
	down    bool   // the machine is off
	gone    bool   // for good, as far as anyone knows
	clones  int    // how often a copy of it has registered
	highest int64  // epoch that its journal has promised to obey

	// The agent.
	life    int
	running bool
	brain   *brain.Brain
	written []brain.Record
	synced  int
	seq     int64 // records ever written
	stream  *stream
	asking  int // registrations asked for, to tell the last
	tickAt  brain.Time
	lower   map[string]bool // tokens of a message of a deposed master, while it is taken in

	keeper *keeper
}

func newHost(w *world, name string) *host {
	h := &host{w: w, uid: "uid." + name, name: name, slots: 1 + w.rng.IntN(4), seq: 1}
	h.bootUp()
	w.every(10*second, 60*second, h.crashAgent)
	w.every(20*second, 100*second, h.killKeeper)
	w.every(40*second, 200*second, func() { h.crash(w.span(second, 40*second)) })
	w.every(3*second, 25*second, h.cutLink)
	if w.rng.IntN(4) == 0 {
		w.every(30*second, 120*second, h.cloned)
	}
	if w.rng.IntN(3) == 0 {
		w.after(w.span(20*second, stormy), func() {
			if !w.calm {
				h.crash(w.span(60*second, 120*second))
				h.gone = true
			}
		})
	}
	return h
}

// cloned is a copy of the machine that registers in its name. Nobody may believe
// it; the true one has to be released.
func (h *host) cloned() {
	row := h.row()
	row.MachineID = "clone"
	known := h.w.store.rows.agents[h.uid]
	if h.gone || known.Session == 0 || known.State == record.AgentDead {
		return // nothing to compare it with
	}
	for _, m := range h.w.masters {
		if m.call(func(id kernel.ReplyID) kernel.Event { return kernel.Register{Reply: id, Agent: row} }, func(r kernel.Reply) {
			if r.Err == nil && h.w.store.rows.agents[h.uid].Reason != record.ReasonDeclaredDead {
				h.w.fail("a clone of %s is believed", h.name)
			}
		}) {
			h.w.note("a clone of %s registers", h.name)
			h.clones++
		}
	}
}

func (h *host) bootUp() {
	h.down, h.gone = false, false
	h.boot++
	h.offset = h.w.span(0, 1000*second)
	h.startAgent()
}

// crash loses all processes and what was not synced.
func (h *host) crash(back micros) {
	if h.down {
		return
	}
	h.w.note("host %s crashes", h.name)
	h.stopAgent()
	h.killKeeper()
	keep := h.synced
	if more := len(h.written) - h.synced; more > 0 {
		keep += h.w.rng.IntN(more + 1)
	}
	h.seq -= int64(len(h.written) - keep)
	for _, r := range h.written[keep:] {
		if e, ok := r.(brain.Ended); ok {
			h.w.truth.unkept(e.Token)
		}
	}
	h.written = h.written[:keep]
	h.down = true
	h.w.after(back, func() {
		if h.down {
			h.bootUp()
		}
	})
}

func (h *host) heal() {
	if h.down && !h.gone {
		h.bootUp()
	}
	if !h.down && !h.running {
		h.startAgent()
	}
}

// crashAgent is kill -9 of the agent; what it wrote stays, and so does its keeper.
func (h *host) crashAgent() {
	if h.down || !h.running {
		return
	}
	h.w.note("agent %s dies", h.name)
	h.stopAgent()
	life := h.life
	h.w.after(h.w.span(100*ms, 8*second), func() {
		if h.life == life && !h.down && !h.running {
			h.startAgent()
		}
	})
}

func (h *host) stopAgent() {
	h.running = false // first: the dead do nothing about it
	h.life++
	h.cutLink()
	h.asking++
	if h.keeper != nil {
		h.keeper.disconnect()
	}
}

func (h *host) startAgent() {
	h.running = true
	h.life++
	h.tickAt = 0
	h.brain = brain.New(h.slots, h.written)
	h.written = h.forgetful(h.brain.Records())
	h.synced = len(h.written)
	for token, bytes := range h.brain.Unshipped() {
		h.brain.Step(h.at(), upload(token, bytes))
	}
	h.settle()
}

func upload(token string, bytes int64) brain.Uploaded {
	return brain.Uploaded{Token: token, Chunk: brain.Chunk{To: bytes, Object: "log/" + token}}
}

// forgetful drops what a faulty agent does not keep.
func (h *host) forgetful(list []brain.Record) []brain.Record {
	return slices.DeleteFunc(slices.Clone(list), func(r brain.Record) bool {
		_, epoch := r.(brain.Obeyed)
		return h.w.fault == ForgetEpoch && epoch || h.w.fault == SkipJournal && !epoch
	})
}

// at is the host's boot-time clock.
func (h *host) at() brain.Time { return brain.Time(h.w.now + h.offset) }

// after plans an event of this life of the agent.
func (h *host) after(d micros, do func()) {
	life := h.life
	h.w.after(d, func() {
		if h.life == life && h.running {
			do()
		}
	})
}

func (h *host) step(ev brain.Event) {
	h.brain.Step(h.at(), ev)
	h.settle()
}

// settle performs what is ready. The agent may die between any two effects.
func (h *host) settle() {
	for life := h.life; h.life == life && h.running; {
		r, ok := h.brain.Ready()
		if !ok {
			h.planTick()
			return
		}
		for _, do := range h.effects(&r) {
			if h.w.chance(0.02) {
				h.crashAgent()
			}
			if h.life != life || !h.running {
				return
			}
			do()
		}
	}
}

func (h *host) planTick() {
	at := h.brain.NextWake()
	if at == 0 || at == h.tickAt {
		return
	}
	h.tickAt = at
	h.after(micros(at)-h.offset-h.w.now, func() {
		if h.tickAt == at {
			h.tickAt = 0
			h.step(brain.Tick{})
		}
	})
}

func (h *host) effects(r *brain.Ready) []func() {
	var out []func()
	for _, rec := range r.Records {
		out = append(out, func() { h.write(rec) })
	}
	if r.Sync {
		out = append(out, func() { h.sync(r.Serial) })
	}
	if r.Alive != nil {
		alive := *r.Alive
		out = append(out, func() { h.keeper.send(h, func(k *keeper) { k.alive(micros(alive.SentAt) - h.offset) }) })
	}
	for _, f := range r.Fetch {
		out = append(out, func() { h.fetch(f) })
	}
	for _, token := range r.Ended {
		if p := h.w.truth.live[token]; p != nil && p.host == h && !h.w.truth.exempt[token] {
			h.w.fail("%s lets the dependencies of %s go while it runs", h.name, token)
		}
	}
	for _, s := range r.Starts {
		out = append(out, func() { h.keeper.send(h, func(k *keeper) { k.fork(s) }) })
	}
	for _, k := range r.Kills {
		out = append(out, func() { h.keeper.send(h, func(kp *keeper) { kp.kill(k) }) })
		h.obeyed(k.Token)
	}
	for _, token := range r.Forgets {
		out = append(out, func() { h.keeper.send(h, func(k *keeper) { delete(k.attempts, token) }) })
	}
	if len(r.Sweep) > 0 {
		out = append(out, func() { h.sweep(r.Sweep) })
	}
	if r.Dial {
		out = append(out, h.dial)
	}
	if r.Register {
		out = append(out, h.register)
	}
	if r.Hangup != 0 {
		out = append(out, func() { h.after(h.w.span(0, 50*ms), h.cutLink) })
	}
	if r.Up != nil {
		out = append(out, func() { h.say(r.Up) })
	}
	return out
}

func (h *host) write(rec brain.Record) {
	if o, ok := rec.(brain.Ordered); ok {
		h.obeyed(o.Token)
	}
	if e, ok := rec.(brain.Ended); ok {
		h.w.truth.kept(e.Token, e.Result.Outcome)
	}
	if len(h.forgetful([]brain.Record{rec})) > 0 {
		h.written = append(h.written, rec)
	}
	h.seq++
}

// obeyed finds an agent that acts on what a deposed master says.
func (h *host) obeyed(token string) {
	if h.lower[token] {
		h.w.fail("P1: agent %s acts on the word of a deposed master about %s", h.name, token)
	}
}

// fetch gets what a held order needs, now and then in vain. Another fetch of the
// same token may be under way, of an earlier session.
func (h *host) fetch(f brain.Start) {
	restored := h.w.store.restored
	h.after(h.w.depot.span(0, 8*second), func() {
		if h.w.store.restored != restored {
			h.w.truth.exempt[f.Token] = true // its order may have been in what was lost
		}
		ev := brain.Fetched{Token: f.Token}
		if h.w.depot.rng.IntN(10) == 0 {
			ev.Refused = &brain.Result{
				EndedAt: h.at(), Outcome: string(record.OutcomeRejected), Reason: string(record.ReasonDependency),
				Log: brain.Log{State: string(record.LogEOF)},
			}
		}
		h.step(ev)
	})
}

// sync is an fsync: what is written by now is on disk when it ends.
func (h *host) sync(serial uint64) {
	n, epoch := len(h.written), h.brain.Epoch()
	h.after(h.w.span(0, 4*ms), func() {
		if h.w.fault != SkipSync {
			h.synced = max(h.synced, n)
		}
		h.highest = max(h.highest, epoch)
		h.step(brain.Durable{Serial: serial})
	})
}

func (h *host) row() record.Agent {
	return record.Agent{
		UID: h.uid, Name: h.name, MachineID: "machine." + h.name, BootID: fmt.Sprint("boot", h.boot), Namespace: "1",
		JournalID: "journal." + h.name, JournalSeq: h.seq, Slots: int32(h.slots), Isolation: "sweep",
	}
}

// register asks one master after the other until one makes a session.
func (h *host) register() {
	h.asking++
	asked := h.asking
	if h.w.fault != UnsyncedSequence {
		h.synced = len(h.written) // what a master hears of is on disk
	}
	row := h.row()
	var try func()
	try = func() {
		if h.asking != asked {
			return
		}
		again := func(d micros) { h.after(h.w.span(d/2, d), try) }
		m := h.w.masters[h.w.rng.IntN(len(h.w.masters))]
		if !m.acting || m.meet(h) {
			again(500 * ms)
			return
		}
		answered := false
		event := func(id kernel.ReplyID) kernel.Event { return kernel.Register{Reply: id, Agent: row} }
		called := m.call(event, func(r kernel.Reply) {
			answered = true
			m.met[h.uid] = true
			if r.Err != nil {
				again(5 * second)
				return
			}
			st := &stream{host: h, master: m, session: r.Session, life: h.life, open: true}
			if old := m.streams[h.uid]; old != nil {
				old.cut()
			}
			m.streams[h.uid] = st
			epoch, beat := m.epoch, h.w.store.beat
			h.after(h.w.span(0, 30*ms), func() {
				if h.asking != asked || h.w.chance(2) {
					st.open = false
					again(2 * second)
					return
				}
				h.asking++
				h.stream = st
				h.step(brain.Registered{Session: r.Session, Epoch: epoch, Beat: beat})
				if !st.open && h.stream == st {
					h.cutLink()
				}
			})
		})
		if !called {
			again(500 * ms)
			return
		}
		h.after(3*second, func() {
			if !answered && h.asking == asked {
				try()
			}
		})
	}
	h.after(h.w.span(0, 30*ms), try)
}

// cutLink breaks the session; what is under way is lost.
func (h *host) cutLink() {
	st := h.stream
	if st == nil {
		return
	}
	st.open = false
	h.stream = nil
	if h.running {
		h.step(brain.Disconnected{Session: st.session})
	}
}

func (h *host) say(up *brain.Up) {
	if h.stream != nil {
		h.stream.up(up)
	}
	h.after(h.w.span(0, 2*ms), func() { h.step(brain.Sent{Session: up.Session}) })
}

// stream is one session's connection: messages keep their order.
type stream struct {
	host         *host
	master       *master
	session      int64
	life         int
	open         bool
	upAt, downAt micros
	toldAt       micros // when the master heard which tokens the agent holds
}

// met reports whether the acting master has long known what the host holds.
func (h *host) met() bool {
	st := h.stream
	return st != nil && st.open && st.master.acting && st.toldAt != 0 && h.w.now-st.toldAt > 20*second
}

// cut is the master's end of the connection closing.
func (st *stream) cut() {
	if !st.open {
		return
	}
	st.open = false
	h := st.host
	h.w.after(h.w.span(0, 100*ms), func() {
		if h.stream == st {
			h.cutLink()
		}
	})
}

func (st *stream) up(up *brain.Up) {
	w, m := st.host.w, st.master
	st.upAt = max(st.upAt, w.now+w.span(0, 20*ms))
	w.after(st.upAt-w.now, func() {
		switch {
		case !st.open || !m.up || !m.acting:
		case m.thaw > w.now:
			w.after(m.thaw-w.now, func() { m.hear(st, up, st.session) })
		default:
			m.hear(st, up, st.session)
		}
	})
	w.truth.said[up] = st.host
	if w.chance(3) || up.Hello && w.chance(30) { // a copy comes late, whatever has become of the session
		w.after(w.span(0, 15*second), func() { m.hear(nil, up, st.session) })
	}
}

// hear takes a message of an agent in; without a stream it is a late copy.
func (m *master) hear(st *stream, up *brain.Up, session int64) {
	if !m.up || !m.acting || m.w.store.restored && st == nil {
		return
	}
	if st != nil && m.streams[st.host.uid] != st {
		return
	}
	h := m.w.hostOf(up, st)
	if m.w.fault == IgnoreSession {
		session = m.w.store.rows.agents[h.uid].Session
	}
	if up.Hello {
		if st != nil {
			st.toldAt = m.w.now
		}
		ev := kernel.Reconcile{Agent: h.uid, Session: session}
		for _, t := range up.Reconcile {
			ev.Tokens = append(ev.Tokens, kernel.TokenState{Token: t.Token, Started: t.Started})
		}
		if m.w.fault == ForgetTokens {
			ev.Tokens = nil
		}
		m.submit(letter{event: ev, stream: st})
	}
	ev := kernel.Reports{Agent: h.uid, Session: session, Draining: up.Draining}
	for _, r := range up.Reports {
		ev.List = append(ev.List, m.report(r))
	}
	for _, c := range up.Chunks {
		ev.Chunks = append(ev.Chunks, record.Chunk{Token: c.Token, From: c.Chunk.From, To: c.Chunk.To, Object: c.Chunk.Object})
	}
	m.submit(letter{event: ev, stream: st, sentAt: up.SentAt})
}

func (m *master) report(r brain.Report) kernel.Report {
	out := kernel.Report{Token: r.Token, StartedAt: m.now}
	if res := r.Result; res != nil {
		out.Ended, out.EndedAt = true, m.now
		out.Outcome, out.Reason = record.Outcome(res.Outcome), record.Reason(res.Reason)
		out.HasExit, out.ExitCode, out.Signal, out.Message = res.HasExit, res.ExitCode, res.Signal, res.Message
		out.Log = &record.LogEnd{Bytes: res.Log.Bytes, State: record.LogState(res.Log.State)}
	}
	return out
}

// hostOf finds whose message it is.
func (w *world) hostOf(up *brain.Up, st *stream) *host {
	if st != nil {
		return st.host
	}
	for _, h := range w.hosts {
		if w.truth.said[up] == h {
			return h
		}
	}
	return w.hosts[0]
}

func (st *stream) down(msg brain.Message) {
	w, h := st.host.w, st.host
	st.downAt = max(st.downAt, w.now+w.span(0, 20*ms))
	w.after(st.downAt-w.now, func() {
		if st.open && h.stream == st && h.running {
			h.hear(msg)
		}
	})
	if w.chance(2) {
		w.after(w.span(0, 5*second), func() {
			if st.open && h.stream == st && h.running {
				h.hear(msg)
			}
		})
	}
	if w.chance(2) && len(msg.Orders)+len(msg.Kills) > 0 {
		w.after(w.span(5*second, 60*second), func() {
			if h.running && h.stream != st {
				h.hear(msg) // somebody deposed goes on speaking
			}
		})
	}
}

// hear takes a message of a master in.
func (h *host) hear(msg brain.Message) {
	if msg.Epoch < h.highest {
		h.lower = map[string]bool{}
		for _, o := range msg.Orders {
			h.lower[o.Token] = true
		}
		for _, k := range msg.Kills {
			h.lower[k.Token] = true
		}
	}
	for i := range msg.Orders {
		o := &msg.Orders[i]
		o.Needs = o.Token[len(o.Token)-1]%4 == 0 // always the same ones
	}
	if h.w.fault == ObeyLower {
		msg.Epoch, msg.Session = max(msg.Epoch, h.brain.Epoch()), h.brain.Session()
	}
	if h.w.fault == ForgetEpoch {
		msg.Session = h.brain.Session()
	}
	h.step(msg)
	h.lower = nil
}
