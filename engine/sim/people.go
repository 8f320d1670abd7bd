package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// rerunAfter is the opt-in of the jobs that have it.
const rerunAfter = 20 * second

// people apply, start, cancel and operate.
type people struct {
	w      *world
	rerun  map[string]bool // jobs with rerun_after, by name
	uids   map[spec.Address]string
	made   int
	asked  map[string]bool // starts that are not answered
	start  []string
	poison bool
	orders map[order]bool // overrides that somebody has asked for
}

// order is a value somebody wanted for an object, "" for the declared one.
type order struct {
	key   record.OverrideKey
	value string
}

func newPeople(w *world) *people {
	p := &people{w: w, rerun: map[string]bool{}, uids: map[spec.Address]string{}, asked: map[string]bool{}, orders: map[order]bool{}}
	p.apply()
	w.every(10*second, 40*second, p.apply)
	w.every(second, 6*second, func() { p.run(fmt.Sprintf("x%d", len(p.start))) })
	w.every(8*second, 30*second, p.cancel)
	w.every(2*second, 10*second, p.operate)
	w.every(3*second, 15*second, p.override)
	w.every(20*second, 60*second, func() {
		if w.store.clock < 20*second {
			w.store.clock += w.span(0, 8*second)
		}
	})
	w.every(30*second, 100*second, func() {
		w.note("no database")
		w.store.down = true
		w.after(w.span(100*ms, 12*second), func() { w.store.down = false })
	})
	if w.rng.IntN(4) == 0 {
		w.after(w.span(30*second, stormy-10*second), p.restore)
	}
	if w.rng.IntN(3) == 0 {
		w.after(w.span(5*second, stormy/2), func() { p.poison = true })
	}
	return p
}

// heal applies a revision without schedules, so that all can end.
func (p *people) heal() {
	last := p.w.store.revisions[p.w.store.head()-1]
	p.w.after(second, func() { p.w.store.apply(kernel.Adopt{Flows: last.Flows, Pools: last.Pools}, p.w.store.time()) })
	var look func()
	look = func() {
		p.operate()
		p.withdraw()
		p.w.after(5*second, look)
	}
	p.w.after(0, look)
	if p.w.store.restored {
		// What an agent has settled in its session it does not take again in the
		// same one, although a restored database wants it once more.
		p.w.after(300*second, func() {
			for _, h := range p.w.hosts {
				h.cutLink()
			}
		})
	}
}

// apply makes a new revision of random flows and schedules.
func (p *people) apply() {
	var a kernel.Adopt
	var below []spec.Address // what the next flow may start
	for _, name := range []string{"h", "g", "f"} {
		if p.w.rng.IntN(5) == 0 && p.w.store.head() > 0 {
			continue
		}
		f := p.flow(name, below)
		below = append(below, f.Address)
		g, err := kernel.Compile(f)
		if err != nil {
			p.w.fail("compile: %v", err)
			return
		}
		a.Flows = append(a.Flows, kernel.FlowDef{
			UID: p.uid(f.Address), Address: f.Address, Digest: spec.Digest(f.Canonical()), Graph: g,
		})
	}
	for _, name := range []string{"s", "t"} {
		address := spec.ScheduleAddress(name, "")
		if p.w.rng.IntN(4) == 0 {
			delete(p.uids, address) // the next of that name is another one
			continue
		}
		a.Schedules = append(a.Schedules, p.schedule(address))
	}
	a.Pools = []kernel.PoolDef{{UID: "u.pool", Address: "pool.w", Slots: 1 + p.w.rng.IntN(3)}}
	since := p.w.store.time()
	p.w.after(p.w.span(0, 200*ms), func() { p.w.store.apply(a, since) })
}

// uid is kept as long as an object lives.
func (p *people) uid(address spec.Address) string {
	if p.uids[address] == "" {
		p.made++
		p.uids[address] = fmt.Sprintf("u%d.%s", p.made, address)
	}
	return p.uids[address]
}

func (p *people) schedule(address spec.Address) kernel.ScheduleDef {
	every := time.Duration(2+p.w.rng.IntN(20)) * time.Second
	timetable := cron.Spec{Every: every}
	params := `{}`
	if p.w.rng.IntN(3) == 0 {
		away := []string{"2026-03-01", "2026-03-02"}[p.w.rng.IntN(2)]
		timetable.Exclude, params = []string{away}, `{"away":"`+away+`"}`
	}
	table, err := cron.Compile(timetable)
	if err != nil {
		p.w.fail("compile: %v", err)
	}
	return kernel.ScheduleDef{
		UID: p.uid(address), Address: address, Flow: []spec.Address{"flow.f", "flow.g"}[p.w.rng.IntN(2)], Timetable: table,
		Zone: "UTC", Misfire: []spec.Misfire{"", spec.MisfireAll, spec.MisfireSkip}[p.w.rng.IntN(3)],
		Overlap: []spec.WhenFull{"", spec.WhenFullSkip}[p.w.rng.IntN(2)], Paused: p.w.rng.IntN(6) == 0,
		Params: []byte(params),
	}
}

// maxRunning is the concurrency of every flow.
const maxRunning = 3

// rules are the triggers of random jobs: the usual one most of the time.
var rules = []spec.Trigger{
	"", "", "", "", "", "", spec.AllSuccess, spec.AllFailed, spec.AllDone, spec.AllDone, spec.AllDoneMinOneSuccess, spec.AllSkipped, spec.OneSuccess, spec.OneFailed,
	spec.OneDone, spec.NoneFailed, spec.NoneFailedMinOneSuccess, spec.NoneSkipped, spec.Always,
}

// flow makes one whose jobs may start the flows below it.
func (p *people) flow(name string, below []spec.Address) *spec.Flow {
	rng := p.w.rng
	f := &spec.Flow{
		Address:     spec.FlowAddress(name, ""),
		OnFailure:   []spec.OnFailure{"", spec.FinishRunning, spec.CancelRunning}[rng.IntN(3)],
		Concurrency: &spec.Concurrency{Max: maxRunning, QueueMax: 5, WhenFull: []spec.WhenFull{"", "", spec.WhenFullReplace, spec.WhenFullSkip}[rng.IntN(4)]},
	}
	for i := range 1 + rng.IntN(5) {
		j := &spec.Job{
			Name: fmt.Sprintf("j%d", i), Type: "t",
			Kind:    []spec.Kind{"", "", "", "", spec.KindInstant, spec.KindTimer}[rng.IntN(6)],
			Trigger: rules[rng.IntN(len(rules))],
			OnLost:  []spec.OnLost{spec.LostRerun, spec.LostRerun, spec.LostFail}[rng.IntN(3)],
		}
		if len(below) > 0 && rng.IntN(4) == 0 {
			j.Kind, j.Flow = spec.KindFlow, below[rng.IntN(len(below))]
			if rng.IntN(3) == 0 {
				j.Timeout = spec.Duration(p.w.span(second, 20*second))
			}
		}
		for up := range i {
			if rng.IntN(2) == 0 {
				j.Upstreams = append(j.Upstreams, fmt.Sprintf("j%d", up))
			}
		}
		if rng.IntN(2) == 0 {
			delay := spec.Duration(p.w.span(0, 3*second))
			j.Retry = &spec.Retry{Attempts: 2 + rng.IntN(2), Delay: &delay}
		}
		if rng.IntN(4) == 0 && j.Kind == "" {
			j.Pool = "pool.w"
		}
		if rng.IntN(5) == 0 {
			j.OnCancel = "run"
		}
		if rng.IntN(5) == 0 && j.Kind != spec.KindFlow {
			j.Name += "r"
			j.RerunAfter = spec.Duration(rerunAfter)
			p.rerun[j.Name] = true
		}
		f.Jobs = append(f.Jobs, j)
	}
	if rng.IntN(2) == 0 {
		f.Outputs = []*spec.FlowOutput{{Name: "n", Type: spec.Type(`"number"`), Value: &spec.Value{Expr: "1"}}}
	}
	for _, j := range f.Jobs {
		for i, up := range j.Upstreams {
			if !slices.ContainsFunc(f.Jobs, func(o *spec.Job) bool { return o.Name == up }) {
				j.Upstreams[i] = up + "r"
			}
		}
	}
	return f
}

// run asks masters for an execution until one has answered.
func (p *people) run(id string) {
	if !p.asked[id] {
		p.start = append(p.start, id)
		p.asked[id] = true
	}
	if p.poison {
		p.poison = false
		p.w.store.poison = id
	}
	address := []spec.Address{"flow.f", "flow.g", "flow.h"}[len(id)%3]
	answered := false
	m := p.w.masters[p.w.rng.IntN(len(p.w.masters))]
	called := m.call(func(reply kernel.ReplyID) kernel.Event {
		return kernel.Start{Reply: reply, ID: id, ProjectUID: projectUID, Flow: address, By: "ann"}
	}, func(r kernel.Reply) {
		answered = true
		delete(p.asked, id) // there, or refused
	})
	p.w.after(p.w.span(second, 4*second), func() {
		if _, known := p.w.store.rows.executions[id]; known {
			delete(p.asked, id)
		}
		if !called || !answered && p.asked[id] {
			p.run(id)
		}
	})
}

func (p *people) cancel() {
	if len(p.start) == 0 {
		return
	}
	id := p.start[max(0, len(p.start)-1-p.w.rng.IntN(4))]
	if children := p.children(); len(children) > 0 && p.w.rng.IntN(3) == 0 {
		id = children[p.w.rng.IntN(len(children))]
	}
	m := p.w.masters[p.w.rng.IntN(len(p.w.masters))]
	m.call(func(reply kernel.ReplyID) kernel.Event {
		return kernel.Cancel{Reply: reply, Execution: id, By: "ann"}
	}, func(kernel.Reply) {})
}

// children are the live executions that others have started.
func (p *people) children() (list []string) {
	for _, id := range sorted(p.w.store.rows.executions) {
		if x := p.w.store.rows.executions[id]; x.Parent != "" && !x.State.Terminal() {
			list = append(list, id)
		}
	}
	return list
}

// override pauses, resumes and resizes something.
func (p *people) override() {
	if p.w.store.head() == 0 {
		return
	}
	last := p.w.store.revisions[p.w.store.head()-1]
	ev := kernel.Override{ProjectUID: projectUID, Field: record.FieldPaused, By: "ann"}
	ev.Value = []string{"true", "false", ""}[p.w.rng.IntN(3)]
	var uid string
	switch pick := p.w.rng.IntN(3); {
	case pick == 0 && len(last.Schedules) > 0:
		def := last.Schedules[p.w.rng.IntN(len(last.Schedules))]
		ev.Object, uid = def.Address, def.UID
	case pick == 1 && len(last.Flows) > 0:
		def := last.Flows[p.w.rng.IntN(len(last.Flows))]
		ev.Object, uid = def.Address, def.UID
	default:
		ev.Object, uid, ev.Field = "pool.w", "u.pool", record.FieldSlots
		ev.Value = []string{"", "0", "1", "2", "3", "4"}[p.w.rng.IntN(6)]
	}
	p.order(ev, uid)
}

func (p *people) order(ev kernel.Override, uid string) {
	p.orders[order{record.OverrideKey{ObjectUID: uid, Field: ev.Field}, ev.Value}] = true
	for _, m := range p.w.masters {
		if m.call(func(reply kernel.ReplyID) kernel.Event {
			ev.Reply = reply
			return ev
		}, func(kernel.Reply) {}) {
			p.w.note("%s of %s shall be %q", ev.Field, ev.Object, ev.Value)
			return
		}
	}
}

// withdraw takes every override back, so that all can end.
func (p *people) withdraw() {
	for _, key := range overrideKeys(p.w.store.rows.overrides) {
		o := p.w.store.rows.overrides[key]
		p.order(kernel.Override{ProjectUID: projectUID, Object: spec.Address(o.Object), Field: o.Field, By: "ann"}, o.ObjectUID)
	}
}

// operate decides about agents, truthfully: only what is off is declared dead.
func (p *people) operate() {
	for _, h := range p.w.hosts {
		verb := ""
		row := p.w.store.rows.agents[h.uid]
		switch {
		case row.State == record.AgentQuarantined:
			verb = "release"
			if p.w.rng.IntN(2) == 0 && h.down {
				verb = "declare-dead"
			}
		case row.State == record.AgentUnreachable && h.down && h.gone:
			verb = "declare-dead"
		case row.Draining:
			verb = "undrain"
		case p.w.chance(2):
			verb = "drain"
		}
		if verb == "" {
			continue
		}
		m := p.w.masters[p.w.rng.IntN(len(p.w.masters))]
		if m.call(func(reply kernel.ReplyID) kernel.Event {
			return kernel.Operate{Reply: reply, Agent: h.uid, Verb: verb, By: "ann"}
		}, func(kernel.Reply) {}) {
			p.w.note("%s: %s", verb, h.name)
		}
	}
	p.goOn()
}

// goOn ends the waiting for agents after a restored database, once those that
// can come have had time to.
func (p *people) goOn() {
	if !p.w.calm || !p.w.store.restored {
		return
	}
	for _, m := range p.w.masters {
		m.call(func(reply kernel.ReplyID) kernel.Event {
			return kernel.Operate{Reply: reply, Verb: "go", By: "ann"}
		}, func(kernel.Reply) {})
	}
}

// restore puts a backup in place. All masters have to start again. It is one
// from before the last take-over: the epochs tell no other from the database
// that was lost.
func (p *people) restore() {
	s := p.w.store
	if p.w.calm {
		return
	}
	seen := int64(0)
	for _, h := range p.w.hosts {
		seen = max(seen, h.highest)
	}
	for _, back := range slices.Backward(s.copies) {
		if back.epoch < seen && p.w.rng.IntN(2) == 0 {
			for _, m := range p.w.masters {
				m.crash()
			}
			s.restore(back.copy())
			return
		}
	}
}
