package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

const second = record.Time(1_000_000)

// noon is where the worlds of these tests begin: 2026-03-02 12:00:00 UTC.
const noon = record.Time(1772452800) * second

// world is a State with a store that keeps what is committed, and an agent's
// side that is played by the test.
type world struct {
	t       testing.TB
	limits  Limits
	s       *State
	at      record.Time
	db      db
	graphs  map[string]*Graph
	adopted map[string]Adopt
	answer  func(Prepare) Prepared
	orders  []Order
	kills   []Kill
	acks    []Ack
	replies []Reply
	batches int
	journal int64
	story   *strings.Builder // of TestStories, else nil
}

// db is the committed rows.
type db struct {
	executions map[string]record.Execution
	finished   map[string]bool
	jobs       map[JobKey]record.Job
	attempts   map[string]record.Attempt
	fires      map[string]record.Fire
	ranges     []record.FireRange
	cursors    map[string]record.Cursor
	adopted    map[string]record.Adopted
	agents     map[string]record.Agent
	logEnds    map[string]record.LogEnd
	chunks     []record.Chunk
	audits     []record.Audit
	letters    []record.DeadLetter
	overrides  map[record.OverrideKey]record.Override
}

func newWorld(tb testing.TB, limits Limits) *world {
	tb.Helper()
	w := &world{
		t: tb, limits: limits, s: New(limits), at: noon,
		db: db{
			executions: map[string]record.Execution{}, finished: map[string]bool{}, jobs: map[JobKey]record.Job{},
			attempts: map[string]record.Attempt{}, fires: map[string]record.Fire{}, cursors: map[string]record.Cursor{},
			adopted: map[string]record.Adopted{}, agents: map[string]record.Agent{}, logEnds: map[string]record.LogEnd{},
			overrides: map[record.OverrideKey]record.Override{},
		},
		graphs: map[string]*Graph{}, adopted: map[string]Adopt{},
	}
	w.answer = func(p Prepare) Prepared { return Prepared{Key: p.Key, N: p.N, Task: []byte(`{"type":"x"}`)} }
	w.watch()
	return w
}

func (w *world) watch() {
	w.s.moved = func(from, to record.JobState) {
		if !from.To(to) {
			w.t.Errorf("a job moved from %s to %s", from, to)
		}
	}
}

// try steps an event, answers what is to be prepared, and commits all that follows.
func (w *world) try(ev Event) error {
	w.t.Helper()
	w.tells("", fmt.Sprintf("%+gs %T", float64(w.at-noon)/float64(second), ev), ev)
	err := w.s.Step(w.at, ev)
	w.drain()
	return err
}

func (w *world) step(ev Event) {
	w.t.Helper()
	if err := w.try(ev); err != nil {
		w.t.Fatalf("%T: %v", ev, err)
	}
}

func (w *world) drain() {
	w.t.Helper()
	for {
		for list := w.s.Prepares(); len(list) > 0; list = w.s.Prepares() {
			for _, p := range list {
				w.tells("  ", "Prepare", p)
				if err := w.s.Step(w.at, w.answer(p)); err != nil {
					w.t.Fatal(err)
				}
			}
		}
		r, ok := w.s.Ready()
		if !ok {
			return
		}
		w.commit(r)
		w.s.Advance(r.Serial)
	}
}

// tick lets time pass.
func (w *world) tick(d record.Time) {
	w.t.Helper()
	w.at += d
	w.step(Tick{})
}

// pass lets time pass while every agent is heard.
func (w *world) pass(d record.Time) {
	w.t.Helper()
	w.at += d
	for _, uid := range sortedKeys(w.db.agents) {
		w.step(Reports{Agent: uid, Session: w.db.agents[uid].Session})
	}
	w.step(Tick{})
}

func (w *world) commit(r Ready) {
	w.t.Helper()
	w.batches++
	w.tells("  ", "Rows", r.Rows)
	w.tells("  ", "Ready", r)
	if err := w.db.commit(&r.Rows); err != nil {
		w.t.Fatal(err)
	}
	w.orders = append(w.orders, r.Orders...)
	w.kills = append(w.kills, r.Kills...)
	w.acks = append(w.acks, r.Acks...)
	w.replies = append(w.replies, r.Replies...)
}

// commit writes a batch, and finds what no batch may do.
func (d *db) commit(b *record.Batch) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	once := func(kind, key string) {
		if seen[kind+key] {
			wrong("the batch holds %s %s twice", kind, key)
		}
		seen[kind+key] = true
	}
	for _, x := range b.Executions {
		once("execution", x.ID)
		if old, ok := d.executions[x.ID]; ok && old.State != x.State && !reaches(old.State, x.State, record.ExecutionState.To, allExecutionStates) {
			wrong("execution %s: %s → %s", x.ID, old.State, x.State)
		}
		d.executions[x.ID] = x
	}
	for _, j := range b.Jobs {
		key := JobKey{j.Execution, j.Number, j.MapKey}
		once("job", fmt.Sprint(key))
		if old, ok := d.jobs[key]; ok && old.State != j.State && !reaches(old.State, j.State, record.JobState.To, allJobStates) {
			wrong("job %v: %s → %s", key, old.State, j.State)
		}
		d.jobs[key] = j
	}
	for _, a := range b.Attempts {
		once("attempt", a.Token)
		old, ok := d.attempts[a.Token]
		if ok && old.State != a.State && !reaches(old.State, a.State, record.AttemptState.To, allAttemptStates) {
			wrong("attempt %s: %s → %s", a.Token, old.State, a.State)
		}
		if ok && old.State == record.Ended && (old.Outcome != a.Outcome || old.ExitCode != a.ExitCode) {
			wrong("attempt %s: its result changed from %s to %s", a.Token, old.Outcome, a.Outcome)
		}
		d.attempts[a.Token] = a
	}
	for _, f := range b.Fires {
		key := fmt.Sprint(f.ScheduleUID, f.Instant)
		once("fire", key)
		if _, ok := d.fires[key]; ok {
			wrong("instant %d of %s is decided twice", f.Instant, f.ScheduleUID)
		}
		d.fires[key] = f
	}
	d.ranges = append(d.ranges, b.Ranges...)
	for _, c := range b.Cursors {
		once("cursor", c.ScheduleUID)
		if c.Instant < d.cursors[c.ScheduleUID].Instant {
			wrong("cursor of %s goes back", c.ScheduleUID)
		}
		d.cursors[c.ScheduleUID] = c
	}
	for _, uid := range b.CursorsGone {
		delete(d.cursors, uid)
	}
	for _, a := range b.Adopted {
		once("adopted", a.ProjectUID)
		d.adopted[a.ProjectUID] = a
	}
	for _, a := range b.Agents {
		once("agent", a.UID)
		d.agents[a.UID] = a
	}
	for _, e := range b.LogEnds {
		once("log end", e.Token)
		if _, ok := d.logEnds[e.Token]; ok {
			wrong("log of %s ends twice", e.Token)
		}
		d.logEnds[e.Token] = e
	}
	d.chunks = append(d.chunks, b.Chunks...)
	d.audits = append(d.audits, b.Audits...)
	d.letters = append(d.letters, b.DeadLetters...)
	for _, a := range b.Audits {
		once("note", a.ID)
	}
	for _, o := range b.Overrides {
		key := record.OverrideKey{ObjectUID: o.ObjectUID, Field: o.Field}
		once("override", fmt.Sprint(key))
		d.overrides[key] = o
	}
	for _, key := range b.OverridesGone {
		once("override", fmt.Sprint(key))
		delete(d.overrides, key)
	}
	for _, id := range b.Finished {
		once("finished", id)
		if !d.executions[id].State.Terminal() {
			wrong("execution %s leaves the live set as %s", id, d.executions[id].State)
		}
		d.finished[id] = true
	}
	return errors.Join(errs...)
}

var (
	allExecutionStates = []record.ExecutionState{
		record.Queued, record.Running, record.ExecutionSucceeded, record.ExecutionFailed, record.ExecutionCancelled,
	}
	allJobStates = []record.JobState{
		record.JobWaiting, record.JobReady, record.JobActive, record.JobRetryWait, record.JobSucceeded,
		record.JobFailed, record.JobUpstreamFailed, record.JobSkipped, record.JobCancelled,
	}
	allAttemptStates = []record.AttemptState{record.Ordered, record.AttemptRunning, record.Ended}
)

// reaches follows legal moves: a batch shows only the last of them.
func reaches[S comparable](from, to S, step func(S, S) bool, all []S) bool {
	seen := map[S]bool{from: true}
	for todo := []S{from}; len(todo) > 0; todo = todo[1:] {
		for _, s := range all {
			if step(todo[0], s) && !seen[s] {
				seen[s] = true
				todo = append(todo, s)
			}
		}
	}
	return from != to && seen[to]
}

// live is what the store gives a new master.
func (d *db) live(now record.Time) record.Live {
	l := record.Live{Now: now}
	for _, id := range sortedKeys(d.executions) {
		if !d.finished[id] {
			l.Executions = append(l.Executions, d.executions[id])
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(d.jobs), func(a, b JobKey) int {
		return cmp.Or(strings.Compare(a.Execution, b.Execution), cmp.Compare(a.Number, b.Number))
	}) {
		if !d.finished[key.Execution] {
			l.Jobs = append(l.Jobs, d.jobs[key])
		}
	}
	for _, token := range sortedKeys(d.attempts) {
		if !d.finished[d.attempts[token].Execution] {
			l.Attempts = append(l.Attempts, d.attempts[token])
		}
	}
	for _, uid := range sortedKeys(d.cursors) {
		l.Cursors = append(l.Cursors, d.cursors[uid])
	}
	for _, uid := range sortedKeys(d.adopted) {
		l.Adopted = append(l.Adopted, d.adopted[uid])
	}
	for _, uid := range sortedKeys(d.agents) {
		l.Agents = append(l.Agents, d.agents[uid])
	}
	for _, key := range sortedOverrideKeys(d.overrides) {
		l.Overrides = append(l.Overrides, d.overrides[key])
	}
	return l
}

func sortedOverrideKeys(m map[record.OverrideKey]record.Override) []record.OverrideKey {
	return slices.SortedFunc(maps.Keys(m), byKey)
}

func (w *world) snapshot() Snapshot {
	snap := Snapshot{Live: w.db.live(w.at), Graphs: w.graphs}
	for _, uid := range sortedKeys(w.adopted) {
		snap.Projects = append(snap.Projects, w.adopted[uid])
	}
	return snap
}

// restore is a new master on the committed rows.
func (w *world) restore() {
	w.t.Helper()
	s, err := Restore(w.limits, w.snapshot())
	if err != nil {
		w.t.Fatal(err)
	}
	w.s = s
	w.watch()
	w.drain()
}

// adopt makes flows, and what else change adds, the next revision of project "p".
func (w *world) adopt(flows []*spec.Flow, change ...func(*Adopt)) {
	w.t.Helper()
	ev := Adopt{ProjectUID: "p", Project: "sales", Revision: w.adopted["p"].Revision + 1, EffectiveFrom: w.at}
	for _, f := range flows {
		g, err := Compile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		def := FlowDef{UID: "uid." + string(f.Address), Address: f.Address, Digest: spec.Digest(f.Canonical()), Graph: g}
		w.graphs[def.Digest] = g
		ev.Flows = append(ev.Flows, def)
	}
	for _, c := range change {
		c(&ev)
	}
	w.adopted["p"] = ev
	w.step(ev)
}

func withPool(name string, slots int) func(*Adopt) {
	return func(a *Adopt) {
		address := spec.PoolAddress(name, "")
		a.Pools = append(a.Pools, PoolDef{UID: "uid." + string(address), Address: address, Slots: slots})
	}
}

func withSchedule(tb testing.TB, name, flow string, cronSpec cron.Spec, change ...func(*ScheduleDef)) func(*Adopt) {
	tb.Helper()
	table, err := cron.Compile(cronSpec)
	if err != nil {
		tb.Fatal(err)
	}
	address := spec.ScheduleAddress(name, "")
	def := ScheduleDef{
		UID: "uid." + string(address), Address: address, Flow: spec.FlowAddress(flow, ""), Timetable: table, Zone: "UTC",
	}
	for _, c := range change {
		c(&def)
	}
	return func(a *Adopt) { a.Schedules = append(a.Schedules, def) }
}

// flow makes one of jobs written as "name: upstream upstream"; every job is a
// process unless change says otherwise.
func flow(name string, jobs []string, change ...func(*spec.Flow)) *spec.Flow {
	f := &spec.Flow{Address: spec.FlowAddress(name, "")}
	for _, text := range jobs {
		job, ups, _ := strings.Cut(text, ":")
		f.Jobs = append(f.Jobs, &spec.Job{Name: job, Type: "shell", Upstreams: strings.Fields(ups)})
	}
	slices.SortFunc(f.Jobs, func(a, b *spec.Job) int { return strings.Compare(a.Name, b.Name) })
	for _, c := range change {
		c(f)
	}
	return f
}

func job(name string, change func(*spec.Job)) func(*spec.Flow) {
	return func(f *spec.Flow) {
		for _, j := range f.Jobs {
			if j.Name == name || name == "*" {
				change(j)
			}
		}
	}
}

func (w *world) start(flow, id string) {
	w.t.Helper()
	w.step(Start{Reply: 1, ID: id, ProjectUID: "p", Flow: spec.FlowAddress(flow, ""), By: "ann"})
}

// connect registers an agent and reconciles it with the tokens it holds.
func (w *world) connect(name string, slots int, tokens ...TokenState) int64 {
	w.t.Helper()
	session := w.register(w.identity(name, slots))
	w.step(Reconcile{Agent: "uid." + name, Session: session, Tokens: tokens})
	return session
}

func (w *world) identity(name string, slots int) record.Agent {
	w.journal++
	return record.Agent{
		UID: "uid." + name, Name: name, MachineID: "machine." + name, BootID: "boot", Namespace: "1",
		JournalID: "journal", JournalSeq: w.journal, Slots: int32(slots), Isolation: "sweep",
	}
}

func (w *world) register(row record.Agent) int64 {
	w.t.Helper()
	w.step(Register{Reply: 7, Agent: row})
	last := w.replies[len(w.replies)-1]
	if last.Err != nil {
		w.t.Fatal(last.Err)
	}
	return last.Session
}

func (w *world) session(agent string) int64 { return w.db.agents["uid."+agent].Session }

// report tells of a job's last attempt.
func (w *world) report(id, job string, change func(*Report)) {
	w.t.Helper()
	a := w.attempt(id, job)
	r := Report{Token: a.Token, Ended: true, StartedAt: w.at, EndedAt: w.at, Outcome: record.OutcomeSucceeded, HasExit: true}
	if change != nil {
		change(&r)
	}
	w.step(Reports{Agent: a.AgentUID, Session: w.db.agents[a.AgentUID].Session, List: []Report{r}})
}

func (w *world) fail(id, job string) {
	w.t.Helper()
	w.report(id, job, func(r *Report) { r.Outcome, r.ExitCode, r.Reason = record.OutcomeFailed, 1, record.ReasonExit })
}

func started(r *Report) { r.Ended = false }

func (w *world) job(id, name string) record.Job {
	for key, j := range w.db.jobs {
		if key.Execution == id && j.Name == name {
			return j
		}
	}
	return record.Job{}
}

// attempt is a job's last one.
func (w *world) attempt(id, name string) record.Attempt {
	w.t.Helper()
	j := w.job(id, name)
	a, ok := w.db.attempts[record.Token(id, j.Number, "", j.Attempts)]
	if !ok {
		w.t.Fatalf("job %s of %s has no attempt; it is %s %s", name, id, j.State, j.Waiting)
	}
	return a
}

// states is an execution in one line: its state, then those of its jobs.
func (w *world) states(id string) string {
	x := w.db.executions[id]
	line := []string{string(x.State)}
	if x.Reason != "" {
		line[0] += "(" + string(x.Reason) + ")"
	}
	var jobs []record.Job
	for key, j := range w.db.jobs {
		if key.Execution == id {
			jobs = append(jobs, j)
		}
	}
	slices.SortFunc(jobs, func(a, b record.Job) int { return cmp.Compare(a.Number, b.Number) })
	for _, j := range jobs {
		line = append(line, j.Name+"="+string(j.State))
	}
	return strings.Join(line, " ")
}

func (w *world) want(id, states string) {
	w.t.Helper()
	if got := w.states(id); got != states {
		w.t.Fatalf("%s\n got %s\nwant %s", id, got, states)
	}
}
