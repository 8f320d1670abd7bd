package brain

import (
	"cmp"
	"slices"
)

// obeys reports whether the highest epoch is known to survive a crash. A broken
// journal cannot promise that any more; nothing is taken in then, and results
// may still be told.
func (b *Brain) obeys() bool { return b.durable >= b.epochAt || b.broken }

// raise takes a master's epoch in and refuses one that is deposed.
func (b *Brain) raise(epoch int64) bool {
	if epoch > b.epoch {
		b.epoch = epoch
		b.epochAt = b.append(Obeyed{Epoch: epoch}, true)
	}
	return epoch == b.epoch
}

func (b *Brain) onRegistered(ev Registered) {
	if b.link != linkRegistering {
		return
	}
	b.link = linkOpen
	b.session = ev.Session
	b.sending = false
	b.heardAt = b.at
	b.drained, b.drainedAt = false, 0
	if !b.raise(ev.Epoch) {
		b.hangup("the master's epoch is lower than one already obeyed")
		return
	}
	b.hello = true
	for _, e := range b.list {
		if e.gone {
			continue
		}
		e.told = 0
		e.startAck = false
		if e.startedAt != 0 || e.phase == ended || len(e.chunks) > 0 {
			b.tell(e)
		}
	}
	b.told = nil
}

// hangup closes the session; all it still says is ignored.
func (b *Brain) hangup(why string) {
	b.link = linkClosing
	b.ready.Hangup = b.session
	b.ready.Why = why
	b.dirty = true
}

func (b *Brain) onDisconnected(session int64) {
	if session != b.session || (b.link != linkOpen && b.link != linkClosing) {
		return
	}
	b.link = linkDown
	// Never taken, so the master that hears nothing of them orders them again.
	clear(b.fetching)
	b.held = nil
	// Nothing of that session can arrive any more, so nothing of it can be
	// doubled: what was done in it need not be remembered.
	clear(b.settled)
}

func (b *Brain) onMessage(m Message) {
	if b.link != linkOpen || m.Session != b.session {
		return
	}
	if !b.raise(m.Epoch) {
		b.hangup("the master's epoch is lower than one already obeyed")
		return
	}
	b.heardAt = b.at
	if m.Echo > 0 && cmp.Or(cmp.Compare(m.Epoch, b.alive.Epoch), cmp.Compare(m.Beat, b.alive.Beat)) > 0 {
		b.alive = Alive{Epoch: m.Epoch, Beat: m.Beat, SentAt: m.Echo}
		b.live()
	}
	if b.drainedAt > 0 && m.Echo >= b.drainedAt {
		b.drained = true
	}
	for _, a := range m.Acks {
		b.onAck(a)
	}
	for _, o := range m.Orders {
		b.onOrder(o)
	}
	for _, k := range m.Kills {
		if b.obeys() {
			b.onKill(k)
		} else {
			b.held = append(b.held, k)
		}
	}
	if len(b.settled) >= MaxSettled {
		b.hangup("the session has carried its share of work")
	}
}

// live passes the newest proof of an acting master on to the keeper.
func (b *Brain) live() {
	if b.up && b.alive.SentAt > 0 {
		alive := b.alive
		b.ready.Alive = &alive
		b.dirty = true
	}
}

// onOrder takes a token in, once.
func (b *Brain) onOrder(o Order) {
	if e, ok := b.entries[o.Token]; ok {
		e.endAck = false // asked again, so it is not known
		if e.startedAt != 0 || e.phase == ended {
			b.tell(e)
		}
		return
	}
	if _, ok := b.settled[o.Token]; ok || b.broken {
		return
	}
	if !o.Needs {
		b.order(b.add(o.Token, o.Task))
		return
	}
	if _, ok := b.fetching[o.Token]; !ok {
		b.fetching[o.Token] = o.Task
		b.ready.Fetch = append(b.ready.Fetch, Start{Token: o.Token, Task: o.Task})
		b.dirty = true
	}
}

// onFetched takes a held order in, or ends it.
func (b *Brain) onFetched(ev Fetched) {
	task, ok := b.fetching[ev.Token]
	if !ok {
		return
	}
	delete(b.fetching, ev.Token)
	if b.broken {
		return
	}
	if ev.Refused == nil {
		b.order(b.add(ev.Token, task))
		return
	}
	e := b.add(ev.Token, nil)
	b.append(Ordered{Token: e.token}, true)
	b.end(e, *ev.Refused)
}

// onKill ends an entry, or makes sure that one not known yet never starts.
func (b *Brain) onKill(k Kill) {
	e, ok := b.entries[k.Token]
	if !ok {
		delete(b.fetching, k.Token)
		if _, done := b.settled[k.Token]; done || b.broken {
			return
		}
		e = b.add(k.Token, nil)
		b.append(Ordered{Token: e.token}, true)
	}
	if e.kill != "" {
		return
	}
	e.kill = k.Why
	if e.kill == "" {
		e.kill = reasonCancelled
	}
	switch e.phase {
	case journaling, waiting:
		b.cancel(e)
	case handed, running:
		if b.up {
			b.kill(e)
		}
	case unsure, sweeping, ended:
	}
}

func (b *Brain) onAck(a Ack) {
	e, ok := b.entries[a.Token]
	if !ok {
		return
	}
	switch {
	case a.Ended:
		e.endAck = e.endAck || e.phase == ended
	case a.Chunks < 0:
		e.startAck = true // else it is about the log alone
	}
	if a.Chunks > e.shipped {
		e.shipped = a.Chunks
		n := 0
		for n < len(e.chunks) && e.chunks[n].To <= a.Chunks {
			n++
		}
		e.chunks = slices.Delete(e.chunks, 0, n)
		e.told = max(e.told-n, 0)
		b.ready.Freed = append(b.ready.Freed, Freed{Token: e.token, To: a.Chunks})
		b.dirty = true
	}
	b.settle(e)
}
