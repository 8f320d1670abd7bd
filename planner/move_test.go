package planner_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tfjson "github.com/hashicorp/terraform-json"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// pools is a bundle of pools, each with another size, by address.
func pools(addresses ...spec.Address) *spec.Bundle {
	b := bundle()
	for _, a := range addresses {
		b.Pools = append(b.Pools, &spec.Pool{Address: a, Slots: 1 + len(a)})
	}
	return b
}

// alike is a bundle of pools that only their addresses tell apart.
func alike(addresses ...spec.Address) *spec.Bundle {
	b := bundle()
	for _, a := range addresses {
		b.Pools = append(b.Pools, &spec.Pool{Address: a, Slots: 1})
	}
	return b
}

// moving writes "a > b" as a moved block, at a line of its own.
func moving(b *spec.Bundle, blocks ...string) *spec.Bundle {
	for i, text := range blocks {
		from, to, _ := strings.Cut(text, " > ")
		b.Moved = append(b.Moved, spec.Moved{From: spec.Address(from), To: spec.Address(to), At: spec.Position{File: "moved.hcl", Line: i + 1}})
	}
	return b
}

// short is what a list of findings says, without its details.
func short(found diag.List) (list []string) {
	for _, d := range found {
		list = append(list, fmt.Sprintf("%s %s %s:%d %s", d.Severity, d.Code, d.Range.File, d.Range.Start.Line, d.Address))
	}
	return list
}

func TestMoves(t *testing.T) {
	for _, tc := range []struct {
		name     string
		from, to *spec.Bundle
		want     []string
		found    []string
	}{
		{
			name: "an object", from: alike("pool.a"), to: moving(alike("pool.b"), "pool.a > pool.b"),
			want: []string{"pool.a => pool.b"},
		},
		{
			name: "by a chain, whatever its order", from: alike("pool.a"), to: moving(alike("pool.d"), "pool.c > pool.d", "pool.a > pool.b", "pool.b > pool.c"),
			want: []string{"pool.a => pool.d"},
		},
		{
			name: "from the middle of a chain", from: alike("pool.b"), to: moving(alike("pool.c"), "pool.a > pool.b", "pool.b > pool.c"),
			want: []string{"pool.b => pool.c"},
		},
		{
			name: "nothing is there to move", from: alike("pool.b"), to: moving(alike("pool.b"), "pool.a > pool.b"),
		},
		{
			name: "a whole set", from: alike(`pool.a["x"]`, `pool.a["y"]`), to: moving(alike(`pool.b["x"]`, `pool.b["y"]`), "pool.a > pool.b"),
			want: []string{`pool.a["x"] => pool.b["x"]`, `pool.a["y"] => pool.b["y"]`},
		},
		{
			name: "one instance of a set", from: alike(`pool.a["x"]`, `pool.a["y"]`), to: moving(alike(`pool.a["z"]`, `pool.a["y"]`), `pool.a["x"] > pool.a["z"]`),
			want: []string{`pool.a["x"] => pool.a["z"]`},
		},
		{
			name: "into a set and out of one", from: alike("pool.a", `pool.b["y"]`), to: moving(alike(`pool.a["x"]`, "pool.b"), `pool.a > pool.a["x"]`, `pool.b["y"] > pool.b`),
			want: []string{`pool.a => pool.a["x"]`, `pool.b["y"] => pool.b`},
		},
		{
			name: "into a module and out of one", from: alike("pool.a", "module.m.pool.b"), to: moving(alike(`module.m["k"].pool.a`, "pool.b"), `pool.a > module.m["k"].pool.a`, "module.m.pool.b > pool.b"),
			want: []string{`pool.a => module.m["k"].pool.a`, "module.m.pool.b => pool.b"},
		},
		{
			name: "a module, a set of modules, and one of them",
			from: alike("module.a.pool.p", `module.a.module.i["k"].pool.q["z"]`, `module.s["x"].pool.p`, `module.u.pool.p`),
			to: moving(alike("module.b.pool.p", `module.b.module.i["k"].pool.q["z"]`, `module.t["x"].pool.p`, `module.u["y"].pool.p`),
				"module.a > module.b", "module.s > module.t", `module.u > module.u["y"]`),
			want: []string{
				`module.a.module.i["k"].pool.q["z"] => module.b.module.i["k"].pool.q["z"]`, "module.a.pool.p => module.b.pool.p",
				`module.s["x"].pool.p => module.t["x"].pool.p`, `module.u.pool.p => module.u["y"].pool.p`,
			},
		},
		{
			name: "out of a module that moves, too", from: alike("module.a.pool.p", "module.a.pool.q"), to: moving(alike("module.b.pool.p", "pool.q"), "module.a > module.b", "module.b.pool.q > pool.q"),
			want: []string{"module.a.pool.p => module.b.pool.p", "module.a.pool.q => pool.q"},
		},
		{
			name: "and changes", from: pools("pool.a"), to: moving(pools("pool.long"), "pool.a > pool.long"),
			want: []string{"pool.a => pool.long", "  slots: 7 -> 10"},
		},
		{
			name: "one after the other", from: pools("pool.a", "pool.bb"), to: moving(pools("pool.bb", "pool.ccc"), "pool.bb > pool.ccc", "pool.a > pool.bb"),
			found: []string{"error move moved.hcl:1 pool.bb"},
		},
		{
			name: "it is still declared", from: alike("pool.a"), to: moving(alike("pool.a", "pool.b"), "pool.a > pool.b"),
			found: []string{"error move moved.hcl:1 pool.a"},
		},
		{
			name: "an instance is still declared", from: alike(), to: moving(alike(`pool.a["x"]`, "module.m.pool.p"), "pool.a > pool.b", "module.m > module.n"),
			found: []string{"error move moved.hcl:2 module.m.pool.p", `error move moved.hcl:1 pool.a["x"]`},
		},
		{
			name: "a circle", from: alike("pool.a"), to: moving(alike("pool.c"), "pool.a > pool.b", "pool.b > pool.a"),
			found: []string{"error move moved.hcl:2 pool.a"},
		},
		{
			name: "where another one is", from: alike("pool.a", "pool.b"), to: moving(alike("pool.b"), "pool.a > pool.b"),
			want: []string{"- pool.a delete_because_no_resource_config"}, found: []string{"warning move moved.hcl:1 pool.a"},
		},
		{
			name: "where nothing is declared", from: alike("pool.a"), to: moving(alike(), "pool.a > pool.b"),
			want: []string{"- pool.a delete_because_no_move_target"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old, specs := deployed(tc.from, 3)
			w := planner.Want(tc.to)
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
				if m, ok := c.(planner.Move); ok && (m.Old.UID != "uid of "+string(m.Old.Address) || m.Moved.File == "") {
					t.Errorf("%s has uid %s by %v", m.Address(), m.Old.UID, m.Moved)
				}
			}
		})
	}
}

func TestMovedJob(t *testing.T) {
	from := bundle(flow("f", job("a"), job("b", after("a")), job(`m["x"]`), job(`m["y"]`)))
	to := moving(bundle(flow("g", job("c"), job("b", after("c")), job(`n["x"]`), job(`n["y"]`))),
		"flow.f > flow.g", "flow.f.job.a > flow.f.job.c", "flow.g.job.m > flow.g.job.n")
	to.Positions = map[spec.Address]spec.Position{"flow.g.job.c": {File: "g.hcl", Line: 4}}
	changes := diff(t, from, to)
	m, ok := changes[0].(planner.Move)
	if !ok || len(changes) != 1 {
		t.Fatalf("changes %v", text(changes))
	}
	var got []string
	for _, j := range m.Jobs {
		got = append(got, fmt.Sprintf("%s was %q at %d", j.Name, j.Previous, j.At.Line))
	}
	want := []string{`c was "a" at 4`, `n["x"] was "m[\"x\"]" at 0`, `n["y"] was "m[\"y\"]" at 0`}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("jobs (-want +got):\n%s", d)
	}
	if len(m.Edges.Added)+len(m.Edges.Removed) != 0 {
		t.Errorf("an edge of a renamed job is the same edge, and b is as it was: %+v", m.Edges)
	}
	round(t, plan(changes))
}

// round asserts that a plan is what its document says.
func round(t interface {
	Fatal(...any)
	Errorf(string, ...any)
}, p *planner.Plan,
) {
	got, err := planner.Decode(encode(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p, got); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

// scheduled is a flow with a schedule, both of one name.
func scheduled(name string) *spec.Bundle {
	b := bundle(flow(name, job("a"), job("b", after("a"))))
	b.Schedules = []*spec.Schedule{{Address: spec.ScheduleAddress(name, ""), Flow: spec.FlowAddress(name, ""), Crons: []string{"0 2 * * *"}, Timezone: "Europe/Berlin"}}
	return b
}

func TestRenames(t *testing.T) {
	big := func(name string, change ...func(*spec.Job)) *spec.Flow {
		return flow(name, job("a"), job("b", after("a")), job("c", after("b")), job("d", append(change, after("c"))...))
	}
	timeout := func(j *spec.Job) { j.Timeout = 5 * spec.Second }
	for _, tc := range []struct {
		name     string
		from, to *spec.Bundle
		want     []planner.Rename
	}{
		{"the same", bundle(big("x")), bundle(big("y")), []planner.Rename{{From: "flow.x", To: "flow.y"}}},
		{"nearly the same", bundle(big("x")), bundle(big("y", timeout)), []planner.Rename{{From: "flow.x", To: "flow.y"}}},
		{"another", bundle(big("x")), bundle(flow("y", job("z"))), nil},
		{"the best of two", bundle(big("x"), big("y", timeout)), bundle(big("z", timeout)), []planner.Rename{{From: "flow.y", To: "flow.z"}}},
		{"of another kind", pools("pool.aa"), bundle(flow("aa")), nil},
		{"a set", alike(`pool.a["x"]`, `pool.a["y"]`), alike(`pool.b["x"]`, `pool.b["y"]`), []planner.Rename{{From: "pool.a", To: "pool.b"}}},
		{
			"a part of a set", alike(`pool.a["x"]`, `pool.a["y"]`, `pool.a["z"]`), alike(`pool.b["x"]`, `pool.b["y"]`),
			[]planner.Rename{{From: `pool.a["x"]`, To: `pool.b["x"]`}, {From: `pool.a["y"]`, To: `pool.b["y"]`}},
		},
		{
			"with what names it", scheduled("x"), scheduled("y"),
			[]planner.Rename{{From: "flow.x", To: "flow.y"}, {From: "schedule.x", To: "schedule.y"}},
		},
		{
			"modules", pools("module.a.pool.x", "module.a.pool.yy", `module.a.pool.zzz["k"]`), pools("module.b.pool.x", "module.b.pool.yy", `module.b.pool.zzz["k"]`),
			[]planner.Rename{{From: "module.a", To: "module.b"}},
		},
		{
			"into a module", pools("pool.x"), &spec.Bundle{Project: "p", Pools: []*spec.Pool{{Address: "module.m.pool.x", Slots: 7}}},
			[]planner.Rename{{From: "pool.x", To: "module.m.pool.x"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old, specs := deployed(tc.from, 1)
			got := makePlan(t, planner.Want(tc.to), old, specs).Renames
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("renames (-want +got):\n%s", d)
			}
			if len(got) == 0 {
				return
			}
			// What is suggested leaves nothing to suggest.
			for _, r := range got {
				tc.to.Moved = append(tc.to.Moved, spec.Moved{From: r.From, To: r.To})
			}
			if p := makePlan(t, planner.Want(tc.to), old, specs); len(p.Renames) != 0 || slices.ContainsFunc(p.Changes, func(c planner.Change) bool { _, new := c.(planner.Create); return new }) {
				t.Errorf("with the blocks: %v, and renames %v", text(p.Changes), p.Renames)
			}
		})
	}
}

// TestRenamesOfMany: comparing a thousand objects with a thousand others takes no
// time to speak of.
func TestRenamesOfMany(t *testing.T) {
	from, to := bundle(), bundle()
	for i := range 1500 {
		key := fmt.Sprint(i)
		from.Pools = append(from.Pools, &spec.Pool{Address: spec.PoolAddress("a", key), Slots: 1 + i})
		to.Pools = append(to.Pools, &spec.Pool{Address: spec.PoolAddress("b", key), Slots: 1 + i})
	}
	old, specs := deployed(from, 1)
	want := []planner.Rename{{From: "pool.a", To: "pool.b"}}
	if d := cmp.Diff(want, makePlan(t, planner.Want(to), old, specs).Renames); d != "" {
		t.Errorf("renames (-want +got):\n%s", d)
	}
}

// TestRollback: another revision knows its objects by uid, so that going back over
// a move is a move back.
func TestRollback(t *testing.T) {
	old, specs := deployed(alike("pool.b", "pool.c", "pool.new"), 3)
	uid := func(a spec.Address) string { return "uid of " + string(a) }
	declared := planner.Declare(alike("pool.a", "pool.b", "pool.gone"))
	// In that revision b was a, c was b, and gone has gone since.
	declared[0].UID, declared[1].UID, declared[2].UID = uid("pool.b"), uid("pool.c"), "uid of one that is gone"
	p := makePlan(t, planner.Wish{Project: "p", Declared: declared}, old, specs)
	want := []string{"pool.b => pool.a", "pool.c => pool.b", "+ pool.gone", "- pool.new delete_because_no_resource_config"}
	if d := cmp.Diff(want, text(p.Changes)); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	// What is at an address by now makes room for what was there.
	declared = planner.Declare(alike("pool.c"))
	declared[0].UID = uid("pool.b")
	p = makePlan(t, planner.Wish{Project: "p", Declared: declared}, old, specs)
	want = []string{"- pool.c delete_because_no_resource_config", "pool.b => pool.c", "- pool.new delete_because_no_resource_config"}
	if d := cmp.Diff(want, text(p.Changes)); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	round(t, p)
}

// TestMovesProperties: whatever is moved where, the changes lead to what is
// declared, each deployed object has one fate, and the moves keep the uid.
func TestMovesProperties(t *testing.T) {
	names := []string{"pool.a", "pool.b", "pool.c", `pool.s["x"]`, `pool.s["y"]`, `pool.t["x"]`, "module.m.pool.a", "module.n.pool.a"}
	ends := append([]string{"pool.s", "pool.t", "module.m", "module.n"}, names...)
	draw := func(t *rapid.T, label string) *spec.Bundle {
		b := bundle()
		for _, name := range names {
			if rapid.Bool().Draw(t, label) {
				b.Pools = append(b.Pools, &spec.Pool{Address: spec.Address(name), Slots: rapid.IntRange(1, 2).Draw(t, "slots")})
			}
		}
		return b
	}
	rapid.Check(t, func(t *rapid.T) {
		from, to := draw(t, "from"), draw(t, "to")
		for range rapid.IntRange(0, 4).Draw(t, "moves") {
			a, b := rapid.SampledFrom(ends).Draw(t, "a"), rapid.SampledFrom(ends).Draw(t, "b")
			if a != b && strings.HasPrefix(a, "module") == strings.HasPrefix(b, "module") {
				moving(to, a+" > "+b)
			}
		}
		old, specs := deployed(from, 3)
		w := planner.Want(to)
		p, found, err := w.Make(old, specs)
		if err != nil {
			t.Fatal(err)
		}
		if found.HasErrors() {
			return
		}
		if got, want := applied(from, p.Changes), contents(to); !cmp.Equal(got, want) {
			t.Fatalf("the changes %v lead to %v, want %v", text(p.Changes), got, want)
		}
		round(t, p)
	})
}

// anyWish draws a bundle of every kind with references, moves and secrets.
func anyWish(t *rapid.T, label string) *spec.Bundle {
	b := anyBundle(t, label)
	pick := func(name string) bool { return rapid.Bool().Draw(t, label+name) }
	if len(b.Flows) > 0 && pick("schedule") {
		b.Schedules = append(b.Schedules, &spec.Schedule{Address: "schedule.s", Flow: b.Flows[0].Address, Every: spec.Second, Paused: pick("paused")})
	}
	if pick("dependency") {
		b.Dependencies = append(b.Dependencies, &spec.Dependency{
			Address: "dependency.d", Digest: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "digest"),
			Files: []*spec.File{{Path: "a", Size: int64(rapid.IntRange(0, 2).Draw(t, "size"))}, {Path: rapid.SampledFrom([]string{"b", "c"}).Draw(t, "path")}},
		})
	}
	for _, name := range []string{"o", "x"} {
		if pick(name) {
			o := &spec.ProjectOutput{Address: spec.OutputAddress(name), Value: rapid.SampledFrom([]json.RawMessage{[]byte(`1`), []byte(`{"a":[1,null]}`), []byte(`null`)}).Draw(t, "value")}
			if pick("secret") {
				o.Sensitive = []string{""}
			}
			b.Outputs = append(b.Outputs, o)
		}
	}
	if pick("check") {
		b.Checks = append(b.Checks, spec.Check{Name: "c", Passed: pick("passed"), Message: "no"}, spec.Check{Name: "c", Passed: true})
	}
	return b
}

// TestPlanProperties: a plan is what its document says, equal wishes give equal
// bytes, what was applied leaves nothing to plan, and no secret is shown.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := anyWish(t, "from"), anyWish(t, "to")
		old, specs := deployed(from, 3)
		p := makePlan(t, planner.Want(to), old, maps.Clone(specs))
		data := encode(t, p)
		round(t, p)
		for range 3 {
			if again := encode(t, makePlan(t, planner.Want(to), old, maps.Clone(specs))); !bytes.Equal(again, data) {
				t.Fatalf("made again:\n%s\nwant\n%s", again, data)
			}
		}
		now, specs := deployed(to, 4)
		if rest := makePlan(t, planner.Want(to), now, specs); len(rest.Changes)+len(rest.Reads)+len(rest.Uses)+len(rest.Renames) != 0 {
			t.Fatalf("after an apply: %v", text(rest.Changes))
		}
		var tf tfjson.Plan
		if err := json.Unmarshal(encode(t, p.Mask()), &tf); err != nil {
			t.Fatal(err)
		}
		for name, c := range tf.OutputChanges {
			if c.AfterSensitive == true && c.After != nil && c.After != "(sensitive value)" {
				t.Fatalf("the secret of %s is shown: %v", name, c.After)
			}
		}
	})
}
