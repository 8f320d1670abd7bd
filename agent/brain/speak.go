package brain

// speak makes the next message up, if one may leave and there is something to
// say.
func (b *Brain) speak() {
	if b.link != linkOpen || b.sending || !b.obeys() {
		return
	}
	b.loud()
	b.repeat()
	draining := b.draining || b.broken
	due := b.hello || (len(b.news) > 0 && !b.lingers()) || b.at >= b.sentAt+HeartbeatEvery ||
		(draining && b.drainedAt == 0)
	if !due {
		return
	}
	up := &Up{Session: b.session, SentAt: b.at, Hello: b.hello, Draining: draining}
	if b.hello {
		up.Reconcile = b.reconcile()
		b.hello = false
	}
	b.report(up)
	if draining && b.drainedAt == 0 {
		b.drainedAt = b.at
	}
	b.sending = true
	b.sentAt = b.at
	b.ready.Up = up
	b.dirty = true
}

// lingers reports whether news should wait a little for more.
func (b *Brain) lingers() bool {
	oldest := b.ends[b.endsNext]
	return oldest > 0 && b.at-oldest < busyWithin && b.at < b.newsAt+Linger
}

// loud ends the silence about starts that did not end at once.
func (b *Brain) loud() {
	n := 0
	for n < len(b.quiet) && b.at >= b.quiet[n].quietAt+ReportDelay {
		if e := b.quiet[n]; e.phase == running {
			b.tell(e)
		}
		n++
	}
	b.quiet = b.quiet[n:]
}

// repeat tells again what the master has had time to acknowledge.
func (b *Brain) repeat() {
	n := 0
	for n < len(b.told) && b.at >= b.told[n].at+RepeatAfter {
		if t := b.told[n]; t.entry.toldAt == t.at && t.entry.owes() {
			t.entry.told = 0
			b.tell(t.entry)
		}
		n++
	}
	b.told = b.told[n:]
}

// owes reports whether something told about the entry is not acknowledged.
func (e *entry) owes() bool {
	if e.gone {
		return false
	}
	if len(e.chunks) > 0 {
		return true
	}
	if e.phase == ended {
		return !e.endAck
	}
	return e.phase == running && !e.startAck
}

// reconcile names every token whose end the master has not acknowledged.
func (b *Brain) reconcile() []TokenState {
	var out []TokenState
	for _, e := range b.list {
		if e.gone || (e.phase == ended && e.endAck) {
			continue
		}
		started := e.phase == running || e.phase == sweeping || e.phase == ended
		out = append(out, TokenState{Token: e.token, Started: started})
	}
	return out
}

// report moves news into the message until it is full.
func (b *Brain) report(up *Up) {
	const row = 256 // bytes of a report or a chunk besides its output
	size := 64 * len(up.Reconcile)
	n := 0
	for n < len(b.news) && (size < MaxUp || n == 0) {
		e := b.news[n]
		n++
		e.queued = false
		if e.gone {
			continue
		}
		if rep, ok := e.report(); ok {
			up.Reports = append(up.Reports, rep)
			size += row
			if rep.Result != nil {
				size += len(rep.Result.Output) + len(rep.Result.Message)
			}
		}
		for _, c := range e.chunks[e.told:] {
			up.Chunks = append(up.Chunks, TokenChunk{Token: e.token, Chunk: c})
			size += row
		}
		e.told = len(e.chunks)
		e.toldAt = b.at
		b.told = append(b.told, told{entry: e, at: b.at})
	}
	b.news = b.news[n:]
}

// report is the newest fact about the attempt that the master has not
// acknowledged.
func (e *entry) report() (Report, bool) {
	switch {
	case e.phase == ended && !e.endAck:
		return Report{Token: e.token, StartedAt: e.result.StartedAt, Result: e.result}, true
	case e.phase == running && !e.startAck:
		return Report{Token: e.token, StartedAt: e.startedAt}, true
	}
	return Report{}, false
}
