package kernel

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

func table(tb testing.TB, s cron.Spec) cron.Timetable {
	tb.Helper()
	table, err := cron.Compile(s)
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

// TestDecide compares the decisions, which jump over what is missed, with a walk
// over every instant.
func TestDecide(t *testing.T) {
	specs := []cron.Spec{
		{Every: time.Second},
		{Every: 7 * time.Second},
		{Every: time.Minute, Offset: 13 * time.Second},
		{Crons: []string{"* * * * *"}},
		{Crons: []string{"*/5 * * * *", "3 * * * *"}},
		{Crons: []string{"0 12 * * *"}},
		{Every: 7 * time.Second, Start: "2026-03-02T12:01:00Z", End: "2026-03-02T12:04:00Z"},
	}
	tables := make([]cron.Timetable, len(specs))
	for i, s := range specs {
		tables[i] = table(t, s)
	}
	decides := func(rt *rapid.T) {
		limits := Limits{MisfireAll: rapid.IntRange(1, 5).Draw(rt, "cap")}.withDefaults()
		def := ScheduleDef{
			Timetable: rapid.SampledFrom(tables).Draw(rt, "timetable"),
			Misfire:   rapid.SampledFrom([]spec.Misfire{"", spec.MisfireLatest, spec.MisfireAll, spec.MisfireSkip}).Draw(rt, "misfire"),
			Paused:    rapid.IntRange(0, 5).Draw(rt, "paused") == 0,
		}
		// Round times meet the instants and the grace exactly, or miss them by a hair.
		draw := func(name string, most int) record.Time {
			hair := record.Time(rapid.IntRange(-1, 1).Draw(rt, "hair"))
			return max(record.Time(rapid.IntRange(0, most).Draw(rt, name))*20*second+hair, 0)
		}
		cursor := noon + draw("cursor", 15)
		now := cursor + draw("gap", 20)
		until := now - draw("back", 10)*record.Time(rapid.IntRange(0, 1).Draw(rt, "until"))
		got := decide(&def, cursor, until, now, &limits)
		want := decideSlowly(&def, cursor, until, now, limits)
		flat := map[record.Time]string{}
		last := cursor
		for _, d := range got {
			if d.from <= last || d.to < d.from {
				rt.Fatalf("decision %+v is out of order", d)
			}
			last = d.to
			n := int64(0)
			for at := d.from - 1; ; n++ {
				next, ok := (instants{def.Timetable}).after(at)
				if !ok || next > d.to {
					break
				}
				flat[next] = fmt.Sprint(d.run, d.reason)
				at = next
			}
			if n != d.count {
				rt.Fatalf("decision %+v stands for %d instants", d, n)
			}
		}
		if diff := cmp.Diff(want, flat); diff != "" {
			rt.Fatalf("cursor %d, until %d, now %d (-want +got):\n%s", cursor, until, now, diff)
		}
	}
	for range 20 { // it is quick, and the corners are many
		rapid.Check(t, decides)
	}
}

func decideSlowly(def *ScheduleDef, cursor, until, now record.Time, limits Limits) map[record.Time]string {
	var late, onTime []record.Time
	for at := cursor; ; {
		next, ok := def.Timetable.Next(time.UnixMicro(int64(at)))
		if !ok || record.Time(next.UnixMicro()) > until {
			break
		}
		at = record.Time(next.UnixMicro())
		if now-at <= record.Time(limits.Grace) {
			onTime = append(onTime, at)
		} else {
			late = append(late, at)
		}
	}
	verdicts := map[record.Time]string{}
	for _, at := range onTime {
		verdicts[at] = fmt.Sprint(true, record.ReasonNone)
	}
	for i, at := range late {
		newest := len(late) - i // 1 = the newest
		switch {
		case def.Misfire == spec.MisfireAll && newest <= limits.MisfireAll,
			def.Misfire != spec.MisfireAll && def.Misfire != spec.MisfireSkip && newest == 1 && len(onTime) == 0:
			verdicts[at] = fmt.Sprint(true, record.ReasonNone)
		case def.Misfire == spec.MisfireAll:
			verdicts[at] = fmt.Sprint(false, record.ReasonCap)
		default:
			verdicts[at] = fmt.Sprint(false, record.ReasonMisfire)
		}
	}
	if def.Paused {
		for at := range verdicts {
			verdicts[at] = fmt.Sprint(false, record.ReasonPaused)
		}
	}
	return verdicts
}

func instantFlow(name string) *spec.Flow {
	return flow(name, []string{"a"}, job("*", func(j *spec.Job) { j.Kind = spec.KindInstant }))
}

// fires is the decided instants of a schedule in seconds after noon.
func (w *world) fires(name string) string {
	text := ""
	for _, key := range sortedKeys(w.db.fires) {
		f := w.db.fires[key]
		if f.Schedule == "schedule."+name {
			text += fmt.Sprintf("%d %s%s; ", (f.Instant-noon)/second, f.Decision, f.Reason)
		}
	}
	for _, r := range w.db.ranges {
		if r.Schedule == "schedule."+name {
			text += fmt.Sprintf("%d-%d %d %s; ", (r.From-noon)/second, (r.To-noon)/second, r.Count, r.Reason)
		}
	}
	return text
}

func TestFire(t *testing.T) {
	w := newWorld(t, Limits{})
	every := withSchedule(t, "s", "f", cron.Spec{Every: 10 * time.Second}, func(d *ScheduleDef) {
		d.Params, d.Zone = []byte(`{"day":"x"}`), "Asia/Shanghai"
	})
	w.adopt([]*spec.Flow{instantFlow("f")}, every)
	if next := w.s.NextWake(); next != noon+10*second {
		t.Fatalf("next wake at %d", next-noon)
	}
	w.tick(10 * second)
	w.tick(25 * second)
	if got, want := w.fires("s"), "10 RUN; 20 RUN; 30 RUN; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	x := w.db.executions[record.FireID("uid.schedule.s", noon+20*second)]
	if x.State != record.ExecutionSucceeded || x.ScheduledFor != noon+20*second || x.WindowStart != noon+10*second ||
		x.WindowEnd != x.ScheduledFor || x.Zone != "Asia/Shanghai" || string(x.Params) != `{"day":"x"}` || x.Origin != record.OriginSchedule {
		t.Errorf("execution: %+v", x)
	}
	if c := w.db.cursors["uid.schedule.s"]; c.Instant != noon+30*second || c.ProjectUID != "p" {
		t.Errorf("cursor: %+v", c)
	}
	// A long absence is one row, and the newest instant that is not on time runs
	// only because none is.
	w.at += 600 * second
	w.restore()
	w.tick(0)
	want := "10 RUN; 20 RUN; 30 RUN; 580 RUN; 590 RUN; 600 RUN; 610 RUN; 620 RUN; 630 RUN; 40-570 54 misfire; "
	if got := w.fires("s"); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// TestAdoptSplitsTime: instants up to the effective time are the old revision's,
// also when it is learnt of late.
func TestAdoptSplitsTime(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{instantFlow("f")}, withSchedule(t, "s", "f", cron.Spec{Every: 10 * time.Second}))
	w.at += 45 * second
	w.adopt([]*spec.Flow{instantFlow("f")},
		func(a *Adopt) { a.EffectiveFrom = noon + 25*second },
		withSchedule(t, "s", "f", cron.Spec{Every: 7 * time.Second}),
		withSchedule(t, "r", "f", cron.Spec{Every: 15 * time.Second}))
	w.tick(0)
	if got, want := w.fires("s"), "10 RUN; 20 RUN; 29 RUN; 36 RUN; 43 RUN; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := w.fires("r"), "30 RUN; 45 RUN; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if x := w.db.executions[record.FireID("uid.schedule.s", noon+20*second)]; x.Revision != 1 {
		t.Errorf("20 ran in revision %d", x.Revision)
	}
	w.at += 10 * second
	w.adopt([]*spec.Flow{instantFlow("f")}, func(a *Adopt) { a.EffectiveFrom = noon + 52*second })
	w.tick(100 * second)
	if got, want := w.fires("s"), "10 RUN; 20 RUN; 29 RUN; 36 RUN; 43 RUN; 50 RUN; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(w.db.cursors) != 0 {
		t.Errorf("cursors of deleted schedules stay: %v", w.db.cursors)
	}
	if got := w.s.NextWake(); got != 0 {
		t.Errorf("something is due at %d", got)
	}
}

// TestAdoptedCursorHolds: a schedule that never fired under its revision has no
// cursor row, and must not decide what was before that revision.
func TestAdoptedCursorHolds(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{instantFlow("f")}, withSchedule(t, "s", "f", cron.Spec{Every: 100 * time.Second}))
	w.at += 95 * second
	w.adopt([]*spec.Flow{instantFlow("f")}, withSchedule(t, "s", "f", cron.Spec{Every: 30 * time.Second}))
	w.restore()
	w.tick(26 * second)
	if got, want := w.fires("s"), "120 RUN; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPausedAndOverlap(t *testing.T) {
	w := newWorld(t, Limits{})
	limited := flow("f", []string{"a"}, func(f *spec.Flow) { f.Concurrency = &spec.Concurrency{Max: 1, QueueMax: 1} })
	paused := func(d *ScheduleDef) { d.Paused = true }
	skip := func(d *ScheduleDef) { d.Overlap = spec.WhenFullSkip }
	skips := flow("skips", []string{"a"}, func(f *spec.Flow) {
		f.Concurrency = &spec.Concurrency{Max: 1, QueueMax: 9, WhenFull: spec.WhenFullSkip}
	})
	w.adopt([]*spec.Flow{limited, skips},
		withSchedule(t, "p", "f", cron.Spec{Every: 10 * time.Second}, paused),
		withSchedule(t, "q", "f", cron.Spec{Every: 20 * time.Second}),
		withSchedule(t, "s", "f", cron.Spec{Every: 30 * time.Second}, skip),
		withSchedule(t, "n", "nothing", cron.Spec{Every: 60 * time.Second}),
		withSchedule(t, "h", "skips", cron.Spec{Every: 20 * time.Second}),
		withSchedule(t, "i", "skips", cron.Spec{Every: 25 * time.Second}, func(d *ScheduleDef) { d.Overlap = spec.WhenFullQueue }))
	for range 6 {
		w.tick(10 * second)
	}
	for name, want := range map[string]string{
		"p": "10 SKIPPEDpaused; 20 SKIPPEDpaused; 30 SKIPPEDpaused; 40 SKIPPEDpaused; 50 SKIPPEDpaused; 60 SKIPPEDpaused; ",
		"q": "20 RUN; 40 RUN; 60 SKIPPEDqueue_full; ",
		"s": "30 SKIPPEDconcurrency_full; 60 SKIPPEDconcurrency_full; ",
		"n": "60 SKIPPEDflow_deleted; ",
		"h": "20 RUN; 40 SKIPPEDconcurrency_full; 60 SKIPPEDconcurrency_full; ", // as the flow says
		"i": "25 RUN; 50 RUN; ",                                                 // as it says itself
	} {
		if got := w.fires(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestSchedulesOff(t *testing.T) {
	w := newWorld(t, Limits{SchedulesOff: true})
	w.adopt([]*spec.Flow{instantFlow("f")}, withSchedule(t, "s", "f", cron.Spec{Every: 10 * time.Second}))
	w.tick(1000 * second)
	w.start("f", "x")
	w.want("x", "SUCCEEDED a=SUCCEEDED")
	if len(w.db.fires)+len(w.db.ranges)+len(w.db.cursors)+len(w.db.adopted) != 0 {
		t.Errorf("schedules are off, yet: %s %v %v", w.fires("s"), w.db.cursors, w.db.adopted)
	}
}

// TestHeads: what a batch relies on is the head as it was when the first thing
// in it was decided, so that what an older revision decided too late is refused.
func TestHeads(t *testing.T) {
	w := newWorld(t, Limits{})
	sched := withSchedule(t, "s", "f", cron.Spec{Every: 10 * time.Second})
	w.adopt([]*spec.Flow{instantFlow("f")}, sched)
	revision := func(n int64) Adopt {
		ev := w.adopted["p"]
		ev.Revision, ev.EffectiveFrom = n, noon+record.Time(n)*second
		return ev
	}
	heads := func(at record.Time, events ...Event) []record.Head {
		for _, ev := range events {
			if err := w.s.Step(at, ev); err != nil {
				t.Fatal(err)
			}
		}
		w.s.Prepares()
		r, _ := w.s.Ready()
		return r.Rows.Heads
	}
	for _, tc := range []struct {
		name string
		got  []record.Head
		want []record.Head
	}{
		{"two adoptions", heads(noon+5*second, revision(2), revision(3)), nil},
		{"a fire", heads(noon+10*second, Tick{}), []record.Head{{ProjectUID: "p", Revision: 3}}},
		{"nothing", heads(noon+11*second, Tick{}), nil},
		{"a start before an adoption", heads(noon+12*second, Start{ID: "x", ProjectUID: "p", Flow: "flow.f"}, revision(4)), []record.Head{{ProjectUID: "p", Revision: 3}}},
		{"an adoption before a start", heads(noon+13*second, revision(5), Start{ID: "y", ProjectUID: "p", Flow: "flow.f"}), []record.Head{{ProjectUID: "p", Revision: 5}}},
	} {
		if diff := cmp.Diff(tc.want, tc.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	w.s.Step(noon+20*second, Tick{})
	w.s.Prepares() // decides, by revision 5
	if got := heads(noon+20*second, revision(6)); len(got) != 1 || got[0].Revision != 5 {
		t.Errorf("a fire before an adoption: %v", got)
	}
}
