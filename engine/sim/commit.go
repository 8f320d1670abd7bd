package sim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

type echo struct {
	stream *stream
	sentAt brain.Time
}

type flight struct {
	ready kernel.Ready
	tx    *tx
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
		len(b.Agents)+len(b.Chunks)+len(b.LogEnds)+len(b.DeadLetters)+len(b.Audits)+len(b.Finished)+len(b.CursorsGone)+
		len(b.Overrides)+len(b.OverridesGone) == 0
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
	for _, o := range r.Rows.Overrides {
		text += fmt.Sprintf(" %s.%s:%s", o.ObjectUID, o.Field, o.Value)
	}
	for _, o := range r.Rows.OverridesGone {
		text += fmt.Sprintf(" %s.%s:", o.ObjectUID, o.Field)
	}
	for _, f := range r.Rows.Fires {
		text += fmt.Sprintf(" %s@%d=%s", f.ScheduleUID, f.Instant, f.Decision)
	}
	return text
}
