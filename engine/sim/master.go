package sim

import (
	"encoding/json"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
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
	if p.Outputs {
		answer.Output = []byte(`{"n":1}`)
		if m.w.chance(5) {
			answer.Fault = record.ReasonExpression
		}
		return answer
	}
	switch {
	case m.w.chance(2):
		answer.Fault = record.ReasonExpression
	case m.w.chance(3):
		answer.Skip = true
	}
	g := m.w.store.graphs[p.FlowDigest]
	if to := g.Flow(p.Key.Number); to != "" {
		// The shell looks into the revision that the execution is pinned to.
		if def, ok := flowOf(&m.w.store.revisions[p.Revision-1], to); ok {
			answer.Child = &def
		}
		return answer
	}
	t := task{Execution: p.Key.Execution, Number: p.Key.Number, N: p.N}
	if m.w.people.rerun[g.Name(p.Key.Number)] {
		t.Rerun = rerunAfter
	}
	answer.Task, _ = json.Marshal(t) // a struct of plain values
	return answer
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
