package sim

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// errAgain is a failure after which nothing was written and which may pass.
var errAgain = errors.New("deadlock, or no connection")

const projectUID = "p"

// store is the database: the fence, the definitions and the rows.
type store struct {
	w     *world
	down  bool
	clock micros // how far its clock has jumped ahead

	tables
	graphs    map[string]*kernel.Graph // of every flow ever declared
	open      []*tx
	copies    []tables
	commits   int
	takeovers int64
	restored  bool
	poison    string // the rows of this execution's jobs cannot be written while they are ACTIVE
}

// tables is what a backup holds.
type tables struct {
	epoch, beat int64
	batchEpoch  int64
	batchSerial uint64
	revisions   []kernel.Adopt // of the one project, the newest last
	rows        rows
	takenAt     micros
}

// rows belong to the epoch's owner.
type rows struct {
	executions map[string]record.Execution
	finished   map[string]bool
	jobs       map[kernel.JobKey]record.Job
	attempts   map[string]record.Attempt
	fires      map[fireKey]record.Fire
	ranges     []record.FireRange
	cursors    map[string]record.Cursor
	adopted    map[string]record.Adopted
	agents     map[string]record.Agent
	letters    []record.DeadLetter
	overrides  map[record.OverrideKey]record.Override
}

type fireKey struct {
	schedule string
	instant  record.Time
}

func newStore(w *world) *store {
	s := &store{w: w, graphs: map[string]*kernel.Graph{}}
	s.rows = rows{
		executions: map[string]record.Execution{}, finished: map[string]bool{},
		jobs: map[kernel.JobKey]record.Job{}, attempts: map[string]record.Attempt{},
		fires: map[fireKey]record.Fire{}, cursors: map[string]record.Cursor{},
		adopted: map[string]record.Adopted{}, agents: map[string]record.Agent{},
		overrides: map[record.OverrideKey]record.Override{},
	}
	w.every(8*second, 30*second, func() { s.copies = append(s.copies, s.backup()) })
	return s
}

func (s *store) backup() tables {
	t := s.tables.copy()
	t.takenAt = s.w.now
	return t
}

func (t tables) copy() tables {
	t.revisions = slices.Clone(t.revisions)
	r := &t.rows
	r.executions, r.finished, r.jobs = maps.Clone(r.executions), maps.Clone(r.finished), maps.Clone(r.jobs)
	r.attempts, r.fires, r.cursors = maps.Clone(r.attempts), maps.Clone(r.fires), maps.Clone(r.cursors)
	r.adopted, r.agents, r.overrides = maps.Clone(r.adopted), maps.Clone(r.agents), maps.Clone(r.overrides)
	r.ranges, r.letters = slices.Clone(r.ranges), slices.Clone(r.letters)
	return t
}

// time is the database's clock. A day ends in the middle of the storm.
func (s *store) time() record.Time {
	return midnight - record.Time(stormy/2) + record.Time(s.w.now+s.clock)
}

// midnight is the end of 2026-03-01, in UTC.
const midnight record.Time = 1772409600_000_000

// tx is a fenced transaction between its first statement and its end.
type tx struct {
	epoch  int64
	serial uint64
	batch  *record.Batch
	locked bool // holds the epoch row and the heads it relies on
	killed bool // its connection was killed by a take-over
}

// begin is the first statements of a transaction: the locking read of the epoch
// and of the heads.
func (s *store) begin(epoch int64, serial uint64, batch *record.Batch) (*tx, error) {
	if s.down {
		return nil, errAgain
	}
	if epoch != s.epoch && s.w.fault != NoFence {
		return nil, lease.ErrFenced
	}
	for _, h := range batch.Heads {
		if h.Revision != s.head() && s.w.fault != SkipHeads {
			return nil, lease.ErrMoved
		}
	}
	t := &tx{epoch: epoch, serial: serial, batch: batch, locked: s.w.fault != PlainRead && s.w.fault != NoFence}
	s.open = append(s.open, t)
	return t, nil
}

// end commits or rolls back.
func (s *store) end(t *tx, commit bool) error {
	s.open = slices.DeleteFunc(s.open, func(other *tx) bool { return other == t })
	if t.killed || s.down || !commit {
		return errAgain
	}
	if job, ok := s.refused(t.batch); ok {
		return fmt.Errorf("%w: job %v", lease.ErrPoison, job)
	}
	s.write(t)
	return nil
}

func (s *store) refused(b *record.Batch) (kernel.JobKey, bool) {
	for _, j := range b.Jobs {
		key := kernel.JobKey{Execution: j.Execution, Number: j.Number}
		if j.Execution == s.poison && j.State == record.JobActive {
			return key, true
		}
	}
	return kernel.JobKey{}, false
}

func (s *store) write(t *tx) {
	s.commits++
	if t.epoch != s.epoch {
		s.w.fail("P1: a batch of epoch %d is written in epoch %d", t.epoch, s.epoch)
	}
	s.batchEpoch, s.batchSerial = t.epoch, t.serial
	b := t.batch
	if s.w.fault == HalfBatch && s.w.chance(20) {
		half := *b
		half.Attempts, half.Cursors, half.Finished = nil, nil, nil
		b = &half
	}
	if s.w.fault == LoseCancel {
		b = s.withoutCancels(b)
	}
	s.w.truth.check(b)
	s.rows.put(b)
	if s.w.fault == LoseOverrides && len(b.Adopted) > 0 {
		clear(s.rows.overrides)
	}
	s.w.mark(summary(b))
	s.w.truth.written(b)
}

// withoutCancels is a planted bug: an older row of a started execution wins over the
// one that says that it is to be cancelled.
func (s *store) withoutCancels(b *record.Batch) *record.Batch {
	rest := *b
	rest.Executions = slices.DeleteFunc(slices.Clone(b.Executions), func(x record.Execution) bool {
		old, there := s.rows.executions[x.ID]
		return there && x.Parent != "" && x.CancelRequested && x.State == record.Running && old.State == record.Running
	})
	return &rest
}

func summary(b *record.Batch) string {
	var text strings.Builder
	for _, x := range b.Executions {
		fmt.Fprint(&text, x.ID, x.State, x.Reason)
	}
	for _, j := range b.Jobs {
		fmt.Fprint(&text, j.Execution, j.Number, j.State, j.Attempts)
	}
	for _, f := range b.Fires {
		fmt.Fprint(&text, f.ScheduleUID, f.Instant, f.Decision)
	}
	for _, o := range b.Overrides {
		fmt.Fprint(&text, o.ObjectUID, o.Field, o.Value)
	}
	return text.String()
}

func (r *rows) put(b *record.Batch) {
	for _, x := range b.Executions {
		r.executions[x.ID] = x
	}
	for _, j := range b.Jobs {
		r.jobs[kernel.JobKey{Execution: j.Execution, Number: j.Number}] = j
	}
	for _, a := range b.Attempts {
		r.attempts[a.Token] = a
	}
	for _, f := range b.Fires {
		r.fires[fireKey{f.ScheduleUID, f.Instant}] = f
	}
	r.ranges = append(r.ranges, b.Ranges...)
	for _, c := range b.Cursors {
		r.cursors[c.ScheduleUID] = c
	}
	for _, uid := range b.CursorsGone {
		delete(r.cursors, uid)
	}
	for _, a := range b.Adopted {
		r.adopted[a.ProjectUID] = a
	}
	for _, a := range b.Agents {
		r.agents[a.UID] = a
	}
	r.letters = append(r.letters, b.DeadLetters...)
	for _, o := range b.Overrides {
		r.overrides[record.OverrideKey{ObjectUID: o.ObjectUID, Field: o.Field}] = o
	}
	for _, key := range b.OverridesGone {
		delete(r.overrides, key)
	}
	for _, id := range b.Finished {
		r.finished[id] = true
	}
}

// takeOver makes a new epoch above floor. The exclusive lock waits for open
// transactions, or their connections are killed.
func (s *store) takeOver(floor int64) int64 {
	for _, t := range s.open {
		t.killed = t.killed || t.locked
	}
	s.epoch = max(s.epoch, floor) + 1
	s.beat = 0
	s.takeovers++
	return s.epoch
}

// head is the project's newest revision, 0 for none.
func (s *store) head() int64 { return int64(len(s.revisions)) }

// apply makes a new revision; the head's lock waits for transactions that rely
// on it.
func (s *store) apply(a kernel.Adopt, since record.Time) {
	if s.w.calm && len(a.Schedules) > 0 {
		return // too late to matter
	}
	for _, t := range s.open {
		if t.locked && !t.killed && len(t.batch.Heads) > 0 {
			s.w.after(ms, func() { s.apply(a, since) })
			return
		}
	}
	a.ProjectUID, a.Project, a.Revision, a.EffectiveFrom = projectUID, "p", s.head()+1, s.time()
	if s.w.fault == EarlyEffect {
		a.EffectiveFrom = since
	}
	if n := len(s.revisions); n > 0 {
		a.EffectiveFrom = max(a.EffectiveFrom, s.revisions[n-1].EffectiveFrom+1)
	}
	for _, f := range a.Flows {
		s.graphs[f.Digest] = f.Graph
	}
	s.revisions = append(s.revisions, a)
	s.w.note("revision %d from %d: %d flows, %d schedules", a.Revision, a.EffectiveFrom, len(a.Flows), len(a.Schedules))
}

func (s *store) adopted() bool { return s.rows.adopted[projectUID].Revision == s.head() }

// restore puts an older copy in the place of the database.
func (s *store) restore(back tables) {
	s.w.note("the database is restored to what it was at %.3f", float64(back.takenAt)/1e6)
	for _, t := range s.open {
		t.killed = true
	}
	before := s.rows.attempts
	s.tables = back
	s.restored = true
	s.w.truth.restored(before)
}

// load reads what a new master needs.
func (s *store) load() kernel.Snapshot {
	r, revisions := &s.rows, s.revisions
	if s.w.fault == StaleLoad && len(s.copies) > 0 && !s.restored {
		last := s.copies[len(s.copies)-1]
		r, revisions = &last.rows, last.revisions
	}
	snap := kernel.Snapshot{Graphs: s.graphs, Live: r.live(s.time())}
	for _, a := range r.adopted {
		if a.Revision <= int64(len(revisions)) {
			snap.Projects = append(snap.Projects, revisions[a.Revision-1])
		}
	}
	switch s.w.fault {
	case NextFromNow:
		for i := range snap.Live.Cursors {
			snap.Live.Cursors[i].Instant = snap.Live.Now
		}
	case ForgetCursor:
		snap.Live.Cursors = nil
	case ForgetOrder:
		snap.Live.Attempts = slices.DeleteFunc(snap.Live.Attempts, func(a record.Attempt) bool { return a.State == record.Ordered })
	case ForgetChildren:
		s.forgetChildren(&snap.Live)
	case RestartChildren:
		s.restartChildren(&snap.Live)
	case ForgetOverrides:
		snap.Live.Overrides = nil
	default:
	}
	return snap
}

// forgetChildren is a planted bug: only what people and schedules have started is
// read.
func (s *store) forgetChildren(l *record.Live) {
	child := func(id string) bool { return s.rows.executions[id].Parent != "" }
	l.Executions = slices.DeleteFunc(l.Executions, func(x record.Execution) bool { return child(x.ID) })
	l.Jobs = slices.DeleteFunc(l.Jobs, func(j record.Job) bool { return child(j.Execution) })
	l.Attempts = slices.DeleteFunc(l.Attempts, func(a record.Attempt) bool { return child(a.Execution) })
}

// restartChildren is a planted bug: it reads the jobs of started executions as they
// were before.
func (s *store) restartChildren(l *record.Live) {
	started := func(a record.Attempt) bool { return a.AgentUID == "" && a.State == record.AttemptRunning }
	before := map[kernel.JobKey]bool{}
	for _, a := range l.Attempts {
		if started(a) {
			before[kernel.JobKey{Execution: a.Execution, Number: a.Number}] = true
		}
	}
	for i := range l.Jobs {
		if j := &l.Jobs[i]; before[kernel.JobKey{Execution: j.Execution, Number: j.Number}] {
			j.State = record.JobReady
		}
	}
	l.Attempts = slices.DeleteFunc(l.Attempts, started)
}

func (r *rows) live(now record.Time) record.Live {
	l := record.Live{Now: now}
	for _, id := range sorted(r.executions) {
		if !r.finished[id] {
			l.Executions = append(l.Executions, r.executions[id])
		}
	}
	for key, j := range r.jobs {
		if !r.finished[key.Execution] {
			l.Jobs = append(l.Jobs, j)
		}
	}
	slices.SortFunc(l.Jobs, func(a, b record.Job) int {
		return cmp.Or(strings.Compare(a.Execution, b.Execution), cmp.Compare(a.Number, b.Number))
	})
	for _, token := range sorted(r.attempts) {
		if a := r.attempts[token]; !r.finished[a.Execution] {
			l.Attempts = append(l.Attempts, a)
		}
	}
	for _, uid := range sorted(r.cursors) {
		l.Cursors = append(l.Cursors, r.cursors[uid])
	}
	for _, uid := range sorted(r.adopted) {
		l.Adopted = append(l.Adopted, r.adopted[uid])
	}
	for _, uid := range sorted(r.agents) {
		l.Agents = append(l.Agents, r.agents[uid])
	}
	for _, key := range overrideKeys(r.overrides) {
		l.Overrides = append(l.Overrides, r.overrides[key])
	}
	return l
}

func overrideKeys(m map[record.OverrideKey]record.Override) []record.OverrideKey {
	return slices.SortedFunc(maps.Keys(m), func(a, b record.OverrideKey) int {
		return cmp.Or(strings.Compare(a.ObjectUID, b.ObjectUID), cmp.Compare(a.Field, b.Field))
	})
}

func sorted[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// flowOf finds a flow of a revision.
func flowOf(a *kernel.Adopt, address spec.Address) (kernel.FlowDef, bool) {
	at := slices.IndexFunc(a.Flows, func(f kernel.FlowDef) bool { return f.Address == address })
	if at < 0 {
		return kernel.FlowDef{}, false
	}
	return a.Flows[at], true
}
