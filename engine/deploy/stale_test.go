package deploy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/store/storetest"
	"github.com/leifengta/lft/lang/spec"
)

// web is a bundle in which a flow uses a pool, a dependency and another flow, and
// a schedule starts it by a calendar.
func web(change ...func(*spec.Bundle)) *spec.Bundle {
	main := job("m")
	main.Pool, main.Uses = "pool.p", nil
	b := bundle(flow("child", job("c")), flow("main", main, &spec.Job{Name: "sub", Type: "flow", Kind: spec.KindFlow, Flow: "flow.child"}), flow("other", job("o")))
	b.Pools = []*spec.Pool{{Address: "pool.p", Slots: 1}, {Address: "pool.q", Slots: 1}}
	b.Calendars = []*spec.Calendar{{Address: "calendar.c", Exclude: []string{"2026-12-25"}}}
	b.Schedules = []*spec.Schedule{{Address: "schedule.s", Flow: "flow.main", Crons: []string{"0 2 * * *"}, Calendar: "calendar.c"}}
	b.Outputs = []*spec.ProjectOutput{{Address: "output.o", Value: []byte(`1`)}}
	for _, c := range change {
		c(b)
	}
	return b
}

func describe(flow int) func(*spec.Bundle) {
	return func(b *spec.Bundle) { b.Flows[flow].Description += "x" }
}

// rename moves a flow.
func rename(flow int, to spec.Address) func(*spec.Bundle) {
	return func(b *spec.Bundle) {
		b.Moved = []spec.Moved{{From: b.Flows[flow].Address, To: to}}
		b.Flows[flow].Address = to
	}
}

// TestStaleByObject: a plan made before another apply takes effect when nothing
// that it writes or reads has moved; else it is refused, and says what moved.
func TestStaleByObject(t *testing.T) {
	mainFlow, other := describe(1), describe(2)
	schedule := func(b *spec.Bundle) { b.Schedules[0].Paused = true }
	for _, tc := range []struct {
		name    string
		plan    func(*spec.Bundle) // what the saved plan changes
		between func(*spec.Bundle) // what is applied meanwhile
		words   []string           // nil: the plan survives
	}{
		{"another flow", mainFlow, other, nil},
		{"a pool that is not used", mainFlow, func(b *spec.Bundle) { b.Pools[1].Slots = 2 }, nil},
		{"an output", mainFlow, func(b *spec.Bundle) { b.Outputs = nil }, nil},
		{"who uses it", mainFlow, schedule, nil},
		{"a new object", mainFlow, func(b *spec.Bundle) { b.Flows = append(b.Flows, flow("new")) }, nil},
		{"itself", mainFlow, mainFlow, []string{"flow.main was changed in revision 2 by ann at 20"}},
		{"itself, to what the plan makes of it", mainFlow, func(b *spec.Bundle) { describe(1)(b); describe(1)(b) }, []string{"flow.main was changed"}},
		{"the pool it uses", mainFlow, func(b *spec.Bundle) { b.Pools[0].Slots = 2 }, []string{"pool.p was changed in revision 2 by ann"}},
		{"the flow it starts", mainFlow, describe(0), []string{"flow.child was changed"}},
		{"the flow of a schedule", schedule, mainFlow, []string{"flow.main was changed"}},
		{"the calendar of a schedule", schedule, func(b *spec.Bundle) {
			b.Calendars[0].Exclude = nil
			b.Calendars[0].Include = []string{"2026-01-01..2026-12-31"}
		}, []string{"calendar.c was changed"}},
		{"it is gone", other, func(b *spec.Bundle) { b.Flows = b.Flows[:2] }, []string{"flow.other was destroyed in revision 2 by ann"}},
		{"it is elsewhere", other, func(b *spec.Bundle) {
			b.Flows[2] = flow("zzz", job("o"))
			b.Moved = []spec.Moved{{From: "flow.other", To: "flow.zzz"}}
		}, []string{"flow.other has become flow.zzz in revision 2"}},
		{"what it moves has changed", rename(2, "flow.zzz"), other, []string{"flow.other was changed in revision 2"}},
		{"it moves to what is there by now", rename(2, "flow.zzz"), func(b *spec.Bundle) { b.Flows = append(b.Flows, flow("zzz")) }, []string{"flow.zzz was made in revision 2"}},
		{
			"both make it", func(b *spec.Bundle) { b.Flows = append(b.Flows, flow("x")) }, func(b *spec.Bundle) { b.Flows = append(b.Flows, flow("x", job("j"))) },
			[]string{"flow.x was made in revision 2"},
		},
		{
			"what it destroys is used by now", func(b *spec.Bundle) { b.Pools = b.Pools[:1] },
			func(b *spec.Bundle) { b.Flows[2].Jobs[0].Pool = "pool.q" },
			[]string{"does not go with revision 2", "flow.other.job.o", "pool.q"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t)
			f.apply(t, "first", web())
			saved := f.set(t, web(tc.plan))
			f.apply(t, "between", web(tc.between))
			if len(tc.words) > 0 {
				f.refused(t, request("saved", saved), deploy.ErrStale, append(tc.words, "Plan again")...)
				return
			}
			res, err := f.Apply(t.Context(), request("saved", saved))
			if err != nil || res.Revision != 3 {
				t.Fatalf("revision %d, %v", res.Revision, err)
			}
			// Both have taken effect.
			if rest := f.set(t, web(tc.between, tc.plan)); len(rest.Changes) != 0 {
				t.Errorf("what is left: %+v", rest.Changes)
			}
		})
	}
}

// TestStaleByMany: of a great many that have moved, a few are named.
func TestStaleByMany(t *testing.T) {
	many := func(n int, description string) *spec.Bundle {
		b := bundle()
		for i := range n {
			f := flow(fmt.Sprint("f", i), job("j"))
			f.Description = description
			b.Flows = append(b.Flows, f)
		}
		return b
	}
	for name, between := range map[string]*spec.Bundle{"changed": many(8, "by another"), "destroyed": many(0, "")} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.apply(t, "first", many(8, ""))
			saved := f.set(t, many(8, "mine"))
			f.apply(t, "between", between)
			_, err := f.Apply(t.Context(), request("saved", saved))
			if !errors.Is(err, deploy.ErrStale) || strings.Count(err.Error(), " was "+name+" in revision 2 by ann") != 5 || !strings.Contains(err.Error(), "\n  and 3 more\n") {
				t.Error(err)
			}
		})
	}
}

// What goes makes room for what comes, also on a project that has moved on.
func TestStaleByRoomThatIsMade(t *testing.T) {
	for name, goes := range map[string]deploy.Change{
		"destroyed": {Action: deploy.Delete, Address: "flow.b"},
		"moved":     {Action: deploy.Move, Address: "flow.d", Previous: "flow.b"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.apply(t, "first", bundle(flow("a", job("x")), flow("b"), flow("c")))
			now := f.deployed(t, 0)
			comes := deploy.Change{Action: deploy.Move, Address: "flow.b", Previous: "flow.a", UID: now["flow.a"].UID, Digest: now["flow.a"].Digest}
			goes.UID = now["flow.b"].UID
			if goes.Action == deploy.Move {
				goes.Digest = now["flow.b"].Digest
			}
			saved := deploy.ChangeSet{Project: "p", Lineage: f.lineage, Base: 1, Changes: []deploy.Change{goes, comes}}
			for i := range saved.Changes {
				saved.Changes[i].Kind, saved.Changes[i].Version = spec.FlowKind, 1
			}
			f.apply(t, "between", bundle(flow("a", job("x")), flow("b"), flow("c", job("y"))))
			if _, err := f.Apply(t.Context(), request("saved", saved)); err != nil {
				t.Fatal(err)
			}
			if uid := f.deployed(t, 0)["flow.b"].UID; uid != comes.UID {
				t.Errorf("at flow.b is %s, want %s", uid, comes.UID)
			}
		})
	}
}

// A move that leaves behind who names the old address is judged by them, too.
func TestMoveOfWhatIsNamed(t *testing.T) {
	f := newFolder(t)
	f.apply(t, "first", web())
	set := f.set(t, web(rename(1, "flow.zzz"), func(b *spec.Bundle) { b.Schedules[0].Flow = "flow.zzz" }))
	set.Changes = slices.DeleteFunc(set.Changes, func(c deploy.Change) bool { return c.Kind == spec.ScheduleKind })
	f.refused(t, request("alone", set), deploy.ErrInvalid, "schedule.s starts flow.main")
}

// TestApplyBesideOthers: of many applies from one base, all take effect that are
// about different objects, one of those about the same; the revisions are one chain.
func TestApplyBesideOthers(t *testing.T) {
	for _, tc := range []struct {
		name  string
		state func(testing.TB) string
	}{
		{"sqlite", storetest.SQLite},
		{"mysql", storetest.MySQL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := storetest.Open(t, tc.state(t))
			f := folder{Service: deploy.New(s), store: s, lineage: "l1"}
			const flows = 4
			base := bundle()
			for i := range flows {
				base.Flows = append(base.Flows, flow(fmt.Sprint("f", i), job("j")))
			}
			f.apply(t, "base", base)
			var reqs []deploy.Request
			for i := range 2 * flows { // two for each flow
				b := bundle(slices.Clone(base.Flows)...)
				b.Flows[i%flows] = flow(fmt.Sprint("f", i%flows), job("j"), job(fmt.Sprint("by", i)))
				reqs = append(reqs, request(fmt.Sprint("r", i), f.set(t, b)))
			}
			var all sync.WaitGroup
			results := make([]error, len(reqs))
			for i, req := range reqs {
				all.Go(func() { _, results[i] = f.Apply(t.Context(), req) })
			}
			all.Wait()
			for i := range flows {
				won := 0
				for _, err := range []error{results[i], results[i+flows]} {
					if err == nil {
						won++
					} else if !errors.Is(err, deploy.ErrStale) {
						t.Error(err)
					}
				}
				if won != 1 {
					t.Errorf("flow %d: %d applies have won: %v, %v", i, won, results[i], results[i+flows])
				}
			}
			d, _, err := f.Deployed(t.Context(), "p", 0)
			if err != nil {
				t.Fatal(err)
			}
			list, err := f.Revisions(t.Context(), d.Project.UID, 0, 0)
			if err != nil || len(list) != 1+flows || list[0].Number != 1+flows || d.Project.Revision != 1+flows {
				t.Errorf("%d revisions, head %d, %v", len(list), d.Project.Revision, err)
			}
			for i := 1; i < len(list); i++ {
				if list[i-1].Number != list[i].Number+1 || list[i-1].EffectiveFrom <= list[i].EffectiveFrom {
					t.Errorf("revision %+v does not follow %+v", list[i-1], list[i])
				}
			}
		})
	}
}

// TestHistoryCountsAsThePlan: outputs, moves and what only follows a move count
// nowhere.
func TestHistoryCountsAsThePlan(t *testing.T) {
	f := newFolder(t)
	f.apply(t, "first", web())
	f.apply(t, "second", web(func(b *spec.Bundle) {
		b.Flows[1].Address, b.Schedules[0].Flow = "flow.renamed", "flow.renamed"
		b.Moved = []spec.Moved{{From: "flow.main", To: "flow.renamed"}}
		b.Outputs[0].Value = []byte(`2`)
		b.Pools[1].Slots = 7
		b.Flows[2] = flow("new")
	}))
	d, _, err := f.Deployed(t.Context(), "p", 0)
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Revisions(t.Context(), d.Project.UID, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		got = append(got, fmt.Sprint(r.Added, r.Changed, r.Destroyed))
	}
	if want := []string{"1 1 1", "7 0 0"}; !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
}
