package brain

// Constants of the protocol with a master.
const (
	// HeartbeatEvery is the longest silence of an agent in a session.
	HeartbeatEvery = 1 * Second
	// SilentAfter is how long a master may be silent before another is sought.
	SilentAfter = 5 * Second
	// ReportDelay holds the news of a start back, so that a short attempt is
	// told in one report.
	ReportDelay = 100 * Millisecond
	// Linger is how long news wait for company while attempts end so fast that
	// busyEnds of them took less than busyWithin. A lone end never waits.
	Linger     = 2 * Millisecond
	busyEnds   = 8
	busyWithin = 8 * Millisecond
	// RepeatAfter is when an unacknowledged report is told again in the same
	// session.
	RepeatAfter = 5 * Second
	// MaxUp bounds the payload of one message up, in bytes.
	MaxUp = 1 << 20
	// MaxSettled bounds how many tokens are remembered after their end: a session
	// in which so many have come to it is replaced by a new one.
	MaxSettled = 50_000
)

// link is how far the agent is with a master.
type link uint8

const (
	linkDown        link = iota // nothing asked yet
	linkRegistering             // Register is out
	linkOpen                    // the session's stream is open, or about to be
	linkClosing                 // Hangup is out
)

// Brain is the state of one agent. It is not safe for concurrent use.
type Brain struct {
	slots int
	at    Time

	entries  map[string]*entry
	list     []*entry            // of entries, in the order they came; holes are dead ones
	fetching map[string][]byte   // orders of the open session that need something first: token to task
	settled  map[string]struct{} // tokens done in the open session
	active   int                 // entries that hold a slot

	// Journal.
	serial  uint64 // of the newest record
	durable uint64 // all up to here are on disk
	broken  bool

	// Master.
	link    link
	session int64
	epoch   int64  // highest seen; never obeys a lower one
	epochAt uint64 // serial of its Obeyed
	hello   bool   // the next Up is the session's first
	sending bool
	sentAt  Time
	heardAt Time
	alive   Alive
	held    []Kill // wait for their epoch to be durable

	// Keeper.
	keeper  string // the current one, or the last
	boot    string
	up      bool
	dialled bool   // Dial is out
	keptAt  uint64 // serial of its Kept
	met     bool   // a keeper has answered since New

	journaling []*entry       // FIFO, by serial
	waiting    []*entry       // FIFO
	news       []*entry       // FIFO, each at most once: something to tell
	quiet      []*entry       // FIFO by time: started, held back
	told       []told         // FIFO by time: to be repeated
	newsAt     Time           // when the first of news came
	ends       [busyEnds]Time // of the last attempts, as a ring
	endsNext   int

	draining  bool
	drainedAt Time // SentAt of the first Up that said so
	drained   bool

	ready Ready
	dirty bool
}

// told remembers when an entry was last reported.
type told struct {
	entry *entry
	at    Time
}

// New makes the brain of an agent with that many slots from the records its
// journal holds; none for a new one.
func New(slots int, records []Record) *Brain {
	b := &Brain{
		slots:    max(slots, 1),
		entries:  make(map[string]*entry),
		fetching: make(map[string][]byte),
		settled:  make(map[string]struct{}),
	}
	for _, r := range records {
		b.restore(r)
	}
	b.ask()
	return b
}

// ask makes the first thing that must happen: find a keeper.
func (b *Brain) ask() {
	b.dialled = true
	b.ready.Dial = true
	b.dirty = true
}

// Step takes one event in. Times never go back; an earlier one counts as now.
func (b *Brain) Step(at Time, ev Event) {
	b.at = max(b.at, at)
	switch ev := ev.(type) {
	case Tick:
	case Durable:
		b.onDurable(ev.Serial)
	case Broken:
		b.broken = true
	case KeeperUp:
		b.onKeeperUp(ev)
	case KeeperGone:
		b.onKeeperGone()
	case Started:
		b.onStarted(ev.Token, ev.At)
	case Finished:
		b.onFinished(ev.Token, ev.Result)
	case Swept:
		b.onSwept(ev.List)
	case Uploaded:
		b.onUploaded(ev.Token, ev.Chunk)
	case LogGone:
		b.onLogGone(ev.Token)
	case Registered:
		b.onRegistered(ev)
	case Message:
		b.onMessage(ev)
	case Sent:
		if ev.Session == b.session {
			b.sending = false
		}
	case Disconnected:
		b.onDisconnected(ev.Session)
	case Drain:
		b.draining = true
	case Fetched:
		b.onFetched(ev)
	}
	b.advance()
}

// advance does what time and capacity allow, whatever the event was.
func (b *Brain) advance() {
	b.hand()
	if b.link == linkDown && b.met && !b.draining {
		b.link = linkRegistering
		b.ready.Register = true
		b.dirty = true
	}
	if b.link == linkOpen && b.at >= b.heardAt+SilentAfter {
		b.hangup("the master is silent")
	}
	b.speak()
}

// Ready returns all that follows from the events since the last one, and false
// if that is nothing.
func (b *Brain) Ready() (Ready, bool) {
	if !b.dirty {
		return Ready{}, false
	}
	r := b.ready
	r.Serial = b.serial
	b.ready = Ready{}
	b.dirty = false
	return r, true
}

// NextWake is when Step should be called next if nothing happens before.
func (b *Brain) NextWake() Time {
	if b.link != linkOpen {
		return 0
	}
	wake := min(b.heardAt+SilentAfter, b.sentAt+HeartbeatEvery)
	if len(b.news) > 0 && !b.sending {
		wake = min(wake, b.newsAt+Linger)
	}
	if len(b.quiet) > 0 {
		wake = min(wake, b.quiet[0].quietAt+ReportDelay)
	}
	return max(wake, b.at+1)
}

// Task returns the task of a token that has not ended, as it was ordered.
func (b *Brain) Task(token string) ([]byte, bool) {
	e, ok := b.entries[token]
	if !ok {
		return nil, false
	}
	return e.task, true
}

// Knows reports whether the agent answers for a token.
func (b *Brain) Knows(token string) bool { return b.entries[token] != nil }

// Session is the open session, 0 if there is none.
func (b *Brain) Session() int64 {
	if b.link != linkOpen {
		return 0
	}
	return b.session
}

// Epoch is the highest epoch ever seen.
func (b *Brain) Epoch() int64 { return b.epoch }

// Drained reports whether no order can come any more, after Drain: the master
// has seen the wish, or there is no session.
func (b *Brain) Drained() bool {
	return b.draining && (b.drained || b.link != linkOpen)
}

// Idle reports whether the agent answers for no token.
func (b *Brain) Idle() bool { return len(b.entries) == 0 }

// Owes reports whether there is an ended attempt of which the master does not
// have everything yet.
func (b *Brain) Owes() bool {
	for _, e := range b.list {
		if !e.gone && e.phase == ended {
			return true
		}
	}
	return false
}

// append adds a record to the next Ready and returns its serial.
func (b *Brain) append(r Record, sync bool) uint64 {
	b.serial++
	b.ready.Records = append(b.ready.Records, r)
	b.ready.Sync = b.ready.Sync || sync
	b.dirty = true
	return b.serial
}
