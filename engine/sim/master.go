package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// Times of the lease, as in engine/lease.
const (
	beatEvery = second
	trustFor  = 3 * second
	expire    = 5 * second
)

// master is the shell around a kernel, and the lease.
type master struct {
	w      *world
	name   string
	life   int  // grows with each crash; events of an older one are void
	up     bool // the process exists
	thaw   micros
	acting bool

	// As a standby.
	sawEpoch, sawBeat int64
	sawAt             micros

	// While it acts.
	epoch    int64
	renewed  micros // when the last renewal began
	now      record.Time
	state    *kernel.State
	term     int // grows with each reload; what was under way before is void
	inbox    []letter
	due      bool // a turn is planned
	flight   *flight
	serial   uint64
	careful  bool
	replyID  kernel.ReplyID
	callers  map[kernel.ReplyID]func(kernel.Reply)
	streams  map[string]*stream // by agent
	echoes   []echo
	adopted  int64
	met      map[string]bool // agents that have registered in this term
	wakeAt   record.Time
	unspoken []func() // what waits until the lease is trusted again
}

type letter struct {
	event  kernel.Event
	refuse func(error)
	stream *stream
	sentAt brain.Time
}

type echo struct {
	stream *stream
	sentAt brain.Time
}

type flight struct {
	ready kernel.Ready
	tx    *tx
}

// task is what a process needs to know.
type task struct {
	Execution string
	Number    int32
	N         int32
	Rerun     micros
}

func newMaster(w *world, name string) *master {
	m := &master{w: w, name: name, up: true, streams: map[string]*stream{}}
	m.watch()
	w.every(15*second, 60*second, m.crash)
	w.every(20*second, 90*second, func() {
		m.thaw = w.now + w.span(second/2, 12*second)
		w.note("%s is frozen until %.3f", m.name, float64(m.thaw)/1e6)
	})
	return m
}

// after plans an event of this life. A frozen master does it when it thaws.
func (m *master) after(d micros, do func()) {
	life := m.life
	var attempt func()
	attempt = func() {
		switch {
		case m.life != life || !m.up:
		case m.thaw > m.w.now:
			m.w.after(m.thaw-m.w.now, attempt)
		default:
			do()
		}
	}
	m.w.after(d, attempt)
}

func (m *master) crash() {
	if !m.up {
		return
	}
	m.w.note("%s dies", m.name)
	m.demote()
	m.up = false
	m.life++
	m.w.after(m.w.span(second/2, 10*second), m.start)
}

func (m *master) start() {
	if m.up {
		return
	}
	m.up = true
	m.watch()
}

func (m *master) heal() {
	m.thaw = 0
	m.start()
}

// demote ends a term. Streams break; agents notice.
func (m *master) demote() {
	m.acting = false
	m.void()
	m.state, m.flight, m.inbox, m.callers, m.unspoken = nil, nil, nil, nil, nil
	m.due = false
	m.term++
}

// void breaks all sessions.
func (m *master) void() {
	for _, agent := range sorted(m.streams) {
		m.streams[agent].cut()
	}
	m.streams = map[string]*stream{}
	m.echoes = nil
}

// watch waits for the lease to expire, by this master's own clock.
func (m *master) watch() {
	s := m.w.store
	m.sawEpoch, m.sawBeat, m.sawAt = s.epoch, s.beat, m.w.now
	var look func()
	look = func() {
		if m.acting {
			return
		}
		if s.epoch != m.sawEpoch || s.beat != m.sawBeat || s.down {
			m.sawEpoch, m.sawBeat, m.sawAt = s.epoch, s.beat, m.w.now
		}
		if m.w.now-m.sawAt >= expire || s.epoch == 0 {
			m.act(s.takeOver(0), false)
			return
		}
		m.after(m.w.span(200*ms, 600*ms), look)
	}
	m.after(m.w.span(0, second), look)
}

// act begins a term.
func (m *master) act(epoch int64, all bool) {
	m.w.note("%s acts in epoch %d", m.name, epoch)
	m.acting, m.epoch, m.renewed, m.serial = true, epoch, m.w.now, 0
	m.callers, m.met = map[kernel.ReplyID]func(kernel.Reply){}, map[string]bool{}
	m.reload(all)
	term := epoch
	m.beat(term)
	m.poll(term)
}

func (m *master) beat(term int64) {
	began := m.w.now
	m.after(m.w.span(ms, 20*ms), func() {
		if !m.acting {
			return
		}
		s := m.w.store
		switch {
		case s.down:
		case s.epoch != m.epoch:
			m.w.note("%s is deposed", m.name)
			m.demote()
			m.watch()
			return
		default:
			s.beat++
			m.renewed = began
			m.speak()
		}
		m.after(beatEvery, func() { m.beat(term) })
	})
}

// trusted reports whether the master may speak to anyone.
func (m *master) trusted() bool { return m.w.now-m.renewed <= trustFor }

// speak lets out what had to wait for trust.
func (m *master) speak() {
	if !m.trusted() {
		return
	}
	list := m.unspoken
	m.unspoken = nil
	for _, do := range list {
		do()
	}
}

// poll looks at the heads.
func (m *master) poll(term int64) {
	if !m.acting {
		return
	}
	m.adoptNewest()
	if m.w.fault == GuessDeath {
		m.guess()
	}
	m.after(250*ms, func() { m.poll(term) })
}

// guess is a planted bug: it takes silence for death.
func (m *master) guess() {
	for _, token := range sorted(m.w.store.rows.attempts) {
		a := m.w.store.rows.attempts[token]
		agent := m.w.store.rows.agents[a.AgentUID]
		if a.State != record.Ended && agent.State == record.AgentSuspect {
			m.submit(letter{event: kernel.Reports{Agent: a.AgentUID, Session: agent.Session, List: []kernel.Report{
				{Token: token, Ended: true, Outcome: record.OutcomeLost},
			}}})
		}
	}
}

func (m *master) adoptNewest() {
	for m.adopted < m.w.store.head() && !m.w.store.down {
		m.adopted++
		m.submit(letter{event: m.w.store.revisions[m.adopted-1]})
	}
}

// reload starts again from the rows.
func (m *master) reload(all bool) {
	m.term++
	if m.w.fault != KeepSessions {
		m.void()
	}
	m.flight, m.inbox, m.due = nil, nil, false
	for id := range m.callers {
		delete(m.callers, id)
	}
	snap := m.w.store.load()
	snap.ReconcileAll = all
	limits := kernel.Limits{}
	if m.careful {
		limits.BatchRows = 1
	}
	state, err := kernel.Restore(limits, snap)
	if err != nil {
		m.w.fail("restore: %v", err)
		return
	}
	m.state = state
	m.now = max(m.now, m.w.store.time())
	m.adopted = 0
	for _, p := range snap.Projects {
		m.adopted = p.Revision
	}
	m.adoptNewest()
	m.submit(letter{event: kernel.Tick{}})
}

func (m *master) submit(l letter) {
	m.inbox = append(m.inbox, l)
	m.plan(m.w.span(0, 3*ms))
}

func (m *master) plan(d micros) {
	if m.due || !m.acting {
		return
	}
	m.due = true
	term := m.term
	m.after(d, func() {
		if m.term == term {
			m.due = false
			m.turn()
		}
	})
}

// turn is drain → Step → Ready → Commit.
func (m *master) turn() {
	if m.careful && m.flight != nil {
		return
	}
	m.now = max(m.now, m.w.store.time())
	if m.wakeAt != 0 && m.wakeAt <= m.now {
		m.wakeAt = 0
		m.inbox = append(m.inbox, letter{event: kernel.Tick{}})
	}
	for n := 0; len(m.inbox) > 0 && (n == 0 || !m.careful); n++ {
		l := m.inbox[0]
		m.inbox = m.inbox[1:]
		m.step(l)
	}
	m.prepare()
	if m.flight == nil {
		m.launch()
	}
	if len(m.inbox) > 0 {
		m.plan(0)
	}
}

func (m *master) step(l letter) {
	if start, ok := l.event.(kernel.Start); ok && m.w.store.rows.finished[start.ID] {
		l.refuse(kernel.ErrConflict) // it has been; the kernel does not know it any more
		return
	}
	err := m.state.Step(m.now, l.event)
	if l.stream != nil && l.sentAt != 0 {
		m.echoes = append(m.echoes, echo{l.stream, l.sentAt})
	}
	if err != nil && l.refuse != nil {
		l.refuse(err)
	}
	if reports, ok := l.event.(kernel.Reports); ok && m.w.fault == AckEarly {
		for _, r := range reports.List {
			m.tell(reports.Agent, brain.Message{Acks: []brain.Ack{{Token: r.Token, Ended: r.Ended, Chunks: -1}}})
		}
	}
}

// prepare answers what has to be prepared, mostly at once.
func (m *master) prepare() {
	for {
		list := m.state.Prepares()
		if len(list) == 0 {
			return
		}
		for _, p := range list {
			answer := m.answer(p)
			if m.w.chance(10) {
				term := m.term
				m.after(m.w.span(0, 2*second), func() {
					if m.term == term {
						m.submit(letter{event: answer})
					}
				})
				continue
			}
			m.step(letter{event: answer})
		}
	}
}

func (m *master) answer(p kernel.Prepare) kernel.Prepared {
	answer := kernel.Prepared{Key: p.Key, N: p.N, Wait: spec.Duration(m.w.span(0, 10*second))}
	switch {
	case m.w.chance(2):
		answer.Fault = record.ReasonExpression
	case m.w.chance(3):
		answer.Skip = true
	}
	g := m.w.store.graphs[p.FlowDigest]
	t := task{Execution: p.Key.Execution, Number: p.Key.Number, N: p.N}
	if m.w.people.rerun[g.Name(p.Key.Number)] {
		t.Rerun = rerunAfter
	}
	answer.Task, _ = json.Marshal(t) // a struct of plain values
	return answer
}

func (m *master) launch() {
	ready, ok := m.state.Ready()
	if !ok {
		m.answerEchoes()
		m.setWake()
		return
	}
	m.serial++
	m.flight = &flight{ready: ready}
	if m.w.fault == ReleaseEarly {
		m.deliver(&ready)
	}
	if empty(&ready.Rows) {
		m.land(nil)
		return
	}
	m.commit()
}

func empty(b *record.Batch) bool {
	return len(b.Executions)+len(b.Jobs)+len(b.Attempts)+len(b.Fires)+len(b.Ranges)+len(b.Cursors)+len(b.Adopted)+
		len(b.Agents)+len(b.Chunks)+len(b.LogEnds)+len(b.DeadLetters)+len(b.Audits)+len(b.Finished)+len(b.CursorsGone) == 0
}

// commit goes in three steps, between any two of which anything may happen.
func (m *master) commit() {
	f, term := m.flight, m.term
	alive := func(do func()) func() {
		return func() {
			if m.acting && m.term == term && m.flight == f {
				do()
			}
		}
	}
	m.after(m.w.span(0, 3*ms), alive(func() {
		var err error
		f.tx, err = m.w.store.begin(m.epoch, m.serial, &f.ready.Rows)
		if err != nil {
			m.after(m.w.span(0, 2*ms), alive(func() { m.land(err) }))
			return
		}
		t := f.tx
		end := m.w.span(0, 5*ms)
		if m.w.chance(1) {
			end = m.w.span(0, 8*second)
		}
		m.afterCommit(t, end, alive)
	}))
}

// afterCommit ends the transaction and tells the master, if the answer gets
// there. A master that dies before it has sent COMMIT leaves a rollback.
func (m *master) afterCommit(t *tx, d micros, alive func(func()) func()) {
	life := m.life
	sent := false
	m.after(d, func() {
		sent = true
		err := m.w.store.end(t, !m.w.chance(1))
		if m.w.chance(2) {
			err = lease.ErrUnknown // whatever it was
		}
		m.after(m.w.span(0, 5*ms), alive(func() { m.land(err) }))
	})
	m.w.after(d+20*second, func() {
		if !sent && m.life != life {
			_ = m.w.store.end(t, false) // the database notices the dead connection
		}
	})
}

// land acts on what became of a commit.
func (m *master) land(err error) {
	f := m.flight
	switch {
	case err == nil:
		m.flight = nil
		if m.w.log != nil {
			m.w.note("%s commits %d: %s", m.name, m.serial, describe(&f.ready))
		}
		if m.w.fault != ReleaseEarly {
			m.deliver(&f.ready)
		}
		m.state.Advance(f.ready.Serial)
		m.plan(0)
	case errors.Is(err, lease.ErrFenced):
		m.w.note("%s is fenced off", m.name)
		m.demote()
		m.watch()
	case errors.Is(err, lease.ErrMoved):
		m.reload(false)
	case errors.Is(err, lease.ErrUnknown):
		m.inquire()
	case errors.Is(err, lease.ErrPoison):
		m.mend()
	default:
		term := m.term
		m.after(m.w.span(5*ms, 500*ms), func() {
			if m.term == term && m.flight == f {
				m.commit()
			}
		})
	}
}

// inquire settles a commit whose answer was lost.
func (m *master) inquire() {
	s := m.w.store
	m.w.note("%s does not know what became of %d", m.name, m.serial)
	if m.w.fault == AdvanceOnUnknown {
		m.land(nil)
		return
	}
	if s.down {
		term := m.term
		m.after(200*ms, func() {
			if m.term == term {
				m.inquire()
			}
		})
		return
	}
	if s.epoch != m.epoch {
		m.demote()
		m.watch()
		return
	}
	old := m.epoch
	m.epoch = s.takeOver(0)
	if s.batchEpoch == old && s.batchSerial == m.serial {
		m.land(nil)
	} else {
		m.commit()
	}
}

// mend finds out whose rows are refused and buries the execution.
func (m *master) mend() {
	refused := m.flight.ready.Rows
	if m.w.fault == SkipBury {
		m.reload(false)
		return
	}
	if !m.careful {
		m.careful = true
		m.after(10*second, func() { m.careful = false })
		m.reload(false)
		return
	}
	culprit, _ := m.w.store.refused(&refused) // the database names the row
	m.reload(false)
	id := culprit.Execution
	m.w.note("%s buries %s", m.name, id)
	bury := kernel.Bury{Letter: record.DeadLetter{
		ID: record.NoteID(id, "bury", m.now, int64(m.serial)), Execution: id, Event: "commit", Error: "refused",
	}}
	m.inbox = slices.Insert(m.inbox, 0, letter{event: bury})
}

// deliver releases what waited for the batch to be durable.
func (m *master) deliver(r *kernel.Ready) {
	for _, o := range r.Orders {
		m.tell(o.Agent, brain.Message{Session: o.Session, Orders: []brain.Order{{Token: o.Token, Task: o.Task}}})
	}
	for _, k := range r.Kills {
		m.tell(k.Agent, brain.Message{Session: k.Session, Kills: []brain.Kill{{Token: k.Token, Why: string(k.Why)}}})
	}
	for _, a := range r.Acks {
		m.tell(a.Agent, brain.Message{Session: a.Session, Acks: []brain.Ack{{Token: a.Token, Ended: a.Ended, Chunks: a.Chunks}}})
	}
	m.answerEchoes()
	for _, reply := range r.Replies {
		if call := m.callers[reply.ID]; call != nil {
			delete(m.callers, reply.ID)
			call(reply)
		}
	}
}

func (m *master) answerEchoes() {
	for _, e := range m.echoes {
		m.tell(e.stream.host.uid, brain.Message{Echo: e.sentAt})
	}
	m.echoes = nil
}

// tell sends a message down an agent's stream, as soon as the lease is trusted.
func (m *master) tell(agent string, msg brain.Message) {
	st := m.streams[agent]
	if st == nil {
		return
	}
	say := func() {
		msg.Session, msg.Epoch, msg.Beat = st.session, m.epoch, m.w.store.beat
		st.down(msg)
	}
	if m.trusted() {
		say()
		return
	}
	m.unspoken = append(m.unspoken, say)
}

func (m *master) setWake() {
	at := m.state.NextWake()
	if at == 0 || at == m.wakeAt {
		return
	}
	m.wakeAt = at
	term := m.term
	m.after(micros(max(at-m.w.store.time(), 0)), func() {
		if m.term == term {
			m.plan(0)
		}
	})
}

// call steps an event for somebody who waits for the answer. It is false when
// this master does not act.
func (m *master) call(event func(kernel.ReplyID) kernel.Event, answer func(kernel.Reply)) bool {
	if !m.up || !m.acting || m.thaw > m.w.now {
		return false
	}
	m.replyID++
	id := m.replyID
	m.callers[id] = answer
	m.submit(letter{event: event(id), refuse: func(err error) {
		delete(m.callers, id)
		answer(kernel.Reply{ID: id, Err: err})
	}})
	return true
}

// meet answers an agent that has obeyed a higher epoch than this one, or this
// one although it was never met: the database is older than the agents.
func (m *master) meet(h *host) bool {
	epoch := h.brain.Epoch()
	newer := epoch > m.epoch || epoch == m.epoch && !m.met[h.uid]
	if !newer || m.w.fault == KeepEpoch {
		return false
	}
	s := m.w.store
	if s.down || s.epoch != m.epoch {
		return true
	}
	m.w.note("%s rises above epoch %d", m.name, epoch)
	m.epoch = s.takeOver(epoch)
	m.reload(true)
	return true
}

func describe(r *kernel.Ready) string {
	text := ""
	for _, x := range r.Rows.Executions {
		text += fmt.Sprintf(" %s=%s", x.ID, x.State)
	}
	for _, j := range r.Rows.Jobs {
		text += fmt.Sprintf(" %s/%d=%s/%d", j.Execution, j.Number, j.State, j.Attempts)
	}
	for _, a := range r.Rows.Attempts {
		text += fmt.Sprintf(" %s=%s%s%s@%s/%d", a.Token, a.State, a.Outcome, a.Reason, a.Agent, a.Session)
	}
	for _, a := range r.Rows.Agents {
		text += fmt.Sprintf(" %s=%s%s/%d", a.UID, a.State, a.Reason, a.Session)
	}
	for _, f := range r.Rows.Fires {
		text += fmt.Sprintf(" %s@%d=%s", f.ScheduleUID, f.Instant, f.Decision)
	}
	return text
}
