package kernel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// given is what has been ordered so far, as execution.job.
func (w *world) given() string {
	var list []string
	for _, o := range w.orders {
		list = append(list, o.Execution+"."+o.Job)
	}
	return strings.Join(list, " ")
}

func pooled(name string, slots int) func(*spec.Job) {
	return func(j *spec.Job) { j.Pool, j.PoolSlots = spec.PoolAddress(name, ""), slots }
}

func TestPool(t *testing.T) {
	w := newWorld(t, Limits{})
	flows := []*spec.Flow{
		flow("f", []string{"a", "b", "c"}, job("*", pooled("w", 1))),
		flow("g", []string{"a"}),
		flow("h", []string{"a"}, job("*", pooled("w", 9))),
	}
	w.adopt(flows, withPool("w", 2))
	w.connect("one", 99)
	w.start("f", "x")
	w.start("g", "y")
	if got := w.given(); got != "x.a x.b y.a" {
		t.Fatalf("a full pool of 2: %s", got)
	}
	if j := w.job("x", "c"); j.Waiting != record.WaitingPool || j.WaitingArg != "pool.w" {
		t.Errorf("c waits for %s %s", j.Waiting, j.WaitingArg)
	}
	w.start("h", "z") // wants more than there is: it gets all, alone
	w.report("x", "a", nil)
	w.report("x", "b", nil)
	if got := w.given(); got != "x.a x.b y.a x.c" {
		t.Fatalf("%s", got)
	}
	w.report("x", "c", nil)
	if a := w.attempt("z", "a"); a.State != record.Ordered || a.PoolSlots != 2 {
		t.Errorf("z: %+v", a)
	}
	w.start("f", "x2")
	if got := w.job("x2", "a").Waiting; got != record.WaitingPool {
		t.Errorf("x2.a waits for %s", got)
	}
	// A larger pool lets them in, a smaller one never takes back.
	w.adopt(flows, withPool("w", 4))
	if got := w.given(); got != "x.a x.b y.a x.c z.a x2.a x2.b" {
		t.Fatalf("resized to 4: %s", got)
	}
	w.adopt(flows, withPool("w", 1))
	w.restore()
	w.connect("one", 99, TokenState{w.attempt("z", "a").Token, true},
		TokenState{w.attempt("x2", "a").Token, true}, TokenState{w.attempt("x2", "b").Token, true})
	w.report("z", "a", nil)
	w.report("x2", "a", nil)
	if got := w.job("x2", "c").State; got != record.JobReady {
		t.Errorf("x2.c is %s although one slot of one is taken", got)
	}
	w.adopt(flows) // no pool any more: it limits nothing
	if got := w.job("x2", "c").State; got != record.JobActive {
		t.Errorf("x2.c is %s", got)
	}
	w.report("x2", "b", nil)
	w.report("x2", "c", nil)
	w.want("x2", "SUCCEEDED a=SUCCEEDED b=SUCCEEDED c=SUCCEEDED")
}

// TestMovedPool: an execution knows a pool by the address that it had in its revision.
func TestMovedPool(t *testing.T) {
	uses := func(pool string) []*spec.Flow {
		return []*spec.Flow{flow("f", []string{"a", "b"}, job("*", pooled(pool, 1)))}
	}
	called := func(name string, former ...FormerAddress) func(*Adopt) {
		return func(a *Adopt) {
			a.Pools = append(a.Pools, PoolDef{UID: "one", Address: spec.PoolAddress(name, ""), Slots: 1, Former: former})
		}
	}
	w := newWorld(t, Limits{})
	w.adopt(uses("old"), called("old"))
	w.start("f", "x")
	was := FormerAddress{"pool.old", 1, 2}
	// Another one has got its name.
	w.adopt(uses("new"), called("new", was), withPool("old", 9))
	w.connect("one", 99)
	if got := w.given(); got != "x.a" {
		t.Fatalf("moved: %s", got)
	}
	w.restore()
	w.connect("one", 99, TokenState{w.attempt("x", "a").Token, true})
	if got := w.job("x", "b"); got.Waiting != record.WaitingPool {
		t.Fatalf("x.b is %s and waits for %s", got.State, got.Waiting)
	}
	w.report("x", "a", nil)
	if a := w.attempt("x", "b"); a.PoolUID != "one" {
		t.Errorf("x.b takes of %q", a.PoolUID)
	}
}

// TestNameFormerly: of all versions of pools, those count that had another address.
func TestNameFormerly(t *testing.T) {
	a := Adopt{Revision: 5, Pools: []PoolDef{{UID: "one", Address: "pool.c"}, {UID: "two", Address: "pool.a"}}}
	a.NameFormerly([]record.Object{
		{UID: "one", Address: "pool.a", From: 1, Until: 2},
		{UID: "one", Address: "pool.b", From: 2, Until: 4},
		{UID: "one", Address: "pool.c", From: 4},
		{UID: "two", Address: "pool.a", From: 3, Until: 6},
		{UID: "two", Address: "pool.d", From: 6},
		{UID: "gone", Address: "pool.a", From: 1, Until: 3},
	})
	if got := a.Pools[0].Former; !slices.Equal(got, []FormerAddress{{"pool.a", 1, 2}, {"pool.b", 2, 4}}) || a.Pools[1].Former != nil {
		t.Errorf("former addresses %v and %v", got, a.Pools[1].Former)
	}
}

func TestSharedPool(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{
		flow("f", []string{"a", "b"}, job("*", pooled("w", 1))),
		flow("v", []string{"a", "b"}, job("*", pooled("v", 1))),
	})
	other := Adopt{ProjectUID: "q", Project: "ops", Revision: 1, Pools: []PoolDef{
		{UID: "q.w", Address: "pool.w", Slots: 1, Shared: true}, {UID: "q.v", Address: "pool.v", Slots: 1},
	}}
	w.step(other)
	w.connect("one", 9)
	w.start("f", "x")
	if got := w.given(); got != "x.a" {
		t.Errorf("another project's shared pool: %s", got)
	}
	if a := w.attempt("x", "a"); a.PoolUID != "q.w" {
		t.Errorf("a takes of pool %q", a.PoolUID)
	}
	w.start("v", "y")
	if got := w.given(); got != "x.a y.a y.b" {
		t.Errorf("a pool that is not shared: %s", got)
	}
	other.Revision, other.Pools[0].Shared = 2, false
	w.step(other)
	w.start("f", "z")
	if got := w.given(); got != "x.a y.a y.b z.a z.b" {
		t.Errorf("a pool that is shared no more: %s", got)
	}
	other.Revision, other.Pools = 3, nil
	w.step(other)
	if got := w.given(); got != "x.a y.a y.b z.a z.b x.b" {
		t.Errorf("a pool that is no more: %s", got)
	}
}

// TestFairness: inside a priority, flows take turns; a higher one comes first.
func TestFairness(t *testing.T) {
	w := newWorld(t, Limits{})
	names := func(prefix string, n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("%s%d", prefix, i))
		}
		return list
	}
	w.adopt([]*spec.Flow{
		flow("big", names("b", 6)), flow("small", names("s", 2)),
		flow("urgent", names("u", 2), job("*", func(j *spec.Job) { j.Priority = 5 })),
	})
	w.connect("one", 1)
	w.start("big", "x")
	w.start("small", "y")
	w.start("urgent", "z")
	for range 9 {
		last := w.orders[len(w.orders)-1]
		w.report(last.Execution, last.Job, nil)
	}
	want := "x.b0 z.u0 z.u1 x.b1 y.s0 x.b2 y.s1 x.b3 x.b4 x.b5"
	if got := w.given(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestPlacement(t *testing.T) {
	w := newWorld(t, Limits{})
	place := func(p spec.Placement) func(*spec.Job) { return func(j *spec.Job) { j.Placement = &p } }
	w.adopt([]*spec.Flow{
		flow("pin", []string{"a"}, job("*", place(spec.Placement{Strategy: "pinned", Agent: "two"}))),
		flow("label", []string{"a"}, job("*", place(spec.Placement{Labels: map[string]string{"zone": "b"}}))),
		flow("any", []string{"a", "b", "c", "d"}),
	})
	w.start("pin", "x")
	w.start("label", "y")
	if j := w.job("x", "a"); j.Waiting != record.WaitingAgent || j.WaitingArg != "agent two" {
		t.Errorf("x.a waits for %s %q", j.Waiting, j.WaitingArg)
	}
	w.connect("one", 2)
	row := w.identity("two", 2)
	row.Labels = map[string]string{"zone": "b"}
	session := w.register(row)
	if len(w.orders) != 0 {
		t.Fatal("an agent got work before it reconciled")
	}
	w.step(Reconcile{Agent: "uid.two", Session: session})
	if a := w.attempt("x", "a"); a.Agent != "two" {
		t.Errorf("pinned to two, on %s", a.Agent)
	}
	if a := w.attempt("y", "a"); a.Agent != "two" {
		t.Errorf("asks for a label of two, on %s", a.Agent)
	}
	w.start("any", "z")
	if a, b := w.attempt("z", "a"), w.attempt("z", "b"); a.Agent != "one" || b.Agent != "one" {
		t.Errorf("on %s and %s although two is full", a.Agent, b.Agent)
	}
	if j := w.job("z", "c"); j.Waiting != record.WaitingSlot {
		t.Errorf("z.c waits for %s", j.Waiting)
	}
	w.step(Operate{Agent: "one", Verb: "drain", By: "ann"})
	w.report("z", "a", nil)
	if got := w.job("z", "c").State; got != record.JobReady {
		t.Errorf("z.c is %s on a draining agent", got)
	}
	w.report("x", "a", nil)
	if a := w.attempt("z", "c"); a.Agent != "two" {
		t.Errorf("z.c is on %s", a.Agent)
	}
	w.step(Operate{Agent: "uid.one", Verb: "undrain"})
	if a := w.attempt("z", "d"); a.Agent != "one" {
		t.Errorf("z.d is on %s", a.Agent)
	}
	w.restore() // nobody is in session yet
	w.start("label", "v")
	if j := w.job("v", "a"); j.Waiting != record.WaitingReconcile || j.WaitingArg != "two" {
		t.Errorf("v.a waits for %s %q", j.Waiting, j.WaitingArg)
	}
}

// TestTurns: of agents that are equal the one that has waited longest is next.
func TestTurns(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b", "c", "d", "e", "f"})})
	for _, name := range []string{"one", "three", "two"} {
		w.connect(name, 9)
	}
	w.start("f", "x")
	var got []string
	for _, o := range w.orders {
		got = append(got, strings.TrimPrefix(o.Agent, "uid."))
	}
	if text := strings.Join(got, " "); text != "one three two one three two" {
		t.Errorf("orders go to %s", text)
	}
}

// TestOrdersAreBounded: what does not fit into one Ready is in the next ones,
// without another event.
func TestOrdersAreBounded(t *testing.T) {
	w := newWorld(t, Limits{BatchRows: 4})
	var jobs []string
	for i := range 50 {
		jobs = append(jobs, fmt.Sprintf("j%02d", i))
	}
	w.adopt([]*spec.Flow{flow("f", jobs)})
	w.connect("one", 100)
	before := w.batches
	w.start("f", "x")
	if len(w.orders) != len(jobs) || w.batches-before < 10 {
		t.Errorf("%d orders in %d batches", len(w.orders), w.batches-before)
	}
}

// TestMemoryFollowsWhatIsThere: what earlier revisions asked for, and what waited for
// a time that nobody waits for any more, is forgotten.
func TestMemoryFollowsWhatIsThere(t *testing.T) {
	w := newWorld(t, Limits{})
	row := w.identity("one", 4)
	row.Labels = map[string]string{"zone": "a"}
	w.step(Reconcile{Agent: row.UID, Session: w.register(row)})
	for i := range 1000 {
		id, pool := fmt.Sprint("x", i), fmt.Sprint("w", i)
		w.adopt([]*spec.Flow{flow("f", []string{"a"}, job("a", pooled(pool, 1)), job("a", func(j *spec.Job) {
			j.Placement = &spec.Placement{Labels: map[string]string{"zone": "a", "version": fmt.Sprint(i)}}
			if i%2 == 0 {
				delete(j.Placement.Labels, "version")
			}
			hour := 3600 * spec.Second
			j.Retry = &spec.Retry{Attempts: 2, Delay: &hour}
		}))}, withPool(pool, 1))
		w.start("f", id)
		if i%2 == 0 {
			w.fail(id, "a")
			w.want(id, "RUNNING a=RETRY_WAIT")
		}
		w.step(Cancel{Execution: id})
	}
	w.adopt(nil)
	q := &w.s.queue
	if n := len(w.s.fleet.list[0].classes); len(q.lanes)+len(q.classes)+len(q.pools)+len(q.open)+n > 0 {
		t.Errorf("%d lanes, %d classes, %d pools, %d open lanes, %d classes of an agent", len(q.lanes), len(q.classes), len(q.pools), len(q.open), n)
	}
	if n := len(w.s.wakes.heap); n > 2*sweepFrom {
		t.Errorf("%d wakes for 1 agent", n)
	}
}

// TestWakesInOrder: a sweep changes nothing about the order of those that are left.
func TestWakesInOrder(t *testing.T) {
	var h wakes
	var want []record.Time
	for i := range 5000 {
		at := record.Time((i * 7919) % 5003)
		n := &node{Job: record.Job{State: record.JobActive, NextAt: at}}
		if i%3 > 0 {
			n.State = record.JobSucceeded
		} else {
			want = append(want, at)
		}
		h.push(wake{at: at, node: n})
	}
	if len(h.heap) > 2*len(want)+sweepFrom {
		t.Errorf("%d wakes are kept for %d", len(h.heap), len(want))
	}
	slices.Sort(want)
	var got []record.Time
	for w, ok := h.first(); ok; w, ok = h.first() {
		h.pop()
		if !w.stale() {
			got = append(got, w.at)
		}
	}
	if !slices.Equal(got, want) {
		t.Error("wakes come out of order, or some are lost")
	}
}
