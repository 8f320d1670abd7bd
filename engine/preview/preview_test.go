package preview_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/preview"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// now lies a quarter past six in the evening, UTC.
var now = record.Time(time.Date(2026, 3, 27, 18, 15, 0, 0, time.UTC).UnixMicro())

func schedule(t *testing.T, name, expr, zone string) kernel.ScheduleDef {
	t.Helper()
	table, err := cron.Compile(cron.Spec{Crons: []string{expr}, Timezone: zone})
	if err != nil {
		t.Fatal(err)
	}
	return kernel.ScheduleDef{UID: name, Address: spec.ScheduleAddress(name, ""), Flow: "flow.f", Timetable: table, Zone: zone}
}

func flow(t *testing.T, name string, maximum int) kernel.FlowDef {
	t.Helper()
	f := &spec.Flow{Address: spec.FlowAddress(name, ""), Jobs: []*spec.Job{{Name: "j", Type: "shell"}}}
	if maximum > 0 {
		f.Concurrency = &spec.Concurrency{Max: maximum}
	}
	g, err := kernel.Compile(f)
	if err != nil {
		t.Fatal(err)
	}
	return kernel.FlowDef{UID: name, Address: f.Address, Digest: "d", Graph: g}
}

func revision(n int64, flows []kernel.FlowDef, schedules ...kernel.ScheduleDef) kernel.Adopt {
	return kernel.Adopt{ProjectUID: "p", Project: "p", Revision: n, Flows: flows, Schedules: schedules}
}

func touched(uids ...string) map[string]bool {
	m := map[string]bool{}
	for _, u := range uids {
		m[u] = true
	}
	return m
}

func TestSchedules(t *testing.T) {
	paused := schedule(t, "s", "0 2 * * *", "UTC")
	paused.Paused = true
	day := func(clock string, days ...int) (list []planner.Fire) {
		for _, d := range days {
			text := fmt.Sprintf("2026-03-%02dT%s", d, clock)
			list = append(list, planner.Fire{Local: text, UTC: text})
		}
		return list
	}
	two := day("02:00:00Z", 28, 29, 30, 31)
	two = append(two, planner.Fire{Local: "2026-04-01T02:00:00Z", UTC: "2026-04-01T02:00:00Z"})
	for _, tc := range []struct {
		name          string
		before, after []kernel.ScheduleDef
		want          []planner.ScheduleImpact
	}{
		{
			"new", nil,
			[]kernel.ScheduleDef{schedule(t, "s", "0 2 * * *", "UTC")},
			[]planner.ScheduleImpact{{Address: "schedule.s", Flow: "flow.f", Timezone: "UTC", WordsAfter: "at 02:00 every day (UTC)", After: two}},
		},
		{
			"gone",
			[]kernel.ScheduleDef{schedule(t, "s", "0 2 * * *", "UTC")},
			nil,
			[]planner.ScheduleImpact{{Address: "schedule.s", Flow: "flow.f", Timezone: "UTC", WordsBefore: "at 02:00 every day (UTC)", Before: two}},
		},
		{
			"paused",
			[]kernel.ScheduleDef{schedule(t, "s", "0 2 * * *", "UTC")},
			[]kernel.ScheduleDef{paused},
			[]planner.ScheduleImpact{{Address: "schedule.s", Flow: "flow.f", Timezone: "UTC", Paused: "declared", Before: two}},
		},
		{
			"written in another way",
			[]kernel.ScheduleDef{schedule(t, "s", "0 2 * * *", "UTC")},
			[]kernel.ScheduleDef{schedule(t, "s", "0 2 * * 0-7", "UTC")},
			nil,
		},
		{
			"not touched",
			[]kernel.ScheduleDef{schedule(t, "other", "0 2 * * *", "UTC")},
			[]kernel.ScheduleDef{schedule(t, "other", "0 3 * * *", "UTC")},
			nil,
		},
		{
			// The night of the change to summer time has no half past two.
			"another zone",
			[]kernel.ScheduleDef{schedule(t, "s", "0 2 * * *", "UTC")},
			[]kernel.ScheduleDef{schedule(t, "s", "30 2 * * *", "Europe/Berlin")},
			[]planner.ScheduleImpact{{
				Address: "schedule.s", Flow: "flow.f", Timezone: "Europe/Berlin", TimezoneBefore: "UTC",
				WordsBefore: "at 02:00 every day (UTC)", WordsAfter: "at 02:30 every day (Europe/Berlin)", Before: two, After: []planner.Fire{
					{Local: "2026-03-28T02:30:00+01:00", UTC: "2026-03-28T01:30:00Z"},
					{Local: "2026-03-29T03:00:00+02:00", UTC: "2026-03-29T01:00:00Z", Clock: planner.ClockGap},
					{Local: "2026-03-30T02:30:00+02:00", UTC: "2026-03-30T00:30:00Z"},
					{Local: "2026-03-31T02:30:00+02:00", UTC: "2026-03-31T00:30:00Z"},
					{Local: "2026-04-01T02:30:00+02:00", UTC: "2026-04-01T00:30:00Z"},
				},
			}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			impact, err := preview.Of(preview.Input{
				Now: now, Before: revision(1, nil, tc.before...), After: revision(2, nil, tc.after...), Touched: touched("s"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(planner.Impact{Schedules: tc.want}, impact); d != "" {
				t.Errorf("impact (-want +got):\n%s", d)
			}
		})
	}
}

func execution(id string, state record.ExecutionState) record.Execution {
	return record.Execution{
		ID: id, ProjectUID: "p", Project: "p", FlowUID: "f", Flow: "flow.f", FlowDigest: "old", Revision: 1, State: state,
		Origin: record.OriginManual, ScheduledFor: 1, Zone: "UTC", CreatedAt: 1,
	}
}

// TestFates: what runs finishes in any case; what is queued starts, unless its
// flow goes.
func TestFates(t *testing.T) {
	live := []record.Execution{execution("b", record.Queued), execution("a", record.Running), execution("c", record.Queued)}
	for _, tc := range []struct {
		name   string
		before []kernel.FlowDef
		after  []kernel.FlowDef
		want   []string
		kinds  []planner.Effect
	}{
		{"changed", []kernel.FlowDef{flow(t, "f", 1)}, []kernel.FlowDef{flow(t, "f", 1)}, []string{"a finishes", "b starts", "c starts"}, nil},
		{"unlimited by now", []kernel.FlowDef{flow(t, "f", 1)}, []kernel.FlowDef{flow(t, "f", 0)}, []string{"a finishes", "b starts_now", "c starts_now"}, nil},
		{"room for one more", []kernel.FlowDef{flow(t, "f", 1)}, []kernel.FlowDef{flow(t, "f", 2)}, []string{"a finishes", "b starts_now", "c starts"}, nil},
		{
			"gone",
			[]kernel.FlowDef{flow(t, "f", 1), flow(t, "g", 0)},
			[]kernel.FlowDef{flow(t, "g", 0)},
			[]string{"b cancelled", "c cancelled", "a finishes"},
			[]planner.Effect{planner.CancelsQueued},
		},
		{
			// Same address, another object: what was queued of the old one goes.
			"replaced",
			[]kernel.FlowDef{flow(t, "f", 1)},
			[]kernel.FlowDef{func() kernel.FlowDef { f := flow(t, "f", 1); f.UID = "f2"; return f }()},
			[]string{"b cancelled", "c cancelled", "a finishes"},
			[]planner.Effect{planner.CancelsQueued},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			impact, err := preview.Of(preview.Input{
				Now: now, Before: revision(1, tc.before), After: revision(2, tc.after), Touched: touched("f"), Live: live,
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range impact.Executions {
				got = append(got, e.ID+" "+string(e.Fate))
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("fates (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tc.kinds, impact.Kinds); d != "" {
				t.Errorf("kinds (-want +got):\n%s", d)
			}
		})
	}
}

// TestHeld: what is queued of a paused flow waits, unless the flow goes.
func TestHeld(t *testing.T) {
	flows := []kernel.FlowDef{flow(t, "f", 0)}
	for name, after := range map[string][]kernel.FlowDef{"held": flows, "cancelled": nil} {
		impact := of(t, preview.Input{
			Now: now, Before: revision(1, flows), After: revision(2, after), Touched: touched("f"),
			Live:      []record.Execution{execution("a", record.Queued)},
			Overrides: []record.Override{override("f", "flow.f", record.FieldPaused, "true", "false")},
		})
		if got := string(impact.Executions[0].Fate); got != name {
			t.Errorf("it is %s, want %s", got, name)
		}
	}
}

// TestChildren: what a job of another execution has started keeps its place when its
// flow goes, because the revision of that execution still has it.
func TestChildren(t *testing.T) {
	child, sibling := execution("child", record.Queued), execution("sibling", record.Queued)
	child.Parent, child.ParentN, child.Origin = "parent", 1, record.OriginFlow
	parent := execution("parent", record.Running)
	parent.FlowUID, parent.Flow = "g", "flow.g"
	for name, live := range map[string][]record.Execution{
		"with its parent":    {parent, execution("run", record.Running), child, sibling},
		"without its parent": {execution("run", record.Running), child, sibling},
	} {
		impact := of(t, preview.Input{
			Now: now, Before: revision(1, []kernel.FlowDef{flow(t, "f", 1), flow(t, "g", 0)}), After: revision(2, nil),
			Touched: touched("f", "g"), Live: live,
		})
		fates := map[string]planner.Fate{}
		for _, e := range impact.Executions {
			fates[e.ID] = e.Fate
		}
		if fates["child"] != planner.Starts || fates["sibling"] != planner.Cancelled || fates["run"] != planner.Finishes {
			t.Errorf("%s: fates %v", name, fates)
		}
	}
}

func TestImpactIsBounded(t *testing.T) {
	in := preview.Input{Now: now, Before: revision(1, []kernel.FlowDef{flow(t, "f", 1)}), After: revision(2, nil), Touched: touched("f")}
	in.Live = append(in.Live, execution("run", record.Running))
	for i := range 2 * planner.MaxImpact {
		in.Live = append(in.Live, execution(fmt.Sprintf("q%05d", i), record.Queued))
	}
	impact, err := preview.Of(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(impact.Executions) != planner.MaxImpact || impact.Omitted != planner.MaxImpact+1 || len(impact.Kinds) != 1 {
		t.Errorf("%d shown, %d omitted, kinds %v", len(impact.Executions), impact.Omitted, impact.Kinds)
	}
	if impact.Executions[0].Fate != planner.Cancelled {
		t.Error("what is cancelled is not shown first")
	}
}

// TestMovedSchedule: it is told by both its names.
func TestMovedSchedule(t *testing.T) {
	after := schedule(t, "s", "0 3 * * *", "UTC")
	after.Address = "schedule.moved"
	impact := of(t, preview.Input{
		Now: now, Before: revision(1, nil, schedule(t, "s", "0 2 * * *", "UTC")), After: revision(2, nil, after), Touched: touched("s"),
	})
	if s := impact.Schedules; len(s) != 1 || s[0].Address != "schedule.moved" || s[0].Previous != "schedule.s" {
		t.Errorf("schedules %+v", s)
	}
}

// TestClockBehind: the clock of who plans may be behind the one by which the last
// revision came into force.
func TestClockBehind(t *testing.T) {
	before, after := revision(1, nil, schedule(t, "s", "0 2 * * *", "UTC")), revision(2, nil, schedule(t, "s", "0 3 * * *", "UTC"))
	before.EffectiveFrom = now + 3_600_000_000
	if impact := of(t, preview.Input{Now: now, Before: before, After: after, Touched: touched("s")}); len(impact.Schedules) != 1 {
		t.Errorf("schedules %+v", impact.Schedules)
	}
}

// TestAnotherClock: the same instants on another clock are a change that is shown.
func TestAnotherClock(t *testing.T) {
	impact := of(t, preview.Input{
		Now: now, Before: revision(1, nil, schedule(t, "s", "0 18 * * *", "UTC")),
		After: revision(2, nil, schedule(t, "s", "0 2 * * *", "Asia/Shanghai")), Touched: touched("s"),
	})
	if s := impact.Schedules; len(s) != 1 || s[0].TimezoneBefore != "UTC" || s[0].Before[0].UTC != s[0].After[0].UTC {
		t.Errorf("schedules %+v", s)
	}
}
