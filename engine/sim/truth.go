package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// truth is the witness: what processes really did, which the system under test
// never reads. It judges every batch against that.
type truth struct {
	w      *world
	forks  map[string]int
	all    map[string]*process // the last of each token
	live   map[string]*process // those that are not dead
	said   map[*brain.Up]*host
	total  int
	exempt map[string]bool // tokens whose rows a restored database has forgotten

	overrides map[record.OverrideKey]record.Override // those that must be there

	births, orders int // executions that others have started, overrides made
}

func newTruth(w *world) *truth {
	return &truth{
		w: w, forks: map[string]int{}, all: map[string]*process{}, live: map[string]*process{},
		said: map[*brain.Up]*host{}, exempt: map[string]bool{},
		overrides: map[record.OverrideKey]record.Override{},
	}
}

// fork judges a start.
func (t *truth) fork(p *process) {
	t.total++
	t.w.note("%s forks %s of %s/%d/%d", p.host.name, p.token, p.Execution, p.Number, p.N)
	if t.forks[p.token]++; t.forks[p.token] > 1 && !t.exempt[p.token] {
		t.w.fail("P2: %s forks twice", p.token)
	}
	for _, token := range sorted(t.live) {
		o := t.live[token]
		if o.Execution == p.Execution && o.Number == p.Number && (!t.exempt[token] || token == p.token && o.host.met()) {
			t.w.fail("P2: %s forks attempt %d while attempt %d of the job runs on %s", p.host.name, p.N, o.N, o.host.name)
		}
	}
	t.live[p.token], t.all[p.token] = p, p
	if t.exempt[p.token] {
		return
	}
	a, ok := t.w.store.rows.attempts[p.token]
	switch {
	case !ok:
		t.w.fail("P2: %s forks before its order is durable", p.token)
	case a.State == record.Ended:
		t.w.fail("P2: %s forks after it has ended as %s %s", p.token, a.Outcome, a.Reason)
	case a.AgentUID != p.host.uid:
		t.w.fail("P2: %s forks on %s, ordered from %s", p.token, p.host.name, a.Agent)
	default:
		t.upstreams(p)
	}
}

// upstreams judges whether the rows allow a start.
func (t *truth) upstreams(p *process) {
	x := t.w.store.rows.executions[p.Execution]
	g := t.w.store.graphs[x.FlowDigest]
	if g == nil {
		t.w.fail("P2: %s forks for %s, which is not in the store", p.token, p.Execution)
		return
	}
	var states []record.JobState
	for _, up := range g.Upstreams(p.Number) {
		states = append(states, t.w.store.rows.jobs[kernel.JobKey{Execution: p.Execution, Number: up}].State)
	}
	if !allows(g.Trigger(p.Number), states) {
		t.w.fail("%s/%d starts, by %s over %v", p.Execution, p.Number, g.Trigger(p.Number), states)
	}
}

func (t *truth) end(p *process) {
	p.ended = true
	delete(t.live, p.token)
}

// kept notes that an agent has written a result down: the true one, or that
// its keeper died before it told.
func (t *truth) kept(token, outcome string) {
	if p := t.all[token]; p != nil {
		p.isKept = p.result != nil && p.result.Outcome == outcome
	}
}

// unkept notes that it is lost again.
func (t *truth) unkept(token string) {
	if p := t.all[token]; p != nil {
		p.isKept = false
	}
}

// restored forgives what a database that has lost its tail cannot know: what
// had been forked by then may run once more, but not while an agent that has
// told the master about it runs it still. before is the attempts that the database
// knew: an order may be on its way.
func (t *truth) restored(before map[string]record.Attempt) {
	for token := range t.forks {
		t.exempt[token] = true
	}
	for token := range before {
		t.exempt[token] = true
	}
	t.overrides = maps.Clone(t.w.store.rows.overrides)
	for _, h := range t.w.hosts {
		for _, r := range h.written {
			if o, ok := r.(brain.Ordered); ok {
				t.exempt[o.Token] = true
			}
		}
	}
}

// check judges a batch before it is written.
func (t *truth) check(b *record.Batch) {
	r := &t.w.store.rows
	for _, x := range b.Executions {
		t.execution(x, b)
	}
	for _, j := range b.Jobs {
		key := kernel.JobKey{Execution: j.Execution, Number: j.Number}
		if old, ok := r.jobs[key]; ok && old.State != j.State && old.State.Terminal() {
			t.w.fail("job %v is %s and becomes %s", key, old.State, j.State)
		}
	}
	for _, a := range b.Attempts {
		t.attempt(a)
	}
	for _, f := range b.Fires {
		if _, ok := r.fires[fireKey{f.ScheduleUID, f.Instant}]; ok {
			t.w.fail("P3: instant %d of %s is decided twice", f.Instant, f.ScheduleUID)
		}
		t.fire(f)
		t.silenced(f, b)
	}
	t.ordered(b)
	for _, c := range b.Cursors {
		if c.Instant < r.cursors[c.ScheduleUID].Instant {
			t.w.fail("P3: the cursor of %s goes back", c.ScheduleUID)
		}
	}
	for _, a := range b.Agents {
		h := t.w.hosts[slices.IndexFunc(t.w.hosts, func(h *host) bool { return h.uid == a.UID })]
		if a.State == record.AgentQuarantined && h.clones == 0 && !t.w.store.restored {
			t.w.fail("agent %s is quarantined (%s), which is nobody else", h.name, a.Reason)
		}
	}
}

func (t *truth) execution(x record.Execution, b *record.Batch) {
	old, ok := t.w.store.rows.executions[x.ID]
	switch {
	case !ok && x.Parent != "":
		t.pinned(x)
		t.born(x, b)
	case !ok:
		t.pinned(x)
	case old.State.Terminal() && old.State != x.State:
		t.w.fail("execution %s is %s and becomes %s", x.ID, old.State, x.State)
	case old.FlowDigest != x.FlowDigest || old.Revision != x.Revision:
		t.w.fail("P5: execution %s leaves revision %d", x.ID, old.Revision)
	}
	if x.Reason == record.ReasonInternal && x.ID != t.w.store.poison {
		t.w.fail("P9: execution %s ends because of a defect, which is not its own", x.ID)
	}
}

// pinned judges the revision an execution begins with.
func (t *truth) pinned(x record.Execution) {
	revisions := t.w.store.revisions
	if x.Revision < 1 || x.Revision > int64(len(revisions)) {
		t.w.fail("P5: execution %s of revision %d, which does not exist", x.ID, x.Revision)
		return
	}
	def, ok := flowOf(&revisions[x.Revision-1], spec.Address(x.Flow))
	if !ok || def.Digest != x.FlowDigest || def.UID != x.FlowUID {
		t.w.fail("P5: execution %s runs another %s than revision %d declares", x.ID, x.Flow, x.Revision)
	}
	if x.Origin == record.OriginSchedule && x.Revision != t.revisionAt(x.ScheduledFor) {
		t.w.fail("P5: execution %s for %d is of revision %d, that instant of %d", x.ID, x.ScheduledFor, x.Revision, t.revisionAt(x.ScheduledFor))
	}
}

// revisionAt is the revision an instant belongs to.
func (t *truth) revisionAt(at record.Time) int64 {
	number := int64(0)
	for _, a := range t.w.store.revisions {
		if a.EffectiveFrom < at {
			number = a.Revision
		}
	}
	return number
}

func (t *truth) fire(f record.Fire) {
	n := t.revisionAt(f.Instant)
	declared := false
	if n > 0 {
		for _, s := range t.w.store.revisions[n-1].Schedules {
			declared = declared || s.UID == f.ScheduleUID
		}
	}
	if !declared {
		t.w.fail("P3: %s is not declared at %d, yet it is decided", f.ScheduleUID, f.Instant)
	}
}

// attempt judges a row against what the process did.
func (t *truth) attempt(a record.Attempt) {
	old, ok := t.w.store.rows.attempts[a.Token]
	if ok && old.State == record.Ended && (a.State != record.Ended || a.Outcome != old.Outcome || a.ExitCode != old.ExitCode) {
		t.w.fail("attempt %s had ended as %s and is now %s %s", a.Token, old.Outcome, a.State, a.Outcome)
	}
	if a.State != record.Ended || ok && old.State == record.Ended {
		return
	}
	if a.AgentUID == "" {
		return // see ofChildren
	}
	p := t.all[a.Token]
	switch a.Outcome {
	case record.OutcomeSucceeded, record.OutcomeFailed:
		if p == nil || p.result == nil || p.result.Outcome != string(a.Outcome) || p.result.ExitCode != a.ExitCode {
			t.w.fail("attempt %s is said to have %s with %d, which it has not", a.Token, a.Outcome, a.ExitCode)
		}
	case record.OutcomeLost:
		chosen := a.Reason == record.ReasonIsolated || a.Reason == record.ReasonDeclaredDead
		if p != nil && p.isKept && p.result != nil && p.result.Outcome != "lost" && !chosen && !t.exempt[a.Token] {
			t.w.fail("P4: attempt %s is lost (%s) although its agent knows how it ended", a.Token, a.Reason)
		}
	default:
	}
	if t.live[a.Token] != nil {
		t.w.fail("P7: attempt %s has ended as %s %s while its process runs", a.Token, a.Outcome, a.Reason)
	}
}

// written judges the rows as they are now.
func (t *truth) written(b *record.Batch) {
	ended := map[string]bool{}
	for _, x := range b.Executions {
		if x.State.Terminal() {
			ended[x.ID] = true
		}
	}
	for _, token := range sorted(t.live) {
		p := t.live[token]
		job := t.w.store.rows.jobs[kernel.JobKey{Execution: p.Execution, Number: p.Number}]
		if (ended[p.Execution] || job.State.Terminal()) && !t.exempt[token] {
			t.w.fail("P7: %s/%d is over while %s runs on %s", p.Execution, p.Number, token, p.host.name)
		}
	}
	if len(b.Executions) > 0 {
		t.concurrency()
	}
	t.ofChildren(b)
	t.inForce(b)
}

func (t *truth) concurrency() {
	running := map[string]int{}
	for id, x := range t.w.store.rows.executions {
		if x.State == record.Running && !t.w.store.rows.finished[id] {
			running[x.FlowUID]++
		}
	}
	for uid, n := range running {
		if n > maxRunning {
			t.w.fail("%d executions of %s run, allowed are %d", n, uid, maxRunning)
		}
	}
}

// final judges the end: all has ended, and the decided instants are exactly the
// arithmetic ones.
func (t *truth) final() {
	s := t.w.store
	if !t.w.done() {
		for _, id := range sorted(s.rows.executions) {
			if x := s.rows.executions[id]; !s.rows.finished[id] {
				t.w.fail("%s never ends: %s %s", id, x.State, t.stuck(id))
			}
		}
		t.w.fail("something never ends: revision %d of %d adopted, %d starts open, %d processes",
			s.rows.adopted[projectUID].Revision, s.head(), len(t.w.people.asked), len(t.live))
	}
	decided := map[string]int64{}
	for key, f := range s.rows.fires {
		decided[key.schedule]++
		if _, there := s.rows.executions[f.Execution]; there != (f.Decision == record.Run) {
			t.w.fail("P3: instant %d of %s is %s, its execution there: %v", f.Instant, f.ScheduleUID, f.Decision, there)
		}
	}
	for _, r := range s.rows.ranges {
		decided[r.ScheduleUID] += r.Count
	}
	want := map[string]int64{}
	for i, a := range s.revisions {
		until := s.time()
		if i+1 < len(s.revisions) {
			until = s.revisions[i+1].EffectiveFrom
		}
		for _, sc := range a.Schedules {
			want[sc.UID] += sc.Timetable.CountBetween(wall(a.EffectiveFrom), wall(until))
		}
	}
	for _, uid := range sorted(want) {
		if decided[uid] != want[uid] {
			t.w.fail("P3: %d instants of %s are decided, there are %d", decided[uid], uid, want[uid])
		}
		delete(decided, uid)
	}
	for _, uid := range sorted(decided) {
		t.w.fail("P3: %s is not declared, yet %d instants of it are decided", uid, decided[uid])
	}
}

func (t *truth) stuck(id string) string {
	text := ""
	for _, j := range t.w.store.rows.live(0).Jobs {
		if j.Execution == id && !j.State.Terminal() {
			text += " " + j.Name + "=" + string(j.State) + " " + string(j.Waiting) + " " + j.WaitingArg
		}
	}
	return text
}

func wall(at record.Time) time.Time { return time.UnixMicro(int64(at)).UTC() }
