package brain

import (
	"iter"
	"slices"
)

// phase is how far a token has come. It only goes forward, except that a token
// which a living keeper proves not to hold goes back to waiting.
type phase uint8

const (
	journaling phase = iota // its order is not durable yet
	waiting                 // durable; no keeper has heard of it, as is certain
	unsure                  // read from the journal; the keeper has not been asked yet
	handed                  // given to its keeper
	running                 // its keeper says that it has forked
	sweeping                // its keeper died
	ended                   // the result is known
)

// entry is a token the agent answers for.
type entry struct {
	token  string
	task   []byte // until it has ended
	phase  phase
	serial uint64 // of its Ordered
	keeper string // the keeper its Ordered binds it to, and that one's host boot
	boot   string

	startedAt Time
	quietAt   Time // when the news of the start came
	result    *Result
	kill      string // why it is to end, "" = it is not

	queued   bool // in Brain.news
	toldAt   Time
	startAck bool
	endAck   bool

	chunks  []Chunk // not acknowledged, ascending
	told    int     // chunks[:told] have been told in this session
	shipped int64   // log bytes acknowledged
	cut     bool    // what is not shipped of its log never will be
	gone    bool    // no longer in Brain.entries
}

// occupies reports whether the entry holds a slot.
func (e *entry) occupies() bool {
	return e.phase == handed || e.phase == running || e.phase == sweeping
}

// move changes the phase and keeps count of the slots.
func (b *Brain) move(e *entry, to phase) {
	if e.occupies() {
		b.active--
	}
	e.phase = to
	if e.occupies() {
		b.active++
	}
}

// add makes an entry bound to the current keeper.
func (b *Brain) add(token string, task []byte) *entry {
	e := &entry{token: token, task: task, keeper: b.keeper, boot: b.boot}
	b.entries[token] = e
	if len(b.list) > 64 && len(b.list) > 2*len(b.entries) {
		b.list = slices.DeleteFunc(b.list, func(e *entry) bool { return e.gone })
	}
	b.list = append(b.list, e)
	return e
}

// remove forgets an entry; the journal must have been told before.
func (b *Brain) remove(e *entry) {
	e.gone = true
	delete(b.entries, e.token)
	if b.link != linkDown {
		b.settled[e.token] = struct{}{}
	}
}

// end makes the result known and puts it on its way.
func (b *Brain) end(e *entry, r Result) {
	b.move(e, ended)
	b.ends[b.endsNext] = b.at
	b.endsNext = (b.endsNext + 1) % busyEnds
	e.result = &r
	e.task = nil
	b.ready.Ended = append(b.ready.Ended, e.token)
	b.append(Ended{Token: e.token, Result: r}, false)
	b.tell(e)
}

// cancel ends an entry that no keeper has heard of.
func (b *Brain) cancel(e *entry) {
	b.end(e, Result{
		EndedAt: b.at,
		Outcome: outcomeCancelled,
		Reason:  e.kill,
		Message: "ended before it was started",
		Log:     Log{State: logEOF},
	})
}

// tell puts an entry into the queue of news.
func (b *Brain) tell(e *entry) {
	if !e.queued && !e.gone {
		if len(b.news) == 0 {
			b.newsAt = b.at
		}
		e.queued = true
		b.news = append(b.news, e)
	}
}

// settle drops an entry of which the master has everything.
func (b *Brain) settle(e *entry) {
	if e.phase != ended || !e.endAck || len(e.chunks) > 0 || e.shipped < e.result.Log.Bytes && !e.cut {
		return
	}
	if b.broken {
		// The journal cannot take the fact, so the keeper must go on knowing the
		// token: after a restart it would count as never started.
		return
	}
	b.append(Settled{Token: e.token}, false)
	b.ready.Forgets = append(b.ready.Forgets, e.token)
	b.remove(e)
}

// Records returns what a journal must hold to make an equal brain: what is
// known now, without what is settled.
func (b *Brain) Records() []Record {
	var out []Record
	if b.epoch > 0 {
		out = append(out, Obeyed{Epoch: b.epoch})
	}
	type life struct{ keeper, boot string }
	last := life{}
	for _, e := range b.list {
		if e.gone {
			continue
		}
		if l := (life{e.keeper, e.boot}); l != last {
			out = append(out, Kept{Keeper: e.keeper, Boot: e.boot})
			last = l
		}
		out = append(out, Ordered{Token: e.token, Task: e.task})
		if e.result != nil {
			out = append(out, Ended{Token: e.token, Result: *e.result})
		}
		if e.shipped > 0 {
			out = append(out, Stored{Token: e.token, To: e.shipped})
		}
		for _, c := range e.chunks {
			out = append(out, Shipped{Token: e.token, Chunk: c})
		}
	}
	if l := (life{b.keeper, b.boot}); l != last { // the newest is the current one
		out = append(out, Kept{Keeper: b.keeper, Boot: b.boot})
	}
	return out
}

// restore takes one record of the journal in.
func (b *Brain) restore(r Record) {
	switch r := r.(type) {
	case Obeyed:
		b.epoch = max(b.epoch, r.Epoch)
	case Kept:
		b.keeper, b.boot = r.Keeper, r.Boot
	case Ordered:
		if e, ok := b.entries[r.Token]; ok {
			e.keeper, e.boot = b.keeper, b.boot
			return
		}
		b.add(r.Token, r.Task).phase = unsure
	case Ended:
		if e, ok := b.entries[r.Token]; ok && e.result == nil {
			e.phase = ended
			e.result = &r.Result
			e.task = nil
			b.tell(e)
		}
	case Shipped:
		if e, ok := b.entries[r.Token]; ok {
			e.chunks = append(e.chunks, r.Chunk)
			b.tell(e)
		}
	case Stored:
		if e, ok := b.entries[r.Token]; ok {
			e.shipped = r.To
		}
	case Settled:
		if e, ok := b.entries[r.Token]; ok {
			b.remove(e)
		}
	}
}

// Live yields the tokens that have not ended, with their tasks; nil when only the
// keeper knew of them.
func (b *Brain) Live() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, e := range b.list {
			if !e.gone && e.phase != ended && !yield(e.token, e.task) {
				return
			}
		}
	}
}

// LogEnd returns how far the log of a token is known to be in the bucket.
func (b *Brain) LogEnd(token string) int64 {
	e, ok := b.entries[token]
	if !ok {
		return 0
	}
	if n := len(e.chunks); n > 0 {
		return e.chunks[n-1].To
	}
	return e.shipped
}

// Unshipped yields the tokens whose result is known and whose log is not all in
// the bucket, with its length.
func (b *Brain) Unshipped() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for _, e := range b.list {
			if !e.gone && e.phase == ended && b.LogEnd(e.token) < e.result.Log.Bytes && !yield(e.token, e.result.Log.Bytes) {
				return
			}
		}
	}
}
