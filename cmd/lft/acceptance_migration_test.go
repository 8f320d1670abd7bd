package main_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// TestMigration refactors a project that is at work, on each kind of state, and holds what then happens against the
// plan: what becomes of each execution, of overrides and of history, and when schedules fire.
func TestMigration(t *testing.T) {
	t.Run("dev", func(t *testing.T) {
		w := newWorld(t)
		w.migration("before")
		w.must(0, "apply", "-auto-approve")
		w.start("dev", "dev", "-listen", freeAddress(t))
		w.until("dev takes orders", 20*time.Second, func() bool { return w.lft("pause", "schedule.slept").code == 0 })
		w.migrates()
	})
	t.Run("cluster", func(t *testing.T) {
		w := newWorld(t)
		w.newCluster(newDatabase(t), 2, "a", "b")
		w.migration("before")
		w.must(0, "apply", "-auto-approve")
		w.until("the master has heard of it", 20*time.Second, func() bool { return w.lft("pause", "schedule.slept").code == 0 })
		w.migrates()
	})
}

// migration lays out one side of it; WORK is a job that takes a minute.
func (w *world) migration(side string) {
	w.tb.Helper()
	a, err := txtar.ParseFile("testdata/migration.txtar")
	if err != nil {
		w.tb.Fatal(err)
	}
	work, err := json.Marshal(append(w.argv(), "-sleep", "1m"))
	if err != nil {
		w.tb.Fatal(err)
	}
	for _, name := range []string{"main.hcl", "modules", "scripts"} {
		if err := os.RemoveAll(filepath.Join(w.dir, name)); err != nil {
			w.tb.Fatal(err)
		}
	}
	for _, f := range a.Files {
		if name, ours := strings.CutPrefix(f.Name, side+"/"); ours {
			if err := os.MkdirAll(filepath.Join(w.dir, filepath.Dir(name)), 0o700); err != nil {
				w.tb.Fatal(err)
			}
			writeFile(w.tb, w.dir, name, strings.ReplaceAll(string(f.Data), "WORK", string(work)))
		}
	}
}

// planned is what a plan document tells of what happens.
type planned struct {
	Changes []struct {
		Address  spec.Address
		Previous spec.Address `json:"previous_address"`
	} `json:"resource_changes"`
	Drift []struct {
		Address  spec.Address
		Override planner.Override
	} `json:"resource_drift"`
	Impact planner.Impact
}

// overridden is what lft status -json says without an id.
type overridden struct {
	Object spec.Address
	Field  string
}

// ran is what lft runs -json says of one execution.
type ran struct {
	ID, State string
	Flow      spec.Address
	Revision  int64
}

func (w *world) runs(args ...string) map[string]ran {
	w.tb.Helper()
	var list []ran
	w.decode(&list, append([]string{"runs", "-json", "-limit=0"}, args...)...)
	byID := map[string]ran{}
	for _, r := range list {
		byID[r.ID] = r
	}
	return byID
}

func (w *world) overridden() map[overridden]bool {
	w.tb.Helper()
	var list []overridden
	w.decode(&list, "status", "-json")
	set := map[overridden]bool{}
	for _, o := range list {
		set[o] = true
	}
	return set
}

func (w *world) migrates() {
	w.tb.Helper()
	for _, id := range []string{"before1", "before2"} {
		w.must(0, "run", "flow.old", "-id", id)
	}
	w.must(0, "pool", "resize", "pool.shrinks", "6")
	w.must(0, "pool", "resize", "pool.stays", "3", "-reason", "trial")
	w.must(0, "pause", "flow.paused")
	for _, flow := range []string{"hold", "wide", "going", "paused", "child"} {
		for _, n := range []string{"1", "2", "3"} {
			w.started("flow."+flow, flow+n)
		}
	}
	w.started("flow.parent", "parent")
	w.until("what can begin has begun", 20*time.Second, func() bool {
		running := 0
		for _, r := range w.runs() {
			if r.State == "RUNNING" {
				running++
			}
		}
		return running == 5 && len(w.status("parent").Jobs[0].Attempts) == 1
	})

	w.migration("guarded")
	if r := w.must(1, "plan"); !strings.Contains(r.stderr, "flow.safe") {
		w.tb.Errorf("what is protected is not named:\n%s", r.stderr)
	}
	w.migration("after")
	w.must(0, "plan", "-out=p")
	if a, b := w.must(0, "show", "-format=markdown", "p"), w.must(0, "show", "-format=markdown", "p"); a.stdout != b.stdout || len(a.stdout) > 60_000 {
		w.tb.Errorf("Markdown of %d bytes, or not the same twice", len(a.stdout))
	}
	var p planned
	w.decode(&p, "show", "-json", "p")
	live, overrides := w.runs(), w.overridden()
	w.must(0, "apply", "p")
	w.must(0, "plan", "-detailed-exitcode")
	m := migrated{world: w, planned: &p, live: live, effective: w.history()[0].EffectiveFrom, to: map[spec.Address]spec.Address{}}
	for _, c := range p.Changes {
		if c.Previous != "" {
			m.to[c.Previous] = c.Address
		}
	}
	m.executions()
	m.overrides(overrides)
	m.histories()
	m.fires()
}

// migrated is a world after a plan was applied.
type migrated struct {
	*world
	*planned
	live      map[string]ran // before the apply
	effective time.Time
	to        map[spec.Address]spec.Address // addresses by those before
}

func (m *migrated) now(a spec.Address) spec.Address {
	if to, moved := m.to[a]; moved {
		return to
	}
	return a
}

func ended(state string) bool { return execution{State: state}.ended() }

// executions holds each one that was live against its fate. Whatever is not told is as it was.
func (m *migrated) executions() {
	fates := map[string]planner.Fate{}
	for _, e := range m.Impact.Executions {
		fates[e.ID] = e.Fate
		if was := m.live[e.ID]; was.State != e.State || was.Revision != e.Revision {
			m.tb.Errorf("the plan shows %+v, which was %+v", e, was)
		}
	}
	want := map[string]string{}
	kinds := map[planner.Fate]int{}
	for id, r := range m.live {
		if ended(r.State) {
			continue
		}
		kinds[fates[id]]++
		want[id] = r.State
		switch fates[id] {
		case planner.Cancelled:
			want[id] = "CANCELLED"
		case planner.StartsNow:
			want[id] = "RUNNING"
		case planner.Starts, planner.Held, planner.Finishes:
		}
	}
	told := map[planner.Fate]int{planner.Finishes: 5, planner.Starts: 4, planner.StartsNow: 1, planner.Cancelled: 4, planner.Held: 3}
	if d := cmp.Diff(told, kinds); d != "" {
		m.tb.Errorf("fates (-want +got):\n%s", d)
	}
	m.until("what is told has come to pass", 20*time.Second, func() bool {
		now := m.runs()
		return !slices.ContainsFunc(slices.Collect(maps.Keys(want)), func(id string) bool { return now[id].State != want[id] })
	})
}

func (m *migrated) overrides(before map[overridden]bool) {
	want := map[overridden]bool{}
	for o := range before {
		want[overridden{m.now(o.Object), o.Field}] = true
	}
	for _, d := range m.Drift {
		if !before[overridden{d.Address, d.Override.Field}] {
			m.tb.Errorf("the plan tells of an override of %s, and there is none", d.Address)
		}
		if d.Override.Ends {
			delete(want, overridden{m.now(d.Address), d.Override.Field})
		}
	}
	if len(want) != len(before)-1 || len(m.Drift) != len(before) {
		m.tb.Errorf("of %d overrides %d are told, and %d stay", len(before), len(m.Drift), len(want))
	}
	m.until("overrides are as told", 20*time.Second, func() bool { return maps.Equal(want, m.overridden()) })
}

// histories looks for what has run under the address that its flow has now.
func (m *migrated) histories() {
	left := map[spec.Address]int{}
	for _, r := range m.live {
		left[r.Flow]++
		if to := m.now(r.Flow); to != r.Flow && m.runs("-flow", string(to))[r.ID].ID == "" {
			m.tb.Errorf("%s of %s is not found as one of %s", r.ID, r.Flow, to)
		}
	}
	for _, o := range m.Impact.Orphans {
		if n := len(m.runs("-flow", string(o.Address))); n != o.Executions || n != left[o.Address] {
			m.tb.Errorf("%s leaves %d executions; the plan says %d", o.Address, n, o.Executions)
		}
	}
	if len(m.Impact.Orphans) != 3 {
		m.tb.Errorf("orphans %+v", m.Impact.Orphans)
	}
}

// fires compares the next fires that were told with those that are next now, and, of a schedule that fires each few
// seconds, with what is decided.
func (m *migrated) fires() {
	m.must(0, "plan", "-destroy", "-exclude=flow.safe", "-out=d")
	var d planned
	m.decode(&d, "show", "-json", "d")
	next := map[spec.Address][]planner.Fire{}
	for _, s := range d.Impact.Schedules {
		next[s.Address] = s.Before
	}
	var told []spec.Address
	for _, s := range m.Impact.Schedules {
		told = append(told, s.Address)
		if s.Address == "module.m.schedule.tick" {
			m.ticks(s)
			continue
		}
		if d := cmp.Diff(s.After, next[s.Address]); d != "" {
			m.tb.Errorf("next fires of %s (-told +now):\n%s", s.Address, d)
		}
	}
	slices.Sort(told)
	if d := cmp.Diff([]spec.Address{"module.m.schedule.tick", "schedule.dated", "schedule.gone", "schedule.zone"}, told); d != "" {
		m.tb.Errorf("schedules of the impact (-want +got):\n%s", d)
	}
}

// ticks waits for the first fires after the apply, and holds them against those that were told, or that follow them
// at the same pace.
func (m *migrated) ticks(s planner.ScheduleImpact) {
	var told [2]time.Time
	for i := range told {
		at, err := time.Parse(time.RFC3339, s.After[i].UTC)
		if err != nil {
			m.tb.Fatal(err)
		}
		told[i] = at
	}
	pace := told[1].Sub(told[0])
	for !told[0].After(m.effective) {
		told[0], told[1] = told[1], told[1].Add(pace)
	}
	var got [2]time.Time
	m.until("it has fired twice", 20*time.Second, func() bool {
		var list []fire
		m.decode(&list, "fires", string(s.Address), "-json", "-limit=0")
		since := 0
		for _, f := range slices.Backward(list) {
			if f.last().After(m.effective) && since < len(got) {
				got[since] = f.last().UTC()
				since++
			}
		}
		return since == len(got)
	})
	if d := cmp.Diff(told, got); d != "" {
		m.tb.Errorf("fires of %s since %s (-told +decided):\n%s", s.Address, m.effective, d)
	}
}
