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

func micros(text string) record.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return record.Time(t.UnixMicro())
}

func of(t *testing.T, in preview.Input) planner.Impact {
	t.Helper()
	impact, err := preview.Of(in)
	if err != nil {
		t.Fatal(err)
	}
	return impact
}

// TestClockNotes: what the clock of a zone does to the next fires is said, and only
// that.
func TestClockNotes(t *testing.T) {
	for _, tc := range []struct {
		name, expr, zone, now string
		want                  []planner.ClockNote
	}{
		{"a gap", "30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", []planner.ClockNote{"", planner.ClockGap, "", "", ""}},
		{"right after a gap, as always", "0 3 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", []planner.ClockNote{"", planner.ClockShift, "", "", ""}},
		{"every half hour", "*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", []planner.ClockNote{"", planner.ClockShift, "", "", ""}},
		{"twice", "*/30 * * * *", "America/New_York", "2026-11-01T04:30:00Z", []planner.ClockNote{planner.ClockFirst, planner.ClockFirst, planner.ClockSecond, planner.ClockSecond, ""}},
		{"once of twice", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", []planner.ClockNote{planner.ClockFirst, planner.ClockShift, "", "", ""}},
		{"half an hour", "45 1 * * *", "Australia/Lord_Howe", "2026-04-03T00:00:00Z", []planner.ClockNote{"", planner.ClockFirst, planner.ClockShift, "", ""}},
		{"a change between two fires", "0 12 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", []planner.ClockNote{"", planner.ClockShift, "", "", ""}},
		{"no change at all", "30 2 * * *", "Asia/Shanghai", "2026-03-27T12:00:00Z", []planner.ClockNote{"", "", "", "", ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			impact := of(t, preview.Input{
				Now: micros(tc.now), After: revision(1, nil, schedule(t, "s", tc.expr, tc.zone)), Touched: touched("s"),
			})
			var got []planner.ClockNote
			for _, f := range impact.Schedules[0].After {
				got = append(got, f.Clock)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("notes of %v (-want +got):\n%s", impact.Schedules[0].After, d)
			}
		})
	}
}

func override(uid, object string, field record.OverrideField, value, declared string) record.Override {
	return record.Override{ProjectUID: "p", ObjectUID: uid, Object: object, Field: field, Value: value, Declared: declared, Revision: 1, By: "ann"}
}

// A change that is about something else ends no override.
func TestOverrideOfAnother(t *testing.T) {
	flows := []kernel.FlowDef{flow(t, "f", 0), flow(t, "g", 0)}
	all := revision(1, flows, schedule(t, "s", "0 2 * * *", "UTC"))
	after := all
	after.Revision = 2
	impact := of(t, preview.Input{
		Now: now, Before: all, After: after, Touched: touched("g"), Overrides: []record.Override{
			override("s", "schedule.s", record.FieldPaused, "true", "false"), override("f", "flow.f", record.FieldPaused, "true", "false"),
		},
	})
	if d := cmp.Diff(planner.Impact{}, impact); d != "" {
		t.Errorf("impact (-want +got):\n%s", d)
	}
}

// TestOverridden: what an operator has paused fires nothing, before the change and
// after it; when the change ends the override, it does.
func TestOverridden(t *testing.T) {
	before := schedule(t, "s", "0 2 * * *", "UTC")
	other := schedule(t, "s", "0 3 * * *", "UTC")
	declared := other
	declared.Paused = true
	flows := []kernel.FlowDef{flow(t, "f", 0)}
	paused := override("s", "schedule.s", record.FieldPaused, "true", "false")
	for _, tc := range []struct {
		name      string
		after     kernel.ScheduleDef
		overrides []record.Override
		fires     [2]int
		paused    string
		kinds     []planner.Effect
	}{
		{"by itself", other, []record.Override{paused}, [2]int{0, 0}, "", nil},
		{"with its flow", other, []record.Override{override("f", "flow.f", record.FieldPaused, "true", "false")}, [2]int{0, 0}, "", nil},
		{"and declared so", declared, []record.Override{paused}, [2]int{0, 0}, "", []planner.Effect{planner.EndsOverride}},
		{"resumed", declared, []record.Override{override("s", "schedule.s", record.FieldPaused, "false", "true")}, [2]int{5, 5}, "", nil},
		{"not at all", declared, nil, [2]int{5, 0}, "declared", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			was := before
			was.Paused = tc.name == "resumed"
			impact := of(t, preview.Input{
				Now: now, Before: revision(1, flows, was), After: revision(2, flows, tc.after), Touched: touched("s"), Overrides: tc.overrides,
			})
			if d := cmp.Diff(tc.kinds, impact.Kinds); d != "" {
				t.Errorf("kinds (-want +got):\n%s", d)
			}
			if tc.fires == [2]int{} {
				if len(impact.Schedules) != 0 {
					t.Errorf("impact %+v", impact.Schedules)
				}
				return
			}
			got := impact.Schedules[0]
			if fires := [2]int{len(got.Before), len(got.After)}; fires != tc.fires || got.Paused != tc.paused {
				t.Errorf("fires %v, paused %q", fires, got.Paused)
			}
		})
	}
}

// TestLater: a change that shows only after the next fires is shown.
func TestLater(t *testing.T) {
	def := func(exclude ...string) kernel.ScheduleDef {
		table, err := cron.Compile(cron.Spec{Crons: []string{"0 2 * * *"}, Timezone: "Europe/Berlin", Exclude: exclude})
		if err != nil {
			t.Fatal(err)
		}
		return kernel.ScheduleDef{UID: "s", Address: "schedule.s", Flow: "flow.f", Timetable: table, Zone: "Europe/Berlin"}
	}
	later := func(before, after kernel.ScheduleDef) []string {
		impact := of(t, preview.Input{Now: now, Before: revision(1, nil, before), After: revision(2, nil, after), Touched: touched("s")})
		var list []string
		for _, s := range impact.Schedules {
			for _, f := range s.Later {
				list = append(list, fmt.Sprint(f.Local, " ", f.Lost))
			}
		}
		return list
	}
	want := []string{"2026-12-24T02:00:00+01:00 true", "2026-12-25T02:00:00+01:00 false"}
	if d := cmp.Diff(want, later(def("2026-12-25"), def("2026-12-24"))); d != "" {
		t.Errorf("later fires (-want +got):\n%s", d)
	}
	if got := later(def(), def()); got != nil {
		t.Errorf("nothing differs, and later fires are %v", got)
	}
}

// TestPassedOver: a schedule whose start lies in the past does not catch up, and a
// plan says so; what the old one has still to decide is decided as ever.
func TestPassedOver(t *testing.T) {
	from := func(start string) kernel.ScheduleDef {
		table, err := cron.Compile(cron.Spec{Crons: []string{"0 2 * * *"}, Timezone: "UTC", Start: start})
		if err != nil {
			t.Fatal(err)
		}
		return kernel.ScheduleDef{UID: "s", Address: "schedule.s", Flow: "flow.f", Timetable: table, Zone: "UTC", Misfire: spec.MisfireAll}
	}
	flows := []kernel.FlowDef{flow(t, "f", 0)}
	over := []planner.Instants{{What: "skipped", Reason: "before_revision", Count: 2, First: "2026-03-20T02:00:00Z", Last: "2026-03-21T02:00:00Z"}}
	for _, tc := range []struct {
		name          string
		before, after kernel.ScheduleDef
		want          []planner.Instants
	}{
		{"an earlier start", from("2026-03-22T00:00:00Z"), from("2026-03-20T00:00:00Z"), over},
		{"the same start", from("2026-03-22T00:00:00Z"), from("2026-03-22T00:00:00Z"), nil},
		{"a later start", from("2026-03-22T00:00:00Z"), from("2026-03-25T00:00:00Z"), nil},
		{"no start", schedule(t, "s", "0 2 * * *", "UTC"), schedule(t, "s", "0 3 * * *", "UTC"), nil},
		{"the rarest of all", schedule(t, "s", "0 2 * * *", "UTC"), schedule(t, "s", "0 0 29 2 *", "UTC"), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			impact := of(t, preview.Input{
				Now: now, Before: revision(1, flows, tc.before), After: revision(2, flows, tc.after), Touched: touched("s"),
				// The master has been away since the 25th; both decide what it missed.
				Cursors: []record.Cursor{{ScheduleUID: "s", ProjectUID: "p", Instant: micros("2026-03-25T02:00:00Z")}},
			})
			var got []planner.Instants
			for _, s := range impact.Schedules {
				got = append(got, s.Passed...)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("instants (-want +got):\n%s", d)
			}
			if len(tc.want) > 0 {
				want := &planner.CursorMove{From: "2026-03-25T02:00:00Z", To: "2026-03-27T18:15:00Z"}
				if d := cmp.Diff(want, impact.Schedules[0].Cursor); d != "" {
					t.Errorf("cursor (-want +got):\n%s", d)
				}
			}
			if len(impact.Kinds) != 0 {
				t.Errorf("kinds %v", impact.Kinds)
			}
		})
	}
}

func TestPools(t *testing.T) {
	sized := func(n int64, slots int) kernel.Adopt {
		a := revision(n, nil)
		if slots > 0 {
			a.Pools = []kernel.PoolDef{{UID: "w", Address: "pool.w", Slots: slots}}
		}
		return a
	}
	for _, tc := range []struct {
		name          string
		before, after int
		use           int32
		overrides     []record.Override
		want          []planner.PoolImpact
	}{
		{"there is room", 5, 3, 3, nil, nil},
		{"too small", 5, 3, 4, nil, []planner.PoolImpact{{Address: "pool.w", InUse: 4, Before: 5, After: 3}}},
		{"over already, and larger", 3, 4, 5, nil, nil},
		{"gone", 5, 0, 1, nil, []planner.PoolImpact{{Address: "pool.w", InUse: 1, Before: 5, Gone: true}}},
		{"gone, and nobody minds", 5, 0, 0, nil, nil},
		{
			"the override ends with the value", 5, 3, 4,
			[]record.Override{override("w", "pool.w", record.FieldSlots, "9", "5")},
			[]planner.PoolImpact{{Address: "pool.w", InUse: 4, Before: 9, After: 3}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			impact := of(t, preview.Input{
				Now: now, Before: sized(1, tc.before), After: sized(2, tc.after), Touched: touched("w"),
				PoolUse: map[string]int32{"w": tc.use}, Overrides: tc.overrides,
			})
			if d := cmp.Diff(tc.want, impact.Pools); d != "" {
				t.Errorf("pools (-want +got):\n%s", d)
			}
		})
	}
}

// TestPoolGone: what is live may still come to a job that uses a pool, and finds no
// limit when that is gone.
func TestPoolGone(t *testing.T) {
	g, err := kernel.Compile(&spec.Flow{Address: "flow.f", Jobs: []*spec.Job{{Name: "j", Type: "shell", Pool: "pool.w"}}})
	if err != nil {
		t.Fatal(err)
	}
	before := revision(1, []kernel.FlowDef{{UID: "f", Address: "flow.f", Digest: "d", Graph: g}})
	before.Pools = []kernel.PoolDef{{UID: "w", Address: "pool.w", Slots: 0}}
	impact := of(t, preview.Input{
		Now: now, Before: before, After: revision(2, []kernel.FlowDef{flow(t, "f", 0)}), Touched: touched("f", "w"),
		Live: []record.Execution{execution("a", record.Running), execution("b", record.Running)},
	})
	if d := cmp.Diff([]planner.PoolImpact{{Address: "pool.w", Gone: true, Users: 2}}, impact.Pools); d != "" {
		t.Errorf("pools (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]planner.Effect{planner.FreesPool}, impact.Kinds); d != "" {
		t.Errorf("kinds (-want +got):\n%s", d)
	}
}

func TestOrphans(t *testing.T) {
	flows := []kernel.FlowDef{flow(t, "f", 0), flow(t, "g", 0), flow(t, "h", 0)}
	moved := flows[1]
	moved.Address = "flow.elsewhere"
	impact := of(t, preview.Input{
		Now: now, Before: revision(1, flows), After: revision(2, []kernel.FlowDef{moved}), Touched: touched("f", "g", "h"),
		History: map[string]int{"f": preview.MaxHistory, "g": 3, "h": 0},
	})
	want := planner.Impact{
		Orphans: []planner.Orphan{{Address: "flow.f", UID: "f", Executions: preview.MaxHistory, More: true}},
		Kinds:   []planner.Effect{planner.OrphansHistory},
	}
	if d := cmp.Diff(want, impact); d != "" {
		t.Errorf("impact (-want +got):\n%s", d)
	}
}
