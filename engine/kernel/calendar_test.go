package kernel

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// TestCalendar: an instant on a day that a calendar takes away is none at all, and
// the window of the next one begins at the last that counts.
func TestCalendar(t *testing.T) {
	w := newWorld(t, Limits{})
	f := instantFlow("f")
	schedule := &spec.Schedule{
		Address: "schedule.s", Flow: "flow.f", Crons: []string{"0 6 * * *"}, Timezone: "Asia/Shanghai", Calendar: "calendar.holidays",
		Params: map[string]*spec.Value{"n": {Literal: []byte("1")}}, Misfire: spec.MisfireAll,
	}
	objects := []record.Object{
		{UID: "us", Kind: spec.ScheduleKind, Address: "schedule.s", Digest: "s"},
		{UID: "uf", Kind: spec.FlowKind, Address: "flow.f", Digest: "f"},
		{UID: "uc", Kind: spec.CalendarKind, Address: "calendar.holidays", Digest: "c"}, // whatever the order
		{UID: "ud", Kind: spec.DependencyKind, Address: "dependency.d", Digest: "nowhere"},
		{UID: "uo", Kind: spec.OutputKind, Address: "output.o", Digest: "nowhere"},
	}
	specs := map[string][]byte{
		"s": schedule.Canonical(), "f": f.Canonical(),
		"c": (&spec.Calendar{Include: []string{"2026-01-01..2026-12-31"}, Exclude: []string{"2026-03-04..2026-03-05"}}).Canonical(),
	}
	find := func(digest string) ([]byte, bool) { data, ok := specs[digest]; return data, ok }
	none := func(string) (*Graph, bool) { return nil, false }
	project := record.Project{UID: "p", Name: "sales", Revision: 1, EffectiveFrom: noon}
	ev, err := CompileProject(project, objects, find, none)
	if err != nil {
		t.Fatal(err)
	}
	w.graphs["f"] = ev.Flows[0].Graph
	w.adopted["p"] = ev
	w.step(ev)
	// 06:00 in Shanghai of the 3rd is 22:00 UTC of the 2nd; then the 6th.
	const day = 24 * 3600 * second
	third, sixth := noon+10*3600*second, noon+10*3600*second+3*day
	for range 6 {
		w.tick(day)
	}
	var instants []record.Time
	for at := third; at <= third+5*day; at += day {
		id := record.FireID("us", at)
		if x, ok := w.db.executions[id]; ok {
			instants = append(instants, at)
			if at == sixth && (x.WindowStart != third || x.Zone != "Asia/Shanghai" || string(x.Params) != `{"n":1}`) {
				t.Errorf("the execution of the 6th is %+v", x)
			}
		}
	}
	if len(instants) != 4 || instants[0] != third || instants[1] != sixth || len(w.db.fires) != 4 || len(w.db.ranges) != 0 {
		t.Errorf("fired %v; %d fires, %d ranges", instants, len(w.db.fires), len(w.db.ranges))
	}
	delete(specs, "c")
	if _, err := CompileProject(project, objects, find, none); err == nil || !strings.Contains(err.Error(), "calendar.holidays: spec c is not in the store") {
		t.Errorf("without its spec: %v", err)
	}
	if _, err := CompileProject(project, objects[:2], find, none); err == nil ||
		!strings.Contains(err.Error(), "schedule.s: it goes by calendar.holidays, which is not there") {
		t.Errorf("without the calendar: %v", err)
	}
}

// TestOverlap: what a schedule says of a flow that is full counts more than what
// the flow says.
func TestOverlap(t *testing.T) {
	for _, own := range []spec.WhenFull{"", spec.WhenFullQueue, spec.WhenFullSkip, spec.WhenFullReplace} {
		for _, overlap := range []spec.WhenFull{"", spec.WhenFullQueue, spec.WhenFullSkip, spec.WhenFullReplace} {
			w := newWorld(t, Limits{})
			w.adopt([]*spec.Flow{flow("f", []string{"a"}, limited(1, 5, own))}, withSchedule(t, "s", "f", cron.Spec{Every: time.Minute},
				func(d *ScheduleDef) { d.Overlap = overlap }))
			w.connect("one", 9)
			w.start("f", "x")
			w.pass(60 * second)
			fired := w.db.executions[record.FireID("uid.schedule.s", noon+60*second)]
			got := map[bool]string{true: "queue", false: "skip"}[fired.State == record.Queued]
			if w.db.executions["x"].CancelRequested {
				got = "replace"
			}
			if want := cmp.Or(overlap, own, spec.WhenFullQueue); got != string(want) {
				t.Errorf("the flow says %q, the schedule %q: %s", own, overlap, got)
			}
		}
	}
}
