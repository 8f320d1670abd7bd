package kernel

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

var allTriggers = []spec.Trigger{
	spec.AllSuccess, spec.AllFailed, spec.AllDone, spec.AllDoneMinOneSuccess, spec.AllSkipped, spec.OneSuccess,
	spec.OneFailed, spec.OneDone, spec.NoneFailed, spec.NoneFailedMinOneSuccess, spec.NoneSkipped, spec.Always,
}

func randomFlow(t *rapid.T, name string) *spec.Flow {
	f := &spec.Flow{
		Address:   spec.FlowAddress(name, ""),
		OnFailure: rapid.SampledFrom([]spec.OnFailure{"", spec.FinishRunning, spec.CancelRunning}).Draw(t, "on_failure"),
	}
	if rapid.Bool().Draw(t, "limited") {
		f.Concurrency = &spec.Concurrency{
			Max:      rapid.IntRange(1, 2).Draw(t, "max"),
			QueueMax: rapid.IntRange(1, 2).Draw(t, "queue_max"),
			WhenFull: rapid.SampledFrom([]spec.WhenFull{"", spec.WhenFullSkip, spec.WhenFullReplace}).Draw(t, "when_full"),
		}
	}
	for i := range rapid.IntRange(1, 9).Draw(t, "jobs") {
		j := &spec.Job{
			Name:     fmt.Sprintf("j%d", i),
			Kind:     rapid.SampledFrom([]spec.Kind{spec.KindProcess, spec.KindProcess, spec.KindInstant, spec.KindTimer}).Draw(t, "kind"),
			Trigger:  rapid.SampledFrom(allTriggers).Draw(t, "trigger"),
			Priority: rapid.IntRange(-1, 1).Draw(t, "priority"),
		}
		if rapid.Bool().Draw(t, "default trigger") {
			j.Trigger = ""
		}
		if rapid.IntRange(0, 3).Draw(t, "when") == 0 {
			j.When = &spec.Value{Expr: "true"}
		}
		for up := range i {
			if rapid.IntRange(0, 2).Draw(t, "edge") == 0 {
				j.Upstreams = append(j.Upstreams, fmt.Sprintf("j%d", up))
			}
		}
		if rapid.Bool().Draw(t, "retry") {
			delay := spec.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * spec.Second
			j.Retry = &spec.Retry{Attempts: rapid.IntRange(1, 3).Draw(t, "attempts"), Delay: &delay}
		}
		if rapid.Bool().Draw(t, "pool") {
			j.Pool, j.PoolSlots = spec.PoolAddress("w", ""), rapid.IntRange(1, 3).Draw(t, "slots")
		}
		j.AllowFailure = rapid.IntRange(0, 3).Draw(t, "allow_failure") == 0
		if rapid.IntRange(0, 3).Draw(t, "on_cancel") == 0 {
			j.OnCancel = "run"
		}
		f.Jobs = append(f.Jobs, j)
	}
	return f
}

// host is one agent as the kernel's promises see it: a journal that remembers
// tokens, and processes.
type host struct {
	name    string
	session int64
	seq     int64
	tokens  map[string]*hostToken
	order   []string
}

type hostToken struct {
	started, ended bool
	report         Report
}

// randomWorld lets everything happen in any order.
type randomWorld struct {
	*world
	rt    *rapid.T
	hosts []*host
	taken int // orders and kills delivered so far
	acked int
	forks map[string]int
	ids   []string
}

func (r *randomWorld) deliver() {
	for ; r.taken < len(r.orders); r.taken++ {
		o := r.orders[r.taken]
		for _, h := range r.hosts {
			if o.Agent != "uid."+h.name || o.Session != h.session || h.tokens[o.Token] != nil {
				continue
			}
			h.seq++
			h.tokens[o.Token] = &hostToken{}
			h.order = append(h.order, o.Token)
		}
	}
	for ; r.acked < len(r.acks); r.acked++ {
		a := r.acks[r.acked]
		for _, h := range r.hosts {
			if a.Agent == "uid."+h.name && a.Session == h.session && a.Ended {
				delete(h.tokens, a.Token)
			}
		}
	}
	for _, k := range r.kills {
		for _, h := range r.hosts {
			if t := h.tokens[k.Token]; t != nil && !t.ended {
				t.ended = true
				t.report = Report{Token: k.Token, Ended: true, Outcome: record.OutcomeCancelled, Signal: "SIGKILL"}
			}
		}
	}
	r.kills = nil
}

func (r *randomWorld) connect(h *host) {
	row := r.identity(h.name, 2)
	row.JournalSeq = h.seq
	r.step(Register{Reply: 1, Agent: row})
	last := r.replies[len(r.replies)-1]
	if last.Err != nil {
		r.rt.Fatal(last.Err)
	}
	h.session = last.Session
	var tokens []TokenState
	for _, token := range h.order {
		if t := h.tokens[token]; t != nil {
			tokens = append(tokens, TokenState{Token: token, Started: t.started || t.ended})
		}
	}
	r.step(Reconcile{Agent: "uid." + h.name, Session: h.session, Tokens: tokens})
	r.tell(h)
}

// tell repeats all results that are not acknowledged.
func (r *randomWorld) tell(h *host) {
	var list []Report
	for _, token := range h.order {
		if t := h.tokens[token]; t != nil && t.ended {
			list = append(list, t.report)
		}
	}
	r.step(Reports{Agent: "uid." + h.name, Session: h.session, List: list})
	r.deliver()
}

// act lets a process start or end.
func (r *randomWorld) act(h *host) {
	var open []string
	for _, token := range h.order {
		if t := h.tokens[token]; t != nil && !t.ended {
			open = append(open, token)
		}
	}
	if len(open) == 0 {
		return
	}
	token := rapid.SampledFrom(open).Draw(r.rt, "token")
	t := h.tokens[token]
	if !t.started {
		t.started = true
		r.forks[token]++
		if r.forks[token] > 1 {
			r.rt.Fatalf("token %s forked twice", token)
		}
		r.step(Reports{Agent: "uid." + h.name, Session: h.session, List: []Report{{Token: token, StartedAt: r.at}}})
		return
	}
	t.ended = true
	t.report = Report{Token: token, Ended: true, StartedAt: r.at, EndedAt: r.at}
	t.report.Outcome = rapid.SampledFrom([]record.Outcome{
		record.OutcomeSucceeded, record.OutcomeSucceeded, record.OutcomeFailed, record.OutcomeLost, record.OutcomeTimeout, "odd",
	}).Draw(r.rt, "outcome")
	r.tell(h)
}

// TestRandomWorlds lets flows of any shape run among failing agents, cancels,
// applies and restored masters, and checks after each step what must always
// hold, and that all ends when everything is left alone.
func TestRandomWorlds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &randomWorld{rt: rt, forks: map[string]int{}}
		r.world = newWorld(t, Limits{BatchRows: rapid.SampledFrom([]int{1, 4, 1000}).Draw(rt, "batch")})
		r.answer = r.prepare
		r.adoptRandom()
		for i := range 2 {
			h := &host{name: fmt.Sprintf("h%d", i), seq: 1, tokens: map[string]*hostToken{}}
			r.hosts = append(r.hosts, h)
			r.connect(h)
		}
		for range rapid.IntRange(10, 60).Draw(rt, "steps") {
			r.something()
			r.deliver()
			r.check()
		}
		r.heal()
	})
}

func (r *randomWorld) prepare(p Prepare) Prepared {
	answer := Prepared{Key: p.Key, N: p.N, Task: []byte("{}"), Wait: spec.Duration(len(p.Key.Execution)) * spec.Second}
	for _, u := range p.Upstreams {
		if !u.State.Terminal() {
			r.rt.Fatalf("prepare of %v shows %s as %s", p.Key, u.Name, u.State)
		}
	}
	switch rapid.IntRange(0, 9).Draw(r.rt, "prepare") {
	case 0:
		answer.Fault, answer.Error = record.ReasonExpression, "no"
	case 1:
		answer.Skip = true
	}
	return answer
}

func (r *randomWorld) adoptRandom() {
	var flows []*spec.Flow
	for _, name := range []string{"f", "g"} {
		if len(r.ids) == 0 || rapid.IntRange(0, 3).Draw(r.rt, "keep") > 0 {
			flows = append(flows, randomFlow(r.rt, name))
		}
	}
	r.adopt(flows, withPool("w", rapid.IntRange(1, 3).Draw(r.rt, "pool")))
}

func (r *randomWorld) something() {
	h := rapid.SampledFrom(r.hosts).Draw(r.rt, "host")
	switch rapid.IntRange(0, 14).Draw(r.rt, "what") {
	case 0, 1:
		id := fmt.Sprintf("x%d", len(r.ids))
		err := r.try(Start{Reply: 1, ID: id, ProjectUID: "p", Flow: spec.FlowAddress(rapid.SampledFrom([]string{"f", "g"}).Draw(r.rt, "flow"), "")})
		if err == nil {
			r.ids = append(r.ids, id)
		}
	case 2:
		if len(r.ids) > 0 {
			r.try(Cancel{Execution: rapid.SampledFrom(r.ids).Draw(r.rt, "id")})
		}
	case 3:
		r.tick(record.Time(rapid.IntRange(0, 20).Draw(r.rt, "seconds")) * second)
	case 4:
		r.restore()
		for _, h := range r.hosts {
			h.session = 0
		}
	case 5:
		r.connect(h)
	case 6:
		r.adoptRandom()
	case 7:
		verb := rapid.SampledFrom([]string{"drain", "undrain", "release"}).Draw(r.rt, "verb")
		r.try(Operate{Agent: h.name, Verb: verb})
	case 8:
		if len(r.ids) > 0 {
			id := rapid.SampledFrom(r.ids).Draw(r.rt, "id")
			r.try(Bury{Letter: record.DeadLetter{ID: "n" + id + fmt.Sprint(len(r.db.letters)), Execution: id}})
		}
	case 9:
		r.tell(h)
	default:
		r.act(h)
	}
}

// check looks at the committed rows, and at the counters against a slow count.
func (r *randomWorld) check() {
	byExecution := map[string][]record.Job{}
	for key, j := range r.db.jobs {
		byExecution[key.Execution] = append(byExecution[key.Execution], j)
	}
	for id, jobs := range byExecution {
		slices.SortFunc(jobs, func(a, b record.Job) int { return int(a.Number - b.Number) })
		g := r.graphs[r.db.executions[id].FlowDigest]
		for i := range jobs {
			var ups []record.JobState
			for _, up := range g.Upstreams(int32(i)) {
				ups = append(ups, jobs[up].State)
			}
			if why := contradicts(g.Trigger(int32(i)), ups, jobs[i]); why != "" {
				r.rt.Fatalf("%s: %s with upstreams %v: %s", jobs[i].Name, jobs[i].State, ups, why)
			}
		}
	}
	r.checkUse()
}

// checkUse counts slots and pools the slow way.
func (r *randomWorld) checkUse() {
	agents, pools := map[string]int32{}, map[string]int32{}
	for _, a := range r.db.attempts {
		waits := r.db.jobs[JobKey{a.Execution, a.Number, a.MapKey}].State == record.JobReady
		if a.State != record.Ended && !waits {
			agents[a.AgentUID]++
			pools[a.PoolUID] += a.PoolSlots
		}
	}
	for uid, a := range r.s.fleet.byUID {
		if a.place.Used != agents[uid] || len(a.live) != int(agents[uid]) {
			r.rt.Fatalf("agent %s counts %d used, %d live; %d attempts are there", uid, a.place.Used, len(a.live), agents[uid])
		}
		if a.place.Used > a.Slots {
			r.rt.Fatalf("agent %s has %d attempts in %d slots", uid, a.place.Used, a.Slots)
		}
	}
	for uid, p := range r.s.queue.pools {
		if p.used != pools[uid] {
			r.rt.Fatalf("pool %s counts %d used, attempts take %d", uid, p.used, pools[uid])
		}
	}
}

// contradicts is the slow twin of verdict: what must be true of a job's
// upstreams, given where the job is. Each of these facts, once true, stays.
func contradicts(rule spec.Trigger, ups []record.JobState, j record.Job) string {
	n := len(ups)
	var ok, bad, skipped, done, failed int
	for _, u := range ups {
		switch u {
		case record.JobSucceeded:
			ok++
		case record.JobFailed, record.JobCancelled:
			bad++
			failed++
		case record.JobUpstreamFailed:
			bad++
		case record.JobSkipped:
			skipped++
		default:
		}
		if u.Terminal() {
			done++
		}
	}
	run := n == 0 || map[spec.Trigger]bool{
		spec.AllSuccess: ok == n, spec.AllFailed: bad == n, spec.AllDone: done == n,
		spec.AllDoneMinOneSuccess: done == n && skipped == 0 && ok > 0, spec.AllSkipped: skipped == n,
		spec.OneSuccess: ok > 0, spec.OneFailed: bad > 0, spec.OneDone: ok+failed > 0, spec.NoneFailed: ok+skipped == n,
		spec.NoneFailedMinOneSuccess: ok+skipped == n && ok > 0, spec.NoneSkipped: done == n && skipped == 0,
		spec.Always: true,
	}[rule]
	upstreamFailed := n > 0 && map[spec.Trigger]bool{
		spec.AllSuccess: bad > 0, spec.OneSuccess: done == n && ok == 0 && skipped < n, spec.NoneFailed: bad > 0,
		spec.NoneFailedMinOneSuccess: bad > 0, spec.AllDoneMinOneSuccess: done == n && skipped == 0 && ok == 0,
	}[rule]
	skip := n > 0 && map[spec.Trigger]bool{
		spec.AllSuccess: skipped > 0, spec.AllFailed: ok+skipped > 0, spec.AllSkipped: ok+bad > 0,
		spec.OneSuccess: skipped == n, spec.OneFailed: done == n && bad == 0, spec.OneDone: done == n && ok+failed == 0,
		spec.NoneFailedMinOneSuccess: skipped == n, spec.NoneSkipped: skipped > 0, spec.AllDoneMinOneSuccess: skipped > 0,
	}[rule]
	switch j.State {
	case record.JobWaiting:
		if run || upstreamFailed || skip {
			return "it waits although its rule is decided"
		}
	case record.JobUpstreamFailed:
		if !upstreamFailed {
			return "its rule does not say so"
		}
	case record.JobSkipped:
		if !skip && j.Reason != record.ReasonWhen {
			return "its rule does not say so"
		}
	case record.JobReady, record.JobActive, record.JobRetryWait, record.JobSucceeded, record.JobFailed:
		if !run {
			return "its rule does not allow it"
		}
	case record.JobCancelled:
	}
	return ""
}

// heal lets everything go well and demands that all ends.
func (r *randomWorld) heal() {
	r.answer = func(p Prepare) Prepared { return Prepared{Key: p.Key, N: p.N, Task: []byte("{}")} }
	for _, h := range r.hosts {
		r.try(Operate{Agent: h.name, Verb: "release"})
		r.try(Operate{Agent: h.name, Verb: "undrain"})
		r.connect(h)
	}
	for range 400 {
		for _, h := range r.hosts {
			for token, t := range h.tokens {
				if !t.started {
					r.forks[token]++
				}
				if r.forks[token] > 1 {
					r.rt.Fatalf("token %s forked twice", token)
				}
				if !t.ended {
					t.started, t.ended = true, true
					t.report = Report{Token: token, Ended: true, Outcome: record.OutcomeSucceeded}
				}
			}
			r.tell(h)
		}
		r.tick(5 * second)
		r.deliver()
		r.check()
		if len(r.s.runs.live) == 0 {
			break
		}
	}
	for _, id := range r.ids {
		if !r.db.executions[id].State.Terminal() || !r.db.finished[id] {
			r.rt.Fatalf("never ends: %s, %+v", r.states(id), r.s.NextWake())
		}
	}
	if f := &r.s.fleet; len(f.attempts) > 0 || len(r.s.runs.lines) > 0 || len(r.s.runs.live) > 0 {
		r.rt.Fatalf("left in memory: %d attempts, %d lines, %d executions", len(f.attempts), len(r.s.runs.lines), len(r.s.runs.live))
	}
}
