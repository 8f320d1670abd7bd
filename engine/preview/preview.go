// Package preview tells what a change does to what is scheduled and running, by
// asking the kernel: the live executions are restored into a State of their own,
// the new revision is adopted, and the effects are read off its rows.
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

// Fires is how many next fires of a schedule are shown.
const Fires = 5

// Input is the world before a change, and the change.
type Input struct {
	Now    record.Time
	Before kernel.Adopt // what is deployed; without ProjectUID when nothing is
	After  kernel.Adopt // what shall be
	// Touched holds the uids of all objects that come, change or go. Nothing
	// else is looked at, so that the cost follows the change.
	Touched map[string]bool
	Live    []record.Execution // of the touched flows, those that have not ended
}

// Of returns the impact of a change.
func Of(in Input) (planner.Impact, error) {
	impact := planner.Impact{Schedules: in.schedules()}
	cancelled, err := in.cancelled()
	if err != nil {
		return planner.Impact{}, fmt.Errorf("preview: %w", err)
	}
	impact.Executions = in.executions(cancelled)
	if len(cancelled) > 0 {
		impact.Kinds = append(impact.Kinds, planner.CancelsQueued)
	}
	impact.Omitted = over(&impact.Schedules) + over(&impact.Executions)
	return impact, nil
}

// over cuts a list to what a plan shows and returns how much it was too long.
func over[T any](list *[]T) int {
	n := max(0, len(*list)-planner.MaxImpact)
	*list = (*list)[:len(*list)-n]
	return n
}

// schedules returns the touched schedules whose next fires are not the same
// afterwards, by address.
func (in *Input) schedules() []planner.ScheduleImpact {
	var list []planner.ScheduleImpact
	after := map[string]*kernel.ScheduleDef{}
	for i := range in.After.Schedules {
		if def := &in.After.Schedules[i]; in.Touched[def.UID] {
			after[def.UID] = def
		}
	}
	add := func(shown, before, now *kernel.ScheduleDef) {
		impact := planner.ScheduleImpact{
			Address: shown.Address, Timezone: shown.Zone,
			Before: in.fires(before), After: in.fires(now),
		}
		if !slices.Equal(impact.Before, impact.After) {
			list = append(list, impact)
		}
	}
	for i := range in.Before.Schedules {
		before := &in.Before.Schedules[i]
		if !in.Touched[before.UID] {
			continue
		}
		now := after[before.UID]
		delete(after, before.UID)
		add(cmp.Or(now, before), before, now)
	}
	for _, now := range after {
		add(now, nil, now)
	}
	slices.SortFunc(list, func(a, b planner.ScheduleImpact) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return list
}

// fires returns the next instants a schedule will be decided for. A paused one
// fires nothing.
func (in *Input) fires(def *kernel.ScheduleDef) []planner.Fire {
	if def == nil || def.Paused {
		return nil
	}
	var list []planner.Fire
	for _, t := range def.Timetable.Upcoming(time.UnixMicro(int64(in.Now)), Fires) {
		list = append(list, planner.Fire{
			Local: t.In(def.Timetable.Location()).Format(time.RFC3339),
			UTC:   t.UTC().Format(time.RFC3339),
		})
	}
	return list
}

// cancelled returns the queued executions that end when the change is adopted.
func (in *Input) cancelled() (map[string]bool, error) {
	ended := map[string]bool{}
	if !slices.ContainsFunc(in.Live, func(e record.Execution) bool { return e.State == record.Queued }) {
		return ended, nil
	}
	snapshot, err := in.snapshot()
	if err != nil {
		return nil, err
	}
	state, err := kernel.Restore(kernel.Limits{SchedulesOff: true}, snapshot)
	if err != nil {
		return nil, err
	}
	if err := state.Step(in.Now, in.After); err != nil {
		return nil, err
	}
	for ready, ok := state.Ready(); ok; ready, ok = state.Ready() {
		for _, e := range ready.Rows.Executions {
			if e.State == record.ExecutionCancelled {
				ended[e.ID] = true
			}
		}
		state.Advance(ready.Serial)
	}
	return ended, nil
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
		Adopted:    []record.Adopted{{ProjectUID: in.Before.ProjectUID, Revision: in.Before.Revision}},
	}
	for i := range live.Executions {
		e := &live.Executions[i]
		e.FlowDigest = standIn
		if e.State == record.Running {
			live.Jobs = append(live.Jobs, record.Job{
				Execution: e.ID, Name: standIn, State: record.JobActive, Waiting: record.WaitingTimer,
				NextAt: math.MaxInt64, StartedAt: e.StartedAt,
			})
		}
	}
	return kernel.Snapshot{
		Live:     live,
		Graphs:   map[string]*kernel.Graph{standIn: graph},
		Projects: []kernel.Adopt{in.Before},
	}, nil
}

func (in *Input) executions(cancelled map[string]bool) []planner.ExecutionImpact {
	var list []planner.ExecutionImpact
	for _, e := range in.Live {
		impact := planner.ExecutionImpact{
			ID: e.ID, Flow: spec.Address(e.Flow), State: string(e.State), Revision: e.Revision, Fate: planner.Finishes,
		}
		switch {
		case cancelled[e.ID]:
			impact.Fate = planner.Cancelled
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

// fateOrder puts first what must not be cut off.
func fateOrder(f planner.Fate) int {
	if f == planner.Cancelled {
		return 0
	}
	return 1
}
