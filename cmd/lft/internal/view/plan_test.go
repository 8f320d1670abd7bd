package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

func literal(s string) *spec.Value { return &spec.Value{Literal: json.RawMessage(s)} }

func lines(n int, change map[int]string) string {
	var b strings.Builder
	for i := range n {
		text, ok := change[i]
		if !ok {
			text = fmt.Sprintf("line %d", i)
		}
		b.WriteString(text + "\n")
	}
	quoted, err := json.Marshal(b.String())
	if err != nil {
		panic(err)
	}
	return string(quoted)
}

// planOf compares two flows and shows the plan.
func planOf(t *testing.T, impact planner.Impact, before, after *spec.Flow) string {
	t.Helper()
	bundle := func(f *spec.Flow) []planner.Declared {
		if f == nil {
			return nil
		}
		return planner.Declare(&spec.Bundle{Project: "p", Flows: []*spec.Flow{f}})
	}
	deployed := planner.Deployed{Project: planner.Project{Name: "p", UID: "u", Revision: 1}}
	specs := map[string][]byte{}
	for _, d := range bundle(before) {
		deployed.Objects = append(deployed.Objects, planner.Object{UID: "u1", Address: d.Address, Digest: d.Digest, Version: 1})
		specs[d.Digest] = d.Data
	}
	w := planner.Wish{Declared: bundle(after)}
	changes, err := w.Compare(deployed, specs)
	if err != nil {
		t.Fatal(err)
	}
	data, err := planner.Encode(&planner.Plan{LftVersion: "1", Project: deployed.Project, Changes: changes, Impact: impact})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&Terminal{Out: &out, width: plainWidth}).Plan(data, PlanText); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPlanOfACreation(t *testing.T) {
	grace := 5 * spec.Second
	got := planOf(t, planner.Impact{}, nil, &spec.Flow{
		Address: `flow.f["k"]`, Concurrency: &spec.Concurrency{Max: 1},
		Params: []*spec.Param{{Name: "day", Type: spec.Type(`["list","string"]`), Default: &spec.Value{Expr: "run.scheduled_for"}}},
		Jobs: []*spec.Job{{
			Name: `j["x"]`, Type: "shell", Pool: "pool.p", Upstreams: []string{"a"}, KillGrace: &grace,
			Outputs: []*spec.Output{{Name: "rows", Type: spec.Type(`"number"`)}},
			Env:     map[string]*spec.Value{"A": literal(`"1"`), "B": {Expr: "param.day", Vars: map[string]json.RawMessage{"var": json.RawMessage(`{"x":1}`)}}},
			Args: map[string]*spec.Value{
				"script": literal(lines(20, nil)), "command": literal(`["a","b c"]`),
				"stdin": literal(`"` + strings.Repeat("x", 300) + `"`),
			},
		}},
	})
	compareGolden(t, "testdata/plan/creation.txt", got)
}

func TestPlanOfAnUpdate(t *testing.T) {
	flow := func(script string, upstreams int, params ...*spec.Param) *spec.Flow {
		var all []string
		for i := range upstreams {
			all = append(all, fmt.Sprintf("part[%q]", fmt.Sprint(i)))
		}
		return &spec.Flow{
			Address: "flow.f", Description: "same", Params: params,
			Jobs: []*spec.Job{
				{Name: "a", Type: "shell", Args: map[string]*spec.Value{"script": literal(script)}},
				{Name: "b", Type: "noop"},
				{Name: "c", Type: "noop", Upstreams: all},
			},
		}
	}
	got := planOf(t, planner.Impact{
		Executions: []planner.ExecutionImpact{
			{ID: "x1", Flow: "flow.f", State: "QUEUED", Revision: 3, Fate: planner.Cancelled},
			{ID: "x2", Flow: "flow.f", State: "RUNNING", Revision: 3, Fate: planner.Finishes},
			{ID: "x3", Flow: "flow.f", State: "QUEUED", Revision: 3, Fate: planner.StartsNow},
			{ID: "x4", Flow: "flow.f", State: "QUEUED", Revision: 3, Fate: planner.Starts},
			{ID: "x5", Flow: "flow.f", State: "QUEUED", Revision: 3, Fate: planner.Held},
		},
		Schedules: []planner.ScheduleImpact{{
			Address: "schedule.s", Timezone: "UTC",
			Before: []planner.Fire{{Local: "2026-01-01T00:00:00Z", UTC: "2026-01-01T00:00:00Z"}},
			After:  []planner.Fire{{Local: "2026-01-02T00:00:00Z", UTC: "2026-01-02T00:00:00Z"}},
		}},
		Omitted: 4,
	},
		flow(lines(12, nil), 5),
		flow(lines(12, map[int]string{6: "other"}), 6, &spec.Param{Name: "n", Type: spec.Type(`"number"`)}),
	)
	compareGolden(t, "testdata/plan/update.txt", got)
}

func TestPlanRefusesWhatIsNone(t *testing.T) {
	if err := (&Terminal{Out: new(bytes.Buffer)}).Plan([]byte("{}"), PlanText); err == nil {
		t.Error("no error")
	}
}

// TestDiffLines: the way from one text to the other leads there, and nothing that
// both begin or end with is called different.
func TestDiffLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", ""}), 0, 12)
		old, now := text.Draw(t, "old"), text.Draw(t, "now")
		var gotOld, gotNow []string
		same := 0
		for _, l := range diffLines(old, now) {
			if l.sign != '+' {
				gotOld = append(gotOld, l.text)
			}
			if l.sign != '-' {
				gotNow = append(gotNow, l.text)
			}
			if l.sign == ' ' {
				same++
			}
		}
		if !slices.Equal(gotOld, old) || !slices.Equal(gotNow, now) {
			t.Fatalf("from %q to %q: read as %q and %q", old, now, gotOld, gotNow)
		}
		if slices.Equal(old, now) && same != len(old) {
			t.Fatalf("equal texts have %d of %d lines in common", same, len(old))
		}
	})
}

func TestTypeValue(t *testing.T) {
	for in, want := range map[string]string{
		`"string"`:                             "string",
		`"dynamic"`:                            "any",
		`["map",["list","bool"]]`:              "map(list(bool))",
		`["object",{"b":"number","a":"bool"}]`: "object({a = bool, b = number})",
		`["tuple",["string","number"]]`:        "tuple([string, number])",
		`["odd"]`:                              `["odd"]`,
	} {
		if got := typeValue(json.RawMessage(in)); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestPlanOfPassages: texts and expressions of several lines are shown and compared
// by their lines.
func TestPlanOfPassages(t *testing.T) {
	flow := func(args map[string]*spec.Value) *spec.Flow {
		return &spec.Flow{Address: "flow.f", Jobs: []*spec.Job{{Name: "a", Type: "shell", Args: args}}}
	}
	vars := map[string]json.RawMessage{"var": json.RawMessage(`{"x":1}`)}
	before := flow(map[string]*spec.Value{
		"becomes": literal(`"one line"`),
		"braces":  {Expr: "{\n  a = param.a\n  b = 1\n}"},
		"other":   literal(`"a\nb\n"`),
		"stdin":   {Expr: "<<-EOT\n    day ${param.day}\n    same\n  EOT", Vars: vars},
	})
	after := flow(map[string]*spec.Value{
		"becomes": literal(`"one line\nanother\n"`),
		"braces":  {Expr: "{\n  a = param.a\n  b = 2\n}"},
		"other":   {Expr: "param.x"},
		"stdin":   {Expr: "<<-EOT\n    day ${param.day}!\n    same\n  EOT", Vars: vars},
	})
	compareGolden(t, "testdata/plan/passages.txt", planOf(t, planner.Impact{}, nil, before)+"\n"+planOf(t, planner.Impact{}, before, after))
}
