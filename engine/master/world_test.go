package master

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
)

// world is everything around the loop, made of plain memory. The kernel is a
// script: each event is answered as react says.
type world struct {
	t      *testing.T
	m      *Master
	term   *fakeTerm
	book   *fakeBook
	defs   *fakeDefs
	gen    *fakeGen
	cancel context.CancelFunc
	result chan error

	mu     sync.Mutex
	states []*script // each restored one
	react  func(k *script, event kernel.Event) error
	broken func(s kernel.Snapshot) error
	wake   record.Time // of a state that was just restored
}

// newWorld must be called inside a synctest bubble.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t:    t,
		term: &fakeTerm{epoch: 7, trust: true, began: time.Now()},
		book: &fakeBook{},
		defs: &fakeDefs{},
		gen:  &fakeGen{quick: true},
	}
	w.react = func(k *script, event kernel.Event) error { return k.ordinary(event) }
	w.m = New(Config{Book: w.book, Definitions: w.defs, Generator: w.gen, Log: slog.New(slog.DiscardHandler)})
	w.m.restore = w.restore
	return w
}

func (w *world) restore(limits kernel.Limits, s kernel.Snapshot) (state, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		if err := w.broken(s); err != nil {
			return nil, err
		}
	}
	k := &script{w: w, limits: limits, snapshot: s, wake: w.wake}
	w.states = append(w.states, k)
	return k, nil
}

// start begins a term; the test's end waits for it.
func (w *world) start() {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.cancel = cancel
	w.result = make(chan error, 1)
	go func() { w.result <- w.m.Act(ctx, w.term) }()
	synctest.Wait()
}

// stop ends the term and returns what Act said.
func (w *world) stop() error {
	w.t.Helper()
	w.cancel()
	err := <-w.result
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	if w.book.beside {
		w.t.Error("the live rows were read while a commit was under way")
	}
	type number struct {
		epoch  int64
		serial uint64
	}
	known := make(map[number]bool)
	for _, c := range w.book.durable {
		n := number{c.epoch, c.serial}
		if known[n] {
			w.t.Errorf("two commits go by the number %d/%d: after a doubt nobody could tell which was written", c.epoch, c.serial)
		}
		known[n] = true
	}
	return err
}

// kernel is the state in use. Call it only when all is quiet.
func (w *world) kernel() *script {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states[len(w.states)-1]
}

func (w *world) restores() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.states)
}

// ask calls in the background.
func ask[T any](call func() (T, error)) <-chan answer[T] {
	c := make(chan answer[T], 1)
	go func() {
		v, err := call()
		c <- answer[T]{v, err}
	}()
	synctest.Wait()
	return c
}

type answer[T any] struct {
	value T
	err   error
}

// got returns an answer that must be there by now.
func got[T any](t *testing.T, c <-chan answer[T]) (T, error) {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-c:
		return a.value, a.err
	default:
		t.Fatal("no answer yet")
		panic("unreachable")
	}
}

func waits[T any](t *testing.T, c <-chan answer[T]) {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-c:
		t.Fatalf("answered too early: %v, %v", a.value, a.err)
	default:
	}
}

// script is a kernel that does what the world's react says.
type script struct {
	w                   *world
	limits              kernel.Limits
	snapshot            kernel.Snapshot
	mu                  sync.Mutex // of events, which tests look at while the loop runs
	events              []kernel.Event
	out                 kernel.Ready
	some                bool
	asked               []kernel.Prepare
	later               []kernel.Ready // more batches, as of a kernel that bounds one
	onReady, onPrepares func()         // nil = nothing happens
	serial              uint64
	advanced            []uint64
	wake                record.Time
	sessions            int64
}

func (k *script) Step(_ record.Time, event kernel.Event) error {
	if err := k.w.react(k, event); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.events = append(k.events, event)
	return nil
}

// ordinary answers every caller and gives each event a row of its own.
func (k *script) ordinary(event kernel.Event) error {
	switch e := event.(type) {
	case kernel.Start:
		k.row(e.ID)
		k.reply(kernel.Reply{ID: e.Reply, Value: e.ID})
	case kernel.Cancel:
		k.row(e.Execution)
		k.reply(kernel.Reply{ID: e.Reply})
	case kernel.Register:
		k.sessions++
		k.out.Rows.Agents = append(k.out.Rows.Agents, e.Agent)
		k.reply(kernel.Reply{ID: e.Reply, Session: k.sessions})
	case kernel.Operate:
		k.reply(kernel.Reply{ID: e.Reply})
	case kernel.Bury:
		k.out.Rows.DeadLetters = append(k.out.Rows.DeadLetters, e.Letter)
		k.some = true
	case kernel.Reports:
		for _, r := range e.List {
			k.row("of-" + r.Token)
		}
	}
	return nil
}

func (k *script) row(execution string) {
	k.out.Rows.Executions = append(k.out.Rows.Executions, record.Execution{ID: execution})
	k.some = true
}

func (k *script) reply(r kernel.Reply) {
	k.out.Replies = append(k.out.Replies, r)
	k.some = true
}

func (k *script) Prepares() []kernel.Prepare {
	if k.onPrepares != nil {
		k.onPrepares()
	}
	asked := k.asked
	k.asked = nil
	return asked
}

func (k *script) Ready() (kernel.Ready, bool) {
	if k.onReady != nil {
		k.onReady()
	}
	if !k.some {
		return kernel.Ready{}, false
	}
	k.serial++
	out := k.out
	out.Serial = k.serial
	k.out, k.some = kernel.Ready{}, false
	if len(k.later) > 0 {
		k.out, k.later, k.some = k.later[0], k.later[1:], true
	}
	return out, true
}

func (k *script) Advance(serial uint64) { k.advanced = append(k.advanced, serial) }
func (k *script) NextWake() record.Time { return k.wake }

// seen counts the events of a kind.
func seen[E kernel.Event](k *script) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, e := range k.events {
		if _, ok := e.(E); ok {
			n++
		}
	}
	return n
}

// fakeTerm is a lease that does as it is told.
type fakeTerm struct {
	mu      sync.Mutex
	epoch   int64
	beat    int64
	base    int64 // database time at began
	began   time.Time
	trust   bool
	jump    time.Duration
	rebumps int
	lost    error // of Rebump
}

func (t *fakeTerm) Epoch() int64 { t.mu.Lock(); defer t.mu.Unlock(); return t.epoch }
func (t *fakeTerm) Beat() int64  { t.mu.Lock(); defer t.mu.Unlock(); return t.beat }
func (t *fakeTerm) Trust() bool  { t.mu.Lock(); defer t.mu.Unlock(); return t.trust }

func (t *fakeTerm) Jump() time.Duration { t.mu.Lock(); defer t.mu.Unlock(); return t.jump }

func (t *fakeTerm) Now() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.base + time.Since(t.began).Microseconds()
}

func (t *fakeTerm) distrust(yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trust = !yes
}

func (t *fakeTerm) jumped(by time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.jump = by
}

func (t *fakeTerm) Rebump(_ context.Context, floor int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rebumps++
	if t.lost != nil {
		return t.lost
	}
	t.epoch = max(t.epoch, floor) + 1
	return nil
}

// commit is one call of Book.Commit.
type commit struct {
	epoch  int64
	serial uint64
	rows   record.Batch
}

// fakeBook answers Commit as told, in order; then with success.
type fakeBook struct {
	mu      sync.Mutex
	live    record.Live
	answers []error
	judge   func(*record.Batch) error // asked before answers
	commits []commit                  // all calls
	durable []commit                  // those that were written
	lost    bool                      // a commit with an unknown outcome is written
	gate    chan struct{}             // when set, Commit waits for a token
	history map[string]record.Execution
	onLook  func()
	loads   int
	loadErr error
	busy    int  // calls of Commit under way
	beside  bool // rows were read while one was: nobody knows what they are worth
}

func (b *fakeBook) Load(context.Context, int64) (record.Live, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loads++
	b.beside = b.beside || b.busy > 0
	live := b.live
	live.Executions = slices.Clone(live.Executions)
	return live, b.loadErr
}

func (b *fakeBook) Commit(ctx context.Context, epoch int64, serial uint64, rows *record.Batch) error {
	b.count(1)
	defer b.count(-1)
	if b.gate != nil {
		select {
		case <-b.gate:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c := commit{epoch, serial, *rows}
	b.commits = append(b.commits, c)
	var err error
	if b.judge != nil {
		err = b.judge(rows)
	}
	if err == nil && len(b.answers) > 0 {
		err = b.answers[0]
		b.answers = b.answers[1:]
	}
	if err == nil || b.lost {
		b.durable = append(b.durable, c)
	}
	return err
}

func (b *fakeBook) count(n int) { b.set(func() { b.busy += n }) }

func (b *fakeBook) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *fakeBook) LastBatch(_ context.Context, epoch int64) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var last uint64
	for _, c := range b.durable {
		if c.epoch == epoch {
			last = c.serial
		}
	}
	return last, nil
}

func (b *fakeBook) Execution(_ context.Context, id string) (record.Execution, bool, error) {
	if b.onLook != nil {
		b.onLook()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	x, ok := b.history[id]
	return x, ok, nil
}

func (b *fakeBook) written() []commit {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.durable)
}

func (b *fakeBook) calls() []commit {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.commits)
}

// fakeDefs is what apply has written.
type fakeDefs struct {
	mu        sync.Mutex
	projects  []record.Project
	revisions []record.Revision // newest first
	objects   map[int64][]record.Object
	specs     map[string][]byte
	err       error
	reads     int // of objects
}

func (d *fakeDefs) Projects(context.Context) ([]record.Project, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.projects), d.err
}

func (d *fakeDefs) Revisions(_ context.Context, _ string, before int64, limit int) ([]record.Revision, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []record.Revision
	for _, r := range d.revisions {
		if (before == 0 || r.Number < before) && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (d *fakeDefs) Objects(_ context.Context, _ string, revision int64) ([]record.Object, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reads++
	return d.objects[revision], nil
}

func (d *fakeDefs) Versions(_ context.Context, _ string, uids []string) ([]record.Object, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []record.Object
	for _, revision := range slices.Sorted(maps.Keys(d.objects)) {
		for _, o := range d.objects[revision] {
			if slices.Contains(uids, o.UID) {
				out = append(out, o)
			}
		}
	}
	return out, nil
}

func (d *fakeDefs) Specs(_ context.Context, digests []string) (map[string][]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[string][]byte)
	for _, digest := range digests {
		if data, ok := d.specs[digest]; ok {
			out[digest] = data
		}
	}
	return out, nil
}

func (d *fakeDefs) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// fakeGen answers every Prepare with a task.
type fakeGen struct {
	mu    sync.Mutex
	quick bool
	gate  chan struct{}
	count int

	takes, lasts time.Duration // of each; after it was given up
	working      atomic.Int32
}

func (g *fakeGen) Quick(kernel.Prepare) bool { return g.quick }

func (g *fakeGen) Prepare(ctx context.Context, p kernel.Prepare) kernel.Prepared {
	g.working.Add(1)
	defer g.working.Add(-1)
	time.Sleep(g.takes)
	if g.gate != nil {
		select {
		case <-g.gate:
		case <-ctx.Done():
			time.Sleep(g.lasts)
			return kernel.Prepared{Key: p.Key, N: p.N, Fault: record.ReasonInternal, Error: "gave up"}
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count++
	return kernel.Prepared{Key: p.Key, N: p.N, Task: []byte("task")}
}

var errDown = errors.New("the database is down")
