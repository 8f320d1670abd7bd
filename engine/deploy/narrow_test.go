package deploy_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// TestNarrowSeesAll: what a change is judged by is enough to judge it. Random
// changes of a project in which flows start flows, schedules start them, and
// calendars, pools and running executions are at hand have the same impact as
// when all of the project is looked at.
func TestNarrowSeesAll(t *testing.T) {
	f := newFolder(t)
	r := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // the same worlds each time
	b := randomProject(r)
	f.apply(t, "start", b)
	f.queue(t, record.Running, record.Queued)
	impacts := 0
	for round := range 60 {
		next := change(r, b)
		set := f.set(t, next)
		if len(set.Changes) == 0 {
			continue
		}
		want, wantErr := f.PreviewByAll(t.Context(), set)
		got, err := f.Preview(t.Context(), set) // last: it forgets the specs of what it refuses
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("round %d: %v, by all: %v", round, err, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d (-all +narrow):\n%s", round, diff)
		}
		if err != nil {
			continue
		}
		impacts += len(got.Schedules) + len(got.Executions)
		req := request(fmt.Sprint("round", round), set)
		req.Shown = got.Kinds
		if _, err := f.Apply(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		b = next
	}
	if impacts < 30 {
		t.Errorf("only %d effects were seen", impacts)
	}
}

const flowsOfProject = 8

func randomProject(r *rand.Rand) *spec.Bundle {
	b := bundle()
	b.Pools = []*spec.Pool{{Address: spec.PoolAddress("p", ""), Slots: 2}}
	b.Calendars = []*spec.Calendar{{Address: spec.CalendarAddress("c", ""), Exclude: []string{"2027-01-01"}}}
	for i := range flowsOfProject {
		b.Flows = append(b.Flows, randomFlow(r, i))
		b.Schedules = append(b.Schedules, randomSchedule(r, i))
	}
	return b
}

// randomFlow starts only flows with greater numbers, so that there is no circle.
func randomFlow(r *rand.Rand, i int) *spec.Flow {
	f := flow(string(rune('a'+i)), job("x"))
	f.Description = fmt.Sprint(r.IntN(1000))
	f.Jobs[0].Pool = spec.PoolAddress("p", "")
	if below := flowsOfProject - i - 1; below > 0 && r.IntN(2) == 0 {
		child := spec.FlowAddress(string(rune('a'+i+1+r.IntN(below))), "")
		f.Jobs = append(f.Jobs, &spec.Job{Name: "y", Type: "flow", Kind: spec.KindFlow, Flow: child})
	}
	if r.IntN(3) == 0 {
		f.Concurrency = &spec.Concurrency{Max: 1 + r.IntN(2)}
	}
	return f
}

func randomSchedule(r *rand.Rand, i int) *spec.Schedule {
	s := &spec.Schedule{
		Address: spec.ScheduleAddress(string(rune('a'+i)), ""), Flow: spec.FlowAddress(string(rune('a'+r.IntN(flowsOfProject))), ""),
		Crons: []string{fmt.Sprintf("%d %d * * *", r.IntN(60), r.IntN(24))}, Paused: r.IntN(4) == 0,
	}
	if r.IntN(3) == 0 {
		s.Calendar = spec.CalendarAddress("c", "")
	}
	return s
}

// change makes a few objects anew, and now and then takes one away.
func change(r *rand.Rand, b *spec.Bundle) *spec.Bundle {
	next := *b
	next.Flows, next.Schedules = append([]*spec.Flow(nil), b.Flows...), append([]*spec.Schedule(nil), b.Schedules...)
	for range 1 + r.IntN(2) {
		switch i := r.IntN(flowsOfProject); r.IntN(5) {
		case 0, 1:
			next.Flows[i] = randomFlow(r, i)
		case 2, 3:
			if i < len(next.Schedules) {
				next.Schedules[i] = randomSchedule(r, i)
			}
		default:
			if r.IntN(2) == 0 {
				next.Calendars = []*spec.Calendar{{Address: spec.CalendarAddress("c", ""), Exclude: []string{fmt.Sprintf("2027-01-%02d", 1+r.IntN(28))}}}
			} else if len(next.Schedules) > 3 {
				next.Schedules = next.Schedules[:len(next.Schedules)-1]
			}
		}
	}
	return &next
}
