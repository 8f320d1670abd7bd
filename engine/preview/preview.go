// Package preview tells what a change does to what is scheduled and running, by
// asking the kernel: the live set is restored into two States of their own, the
// new revision is adopted by one of them, and the effects are read off the rows of
// both.
//
// It promises that a plan shows what the master will do, because it is the same
// code that does it. It is pure: rows, revisions and the time are arguments, and
// nothing it finds leaves it but as an Impact.
package preview

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// Input is the world before a change, and the change.
type Input struct {
	Now    record.Time
	Before kernel.Adopt // what is deployed; without ProjectUID when nothing is
	After  kernel.Adopt // what shall be
	// Touched holds the uids of all objects that come, change or go, and of
	// schedules whose calendar does. Nothing else is looked at, so that the cost
	// follows the change.
	Touched   map[string]bool
	Live      []record.Execution // of the touched flows, those that have not ended
	Cursors   []record.Cursor    // of the touched schedules
	Overrides []record.Override  // of the project
	PoolUse   map[string]int32   // slots in use by pool uid
	// History counts, by uid, the executions of flows that go; at most MaxHistory.
	History map[string]int
}

// MaxHistory is how far a history that is left behind is counted.
const MaxHistory = 1000

// Of returns the impact of a change.
func Of(in Input) (planner.Impact, error) {
	without, err := in.play(kernel.Tick{})
	if err != nil {
		return planner.Impact{}, fmt.Errorf("preview: %w", err)
	}
	with, err := in.play(in.adopted())
	if err != nil {
		return planner.Impact{}, fmt.Errorf("preview: %w", err)
	}
	impact := planner.Impact{
		Schedules: in.schedules(without, with), Executions: in.executions(without, with),
		Pools: in.pools(without, with), Orphans: in.orphans(),
	}
	impact.Kinds = kinds(&impact, len(with.ended) > len(without.ended))
	impact.Omitted = over(&impact.Schedules) + over(&impact.Executions) + over(&impact.Pools) + over(&impact.Orphans)
	return impact, nil
}

// kinds are the effects that a reviewer must have seen.
func kinds(impact *planner.Impact, ends bool) []planner.Effect {
	set := map[planner.Effect]bool{planner.OrphansHistory: len(impact.Orphans) > 0, planner.EndsOverride: ends}
	for _, p := range impact.Pools {
		set[planner.FreesPool] = set[planner.FreesPool] || p.Gone
		set[planner.ExceedsPool] = set[planner.ExceedsPool] || !p.Gone
	}
	for _, e := range impact.Executions {
		set[planner.CancelsQueued] = set[planner.CancelsQueued] || e.Fate == planner.Cancelled
	}
	for _, s := range impact.Schedules {
		for _, p := range s.Passed {
			set[planner.FiresMissed] = set[planner.FiresMissed] || p.What == ran
			set[planner.SkipsMissed] = set[planner.SkipsMissed] || p.Was == ran && p.What != ran
		}
	}
	var list []planner.Effect
	for kind, there := range set {
		if there {
			list = append(list, kind)
		}
	}
	slices.Sort(list)
	return list
}

// over cuts a list to what a plan shows and returns how much it was too long.
func over[T any](list *[]T) int {
	n := max(0, len(*list)-planner.MaxImpact)
	*list = (*list)[:len(*list)-n]
	return n
}

// standIn is the digest under which one job that takes its time stands in for
// all the jobs of an execution.
const standIn = "stand-in"

// snapshot is what the kernel is restored from. Adopting a revision never
// touches the jobs of what runs, and their rows are many; so each execution that
// runs gets one job that goes on, which keeps its place in the flow's limit.
func (in *Input) snapshot() (kernel.Snapshot, error) {
	graph, err := kernel.Compile(&spec.Flow{Jobs: []*spec.Job{{Name: standIn, Type: standIn, Kind: spec.KindTimer}}})
	if err != nil {
		return kernel.Snapshot{}, err
	}
	live := record.Live{
		Now:        in.Now,
		Executions: slices.Clone(in.Live),
		Cursors:    in.Cursors,
		Overrides:  in.overrides(),
		Adopted:    []record.Adopted{{ProjectUID: in.Before.ProjectUID, Revision: in.Before.Revision}},
	}
	for i := range live.Executions {
		e := &live.Executions[i]
		e.FlowDigest = standIn // what started it has no attempt here, so that nothing follows for that
		if e.State == record.Running {
			live.Jobs = append(live.Jobs, record.Job{
				Execution: e.ID, Name: standIn, State: record.JobActive, Waiting: record.WaitingTimer,
				NextAt: math.MaxInt64, StartedAt: e.StartedAt,
			})
		}
	}
	snap := kernel.Snapshot{Live: live, Graphs: map[string]*kernel.Graph{standIn: graph}}
	if in.Before.ProjectUID != "" {
		before := in.Before
		before.Schedules = in.touched(before.Schedules)
		snap.Projects = []kernel.Adopt{before}
	}
	return snap, nil
}

// touched are the schedules that the change is about: what becomes of the others
// is the same with it and without.
func (in *Input) touched(list []kernel.ScheduleDef) []kernel.ScheduleDef {
	var out []kernel.ScheduleDef
	for _, def := range list {
		if in.Touched[def.UID] {
			out = append(out, def)
		}
	}
	return out
}

// overrides are those of what is there: that of a schedule which is left out would be
// taken for one that ends.
func (in *Input) overrides() []record.Override {
	out := map[string]bool{}
	for _, def := range in.Before.Schedules {
		out[def.UID] = !in.Touched[def.UID]
	}
	return slices.DeleteFunc(slices.Clone(in.Overrides), func(o record.Override) bool { return out[o.ObjectUID] })
}

// adopted is the new revision, as if it were applied now.
func (in *Input) adopted() kernel.Adopt {
	after := in.After
	after.EffectiveFrom = max(in.Now, in.Before.EffectiveFrom+1)
	after.Schedules = in.touched(after.Schedules)
	return after
}

// future is what the kernel makes of the world.
type future struct {
	first     kernel.Look // before the event
	last      kernel.Look
	cancelled map[string]bool               // executions
	started   map[string]bool               // the same
	decided   map[string][]planner.Instants // by schedule, in the order of time
	ended     []record.OverrideKey
}

// play restores the world, lets the event happen now and reads what follows.
func (in *Input) play(event kernel.Event) (future, error) {
	f := future{cancelled: map[string]bool{}, started: map[string]bool{}, decided: map[string][]planner.Instants{}}
	snapshot, err := in.snapshot()
	if err != nil {
		return f, err
	}
	state, err := kernel.Restore(kernel.Limits{}, snapshot)
	if err != nil {
		return f, err
	}
	f.first = state.Look(in.After.ProjectUID)
	if err := state.Step(in.Now, event); err != nil {
		return f, err
	}
	for ready, ok := state.Ready(); ok; ready, ok = state.Ready() {
		f.read(&ready.Rows)
		state.Advance(ready.Serial)
	}
	f.last = state.Look(in.After.ProjectUID)
	return f, nil
}

func (f *future) read(rows *record.Batch) {
	for _, e := range rows.Executions {
		f.cancelled[e.ID] = f.cancelled[e.ID] || e.State == record.ExecutionCancelled
		f.started[e.ID] = f.started[e.ID] || e.State == record.Running
	}
	for _, d := range rows.Fires {
		what := ran
		if d.Decision == record.Skipped {
			what = skipped
		}
		f.add(d.ScheduleUID, what, d.Reason, 1, d.Instant, d.Instant)
	}
	for _, r := range rows.Ranges {
		f.add(r.ScheduleUID, skipped, r.Reason, r.Count, r.From, r.To)
	}
	f.ended = append(f.ended, rows.OverridesGone...)
}

func (f *future) add(uid, what string, reason record.Reason, count int64, from, to record.Time) {
	f.decided[uid] = append(f.decided[uid], planner.Instants{What: what, Reason: string(reason), Count: count, First: utc(from), Last: utc(to)})
}

func utc(at record.Time) string { return time.UnixMicro(int64(at)).UTC().Format(time.RFC3339) }

func (in *Input) executions(without, with future) []planner.ExecutionImpact {
	paused := in.paused(with)
	var list []planner.ExecutionImpact
	for i := range in.Live {
		e := &in.Live[i]
		impact := planner.ExecutionImpact{
			ID: e.ID, Flow: spec.Address(e.Flow), State: string(e.State), Revision: e.Revision,
			Origin: string(e.Origin), ScheduledFor: utc(e.ScheduledFor), Fate: planner.Finishes,
		}
		switch {
		case with.cancelled[e.ID] && !without.cancelled[e.ID]:
			impact.Fate = planner.Cancelled
		case with.started[e.ID] && !without.started[e.ID]:
			impact.Fate = planner.StartsNow
		case e.State == record.Queued && paused[e.FlowUID]:
			impact.Fate = planner.Held
		case e.State == record.Queued:
			impact.Fate = planner.Starts
		}
		list = append(list, impact)
	}
	slices.SortFunc(list, func(a, b planner.ExecutionImpact) int {
		return cmp.Or(
			cmp.Compare(fateOrder(a.Fate), fateOrder(b.Fate)),
			strings.Compare(string(a.Flow), string(b.Flow)),
			strings.Compare(a.ID, b.ID),
		)
	})
	return list
}

// paused are the flows, by uid, that an operator holds after the change, too.
func (in *Input) paused(with future) map[string]bool {
	uids := map[string]bool{}
	for _, o := range in.Overrides {
		key := record.OverrideKey{ObjectUID: o.ObjectUID, Field: o.Field}
		if o.Field == record.FieldPaused && o.Value == "true" && !slices.Contains(with.ended, key) {
			uids[o.ObjectUID] = true
		}
	}
	return uids
}

// fateOrder puts first what must not be cut off.
func fateOrder(f planner.Fate) int {
	if f == planner.Cancelled {
		return 0
	}
	return 1
}

// pools are those that get smaller than what is in use of them, and those that go
// although somebody still means to use them.
func (in *Input) pools(without, with future) []planner.PoolImpact {
	var list []planner.PoolImpact
	for _, p := range in.Before.Pools {
		if !in.Touched[p.UID] {
			continue
		}
		after, stays := with.last.Slots[p.UID]
		impact := planner.PoolImpact{
			Address: p.Address, InUse: int(in.PoolUse[p.UID]), Before: int(without.last.Slots[p.UID]), After: int(after), Gone: !stays,
		}
		if impact.Gone {
			impact.Users = in.users(p.Address)
		}
		if impact.Gone && impact.InUse+impact.Users > 0 || !impact.Gone && after < int32(impact.Before) && impact.InUse > impact.After {
			list = append(list, impact)
		}
	}
	slices.SortFunc(list, func(a, b planner.PoolImpact) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return list
}

// users counts the live executions of flows that use a pool by what is deployed.
func (in *Input) users(pool spec.Address) int {
	flows := map[string]bool{}
	for _, f := range in.Before.Flows {
		for job := range int32(f.Graph.Len()) {
			if name, _ := f.Graph.Pool(job); name == pool {
				flows[f.UID] = true
			}
		}
	}
	n := 0
	for i := range in.Live {
		if flows[in.Live[i].FlowUID] {
			n++
		}
	}
	return n
}

// orphans are the flows that go and have run.
func (in *Input) orphans() []planner.Orphan {
	kept := map[string]bool{}
	for _, f := range in.After.Flows {
		kept[f.UID] = true
	}
	var list []planner.Orphan
	for _, f := range in.Before.Flows {
		if n := in.History[f.UID]; n > 0 && !kept[f.UID] {
			list = append(list, planner.Orphan{Address: f.Address, UID: f.UID, Executions: n, More: n >= MaxHistory})
		}
	}
	slices.SortFunc(list, func(a, b planner.Orphan) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return list
}
