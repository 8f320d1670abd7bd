package view

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

var update = flag.Bool("update", false, "write the golden files")

func shell(name, script string, more ...func(*spec.Job)) *spec.Job {
	quoted, err := json.Marshal(script)
	if err != nil {
		panic(err)
	}
	j := &spec.Job{Name: name, Type: "shell", Args: map[string]*spec.Value{"script": literal(string(quoted))}}
	for _, m := range more {
		m(j)
	}
	return j
}

func env(pairs ...string) func(*spec.Job) {
	return func(j *spec.Job) {
		j.Env = map[string]*spec.Value{}
		for i := 0; i < len(pairs); i += 2 {
			j.Env[pairs[i]] = literal(pairs[i+1])
		}
	}
}

// before and after are two states of a project in which everything happens that a
// plan can show.
func before() *spec.Bundle {
	return &spec.Bundle{
		Project: "sales",
		Flows: []*spec.Flow{
			{
				Address: "flow.daily", Description: "old", Sensitive: []string{"/jobs/load/env/TOKEN"},
				Concurrency: &spec.Concurrency{Max: 1},
				Params:      []*spec.Param{{Name: "day", Type: spec.Type(`"string"`)}},
				Jobs: []*spec.Job{
					shell("extract", joined("set -e", "a", "b", "c", "d", "e", "f")),
					shell("load", "load", env("A", `"1"`, "B", `"2"`, "TOKEN", `"secret1"`)),
					shell("same", "true"),
					shell("temp", "true", func(j *spec.Job) { j.Upstreams = []string{"extract"} }),
				},
			},
			{Address: "flow.gone", Jobs: []*spec.Job{shell("a", "true")}},
			{Address: `flow.old["k"]`, Description: "moved as it is"},
			{Address: "flow.was", Description: "moved", Jobs: []*spec.Job{shell("a", "true")}},
		},
		Pools: []*spec.Pool{
			{Address: `module.etl["x"].pool.small`, Slots: 4},
			{Address: "pool.paused", Slots: 2},
			{Address: "pool.resized", Slots: 2},
			{Address: "pool.spent", Slots: 2},
		},
		Calendars: []*spec.Calendar{{Address: "calendar.days", Exclude: []string{"2026-12-25"}}},
		Schedules: []*spec.Schedule{
			{Address: "schedule.dated", Flow: "flow.daily", Crons: []string{"0 4 * * *"}, Calendar: "calendar.days"},
			{Address: "schedule.follower", Flow: "flow.was", Crons: []string{"0 3 * * *"}},
			{Address: "schedule.nightly", Flow: "flow.daily", Crons: []string{"0 2 * * *"}, Timezone: "Asia/Shanghai"},
		},
		Dependencies: []*spec.Dependency{{
			Address: "dependency.etl", Digest: "d1", Files: []*spec.File{
				{Path: "a.py", Size: 8, SHA256: sum("one\ntwo\n")}, {Path: "gone.py", Size: 3000, SHA256: "2"},
			},
		}},
		Outputs: []*spec.ProjectOutput{
			{Address: "output.rows", Value: json.RawMessage(`1`)},
			{Address: "output.token", Value: json.RawMessage(`"secret1"`), Sensitive: []string{""}},
		},
	}
}

func after() *spec.Bundle {
	b := &spec.Bundle{
		Project: "sales",
		Flows: []*spec.Flow{
			{
				Address: "flow.daily", Description: "new", Sensitive: []string{"/jobs/load/env/TOKEN"},
				Params: []*spec.Param{
					{Name: "day", Type: spec.Type(`"string"`), Default: &spec.Value{Expr: "run.scheduled_for"}},
					{Name: "span", Type: spec.Type(`["list","number"]`)},
				},
				Jobs: []*spec.Job{
					shell("extract", joined("set -e", "a", "b", "c", "d", "E", "f"), func(j *spec.Job) { j.Timeout = 60 * spec.Second }),
					shell("load", "load", env("A", `"1"`, "C", `"3"`, "TOKEN", `"secret2"`), func(j *spec.Job) {
						j.Retry = &spec.Retry{Attempts: 3}
						j.Upstreams = []string{"extract"}
					}),
					shell("new", "new\nlines\n", env("X", `"y"`)),
					shell("same", "true"),
				},
			},
			{Address: "flow.moved", Description: "moved as it is"},
			{Address: "flow.now", Description: "moved and changed", Jobs: []*spec.Job{shell("a", "true")}},
			{Address: "flow.other", Jobs: []*spec.Job{
				{Name: "run", Type: "shell", Args: map[string]*spec.Value{"command": literal(`["a","b c"]`)}, Uses: []string{"dependency.etl"}},
				{Name: `set["a"]`, Type: "shell", Uses: []string{"dependency.etl"}},
				{Name: `set["b"]`, Type: "shell", Uses: []string{"dependency.etl"}},
			}},
		},
		Pools:     []*spec.Pool{{Address: `module.etl["x"].pool.small`, Slots: 2}, {Address: "pool.paused", Slots: 2}, {Address: "pool.resized", Slots: 3}},
		Calendars: []*spec.Calendar{{Address: "calendar.days", Exclude: []string{"2026-01-02", "2026-12-25"}}},
		Schedules: []*spec.Schedule{
			{Address: "schedule.dated", Flow: "flow.daily", Crons: []string{"0 4 * * *"}, Calendar: "calendar.days"},
			{Address: "schedule.follower", Flow: "flow.now", Crons: []string{"0 3 * * *"}},
			{Address: "schedule.nightly", Flow: "flow.daily", Crons: []string{"0 2 * * *", "0 14 * * *"}, Timezone: "Europe/Berlin"},
		},
		Dependencies: []*spec.Dependency{{
			Address: "dependency.etl", Digest: "d2", Files: []*spec.File{
				{Path: "a.py", Size: 8, SHA256: sum("one\nTWO\n")}, {Path: "b.py", Size: 10, SHA256: "3", Executable: true},
			},
		}},
		Outputs: []*spec.ProjectOutput{
			{Address: "output.rows", Value: json.RawMessage(`[1,2]`)},
			{Address: "output.token", Value: json.RawMessage(`"secret2"`), Sensitive: []string{""}},
		},
		Moved: []spec.Moved{
			{From: `flow.old["k"]`, To: "flow.moved", At: spec.Position{File: "moved.hcl", Line: 1}},
			{From: "flow.was", To: "flow.now", At: spec.Position{File: "moved.hcl", Line: 5}},
		},
		Positions: map[spec.Address]spec.Position{"flow.daily": {File: "main.hcl", Line: 3}, "flow.other": {File: "main.hcl", Line: 40}},
	}
	return b
}

func sum(text string) string {
	digest := sha256.Sum256([]byte(text))
	return hex.EncodeToString(digest[:])
}

func joined(all ...string) string { return strings.Join(all, "\n") + "\n" }

func deployedOf(b *spec.Bundle) (planner.Deployed, map[string][]byte) {
	d := planner.Deployed{Project: planner.Project{Name: b.Project, UID: "u", Revision: 3, Lineage: "l"}}
	specs := map[string][]byte{}
	for _, o := range planner.Declare(b) {
		d.Objects = append(d.Objects, planner.Object{UID: "uid of " + string(o.Address), Address: o.Address, Digest: o.Digest, Version: 3})
		specs[o.Digest] = o.Data
	}
	return d, specs
}

// wholePlan has one of everything.
func wholePlan(t *testing.T) []byte {
	t.Helper()
	deployed, specs := deployedOf(before())
	w := planner.Want(after())
	w.LftVersion = "1"
	p, found, err := w.Make(deployed, maps.Clone(specs))
	if err != nil || found.HasErrors() {
		t.Fatal(err, found)
	}
	for _, c := range p.Changes {
		if u, ok := c.(planner.Update); ok {
			for _, f := range u.Files {
				if f.Path == "a.py" {
					f.Before.Text, f.After.Text = new("one\ntwo\n"), new("one\nTWO\n")
				}
			}
		}
	}
	var drift []planner.Drift
	for _, o := range deployed.Objects {
		if o.Address == "pool.paused" || o.Address == "pool.resized" || o.Address == "pool.spent" {
			drift = append(drift, planner.Drift{
				Object:   planner.Previous{Object: o, Data: specs[o.Digest]},
				Override: &planner.Override{Field: "slots", Declared: json.RawMessage("2"), Value: json.RawMessage("0"), By: "ann@ops", At: "2026-01-01T00:00:00Z", Reason: "maintenance"},
			})
		}
	}
	p.SetDrift(drift)
	p.Checks = []planner.Check{{Name: "size", Problems: []string{"too large"}, At: spec.Position{File: "main.hcl", Line: 50}}, {Name: "fine"}}
	p.Warnings = []planner.Warning{
		{Code: "disabled", Summary: "The job is not enabled", Detail: "job.x is not enabled.", Address: "flow.daily", At: &planner.Place{File: "main.hcl", Line: 9}},
		{Code: "disabled", Summary: "The job is not enabled", Detail: "job.y is not enabled."},
	}
	p.Impact = wholeImpact()
	document, err := planner.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func wholeImpact() planner.Impact {
	return planner.Impact{
		Schedules: []planner.ScheduleImpact{{
			Address: "schedule.dated", Flow: "flow.daily", Timezone: "UTC",
			Before: []planner.Fire{{Local: "2026-01-02T04:00:00Z", UTC: "2026-01-02T04:00:00Z"}},
			After:  []planner.Fire{{Local: "2026-01-03T04:00:00Z", UTC: "2026-01-03T04:00:00Z"}},
		}, {
			Address: "schedule.gone", Flow: "flow.gone", Timezone: "UTC", WordsBefore: "at 02:00 every day (UTC)",
			Before: []planner.Fire{{Local: "2026-01-02T02:00:00Z", UTC: "2026-01-02T02:00:00Z"}},
		}, {
			Address: "schedule.nightly", Flow: "flow.daily", Timezone: "Europe/Berlin", TimezoneBefore: "Asia/Shanghai",
			WordsBefore: "at 02:00 every day", WordsAfter: "at 02:00 and 14:00 every day",
			Before: []planner.Fire{{Local: "2026-01-02T02:00:00+08:00", UTC: "2026-01-01T18:00:00Z"}},
			After: []planner.Fire{
				{Local: "2026-01-02T02:00:00+01:00", UTC: "2026-01-02T01:00:00Z"},
				{Local: "2026-01-02T14:00:00+01:00", UTC: "2026-01-02T13:00:00Z", Clock: planner.ClockShift},
			},
			Cursor: &planner.CursorMove{From: "2025-12-31T18:00:00Z", To: "2026-01-01T12:00:00Z"},
			Passed: []planner.Instants{{What: "skipped", Was: "run", Reason: "definition changed", Count: 2, First: "2026-01-01T01:00:00Z", Last: "2026-01-01T02:00:00Z"}},
		}},
		Executions: []planner.ExecutionImpact{
			{ID: "x1", Flow: "flow.gone", State: "QUEUED", Revision: 3, Fate: planner.Cancelled},
			{ID: "x2", Flow: "flow.daily", State: "RUNNING", Revision: 3, Fate: planner.Finishes},
		},
		Pools: []planner.PoolImpact{
			{Address: `module.etl["x"].pool.small`, InUse: 3, Before: 4, After: 2},
			{Address: "pool.spent", InUse: 1, Before: 2, Gone: true, Users: 2},
		},
		Orphans: []planner.Orphan{{Address: "flow.gone", UID: "u", Executions: 12}},
		Kinds:   []planner.Effect{planner.CancelsQueued},
	}
}

// TestPlanGolden compares each renderer's work with a file; -update writes it.
func TestPlanGolden(t *testing.T) {
	document := wholePlan(t)
	for _, form := range []PlanForm{PlanText, PlanConcise, PlanTree, PlanMarkdown} {
		t.Run(string(form), func(t *testing.T) {
			var out bytes.Buffer
			if err := (&Terminal{Out: &out, width: plainWidth}).Plan(document, form); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "secret1") || strings.Contains(out.String(), "secret2") {
				t.Error("a sensitive value is shown")
			}
			compareGolden(t, filepath.Join("testdata", "plan", string(form)+".txt"), out.String())
		})
	}
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got), -update writes it:\n%s", path, d)
	}
}
