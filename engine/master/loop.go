package master

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
)

// Bounds of the loop.
const (
	maxInbox  = 1024                   // submissions that wait; senders block beyond
	maxDrain  = 512                    // submissions stepped before a commit is thought of
	headsIn   = 250 * time.Millisecond // between two looks at the project heads
	leaveIn   = time.Second            // for the commit in flight when the term ends
	tickFloor = 5 * time.Millisecond   // between two ticks for the same instant
)

// submission is one event on its way through the loop, with what waits for it.
type submission struct {
	make    func(kernel.ReplyID) kernel.Event
	reply   chan kernel.Reply // buffered by one; nil = nobody waits
	agent   string            // uid, of a registration
	left    <-chan struct{}   // of a registration: closed when its agent waits no longer
	look    *look             // of a named start
	session *Session          // whose message it is
	echo    int64             // and when that was sent

	id    kernel.ReplyID
	event kernel.Event
}

// loop is one term of the acting master. All fields below the line belong to
// the one goroutine of run.
type loop struct {
	m         *Master
	cfg       Config
	term      Term
	log       *slog.Logger
	inbox     chan *submission
	requests  chan request
	done      chan struct{} // closed when the loop has ended
	looks     looks
	leftovers leftovers
	sessions  sessions
	shop      *shop
	heads     heads

	// --- the goroutine of run
	st       state
	serial   uint64 // of the last commit; never repeats within a term
	lastID   kernel.ReplyID
	waiting  map[kernel.ReplyID]*submission // stepped, not answered
	live     map[string]string              // token → execution, of attempts that have not ended
	flight   *flight                        // the commit under way
	pace     pace
	dirty    bool // something was stepped since the last Ready
	lastWake record.Time
	overdue  bool          // something was due when the commit under way left
	backlog  []*submission // taken before the inbox
	echoes   []*submission // stepped reports, acknowledged with the next delivery
	current  *submission   // stepped last
	wake     *time.Timer
	linger   *time.Timer

	// After a defect.
	careful   bool            // one event per transaction
	calm      *time.Timer     // ends that
	notBefore time.Time       // of the next tick
	excluded  map[string]bool // executions that are left out
	letters   int64
	barren    int // ticks in a row that ended in a defect
}

func newLoop(m *Master, term Term) *loop {
	l := &loop{
		m: m, cfg: m.cfg, term: term, log: m.cfg.Log,
		inbox:    make(chan *submission, maxInbox),
		requests: make(chan request),
		done:     make(chan struct{}),
		waiting:  make(map[kernel.ReplyID]*submission),
		live:     make(map[string]string),
		excluded: make(map[string]bool),
		wake:     idle(),
		linger:   idle(),
		calm:     idle(),
	}
	l.sessions.init(l)
	l.heads.init(m.cfg.Definitions, m.cfg.Solo)
	l.shop = newShop(m.cfg.Generator)
	return l
}

// idle is a timer that nobody has set.
func idle() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// run is the loop. Whatever ends it, nobody is left waiting.
func (l *loop) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer func() {
		cancel()
		l.sessions.close(l.m.notLeader())
		l.abandon()
		close(l.done)
		beside.Wait()
	}()
	err := l.mended(ctx, l.reload(ctx, false))
	beside.Go(func() { l.watchHeads(ctx) })
	for range runtime.GOMAXPROCS(0) {
		beside.Go(func() { l.shop.work(ctx) })
	}
	for err == nil {
		err = l.mended(ctx, l.turn(ctx))
	}
	return ended(ctx, err)
}

// ended says why a term ended: the lease's reason goes first, and an ordinary
// end is no error.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if ctx.Err() != nil && !errors.Is(err, lease.ErrFenced) {
		return nil
	}
	return err
}

// turn waits for something, steps all that is there, and commits.
func (l *loop) turn(ctx context.Context) error {
	if err := l.await(ctx); err != nil {
		return err
	}
	if err := l.answerPrepares(ctx); err != nil {
		return err
	}
	if err := l.push(ctx); err != nil {
		return err
	}
	return l.setWake()
}

func (l *loop) await(ctx context.Context) error {
	if len(l.backlog) > 0 {
		sub := l.backlog[0]
		l.backlog = l.backlog[1:]
		return l.step(sub)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case sub := <-l.inbox:
		return l.drain(ctx, sub)
	case answers := <-l.shop.done:
		return l.stepPrepared(answers)
	case outcome := <-l.landing():
		if err := l.land(ctx, outcome); err != nil || !l.overdue {
			return err
		}
		l.overdue = false
		return l.tick()
	case r := <-l.requests:
		return l.serve(ctx, r)
	case <-l.wake.C:
		return l.tick()
	case <-l.linger.C:
		return nil
	case <-l.calm.C:
		l.careful = false
		return l.reload(ctx, false)
	}
}

// drain steps what waits, in order of arrival.
func (l *loop) drain(ctx context.Context, first *submission) error {
	if l.careful {
		return l.stepApart(ctx, first)
	}
	if err := l.step(first); err != nil {
		return err
	}
	for range maxDrain {
		select {
		case sub := <-l.inbox:
			if err := l.step(sub); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// stepApart gives each report a transaction of its own, so that a bad one shows.
func (l *loop) stepApart(ctx context.Context, sub *submission) error {
	reports, ok := sub.event.(kernel.Reports)
	if !ok || len(reports.List) < 2 {
		return l.step(sub)
	}
	for i := range reports.List {
		one := reports
		one.List, one.Chunks = reports.List[i:i+1], nil
		if err := l.step(&submission{event: one}); err != nil {
			return err
		}
		if err := l.pushAll(ctx); err != nil {
			return err
		}
	}
	reports.List = nil
	rest := *sub
	rest.event = reports
	return l.step(&rest)
}

// now is the database's time.
func (l *loop) now() record.Time { return record.Time(l.term.Now()) }

// timely reports whether time may pass. Not while the lease is in doubt: what is
// decided while the database is away is durable much later. An instant of a schedule
// would have been on time then, and all of a day would run at once. And not while it
// is in doubt what time it is.
func (l *loop) timely() bool { return l.term.Trust() && l.term.Jump() == 0 }

// tick lets time pass, if it may.
func (l *loop) tick() error {
	if !l.timely() {
		return nil
	}
	return l.step(&submission{event: kernel.Tick{}})
}

// setWake sets the timer to the kernel's next instant. What is due while a commit
// is under way cannot leave before it lands, which then wakes the loop.
func (l *loop) setWake() error {
	var at record.Time
	if err := l.guard("NextWake", func() { at = l.st.NextWake() }); err != nil {
		return err
	}
	if at == 0 {
		l.wake.Stop()
		l.lastWake = 0
		return nil
	}
	now := l.term.Now()
	if l.overdue = l.flight != nil && int64(at) <= now; l.overdue {
		l.wake.Stop()
		return nil
	}
	wait := time.Duration(min(int64(at)-now, math.MaxInt64/1000)) * time.Microsecond
	if at == l.lastWake {
		wait = max(wait, tickFloor)
	}
	if !l.timely() {
		wait = max(wait, distrustPoll)
	}
	l.lastWake = at
	wait = max(wait, time.Until(l.notBefore))
	l.wake.Reset(max(wait, 0))
	return nil
}

// request is a call that needs the loop between two commits. Its error is the
// loop's, to be mended or to end the term.
type request struct {
	do     func(context.Context) error
	answer chan error
}

// between runs do on the loop's goroutine while no commit is under way.
func (l *loop) between(ctx context.Context, do func(context.Context) error) error {
	r := request{do, make(chan error, 1)}
	select {
	case l.requests <- r:
	case <-l.done:
		return l.m.notLeader()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-r.answer: // it always comes, see serve
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *loop) serve(ctx context.Context, r request) error {
	if err := l.landed(ctx); err != nil {
		r.answer <- l.m.notLeader()
		return err
	}
	err := r.do(ctx)
	r.answer <- err
	return err
}

// ask hands a submission in and waits until what follows is durable.
func (l *loop) ask(ctx context.Context, sub *submission) (kernel.Reply, error) {
	sub.reply = make(chan kernel.Reply, 1)
	if err := l.submit(ctx, sub); err != nil {
		return kernel.Reply{}, err
	}
	select {
	case r := <-sub.reply:
		return r, r.Err
	case <-ctx.Done():
		return kernel.Reply{}, context.Cause(ctx)
	case <-l.done:
		select {
		case r := <-sub.reply:
			return r, r.Err
		default:
			return kernel.Reply{}, ErrDoubt
		}
	}
}

func (l *loop) submit(ctx context.Context, sub *submission) error {
	select {
	case l.inbox <- sub:
		return nil
	case <-l.done:
		return l.m.notLeader()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// abandon waits a little for the commit under way, so that a clean stop leaves
// no doubt behind, and answers what it decided.
func (l *loop) abandon() {
	l.wake.Stop()
	l.linger.Stop()
	l.calm.Stop()
	f := l.flight
	if f == nil {
		return
	}
	timer := time.AfterFunc(leaveIn, f.cancel)
	defer timer.Stop()
	defer f.cancel()
	if err := <-f.outcome; err == nil {
		l.reply(f.ready.Replies)
	}
}
