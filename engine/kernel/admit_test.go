package kernel

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

func limited(max, queue int, full spec.WhenFull) func(*spec.Flow) {
	return func(f *spec.Flow) { f.Concurrency = &spec.Concurrency{Max: max, QueueMax: queue, WhenFull: full} }
}

func TestConcurrency(t *testing.T) {
	start := func(w *world, id string) error {
		w.at++
		return w.try(Start{Reply: 1, ID: id, ProjectUID: "p", Flow: "flow.f"})
	}
	for _, tc := range []struct {
		policy spec.WhenFull
		third  error
		want   string
	}{
		{spec.WhenFullQueue, ErrFull, "RUNNING QUEUED "},
		{spec.WhenFullSkip, ErrFull, "RUNNING  "},
		{spec.WhenFullReplace, nil, "RUNNING CANCELLED QUEUED"},
	} {
		t.Run(string(tc.policy), func(t *testing.T) {
			w := newWorld(t, Limits{})
			w.adopt([]*spec.Flow{flow("f", []string{"a"}, limited(1, 1, tc.policy))})
			w.connect("one", 9)
			w.start("f", "x1")
			if err := start(w, "x2"); (err != nil) != (tc.policy == spec.WhenFullSkip) {
				t.Fatal(err)
			}
			if err := start(w, "x3"); !errors.Is(err, tc.third) {
				t.Fatalf("third: %v", err)
			}
			x := w.db.executions
			if got := string(x["x1"].State + " " + x["x2"].State + " " + x["x3"].State); got != tc.want {
				t.Fatalf("got %s, want %s", got, tc.want)
			}
			if tc.policy == spec.WhenFullReplace {
				if len(w.kills) != 1 || x["x2"].Reason != record.ReasonReplaced {
					t.Fatalf("kills %v, x2 %s", w.kills, x["x2"].Reason)
				}
				w.report("x1", "a", func(r *Report) { r.Outcome = record.OutcomeCancelled })
				w.want("x1", "CANCELLED(replaced) a=CANCELLED")
				w.want("x3", "RUNNING a=ACTIVE")
			}
		})
	}
}

// TestQueueOrder: the oldest comes first, before and after a restore.
func TestQueueOrder(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a"}, limited(1, 10, ""))})
	w.connect("one", 9)
	for _, id := range []string{"x5", "x4", "x3", "x2", "x1"} {
		w.start("f", id)
		w.at++
	}
	w.report("x5", "a", nil)
	w.want("x4", "RUNNING a=ACTIVE")
	token := w.attempt("x4", "a").Token
	w.restore()
	w.connect("one", 9, TokenState{token, true})
	w.step(Cancel{Execution: "x3"})
	w.report("x4", "a", nil)
	w.want("x3", "CANCELLED(cancelled)")
	w.want("x2", "RUNNING a=ACTIVE")
	w.want("x1", "QUEUED")
}

func TestFlowDeleted(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a"}, limited(1, 10, ""))})
	w.connect("one", 9)
	w.start("f", "x1")
	w.start("f", "x2")
	w.adopt(nil)
	w.want("x2", "CANCELLED(flow_deleted)")
	w.report("x1", "a", nil)
	w.report("x1", "b", nil)
	w.want("x1", "SUCCEEDED a=SUCCEEDED b=SUCCEEDED")
	if err := w.try(Start{ID: "x3", ProjectUID: "p", Flow: "flow.f"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("start of a deleted flow: %v", err)
	}
}

// TestPinned: a running execution keeps the flow it started with.
func TestPinned(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a"})})
	w.connect("one", 9)
	w.start("f", "x")
	w.adopt([]*spec.Flow{flow("f", []string{"c"})})
	w.start("f", "y")
	w.report("x", "a", nil)
	w.want("x", "RUNNING a=SUCCEEDED b=ACTIVE")
	w.want("y", "RUNNING c=ACTIVE")
	if x, y := w.db.executions["x"], w.db.executions["y"]; x.Revision != 1 || y.Revision != 2 || x.FlowDigest == y.FlowDigest {
		t.Errorf("x in revision %d, y in revision %d", x.Revision, y.Revision)
	}
}

func TestStart(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a"}), flow("g", []string{"a"})})
	params := []byte(`{"day":"1"}`)
	w.step(Start{Reply: 5, ID: "x", ProjectUID: "p", Flow: "flow.f", Params: params, By: "ann"})
	x := w.db.executions["x"]
	if x.ScheduledFor != w.at || x.WindowStart != w.at || x.WindowEnd != w.at || x.Zone != "UTC" || x.By != "ann" ||
		x.Origin != record.OriginManual || string(x.Params) != string(params) || x.Project != "sales" {
		t.Errorf("execution: %+v", x)
	}
	if len(w.replies) != 1 || w.replies[0].ID != 5 || w.replies[0].Value != "x" {
		t.Errorf("replies: %+v", w.replies)
	}
	w.at += second
	w.step(Start{Reply: 6, ID: "x", ProjectUID: "p", Flow: "flow.f", Params: params})
	if len(w.replies) != 2 || w.replies[1].Value != "x" || w.db.executions["x"].CreatedAt != x.CreatedAt {
		t.Errorf("the same again is not attached to: %+v", w.replies)
	}
	for name, tc := range map[string]struct {
		ev   Start
		want error
	}{
		"other project":   {Start{ID: "x", ProjectUID: "q", Flow: "flow.f", Params: params}, ErrConflict},
		"other params":    {Start{ID: "x", ProjectUID: "p", Flow: "flow.f"}, ErrConflict},
		"other flow":      {Start{ID: "x", ProjectUID: "p", Flow: "flow.g", Params: params}, ErrConflict},
		"unknown flow":    {Start{ID: "y", ProjectUID: "p", Flow: "flow.h"}, ErrUnknown},
		"unknown project": {Start{ID: "y", ProjectUID: "q", Flow: "flow.f"}, ErrUnknown},
		"shape of a fire": {Start{ID: record.FireID("u", 1), ProjectUID: "p", Flow: "flow.f"}, ErrInvalid},
		"no id":           {Start{ProjectUID: "p", Flow: "flow.f"}, ErrInvalid},
		"params no JSON":  {Start{ID: "y", ProjectUID: "p", Flow: "flow.f", Params: []byte("{")}, ErrInvalid},
		"params too long": {Start{ID: "y", ProjectUID: "p", Flow: "flow.f", Params: make([]byte, record.MaxParams+1)}, ErrInvalid},
	} {
		if err := w.try(tc.ev); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if len(w.db.executions) != 1 {
		t.Error("a refused start left a row")
	}
	none := []json.RawMessage{nil, []byte(""), []byte("{}")}
	for i, first := range none {
		for k, second := range none {
			id := fmt.Sprintf("n%d%d", i, k)
			w.step(Start{ID: id, ProjectUID: "p", Flow: "flow.f", Params: first})
			if err := w.try(Start{ID: id, ProjectUID: "p", Flow: "flow.f", Params: second}); err != nil {
				t.Errorf("no parameters are written as %q and %q: %v", first, second, err)
			}
		}
	}
}

// TestNewConcurrency: a revision that allows more lets what waits begin at once.
func TestNewConcurrency(t *testing.T) {
	w := newWorld(t, Limits{})
	allow := func(n int) []*spec.Flow {
		return []*spec.Flow{flow("f", []string{"a"}, func(f *spec.Flow) { f.Concurrency = &spec.Concurrency{Max: n, QueueMax: 9} })}
	}
	running := func() (n int) {
		for _, x := range w.db.executions {
			if x.State == record.Running {
				n++
			}
		}
		return n
	}
	w.adopt(allow(1))
	for i := range 5 {
		w.start("f", fmt.Sprint("x", i))
	}
	for _, max := range []int{2, 1, 4} {
		want := max
		if max == 1 {
			want = 2 // what runs goes on
		}
		if w.adopt(allow(max)); running() != want {
			t.Errorf("%d run where %d may", running(), max)
		}
	}
}

// TestZoneOfManualRuns: a run by hand tells its times in the zone that all of
// the flow's schedules share.
func TestZoneOfManualRuns(t *testing.T) {
	for name, tc := range map[string]struct {
		zones []string
		want  string
	}{
		"none":           {nil, "UTC"},
		"one":            {[]string{"Asia/Tokyo"}, "Asia/Tokyo"},
		"the same twice": {[]string{"Asia/Tokyo", "Asia/Tokyo"}, "Asia/Tokyo"},
		"two":            {[]string{"Asia/Tokyo", "Asia/Seoul"}, "UTC"},
	} {
		w := newWorld(t, Limits{})
		var schedules []func(*Adopt)
		for i, zone := range tc.zones {
			schedules = append(schedules, withSchedule(t, fmt.Sprint("s", i), "f", cron.Spec{Every: time.Hour},
				func(d *ScheduleDef) { d.Zone = zone }))
		}
		w.adopt([]*spec.Flow{flow("f", []string{"a"})}, schedules...)
		w.start("f", "x")
		if got := w.db.executions["x"].Zone; got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
