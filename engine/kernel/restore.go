package kernel

import (
	"fmt"
	"strings"

	"github.com/leifengta/lft/engine/placement"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/dag"
	"github.com/leifengta/lft/lang/spec"
)

// keepStrays is how long after a restored database results of unknown attempts
// wait for their rows to come back.
const keepStrays = 10 * 60 * spec.Second

// Restore returns the state that the rows of a snapshot describe. Sessions do
// not survive: every agent has to register again. An execution whose rows make
// no sense is buried in the first Ready; it stops no other.
func Restore(limits Limits, snap Snapshot) (*State, error) {
	s := New(limits)
	s.now = snap.Live.Now
	for _, o := range snap.Live.Overrides {
		s.overrides[record.OverrideKey{ObjectUID: o.ObjectUID, Field: o.Field}] = o
	}
	if err := s.restoreProjects(&snap); err != nil {
		return nil, err
	}
	s.restoreAgents(&snap)
	jobs, attempts := snap.Live.Jobs, attemptsByJob(snap.Live.Attempts)
	first := make(map[string]int, len(snap.Live.Executions))
	count := make(map[string]int, len(snap.Live.Executions))
	for i := range jobs {
		if _, ok := first[jobs[i].Execution]; !ok {
			first[jobs[i].Execution] = i
		}
		count[jobs[i].Execution]++
	}
	s.runs.live = make(map[string]*execution, len(snap.Live.Executions))
	var running, condemned []*execution
	for i := range snap.Live.Executions {
		x := &execution{Execution: snap.Live.Executions[i], graph: snap.Graphs[snap.Live.Executions[i].FlowDigest]}
		if x.State.Terminal() {
			continue
		}
		at := first[x.ID]
		rows := jobs[at : at+count[x.ID]]
		if defect := s.restoreExecution(x, rows, attempts); defect != "" {
			s.condemn(x, defect)
			condemned = append(condemned, x)
		}
		if x.State == record.Running {
			running = append(running, x)
		}
	}
	s.restoreChildren()
	// Only now, because what follows lets others begin.
	for _, x := range condemned {
		s.buryExecution(x)
	}
	for _, x := range running {
		s.resume(x)
	}
	for _, uid := range sortedKeys(s.runs.lines) {
		s.advance(s.runs.lines[uid])
	}
	if snap.ReconcileAll {
		s.fleet.gated, s.fleet.keepUntil = true, later(s.now, keepStrays)
		s.openGate(false)
	}
	return s, nil
}

func (s *State) restoreProjects(snap *Snapshot) error {
	cursors := make(map[string]record.Time, len(snap.Live.Cursors))
	for _, c := range snap.Live.Cursors {
		cursors[c.ScheduleUID] = c.Instant
	}
	for i := range snap.Projects {
		ev := &snap.Projects[i]
		if err := checkAdopt(ev); err != nil {
			return fmt.Errorf("restore project %s: %w", ev.Project, err)
		}
		p := &project{uid: ev.ProjectUID}
		s.clock.projects[p.uid] = p
		s.install(p, ev)
		for _, sc := range p.schedules {
			// Adoption decided all up to EffectiveFrom; the row may be older.
			sc.seek(cursors[sc.UID])
			s.plan(sc)
		}
	}
	return nil
}

func (s *State) restoreAgents(snap *Snapshot) {
	for _, row := range snap.Live.Agents {
		a := s.met(row)
		a.heard = s.now
		s.listen(a)
	}
}

// attemptKey names a job in a map of attempts.
type attemptKey struct {
	execution string
	number    int32
}

// attemptsByJob keeps the last attempt of each job.
func attemptsByJob(rows []record.Attempt) map[attemptKey]*record.Attempt {
	m := make(map[attemptKey]*record.Attempt, len(rows))
	for i := range rows {
		key := attemptKey{rows[i].Execution, rows[i].Number}
		if last := m[key]; last == nil || last.N < rows[i].N {
			m[key] = &rows[i]
		}
	}
	return m
}

// restoreExecution puts an execution's rows in place; nothing follows yet. A
// defect means that it can only be ended.
func (s *State) restoreExecution(x *execution, rows []record.Job, attempts map[attemptKey]*record.Attempt) (defect string) {
	switch {
	case x.graph == nil:
		defect = "its flow " + x.FlowDigest + " is not in the store"
	case x.State != record.Queued && x.graph.Len() != len(rows):
		defect = fmt.Sprintf("it has %d job rows, its flow %d jobs", len(rows), x.graph.Len())
	default:
		defect = misplaced(rows)
	}
	if defect != "" {
		rows = filled(x.ID, rows)
		x.graph = ghost(rows)
	}
	s.runs.live[x.ID] = x
	l := s.line(x)
	x.line = l
	if x.State == record.Queued {
		l.enqueue(x)
	} else {
		x.slot = len(l.running)
		l.running = append(l.running, x)
		if fault := s.restoreJobs(x, rows, attempts); defect == "" {
			defect = fault
		}
	}
	return defect
}

// condemn writes down what is wrong with an execution.
func (s *State) condemn(x *execution, defect string) {
	s.out.notes++
	s.out.weight++
	s.out.rows.DeadLetters = append(s.out.rows.DeadLetters, record.DeadLetter{
		ID: record.NoteID(x.ID, "restore", s.now, s.out.notes), Execution: x.ID,
		Event: "restore", Error: record.Cut(defect, record.MaxMessage), At: s.now,
	})
}

func (s *State) restoreJobs(x *execution, rows []record.Job, attempts map[attemptKey]*record.Attempt) (defect string) {
	x.nodes = make([]node, len(rows))
	for i := range rows {
		n := &x.nodes[i]
		n.Job, n.exec = rows[i], x
		if row := attempts[attemptKey{x.ID, n.Number}]; row != nil {
			s.restoreAttempt(n, row)
		}
		if n.State.Terminal() {
			s.count(n)
			continue
		}
		x.open++
		waits := n.State == record.JobActive && n.attempt == nil && n.rule().kind == spec.KindTimer
		if n.live() != (n.State == record.JobActive) && !waits {
			defect = fmt.Sprintf("job %s is %s, which does not go with its last attempt", n.Name, n.State)
			if n.live() {
				n.State = record.JobActive // to be killed
			}
		}
	}
	for i := range x.nodes {
		if n := &x.nodes[i]; n.State.Terminal() {
			for _, down := range x.graph.Downstreams(n.Number) {
				x.nodes[down].tally.add(n.State)
			}
		}
	}
	x.stopped = x.failed > 0 && x.graph.onFailure != spec.FinishPossible
	return defect
}

// live reports whether an agent has the job's last attempt.
func (n *node) live() bool {
	return n.attempt != nil && (n.attempt.agent != nil || n.attempt.State == record.AttemptRunning)
}

func (s *State) count(n *node) {
	switch {
	case n.State == record.JobCancelled:
		n.exec.cancelled++
	case n.State == record.JobFailed && !n.rule().allowFailure:
		n.exec.failed++
	}
}

// restoreAttempt puts a job's last attempt where it is: on an agent, in a pool,
// or nowhere when it has ended or waits to be ordered again.
func (s *State) restoreAttempt(n *node, row *record.Attempt) {
	at := &attempt{Attempt: *row, node: n}
	n.attempt = at
	n.exec.tokens = append(n.exec.tokens, at.Token)
	s.fleet.attempts[at.Token] = at
	if at.State == record.Ended || n.State.Terminal() || at.State == record.Ordered && n.State == record.JobReady {
		return
	}
	if a := s.fleet.byUID[at.AgentUID]; a != nil {
		a.place.Used++
		a.hold(at)
		if a.State == record.AgentUnreachable {
			if n.rule().rerunAfter > 0 {
				s.wakes.push(wake{at: s.isolatedAt(at), attempt: at})
			}
		}
	}
	if at.PoolUID != "" {
		at.pool = s.queue.pool(at.PoolUID)
		at.pool.used += at.PoolSlots
	}
}

// resume goes on with an execution where it was.
func (s *State) resume(x *execution) {
	if x.buried() {
		s.stopAll(x)
	}
	for i := range x.nodes {
		n := &x.nodes[i]
		switch n.State {
		case record.JobWaiting:
			s.judge(n)
		case record.JobReady:
			s.enqueue(n)
		case record.JobRetryWait:
			s.wakes.push(wake{at: n.NextAt, node: n})
		case record.JobActive:
			switch a := n.attempt; {
			case a == nil:
				s.wakes.push(wake{at: n.NextAt, node: n}) // a timer
			case a.AgentUID == "" && a.State == record.AttemptRunning:
				s.resumeChild(n)
			}
		case record.JobSucceeded, record.JobFailed, record.JobUpstreamFailed, record.JobSkipped, record.JobCancelled:
		}
	}
	if x.open == 0 {
		s.runs.complete = append(s.runs.complete, x)
	}
	s.propagate()
}

// misplaced finds a row that is not where its number says.
func misplaced(rows []record.Job) string {
	for i := range rows {
		if rows[i].Number != int32(i) {
			return fmt.Sprintf("job row %d has number %d", i, rows[i].Number)
		}
	}
	return ""
}

// filled puts rows where their numbers say. What is missing counts as skipped
// and is never written.
func filled(execution string, rows []record.Job) []record.Job {
	size := int32(0)
	for i := range rows {
		if n := rows[i].Number; n >= 0 && n < MaxJobs {
			size = max(size, n+1)
		}
	}
	list := make([]record.Job, size)
	for i := range list {
		list[i] = record.Job{Execution: execution, Number: int32(i), State: record.JobSkipped}
	}
	for i := range rows {
		if n := rows[i].Number; n >= 0 && n < size {
			list[n] = rows[i]
		}
	}
	return list
}

// ghost is a graph for rows whose flow cannot be had: their names, no edges.
// What of it runs can be killed and reported, nothing more.
func ghost(rows []record.Job) *Graph {
	b := dag.New[string](len(rows), 0)
	g := &Graph{
		jobs: make([]rule, len(rows)), onFailure: spec.FinishPossible,
		asks: []placement.Ask{{Strategy: placement.RoundRobin}},
	}
	g.askKeys = []string{g.asks[0].Key()}
	for i := range rows {
		name := rows[i].Name
		for _, added := b.Add(name); !added; _, added = b.Add(name) {
			name += strings.Repeat("'", i+1)
		}
		g.jobs[i] = rule{kind: spec.KindProcess, trigger: spec.AllSuccess, attempts: 1, pool: -1}
	}
	g.edges = b.Build()
	return g
}
