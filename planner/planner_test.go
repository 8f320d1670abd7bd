package planner_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

func literal(s string) *spec.Value { return &spec.Value{Literal: json.RawMessage(s)} }

func expr(s string) *spec.Value { return &spec.Value{Expr: s} }

func job(name string, change ...func(*spec.Job)) *spec.Job {
	j := &spec.Job{Name: name, Type: "shell", Args: map[string]*spec.Value{"script": literal(`"echo"`)}}
	for _, c := range change {
		c(j)
	}
	return j
}

func after(names ...string) func(*spec.Job) { return func(j *spec.Job) { j.Upstreams = names } }

func flow(name string, jobs ...*spec.Job) *spec.Flow {
	return &spec.Flow{Address: spec.FlowAddress(name, ""), Jobs: jobs}
}

func bundle(flows ...*spec.Flow) *spec.Bundle { return &spec.Bundle{Project: "p", Flows: flows} }

// deployed is what an apply of a bundle leaves behind.
func deployed(b *spec.Bundle, revision int64) (planner.Deployed, map[string][]byte) {
	d := planner.Deployed{Project: planner.Project{Name: b.Project, UID: "u1", Lineage: "l", Revision: revision}}
	specs := map[string][]byte{}
	for _, o := range planner.Declare(b) {
		d.Objects = append(d.Objects, planner.Object{
			UID: "uid of " + string(o.Address), Address: o.Address, Digest: o.Digest, Version: revision,
		})
		specs[o.Digest] = o.Data
	}
	return d, specs
}

func diff(t interface{ Fatal(...any) }, from, to *spec.Bundle) []planner.Change {
	old, specs := deployed(from, 3)
	return makePlan(t, planner.Want(to), old, specs).Changes
}

// makePlan makes a plan from what is needed, and no more.
func makePlan(t interface{ Fatal(...any) }, w planner.Wish, old planner.Deployed, specs map[string][]byte) *planner.Plan {
	needs := w.Needs(old)
	if !slices.IsSorted(needs) || len(slices.Compact(slices.Clone(needs))) < len(needs) {
		t.Fatal("the needs are not a sorted set: ", needs)
	}
	maps.DeleteFunc(specs, func(digest string, _ []byte) bool { return !slices.Contains(needs, digest) })
	p, found, err := w.Make(old, specs)
	if err != nil || found.HasErrors() {
		t.Fatal(found, err)
	}
	return p
}

// text is a short form of changes, to compare by.
func text(changes []planner.Change) []string {
	var out []string
	attributes := func(where string, list []planner.Attribute) {
		for _, a := range list {
			out = append(out, fmt.Sprintf("%s%s: %s -> %s", where, strings.Join(a.Path, "."), a.Before, a.After))
		}
	}
	for _, c := range changes {
		switch c := c.(type) {
		case planner.Create:
			out = append(out, "+ "+string(c.Address()))
		case planner.Delete:
			out = append(out, strings.TrimSpace(fmt.Sprintf("- %s %s", c.Address(), c.Reason)))
		case planner.Move:
			out = append(out, string(c.Old.Address)+" => "+string(c.Address()))
			attributes("  ", c.Attributes)
		case planner.Update:
			out = append(out, "~ "+string(c.Address()))
			attributes("  ", c.Attributes)
			for _, j := range c.Jobs {
				sign := "~"
				if j.Before == nil {
					sign = "+"
				} else if j.After == nil {
					sign = "-"
				}
				out = append(out, "  "+sign+" job "+j.Name)
				attributes("    ", j.Attributes)
			}
			for _, e := range c.Edges.Added {
				out = append(out, "  + edge "+e.From+" "+e.To)
			}
			for _, e := range c.Edges.Removed {
				out = append(out, "  - edge "+e.From+" "+e.To)
			}
		}
	}
	return out
}

func TestDiff(t *testing.T) {
	timeout := func(d spec.Duration) func(*spec.Job) { return func(j *spec.Job) { j.Timeout = d } }
	for _, tc := range []struct {
		name     string
		from, to *spec.Bundle
		want     []string
	}{
		{"nothing deployed, nothing declared", bundle(), bundle(), nil},
		{"equal", bundle(flow("a", job("x"))), bundle(flow("a", job("x"))), nil},
		{
			"come and go in the order of addresses",
			bundle(flow("a"), flow("c")),
			bundle(flow("b"), flow("d")),
			[]string{"- flow.a delete_because_no_resource_config", "+ flow.b", "- flow.c delete_because_no_resource_config", "+ flow.d"},
		},
		{
			"all kinds, however declared",
			bundle(),
			&spec.Bundle{
				Flows:     []*spec.Flow{flow("b"), flow("a")},
				Schedules: []*spec.Schedule{{Address: "schedule.s", Flow: "flow.a", Every: spec.Second}},
				Pools:     []*spec.Pool{{Address: "pool.p", Slots: 1}},
			},
			[]string{"+ flow.a", "+ flow.b", "+ pool.p", "+ schedule.s"},
		},
		{
			"attributes by path",
			bundle(&spec.Flow{
				Address: "flow.a", Description: "old", Concurrency: &spec.Concurrency{Max: 1},
				Params: []*spec.Param{{Name: "day", Type: spec.Type(`"string"`), Default: literal(`"x"`)}},
			}),
			bundle(&spec.Flow{
				Address: "flow.a", Concurrency: &spec.Concurrency{Max: 2, WhenFull: spec.WhenFullSkip},
				Params: []*spec.Param{
					{Name: "day", Type: spec.Type(`"string"`), Default: expr("run.scheduled_for")},
					{Name: "n", Type: spec.Type(`"number"`)},
				},
			}),
			[]string{
				"~ flow.a",
				`  concurrency.max: 1 -> 2`,
				`  concurrency.when_full:  -> "skip"`,
				`  description: "old" -> `,
				`  params.day.default: "x" -> {"$expr":"run.scheduled_for"}`,
				`  params.n:  -> {"name":"n","type":"number"}`,
			},
		},
		{
			"jobs by name, whatever their place",
			bundle(flow("a", job("b", timeout(5*spec.Second)), job("c"), job("d", after("b", "c")))),
			bundle(flow("a", job("a"), job("b", timeout(6*spec.Second)), job("d", after("a", "b")))),
			[]string{
				"~ flow.a",
				"  + job a",
				"  ~ job b",
				`    timeout: "5s" -> "6s"`,
				"  - job c",
				"  ~ job d",
				`    upstreams: ["b","c"] -> ["a","b"]`,
				"  + edge a d",
				"  - edge c d",
			},
		},
		{
			"a run-time expression differs as a whole",
			bundle(flow("a", job("x", func(j *spec.Job) { j.When = expr("param.a > 1") }))),
			bundle(flow("a", job("x", func(j *spec.Job) { j.When = expr("param.a > 2") }))),
			[]string{
				"~ flow.a",
				"  ~ job x",
				`    when: {"$expr":"param.a > 1"} -> {"$expr":"param.a > 2"}`,
			},
		},
		{
			"a list without names differs as a whole",
			bundle(flow("a", job("x", func(j *spec.Job) { j.Args["command"] = literal(`["a","b"]`) }))),
			bundle(flow("a", job("x", func(j *spec.Job) { j.Args["command"] = literal(`["a"]`) }))),
			[]string{"~ flow.a", "  ~ job x", `    args.command: ["a","b"] -> ["a"]`},
		},
		{
			"a list of one thing without a name does so too",
			bundle(flow("a", job("x", func(j *spec.Job) { j.Args["files"] = literal(`[{"size":1}]`) }))),
			bundle(flow("a", job("x", func(j *spec.Job) { j.Args["files"] = literal(`[{"size":2}]`) }))),
			[]string{"~ flow.a", "  ~ job x", `    args.files: [{"size":1}] -> [{"size":2}]`},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, text(diff(t, tc.from, tc.to))); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
		})
	}
}

func TestDiffAsksForWhatItNeeds(t *testing.T) {
	from := bundle(flow("a", job("x")), flow("b", job("x")), flow("same", job("x", after("y")), job("y")))
	to := bundle(flow("a", job("y")), flow("same", job("x", after("y")), job("y")))
	old, specs := deployed(from, 1)
	w := planner.Want(to)
	needs := w.Needs(old)
	// a and b are the same bytes, and "same" does not change.
	if want := []string{old.Objects[0].Digest}; !slices.Equal(needs, want) {
		t.Errorf("needs %v, want %v", needs, want)
	}
	if _, err := (&planner.Wish{}).Compare(old, nil); err == nil {
		t.Error("all is deleted, and nobody asked what it was")
	}
	for name, data := range map[string]string{
		"missing": "", "damaged": "{", "of another kind": `{"jobs":1}`, "of strange edges": `{"jobs":[{"name":"x","upstreams":1}]}`,
	} {
		if specs[needs[0]] = []byte(data); data == "" {
			delete(specs, needs[0])
		}
		if _, _, err := w.Make(old, specs); err == nil || !strings.Contains(err.Error(), "flow.a") {
			t.Errorf("a spec that is %s: %v", name, err)
		}
	}
}

func TestSummary(t *testing.T) {
	p := planner.Plan{Changes: append(diff(t,
		bundle(flow("a", job("x")), flow("b"), flow("c")),
		bundle(flow("a", job("y")), flow("d"), flow("e"), flow("f")),
	), moved(t, "changed", job("y")), moved(t, "same", job("x")))}
	if got, want := p.Summary(), (planner.Summary{Add: 3, Change: 2, Destroy: 2}); got != want {
		t.Errorf("summary %+v, want %+v", got, want)
	}
}

// anyBundle draws a bundle of a few flows over few names, so that two of them
// have much in common.
func anyBundle(t *rapid.T, label string) *spec.Bundle {
	b := bundle()
	for _, name := range []string{"a", "b", "c"} {
		if !rapid.Bool().Draw(t, label+name) {
			continue
		}
		f := flow(name)
		f.Description = rapid.SampledFrom([]string{"", "x", "<é>\n"}).Draw(t, "description")
		for _, jobName := range []string{"j", `k["v"]`, "l"} {
			if rapid.Bool().Draw(t, jobName) {
				j := job(jobName, func(j *spec.Job) { j.Priority = rapid.IntRange(0, 2).Draw(t, "priority") })
				if len(f.Jobs) > 0 && rapid.Bool().Draw(t, "edge") {
					j.Upstreams = []string{f.Jobs[0].Name}
				}
				f.Jobs = append(f.Jobs, j)
			}
		}
		b.Flows = append(b.Flows, f)
	}
	for _, name := range []string{"p", "q"} {
		if slots := rapid.IntRange(0, 2).Draw(t, name); slots > 0 {
			b.Pools = append(b.Pools, &spec.Pool{Address: spec.PoolAddress(name, ""), Slots: slots})
		}
	}
	return b
}

func TestDiffProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := anyBundle(t, "from"), anyBundle(t, "to")
		if again := diff(t, from, from); len(again) != 0 {
			t.Fatalf("a bundle differs from itself: %v", text(again))
		}
		changes := diff(t, from, to)
		if got, want := applied(from, changes), contents(to); !maps.Equal(got, want) {
			t.Fatalf("the changes lead to %v, want %v", got, want)
		}
		for _, c := range changes {
			if u, ok := c.(planner.Update); ok && len(u.Attributes)+len(u.Jobs) == 0 {
				t.Fatalf("%s differs, but nowhere", u.Address())
			}
		}
	})
}

func contents(b *spec.Bundle) map[spec.Address]string {
	out := map[spec.Address]string{}
	for _, d := range planner.Declare(b) {
		out[d.Address] = string(d.Data)
	}
	return out
}

func applied(b *spec.Bundle, changes []planner.Change) map[spec.Address]string {
	out := contents(b)
	for _, c := range changes {
		switch c := c.(type) {
		case planner.Create:
			out[c.New.Address] = string(c.New.Data)
		case planner.Update:
			out[c.New.Address] = string(c.New.Data)
		case planner.Delete:
			delete(out, c.Old.Address)
		case planner.Move:
			delete(out, c.Old.Address)
			out[c.New.Address] = string(c.New.Data)
		}
	}
	return out
}
