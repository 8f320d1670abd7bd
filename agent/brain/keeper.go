package brain

import "slices"

// onDurable lets the orders go that have reached the disk, and the kills whose
// epoch has.
func (b *Brain) onDurable(serial uint64) {
	b.durable = max(b.durable, serial)
	n := 0
	for n < len(b.journaling) && b.journaling[n].serial <= b.durable {
		if e := b.journaling[n]; e.phase == journaling {
			b.move(e, waiting)
			b.waiting = append(b.waiting, e)
		}
		n++
	}
	b.journaling = slices.Delete(b.journaling, 0, n)
	if b.obeys() {
		kills := b.held
		b.held = nil
		for _, k := range kills {
			b.onKill(k)
		}
	}
}

// hand gives what waits to the keeper, as far as there are slots.
func (b *Brain) hand() {
	if !b.up || b.durable < b.keptAt || b.broken {
		return
	}
	n := 0
	for n < len(b.waiting) && b.active < b.slots {
		e := b.waiting[n]
		n++
		switch {
		case e.phase != waiting:
		case e.keeper != b.keeper:
			// Bind it to this keeper first, else a restart would take it for one
			// that went down with the old one.
			b.order(e)
		default:
			b.move(e, handed)
			b.ready.Starts = append(b.ready.Starts, Start{Token: e.token, Task: e.task})
			b.dirty = true
		}
	}
	b.waiting = slices.Delete(b.waiting, 0, n)
}

// order journals an entry as one of the current keeper.
func (b *Brain) order(e *entry) {
	e.keeper, e.boot = b.keeper, b.boot
	b.move(e, journaling)
	e.serial = b.append(Ordered{Token: e.token, Task: e.task}, true)
	b.journaling = append(b.journaling, e)
}

// onKeeperUp compares what the keeper holds with what is known.
func (b *Brain) onKeeperUp(ev KeeperUp) {
	b.up, b.met, b.dialled = true, true, false
	if ev.Keeper != b.keeper {
		b.keeper, b.boot = ev.Keeper, ev.Boot
		b.keptAt = b.append(Kept{Keeper: ev.Keeper, Boot: ev.Boot}, true)
	}
	b.live()
	held := make(map[string]struct{}, len(ev.Held))
	for _, h := range ev.Held {
		held[h.Token] = struct{}{}
		b.onHeld(h)
	}
	for _, e := range b.list {
		if _, ok := held[e.token]; !ok && !e.gone {
			b.onLacking(e)
		}
	}
}

// onHeld takes in a token that the keeper knows.
func (b *Brain) onHeld(h Held) {
	e, ok := b.entries[h.Token]
	if !ok {
		if _, done := b.settled[h.Token]; done || h.Result != nil {
			// Its end was acknowledged; only the word to the keeper was lost.
			b.ready.Forgets = append(b.ready.Forgets, h.Token)
			b.dirty = true
			return
		}
		// The journal that held it is gone; the keeper itself is the proof.
		e = b.add(h.Token, nil)
		b.append(Ordered{Token: e.token}, false)
	}
	if e.phase == ended {
		return
	}
	e.keeper, e.boot = b.keeper, b.boot
	b.move(e, running)
	b.onStarted(h.Token, h.StartedAt)
	if h.Result != nil {
		b.onFinished(h.Token, *h.Result)
		return
	}
	if e.kill != "" {
		b.kill(e)
	}
}

// onLacking judges an entry that the keeper which answers does not know.
func (b *Brain) onLacking(e *entry) {
	switch e.phase {
	case unsure, handed:
		if e.keeper == b.keeper {
			b.move(e, waiting) // the order never arrived: this is the proof
			if e.kill != "" {
				b.cancel(e)
				return
			}
			b.waiting = append(b.waiting, e)
			return
		}
	case running:
	case journaling, waiting, sweeping, ended:
		return
	}
	b.move(e, sweeping)
	b.ready.Sweep = append(b.ready.Sweep, e.token)
	b.dirty = true
}

func (b *Brain) onKeeperGone() {
	b.up = false
	if !b.dialled {
		b.ask()
	}
}

// onStarted takes the news of a fork in; it is told a little later, for the end
// may be near.
func (b *Brain) onStarted(token string, at Time) {
	e, ok := b.entries[token]
	if !ok || (e.phase != handed && e.phase != running) || e.startedAt != 0 {
		return
	}
	b.move(e, running)
	e.startedAt = at
	e.quietAt = b.at
	b.quiet = append(b.quiet, e)
}

func (b *Brain) onFinished(token string, r Result) {
	e, ok := b.entries[token]
	if !ok || (e.phase != handed && e.phase != running) {
		return
	}
	b.end(e, r)
}

// onSwept ends those whose keeper died: now it is certain that nothing of them
// lives.
func (b *Brain) onSwept(list []Remains) {
	for _, r := range list {
		e, ok := b.entries[r.Token]
		if !ok || e.phase != sweeping {
			continue
		}
		res := Result{
			StartedAt: e.startedAt,
			EndedAt:   b.at,
			Outcome:   outcomeLost,
			Reason:    reasonKeeperLost,
			Message:   "its keeper died, and it with it",
			Log:       r.Log,
		}
		if e.boot != b.boot {
			// Times of another boot mean nothing on this one's clock.
			res.StartedAt = 0
			res.Reason = reasonRestarted
			res.Message = "the host was restarted"
		}
		res.Log.State = logLost
		b.end(e, res)
	}
}

// kill asks the keeper to end an entry it holds.
func (b *Brain) kill(e *entry) {
	b.ready.Kills = append(b.ready.Kills, Kill{Token: e.token, Why: e.kill})
	b.dirty = true
}

func (b *Brain) onUploaded(token string, c Chunk) {
	e, ok := b.entries[token]
	if !ok || c.To <= e.shipped {
		return
	}
	e.chunks = append(e.chunks, c)
	b.append(Shipped{Token: token, Chunk: c}, false)
	b.tell(e)
}

// onLogGone stops waiting for bytes that nobody can ship any more.
func (b *Brain) onLogGone(token string) {
	if e, ok := b.entries[token]; ok && e.phase == ended {
		e.cut = true
		b.settle(e)
	}
}
