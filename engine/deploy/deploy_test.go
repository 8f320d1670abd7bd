package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/engine/store/storetest"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

func job(name string, upstreams ...string) *spec.Job {
	return &spec.Job{Name: name, Type: "noop", Kind: spec.KindInstant, Upstreams: upstreams}
}

func flow(name string, jobs ...*spec.Job) *spec.Flow {
	return &spec.Flow{Address: spec.FlowAddress(name, ""), Jobs: jobs}
}

func bundle(flows ...*spec.Flow) *spec.Bundle { return &spec.Bundle{Project: "p", Flows: flows} }

// folder is a place to apply from, on one store.
type folder struct {
	*deploy.Service
	store   *store.Store
	lineage string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	s := storetest.Open(t, storetest.SQLite(t))
	return folder{Service: deploy.New(s), store: s, lineage: "l1"}
}

// set is what leads from the deployed state to a bundle, its specs already put.
func (f folder) set(tb testing.TB, b *spec.Bundle) deploy.ChangeSet {
	tb.Helper()
	before, _, err := f.Deployed(tb.Context(), b.Project, 0)
	if err != nil {
		tb.Fatal(err)
	}
	old := planner.Deployed{Project: planner.Project{Name: b.Project, UID: before.Project.UID, Revision: before.Project.Revision}}
	digests := []string{}
	for _, o := range before.Objects {
		old.Objects = append(old.Objects, planner.Object{UID: o.UID, Address: spec.Address(o.Address), Digest: o.Digest, Version: o.From})
		digests = append(digests, o.Digest)
	}
	specs, err := f.Specs(tb.Context(), digests)
	if err != nil {
		tb.Fatal(err)
	}
	w := planner.Want(b)
	p, found, err := w.Make(old, specs)
	if err != nil || found.HasErrors() {
		tb.Fatal(found, err)
	}
	set := deploy.ChangeSet{Project: b.Project, Lineage: f.lineage, Origin: "host:/" + f.lineage, Base: before.Project.Revision}
	for _, r := range p.Reads {
		set.Reads = append(set.Reads, deploy.Read{Address: r.Address, UID: r.UID, Version: r.Version})
	}
	for _, c := range p.Changes {
		d := deploy.Change{Address: c.Address(), Kind: c.Address().Kind()}
		if n, ok := planner.Coming(c); ok {
			d.Digest = n.Digest
			f.put(tb, n.Data)
		}
		switch c := c.(type) {
		case planner.Create:
			d.Action = deploy.Create
		case planner.Update:
			d.Action, d.UID, d.Version = deploy.Update, c.Old.UID, c.Old.Version
		case planner.Delete:
			d.Action, d.UID, d.Version = deploy.Delete, c.Old.UID, c.Old.Version
		case planner.Move:
			d.Action, d.UID, d.Version, d.Previous = deploy.Move, c.Old.UID, c.Old.Version, c.Old.Address
		}
		set.Changes = append(set.Changes, d)
	}
	return set
}

func (f folder) put(tb testing.TB, data []byte) {
	tb.Helper()
	if err := f.PutSpecs(tb.Context(), []record.Spec{{Digest: spec.Digest(data), Data: data}}); err != nil {
		tb.Fatal(err)
	}
}

// request is a set with an apply id made of what it is for.
func request(id string, set deploy.ChangeSet) deploy.Request {
	return deploy.Request{ApplyID: id, Changes: set, By: "ann", Message: "why"}
}

func (f folder) apply(tb testing.TB, id string, b *spec.Bundle) deploy.Result {
	tb.Helper()
	res, err := f.Apply(tb.Context(), request(id, f.set(tb, b)))
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

func (f folder) deployed(tb testing.TB, revision int64) map[string]record.Object {
	tb.Helper()
	d, _, err := f.Deployed(tb.Context(), "p", revision)
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string]record.Object{}
	for _, o := range d.Objects {
		out[o.Address] = o
	}
	return out
}

// refused asserts that an apply is refused with nothing written and nothing left.
func (f folder) refused(t *testing.T, req deploy.Request, want error, words ...string) {
	t.Helper()
	before, _, err := f.Deployed(t.Context(), req.Changes.Project, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Apply(t.Context(), req)
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in the message: %v", w, err)
		}
	}
	after, _, err := f.Deployed(t.Context(), req.Changes.Project, 0)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("refused, but deployed is\n%v\nand was\n%v", after, before)
	}
	if _, found, err := f.store.RevisionByApplyID(t.Context(), req.ApplyID); found || err != nil {
		t.Errorf("refused, but its revision is there: %v, %v", found, err)
	}
	f.clean(t, req.Changes)
}

func TestApplyKeepsUIDs(t *testing.T) {
	f := newFolder(t)
	first := f.apply(t, "a1", bundle(flow("a", job("x")), flow("b")))
	before := f.deployed(t, 0)
	second := f.apply(t, "a2", bundle(flow("a", job("y")), flow("c")))
	now := f.deployed(t, 0)
	if first.Revision != 1 || second.Revision != 2 || second.EffectiveFrom <= first.EffectiveFrom {
		t.Errorf("revisions %+v, then %+v", first, second)
	}
	if a := now["flow.a"]; a.UID != before["flow.a"].UID || a.From != 2 {
		t.Errorf("flow.a is %+v, was %+v", a, before["flow.a"])
	}
	if _, there := now["flow.b"]; there || now["flow.c"].UID == "" {
		t.Errorf("deployed: %v", now)
	}
	if old := f.deployed(t, 1); len(old) != 2 || old["flow.b"].UID != before["flow.b"].UID {
		t.Errorf("revision 1 is by now %v", old)
	}
	f.apply(t, "a3", bundle(flow("a", job("y")), flow("b"), flow("c")))
	if again := f.deployed(t, 0)["flow.b"]; again.UID == before["flow.b"].UID {
		t.Error("flow.b went and came back with the same uid; it would inherit a history")
	}
	list, err := f.Revisions(t.Context(), record.ObjectUID("l1", "project", "p", 1), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		got = append(got, fmt.Sprint(r.Number, r.ApplyID, r.Author, r.Message, r.Added, r.Changed, r.Destroyed))
	}
	if want := []string{"3a3annwhy1 0 0", "2a2annwhy1 1 1", "1a1annwhy2 0 0"}; !slices.Equal(got, want) {
		t.Errorf("history %q, want %q", got, want)
	}
}

func TestApplyIDIsDoneOnce(t *testing.T) {
	f := newFolder(t)
	req := request("once", f.set(t, bundle(flow("a"))))
	first, err := f.Apply(t.Context(), req)
	if err != nil || first.Repeated {
		t.Fatalf("%+v, %v", first, err)
	}
	f.apply(t, "later", bundle(flow("a"), flow("b")))
	taken := f.set(t, bundle(flow("a")))
	taken.Lineage, taken.Adopt = "l2", true
	if _, err := f.Apply(t.Context(), request("taken over", taken)); err != nil {
		t.Fatal(err)
	}
	again, err := f.Apply(t.Context(), req)
	if err != nil || !again.Repeated || again.Revision != first.Revision || again.EffectiveFrom != first.EffectiveFrom {
		t.Errorf("the same id again: %+v, %v; the first was %+v", again, err, first)
	}
}

func TestApplyStale(t *testing.T) {
	f := newFolder(t)
	never := f.set(t, bundle(flow("a")))
	f.apply(t, "1", bundle(flow("a")))
	f.refused(t, request("never", never), deploy.ErrStale, "flow.a was made in revision 1 by ann at 20", "Plan again")
	old := f.set(t, bundle(flow("a", job("x"))))
	f.apply(t, "2", bundle(flow("a", job("z")), flow("b")))
	f.refused(t, request("old", old), deploy.ErrStale, "from revision 1", "flow.a was changed in revision 2 by ann at 20", "Plan again")
	ahead := old
	ahead.Base = 9
	f.refused(t, request("ahead", ahead), deploy.ErrStale, "from revision 9", "revision 2 is the newest")
	// The head has not moved, but the object did: its version is checked as well.
	wrong := f.set(t, bundle(flow("a", job("x")), flow("b")))
	wrong.Changes[0].Version = 1
	f.refused(t, request("wrong", wrong), deploy.ErrStale, "flow.a")
}

// counting counts how often an apply has looked at what is deployed.
type counting struct {
	*store.Store
	looks int
}

func (c *counting) Objects(ctx context.Context, projectUID string, revision int64) ([]record.Object, error) {
	c.looks++
	return c.Store.Objects(ctx, projectUID, revision)
}

func TestStaleIsNotTriedAgain(t *testing.T) {
	f := newFolder(t)
	f.apply(t, "1", bundle(flow("a")))
	old := f.set(t, bundle(flow("a", job("x"))))
	f.apply(t, "2", bundle(flow("a", job("z"))))
	c := &counting{Store: f.store}
	if _, err := deploy.New(c).Apply(t.Context(), request("old", old)); !errors.Is(err, deploy.ErrStale) || c.looks != 1 {
		t.Errorf("error %v after %d looks", err, c.looks)
	}
}

func TestApplyOfAnotherFolder(t *testing.T) {
	f := newFolder(t)
	f.apply(t, "1", bundle(flow("a")))
	other := f
	other.lineage = "l2"
	set := other.set(t, bundle(flow("b", job("y"))))
	f.refused(t, request("other", set), deploy.ErrClash, "host:/l1", "host:/l2", "-adopt")
	none := set
	none.Lineage = ""
	f.refused(t, request("none", none), deploy.ErrInvalid)

	set = other.set(t, bundle(flow("b", job("y"))))
	set.Adopt = true
	if _, err := f.Apply(t.Context(), request("adopted", set)); err != nil {
		t.Fatal(err)
	}
	f.refused(t, request("back", f.set(t, bundle(flow("c")))), deploy.ErrClash, "host:/l2")
	// Taking over alone is a change of its own.
	back := f.set(t, bundle(flow("b", job("y"))))
	back.Adopt = true
	if len(back.Changes) != 0 {
		t.Fatalf("changes: %v", back.Changes)
	}
	if _, err := f.Apply(t.Context(), request("bare", back)); err != nil {
		t.Fatal(err)
	}
	f.apply(t, "mine", bundle(flow("c")))
}

func TestApplyRefusesWhatCannotRun(t *testing.T) {
	pooled := job("x")
	pooled.Pool = "pool.p"
	schedule := func(s spec.Schedule) *spec.Bundle {
		s.Address = "schedule.s"
		b := bundle(flow("a"))
		b.Schedules = append(b.Schedules, &s)
		return b
	}
	for _, tc := range []struct {
		name   string
		bundle *spec.Bundle
		words  []string
	}{
		{"cycle", bundle(flow("a", job("x", "y"), job("y", "x"))), []string{"flow.a"}},
		{"unknown upstream", bundle(flow("a", job("x", "y"))), []string{"flow.a"}},
		{"no such pool", bundle(flow("a", pooled)), []string{"flow.a.job.x", "pool.p"}},
		{"no such flow", schedule(spec.Schedule{Flow: "flow.b", Crons: []string{"0 0 * * *"}}), []string{"schedule.s", "flow.b"}},
		{"bad cron", schedule(spec.Schedule{Flow: "flow.a", Crons: []string{"61 0 * * *"}}), []string{"schedule.s"}},
		{"bad zone", schedule(spec.Schedule{Flow: "flow.a", Crons: []string{"0 0 * * *"}, Timezone: "Mars/Olympus"}), []string{"schedule.s"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFolder(t)
			f.refused(t, request("x", f.set(t, tc.bundle)), deploy.ErrInvalid, tc.words...)
		})
	}
}

func TestApplyRefusesWhatMakesNoSense(t *testing.T) {
	f := newFolder(t)
	f.apply(t, "1", bundle(flow("a"), flow("b")))
	good := func() deploy.ChangeSet { return f.set(t, bundle(flow("a", job("x")), flow("c"))) }
	for _, tc := range []struct {
		name   string
		damage func(*deploy.ChangeSet)
	}{
		{"no project", func(c *deploy.ChangeSet) { c.Project = "" }},
		{"nothing to do", func(c *deploy.ChangeSet) { c.Changes = nil }},
		{"a long origin", func(c *deploy.ChangeSet) { c.Origin = strings.Repeat("x", 600) }},
		{"a job by itself", func(c *deploy.ChangeSet) { c.Changes[0].Address = "flow.a.job.x" }},
		{"another kind", func(c *deploy.ChangeSet) { c.Changes[0].Kind = "pool" }},
		{"a long address", func(c *deploy.ChangeSet) { c.Changes[2].Address = spec.FlowAddress("c", strings.Repeat("k", 300)) }},
		{"no such action", func(c *deploy.ChangeSet) { c.Changes[0].Action = "forget" }},
		{"a short digest", func(c *deploy.ChangeSet) { c.Changes[0].Digest = "0" }},
		{"a deletion with a digest", func(c *deploy.ChangeSet) { c.Changes[1].Digest = c.Changes[0].Digest }},
		{"a creation with a uid", func(c *deploy.ChangeSet) { c.Changes[2].UID = "u" }},
		{"a creation with a version", func(c *deploy.ChangeSet) { c.Changes[2].Version = 1 }},
		{"an update without a uid", func(c *deploy.ChangeSet) { c.Changes[0].UID = "" }},
		{"an update without a version", func(c *deploy.ChangeSet) { c.Changes[0].Version = 0 }},
		{"a deletion twice", func(c *deploy.ChangeSet) { c.Changes = append(c.Changes, c.Changes[1]) }},
		{"a deletion of another's uid", func(c *deploy.ChangeSet) {
			c.Changes[1].UID = c.Changes[0].UID
			c.Changes = c.Changes[1:2]
		}},
		{"a uid that is not deployed", func(c *deploy.ChangeSet) { c.Changes[0].UID = "u" }},
		{"another's uid", func(c *deploy.ChangeSet) { c.Changes[0].UID = c.Changes[1].UID }},
		{"an object twice", func(c *deploy.ChangeSet) { c.Changes = append(c.Changes, c.Changes[2]) }},
		{"a creation of what is there", func(c *deploy.ChangeSet) { c.Changes[2].Address = "flow.a" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set := good()
			tc.damage(&set)
			f.refused(t, request("x", set), deploy.ErrInvalid)
		})
	}
	f.refused(t, request("", good()), deploy.ErrInvalid)
}

// A request that is sent again while the first one is under way has that one's
// result.
func TestApplyIDAtOnce(t *testing.T) {
	f := newFolder(t)
	for n := range int64(20) {
		req := request(fmt.Sprint("at once ", n), f.set(t, bundle(flow("a", job(fmt.Sprint("x", n))))))
		results := make([]deploy.Result, 3)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				var err error
				if results[i], err = f.Apply(t.Context(), req); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		first := 0
		for _, r := range results {
			if !r.Repeated {
				first++
			}
			if r.Revision != n+1 {
				t.Errorf("revision %d, want %d", r.Revision, n+1)
			}
		}
		if first != 1 {
			t.Errorf("%d of them say they were the first", first)
		}
	}
}

// queue puts executions of flow.a into the live set, as a master does.
func (f folder) queue(t *testing.T, states ...record.ExecutionState) {
	t.Helper()
	a := f.deployed(t, 0)["flow.a"]
	var b record.Batch
	for i, s := range states {
		e := record.Execution{
			ID: fmt.Sprintf("run%d", i), ProjectUID: a.ProjectUID, Project: "p", FlowUID: a.UID, Flow: a.Address,
			FlowDigest: a.Digest, Revision: a.From, State: s, Origin: record.OriginManual, ScheduledFor: 1, Zone: "UTC",
			Params: json.RawMessage(`{}`), By: "ann", CreatedAt: record.Time(1 + i),
		}
		b.Executions = append(b.Executions, e)
	}
	if err := f.store.Commit(t.Context(), storetest.Take(t, f.store, "m"), 1, &b); err != nil {
		t.Fatal(err)
	}
}

// TestApplyShowsWhatItCancels: deleting a flow cancels what is queued of it, and
// whoever has not seen that in a plan is not taken at his word.
func TestApplyShowsWhatItCancels(t *testing.T) {
	f := newFolder(t)
	limited := flow("a", job("x"))
	limited.Concurrency = &spec.Concurrency{Max: 1}
	f.apply(t, "1", bundle(limited, flow("b")))
	next := bundle(flow("b", job("new")))
	gone := request("gone", f.set(t, next))
	quiet, err := f.Preview(t.Context(), gone.Changes)
	if err != nil || len(quiet.Executions)+len(quiet.Kinds) != 0 {
		t.Fatalf("nothing runs, and the impact is %+v, %v", quiet, err)
	}

	f.queue(t, record.Running, record.Queued, record.Queued)
	impact, err := f.Preview(t.Context(), gone.Changes)
	if err != nil {
		t.Fatal(err)
	}
	var fates []string
	for _, e := range impact.Executions {
		fates = append(fates, e.ID+" "+string(e.Fate))
	}
	if want := []string{"run1 cancelled", "run2 cancelled", "run0 finishes"}; !slices.Equal(fates, want) {
		t.Errorf("fates %q, want %q", fates, want)
	}
	f.refused(t, gone, deploy.ErrEffects, "cancels", "queued")
	gone.Changes = f.set(t, next)
	gone.Shown = impact.Kinds
	if _, err := f.Apply(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
}

// What operators have set, and what holds slots of a pool, has its part in the impact.
func TestPreviewOfWhatOperatorsDid(t *testing.T) {
	f := newFolder(t)
	b := func(slots int, paused bool) *spec.Bundle {
		x := job("x")
		x.Pool = "pool.p"
		b := bundle(flow("a", x))
		b.Pools = []*spec.Pool{{Address: "pool.p", Slots: slots}}
		b.Schedules = []*spec.Schedule{{Address: "schedule.s", Flow: "flow.a", Crons: []string{"0 2 * * *"}, Paused: paused}}
		return b
	}
	f.apply(t, "1", b(4, false))
	f.queue(t, record.Running)
	now := f.deployed(t, 0)
	held := record.Batch{
		Jobs: []record.Job{{Execution: "run0", Name: "x", State: record.JobActive, Attempts: 1}},
		Attempts: []record.Attempt{{
			Execution: "run0", N: 1, Token: "t", State: record.AttemptRunning, PoolUID: now["pool.p"].UID, PoolSlots: 3,
		}},
		Overrides: []record.Override{{
			ProjectUID: now["schedule.s"].ProjectUID, ObjectUID: now["schedule.s"].UID, Object: "schedule.s",
			Field: record.FieldPaused, Value: "true", Declared: "false", Revision: 1, By: "ann",
		}},
	}
	if err := f.store.Commit(t.Context(), storetest.Take(t, f.store, "m"), 1, &held); err != nil {
		t.Fatal(err)
	}
	impact, err := f.Preview(t.Context(), f.set(t, b(2, false)))
	if err != nil || !slices.Equal(impact.Kinds, []planner.Effect{planner.ExceedsPool}) || len(impact.Pools) != 1 {
		t.Errorf("a smaller pool: %+v, %v", impact, err)
	}
	impact, err = f.Preview(t.Context(), f.set(t, b(4, true)))
	if err != nil || !slices.Equal(impact.Kinds, []planner.Effect{planner.EndsOverride}) {
		t.Errorf("a change of what was set: %+v, %v", impact, err)
	}
}

func TestPreviewOfAnUpdate(t *testing.T) {
	f := newFolder(t)
	f.apply(t, "1", bundle(flow("a", job("x"))))
	f.queue(t, record.Running, record.Queued)
	impact, err := f.Preview(t.Context(), f.set(t, bundle(flow("a", job("x"), job("y")))))
	if err != nil {
		t.Fatal(err)
	}
	if len(impact.Kinds) != 0 || len(impact.Executions) != 2 ||
		impact.Executions[0].Fate != planner.Finishes || impact.Executions[1].Fate != planner.Starts {
		t.Errorf("impact %+v", impact)
	}
}

// TestApplyRace: of many applies from one base one wins, and the revisions are
// one chain.
func TestApplyRace(t *testing.T) {
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
			const writers, rounds = 8, 3
			for round := range rounds {
				reqs := make([]deploy.Request, writers)
				for i := range reqs {
					b := bundle(flow("a", job(fmt.Sprintf("x%d-%d", round, i))))
					reqs[i] = request(fmt.Sprintf("r%d-%d", round, i), f.set(t, b))
				}
				if won := f.race(t, reqs); won != 1 {
					t.Errorf("round %d has %d winners", round, won)
				}
			}
			d, _, err := f.Deployed(t.Context(), "p", 0)
			if err != nil {
				t.Fatal(err)
			}
			list, err := f.Revisions(t.Context(), d.Project.UID, 0, 0)
			if err != nil || len(list) != rounds || list[0].Number != rounds {
				t.Errorf("%d revisions, the newest is %+v, %v", len(list), list[0], err)
			}
		})
	}
}

// race applies all requests at once and counts who was told to have won.
func (f folder) race(t *testing.T, reqs []deploy.Request) (won int) {
	t.Helper()
	var all sync.WaitGroup
	results := make([]error, len(reqs))
	for i, req := range reqs {
		all.Go(func() { _, results[i] = f.Apply(t.Context(), req) })
	}
	all.Wait()
	for i, err := range results {
		_, found, lookup := f.store.RevisionByApplyID(t.Context(), reqs[i].ApplyID)
		switch {
		case lookup != nil:
			t.Fatal(lookup)
		case found != (err == nil):
			t.Errorf("%s ended with %v, and its revision is there: %v", reqs[i].ApplyID, err, found)
		case err == nil:
			won++
		case !errors.Is(err, deploy.ErrStale):
			t.Errorf("%s: %v", reqs[i].ApplyID, err)
		}
	}
	return won
}
