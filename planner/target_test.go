package planner_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// web is a bundle in which much hangs together: a schedule starts a flow by a
// calendar, the flow uses a pool and a dependency and starts another flow.
func web(slots int) *spec.Bundle {
	child := flow("child", job("c", func(j *spec.Job) { j.Pool = "pool.small"; j.Priority = slots }))
	main := flow("main", job("m", func(j *spec.Job) { j.Pool, j.Uses, j.Priority = "pool.big", []string{"dependency.etl"}, slots }),
		&spec.Job{Name: "sub", Type: "flow", Kind: spec.KindFlow, Flow: "flow.child"})
	b := bundle(child, main, flow("alone", job("a", func(j *spec.Job) { j.Priority = slots })))
	b.Pools = []*spec.Pool{{Address: "pool.big", Slots: slots}, {Address: "pool.small", Slots: slots}}
	b.Calendars = []*spec.Calendar{{Address: "calendar.work", Exclude: []string{"2026-12-25", "2026-12-26"}[:slots]}}
	b.Schedules = []*spec.Schedule{{Address: "schedule.nightly", Flow: "flow.main", Crons: []string{"0 2 * * *"}, Calendar: "calendar.work", Paused: slots > 1}}
	b.Dependencies = []*spec.Dependency{{Address: "dependency.etl", Digest: strings.Repeat("0", slots)}}
	return b
}

func addresses(changes []planner.Change) (list []string) {
	for _, c := range changes {
		list = append(list, strings.TrimPrefix(strings.Fields(text([]planner.Change{c})[0])[0], "")+string(c.Address()))
	}
	return list
}

func TestTargets(t *testing.T) {
	all := []string{"calendar.work", "dependency.etl", "flow.alone", "flow.child", "flow.main", "pool.big", "pool.small", "schedule.nightly"}
	signed := func(sign string, list ...string) (out []string) {
		for _, a := range list {
			out = append(out, sign+a)
		}
		return out
	}
	for _, tc := range []struct {
		name              string
		from, to          *spec.Bundle
		targets, excludes []string
		want              []string
	}{
		{"everything", web(1), web(2), nil, nil, signed("~", all...)},
		{"an object alone", web(1), web(2), []string{"flow.alone"}, nil, signed("~", "flow.alone")},
		{"with what it needs, however far", web(1), web(2), []string{"flow.main"}, nil, signed("~", "dependency.etl", "flow.child", "flow.main", "pool.big", "pool.small")},
		{"by a pattern", web(1), web(2), []string{"pool.*"}, nil, signed("~", "pool.big", "pool.small")},
		{"all of them", web(1), web(2), []string{"calendar.*", "schedule.*", "flow.*"}, nil, signed("~", all...)},
		{"two of them", web(1), web(2), []string{"pool.b?g", "calendar.work"}, nil, signed("~", "calendar.work", "pool.big")},
		{"without an object, and what needs it", web(1), web(2), nil, []string{"flow.child"}, signed("~", "calendar.work", "dependency.etl", "flow.alone", "pool.big", "pool.small")},
		{"new, with what it needs", bundle(), web(1), []string{"schedule.*"}, nil, signed("+", "calendar.work", "dependency.etl", "flow.child", "flow.main", "pool.big", "pool.small", "schedule.nightly")},
		{"gone, with what would be left hanging", web(1), bundle(), []string{"pool.small"}, nil, signed("-", "flow.child", "flow.main", "pool.small", "schedule.nightly")},
		{"not gone, nor what it hangs on", web(1), bundle(), nil, []string{"flow.main"}, signed("-", "calendar.work", "flow.alone", "schedule.nightly")},
		{"target and exclude", web(1), web(2), []string{"flow.*"}, []string{"flow.main"}, signed("~", "dependency.etl", "flow.alone", "flow.child", "pool.big", "pool.small")},
		{
			"a module and a set", alike(), alike(`module.m["k"].pool.a`, `module.n.pool.a`, `pool.s["x"]`, `pool.s["y"]`, "pool.z"),
			[]string{"module.m", "pool.s"},
			[]string{`pool.s["y"]`},
			signed("+", `module.m["k"].pool.a`, `pool.s["x"]`),
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old, specs := deployed(tc.from, 1)
			w := planner.Want(tc.to)
			w.Targets, w.Excludes = tc.targets, tc.excludes
			p := makePlan(t, w, old, specs)
			if d := cmp.Diff(tc.want, addresses(p.Changes)); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			partial := len(tc.targets)+len(tc.excludes) > 0
			if p.Complete() == partial || len(p.Warnings) > 0 != partial {
				t.Errorf("complete %v, warnings %v", p.Complete(), p.Warnings)
			}
			whole := makePlan(t, planner.Want(tc.to), old, specs)
			if partial && strings.Contains(p.Warnings[0].Detail, "will not be") != (len(p.Changes) < len(whole.Changes)) {
				t.Errorf("of %d changes %d: %s", len(whole.Changes), len(p.Changes), p.Warnings[0].Detail)
			}
			round(t, p)
		})
	}
}

// TestTargetsOfASwap: what takes the place of another cannot be without the other's
// leaving.
func TestTargetsOfASwap(t *testing.T) {
	old, specs := deployed(alike("pool.a", "pool.b"), 3)
	declared := planner.Declare(alike("pool.a", "pool.b"))
	declared[0].UID, declared[1].UID = "uid of pool.b", "uid of pool.a"
	for _, w := range []planner.Wish{{Targets: []string{"pool.a"}}, {Excludes: []string{"pool.b"}}} {
		w.Project, w.Declared = "p", declared
		got := text(makePlan(t, w, old, specs).Changes)
		want := []string{"pool.b => pool.a", "pool.a => pool.b"}
		if len(w.Excludes) > 0 {
			want = nil
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("targets %v, excludes %v (-want +got):\n%s", w.Targets, w.Excludes, d)
		}
	}
}

func TestTargetsRefused(t *testing.T) {
	old, specs := deployed(web(1), 1)
	for pattern, want := range map[string]string{
		"flow.man": "Did you mean flow.main?", "flow.main.job.m": "write -target flow.main.", "*.x": "Nothing that is declared",
	} {
		w := planner.Want(web(2))
		w.Targets = []string{pattern}
		p, found, err := w.Make(old, specs)
		if err != nil || p != nil || len(found) != 1 || !strings.Contains(found[0].Detail, want) {
			t.Errorf("-target %s: %v, %v", pattern, found, err)
		}
	}
}

// TestReadsAndUses: what a change relies on makes the plan stale when it moves, and
// who uses what changes is told.
func TestReadsAndUses(t *testing.T) {
	old, specs := deployed(web(1), 3)
	to := web(1)
	to.Flows[1].Description = "new" // main
	to.Pools[1].Slots = 5           // small
	p := makePlan(t, planner.Want(to), old, specs)
	var reads []string
	for _, o := range p.Reads {
		reads = append(reads, string(o.Address)+" "+o.UID)
	}
	want := []string{"dependency.etl uid of dependency.etl", "flow.child uid of flow.child", "pool.big uid of pool.big"}
	if d := cmp.Diff(want, reads); d != "" {
		t.Errorf("reads (-want +got):\n%s", d)
	}
	users := []planner.Use{
		{Address: "flow.main", By: []spec.Address{"schedule.nightly"}},
		{Address: "pool.small", By: []spec.Address{"flow.child.job.c"}},
	}
	if d := cmp.Diff(users, p.Uses); d != "" {
		t.Errorf("uses (-want +got):\n%s", d)
	}
	round(t, p)
}

func TestProtected(t *testing.T) {
	guarded := func(addresses ...spec.Address) *spec.Bundle {
		b := alike(addresses...)
		for _, p := range b.Pools {
			p.Protected = true
		}
		return b
	}
	removing := func(b *spec.Bundle, from ...spec.Address) *spec.Bundle {
		for i, a := range from {
			b.Removed = append(b.Removed, spec.Removed{From: a, At: spec.Position{File: "r.hcl", Line: i + 1}})
		}
		return b
	}
	for _, tc := range []struct {
		name     string
		from, to *spec.Bundle
		mode     planner.Mode
		want     []string
		found    []string
	}{
		{name: "its block is gone", from: guarded("pool.a"), to: alike(), found: []string{"error protected :0 pool.a"}},
		{name: "its module is gone", from: guarded("module.m.pool.a"), to: alike(), found: []string{"error protected :0 module.m.pool.a"}},
		{name: "everything shall go", from: guarded("pool.a"), to: alike(), mode: planner.Destroy, found: []string{"error protected :0 pool.a"}},
		{name: "it only moves", from: guarded("pool.a"), to: moving(guarded("pool.b"), "pool.a > pool.b"), want: []string{"pool.a => pool.b"}},
		{name: "the guard goes first", from: guarded("pool.a"), to: alike("pool.a"), want: []string{"~ pool.a", "  protected: true -> "}},
		{name: "it is named", from: guarded("pool.a", `pool.s["x"]`, "module.m.pool.a"), to: removing(alike(), "pool.a", "pool.s", "module.m"), want: []string{
			"- module.m.pool.a delete_because_no_module", "- pool.a delete_because_no_resource_config", `- pool.s["x"] delete_because_no_resource_config`,
		}},
		{name: "another is named", from: guarded("pool.a"), to: removing(alike(), "pool.b"), found: []string{"error protected :0 pool.a"}},
		{name: "named, but declared", from: alike("pool.a"), to: removing(alike("pool.a"), "pool.a"), found: []string{"error move r.hcl:1 pool.a"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old, specs := deployed(tc.from, 1)
			w := planner.Want(tc.to)
			if w.Mode = tc.mode; tc.mode == planner.Destroy {
				w.Declared = nil
			}
			p, found, err := w.Make(old, specs)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.found, short(found)); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			if p == nil {
				return
			}
			if d := cmp.Diff(tc.want, text(p.Changes)); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			for _, c := range p.Changes {
				if d, ok := c.(planner.Delete); ok && d.Removed.File == "" {
					t.Errorf("%s goes by no block", d.Address())
				}
			}
			round(t, p)
		})
	}
}

// TestReasons: Terraform's words for why an object goes.
func TestReasons(t *testing.T) {
	from := alike("pool.gone", `pool.set["x"]`, `pool.set["y"]`, "pool.keyed", `pool.bare["x"]`, "module.m.pool.p", `module.s["x"].pool.p`, `module.s["y"].pool.p`)
	to := alike(`pool.set["x"]`, `pool.keyed["x"]`, "pool.bare", `module.s["x"].pool.p`)
	from.Pools = append(from.Pools, alike("pool.off", `pool.part["x"]`, `pool.empty["x"]`, "module.e.pool.off").Pools...)
	to.Off = map[spec.Address]spec.Off{
		"pool.off": spec.OffDisabled, `pool.part["x"]`: spec.OffDisabled, "pool.empty": spec.OffEmpty, "module.e.pool.off": spec.OffDisabled,
	}
	var got []string
	for _, c := range diff(t, from, to) {
		if d, ok := c.(planner.Delete); ok {
			got = append(got, string(d.Address())+" "+string(d.Reason))
		}
	}
	want := []string{
		"module.e.pool.off delete_because_enabled_false",
		"module.m.pool.p delete_because_no_module", `module.s["y"].pool.p delete_because_no_module`,
		`pool.bare["x"] delete_because_wrong_repetition`, `pool.empty["x"] delete_because_each_key`, "pool.gone delete_because_no_resource_config",
		"pool.keyed delete_because_wrong_repetition", "pool.off delete_because_enabled_false", `pool.part["x"] delete_because_enabled_false`, `pool.set["y"] delete_because_each_key`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("reasons (-want +got):\n%s", d)
	}
}
