package sim

import (
	"github.com/leifengta/lft/engine/kernel"
)

// Times of the lease, as in engine/lease.
const (
	beatEvery = second
	trustFor  = 3 * second
	expire    = 5 * second
)

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
