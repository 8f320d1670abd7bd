package kernel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// family is a world in which flows start one another. Each revision stays known,
// as the definitions in a store do.
type family struct {
	*world
	revisions []Adopt
	output    func(Prepare) Prepared // answers for a flow's outputs
}

func newFamily(t *testing.T, flows ...*spec.Flow) *family {
	t.Helper()
	f := &family{world: newWorld(t, Limits{})}
	f.output = func(p Prepare) Prepared { return Prepared{Key: p.Key, N: p.N, Output: []byte(`{"rows":7}`)} }
	f.answer = f.prepare
	f.deploy(flows...)
	f.connect("one", 99)
	return f
}

func (f *family) deploy(flows ...*spec.Flow) {
	f.t.Helper()
	f.adopt(flows)
	f.revisions = append(f.revisions, f.adopted["p"])
}

func (f *family) prepare(p Prepare) Prepared {
	if p.Outputs {
		return f.output(p)
	}
	answer := Prepared{Key: p.Key, N: p.N, Task: []byte(`{"type":"x"}`), Wait: 5 * spec.Second, Params: []byte(`{"day":"monday"}`)}
	to := f.graphs[p.FlowDigest].Flow(p.Key.Number)
	for i := range f.revisions[p.Revision-1].Flows {
		if def := &f.revisions[p.Revision-1].Flows[i]; def.Address == to {
			answer.Child = def
		}
	}
	return answer
}

// starts makes a job one that starts a flow.
func starts(name string, change ...func(*spec.Job)) func(*spec.Job) {
	return func(j *spec.Job) {
		j.Type, j.Kind, j.Flow = "flow", spec.KindFlow, spec.FlowAddress(name, "")
		for _, c := range change {
			c(j)
		}
	}
}

func gives(f *spec.Flow) {
	f.Outputs = []*spec.FlowOutput{{Name: "rows", Type: spec.Type(`"number"`), Value: &spec.Value{Expr: "job.a.output.rows"}}}
}

func retries(attempts int) func(*spec.Job) {
	return func(j *spec.Job) {
		delay := 10 * spec.Second
		j.Retry = &spec.Retry{Attempts: attempts, Delay: &delay}
	}
}

// child is the id of the execution that a job's n-th attempt has started.
func (f *family) child(id, name string, n int32) string {
	return record.ChildID(id, f.job(id, name).Number, "", n)
}

func (f *family) cancel(id string) {
	f.t.Helper()
	f.step(Cancel{Execution: id, By: "ann"})
}

func killed(r *Report) { r.Outcome, r.HasExit, r.Signal = record.OutcomeCancelled, false, "SIGTERM" }

// parentAndChild is the smallest family: p has a job before and after the one
// that starts c, and c gives an output.
func parentAndChild(t *testing.T, change ...func(*spec.Job)) (f *family, child string) {
	t.Helper()
	f = newFamily(t, flow("p", []string{"before", "sub: before", "z: sub"}, job("sub", starts("c", change...))), flow("c", []string{"a"}, gives))
	f.start("p", "x")
	f.report("x", "before", nil)
	return f, f.child("x", "sub", 1)
}

func TestChild(t *testing.T) {
	f, child := parentAndChild(t)
	f.want("x", "RUNNING before=SUCCEEDED sub=ACTIVE z=WAITING")
	f.want(child, "RUNNING a=ACTIVE")
	x, parent := f.db.executions[child], f.db.executions["x"]
	if x.Parent != "x" || x.ParentNumber != 1 || x.ParentN != 1 || x.Depth != 1 || x.Origin != record.OriginFlow || x.By != "ann" ||
		string(x.Params) != `{"day":"monday"}` || x.ScheduledFor != parent.ScheduledFor || x.Zone != parent.Zone || x.Revision != 1 {
		t.Errorf("the child is %+v", x)
	}
	if a := f.attempt("x", "sub"); a.State != record.AttemptRunning || a.AgentUID != "" || a.StartedAt != noon {
		t.Errorf("the attempt is %+v", a)
	}
	if j := f.job("x", "sub"); j.Waiting != record.WaitingChild || j.WaitingArg != child {
		t.Errorf("the job waits for %s %s", j.Waiting, j.WaitingArg)
	}
	batches := f.batches
	f.report(child, "a", nil)
	f.want(child, "SUCCEEDED a=SUCCEEDED")
	f.want("x", "RUNNING before=SUCCEEDED sub=SUCCEEDED z=ACTIVE")
	if f.batches != batches+1 {
		t.Errorf("the end of a child takes %d batches", f.batches-batches)
	}
	if j := f.job("x", "sub"); string(j.Output) != `{"rows":7}` || j.Waiting != "" {
		t.Errorf("the job is %+v", j)
	}
	if a := f.attempt("x", "sub"); a.Outcome != record.OutcomeSucceeded || len(f.db.logEnds) != 2 {
		t.Errorf("the attempt is %+v, %d logs ended", a, len(f.db.logEnds))
	}
	f.report("x", "z", nil)
	f.want("x", "SUCCEEDED before=SUCCEEDED sub=SUCCEEDED z=SUCCEEDED")
	if len(f.s.runs.live)+len(f.s.fleet.attempts)+len(f.s.runs.lines) > 0 {
		t.Error("something is left in memory")
	}
}

// TestChildEnds: how the attempt of a job ends with the execution it has started.
func TestChildEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		change  []func(*spec.Job)
		end     func(f *family, child string)
		child   string
		states  string
		outcome record.Outcome
		reason  record.Reason
	}{
		"failure": {
			nil, func(f *family, child string) { f.fail(child, "a") },
			"FAILED a=FAILED", "FAILED before=SUCCEEDED sub=FAILED z=UPSTREAM_FAILED", record.OutcomeFailed, record.ReasonChild,
		},
		"failure that is allowed": {
			[]func(*spec.Job){func(j *spec.Job) { j.AllowFailure = true }},
			func(f *family, child string) { f.fail(child, "a") },
			"FAILED a=FAILED", "SUCCEEDED before=SUCCEEDED sub=FAILED z=UPSTREAM_FAILED", record.OutcomeFailed, record.ReasonChild,
		},
		"failure, to be retried": {
			[]func(*spec.Job){retries(2)},
			func(f *family, child string) { f.fail(child, "a") },
			"FAILED a=FAILED", "RUNNING before=SUCCEEDED sub=RETRY_WAIT z=WAITING", record.OutcomeFailed, record.ReasonChild,
		},
		"cancelled by a person, whatever the retries": {
			[]func(*spec.Job){retries(5)},
			func(f *family, child string) { f.cancel(child); f.report(child, "a", killed) },
			"CANCELLED(cancelled) a=CANCELLED", "FAILED before=SUCCEEDED sub=FAILED z=UPSTREAM_FAILED", record.OutcomeCancelled, record.ReasonCancelled,
		},
		"the parent is cancelled": {
			nil, func(f *family, child string) {
				f.cancel("x")
				f.want("x", "RUNNING(cancelled) before=SUCCEEDED sub=ACTIVE z=CANCELLED")
				f.report(child, "a", killed)
			},
			"CANCELLED(parent) a=CANCELLED", "CANCELLED(cancelled) before=SUCCEEDED sub=CANCELLED z=CANCELLED", record.OutcomeCancelled, record.ReasonParent,
		},
		"the parent is cancelled, the child has succeeded by then": {
			nil, func(f *family, child string) { f.cancel("x"); f.report(child, "a", nil) },
			"SUCCEEDED a=SUCCEEDED", "CANCELLED(cancelled) before=SUCCEEDED sub=SUCCEEDED z=CANCELLED", record.OutcomeSucceeded, "",
		},
		"the job's time is up": {
			[]func(*spec.Job){func(j *spec.Job) { j.Timeout = 60 * spec.Second }},
			func(f *family, child string) {
				f.pass(59 * second)
				f.want(child, "RUNNING a=ACTIVE")
				f.pass(second)
				f.want(child, "RUNNING(timeout) a=ACTIVE")
				f.report(child, "a", killed)
			},
			"CANCELLED(timeout) a=CANCELLED", "FAILED before=SUCCEEDED sub=FAILED z=UPSTREAM_FAILED", record.OutcomeTimeout, record.ReasonTimeout,
		},
		"the job's time is up, to be retried": {
			[]func(*spec.Job){retries(2), func(j *spec.Job) { j.Timeout = 60 * spec.Second }},
			func(f *family, child string) {
				f.pass(60 * second)
				f.report(child, "a", killed)
			},
			"CANCELLED(timeout) a=CANCELLED", "RUNNING before=SUCCEEDED sub=RETRY_WAIT z=WAITING", record.OutcomeTimeout, record.ReasonTimeout,
		},
		"its outputs make no sense": {
			nil, func(f *family, child string) {
				f.output = func(p Prepare) Prepared {
					return Prepared{Key: p.Key, Fault: record.ReasonExpression, Error: "output.rows: no"}
				}
				f.report(child, "a", nil)
			},
			"FAILED(bad_expression) a=SUCCEEDED", "FAILED before=SUCCEEDED sub=FAILED z=UPSTREAM_FAILED", record.OutcomeFailed, record.ReasonChild,
		},
		"its outputs are no object": {
			nil, func(f *family, child string) {
				f.output = func(p Prepare) Prepared { return Prepared{Key: p.Key, Output: []byte("7")} }
				f.report(child, "a", nil)
			},
			"FAILED(bad_output) a=SUCCEEDED", "FAILED before=SUCCEEDED sub=FAILED z=UPSTREAM_FAILED", record.OutcomeFailed, record.ReasonChild,
		},
		"a defect": {
			nil, func(f *family, child string) {
				f.step(Bury{Letter: record.DeadLetter{ID: "d", Execution: child}})
				f.report(child, "a", killed)
			},
			"FAILED(internal) a=CANCELLED", "FAILED before=SUCCEEDED sub=FAILED z=UPSTREAM_FAILED", record.OutcomeFailed, record.ReasonChild,
		},
		"a defect of the parent": {
			nil, func(f *family, child string) {
				f.step(Bury{Letter: record.DeadLetter{ID: "d", Execution: "x"}})
				f.report(child, "a", killed)
			},
			"CANCELLED(parent) a=CANCELLED", "FAILED(internal) before=SUCCEEDED sub=CANCELLED z=CANCELLED", record.OutcomeCancelled, record.ReasonParent,
		},
	} {
		// Each also with a new master just before the end.
		for _, restored := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restored %v", name, restored), func(t *testing.T) {
				f, child := parentAndChild(t, tc.change...)
				if restored {
					f.restore()
					f.connect("one", 99, TokenState{f.attempt(child, "a").Token, true})
				}
				tc.end(f, child)
				f.want(child, tc.child)
				f.want("x", tc.states)
				a := f.attempt("x", "sub")
				if a.Outcome != tc.outcome || a.Reason != tc.reason {
					t.Errorf("the attempt is %s (%s): %s", a.Outcome, a.Reason, a.Message)
				}
				if said := strings.Contains(a.Message, child); said != (tc.outcome != record.OutcomeSucceeded) {
					t.Errorf("the attempt says %q", a.Message)
				}
			})
		}
	}
}

func TestChildIsRetried(t *testing.T) {
	f, first := parentAndChild(t, retries(2))
	f.fail(first, "a")
	f.restore()
	f.connect("one", 99)
	f.pass(12 * second)
	second := f.child("x", "sub", 2)
	f.want("x", "RUNNING before=SUCCEEDED sub=ACTIVE z=WAITING")
	f.want(second, "RUNNING a=ACTIVE")
	f.report(second, "a", nil)
	f.report("x", "z", nil)
	f.want("x", "SUCCEEDED before=SUCCEEDED sub=SUCCEEDED z=SUCCEEDED")
	if first == second || f.db.executions[second].ParentN != 2 {
		t.Errorf("children %s and %s", first, second)
	}
}

// TestChildOutputsAreAskedAgain: a master dies while a child's outputs are
// evaluated. The next one asks anew, and only then anything ends.
func TestChildOutputsAreAskedAgain(t *testing.T) {
	f, child := parentAndChild(t)
	asked := 0
	var late []Prepared
	answer := f.output
	f.output = func(p Prepare) Prepared {
		asked++
		if len(p.Upstreams) != 1 || p.Upstreams[0].Name != "a" || p.Key != (JobKey{child, OutputsNumber, ""}) {
			t.Errorf("asked for %+v", p)
		}
		late = append(late, answer(p))
		return Prepared{Key: JobKey{Execution: "nobody"}} // no answer yet
	}
	f.report(child, "a", nil)
	f.want(child, "RUNNING a=SUCCEEDED")
	f.restore()
	f.want(child, "RUNNING a=SUCCEEDED")
	f.want("x", "RUNNING before=SUCCEEDED sub=ACTIVE z=WAITING")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	f.connect("one", 99)
	f.step(late[0])
	f.step(late[1]) // too late
	f.want(child, "SUCCEEDED a=SUCCEEDED")
	f.want("x", "RUNNING before=SUCCEEDED sub=SUCCEEDED z=ACTIVE")
}

// TestChildAdmission: a child waits and is refused like any execution of its flow.
func TestChildAdmission(t *testing.T) {
	parent := flow("p", []string{"sub"}, job("sub", starts("c")))
	t.Run("it queues", func(t *testing.T) {
		f := newFamily(t, parent, flow("c", []string{"a"}, limited(1, 2, "")))
		f.start("c", "other")
		f.start("p", "x")
		child := f.child("x", "sub", 1)
		f.want(child, "QUEUED")
		f.restore()
		f.connect("one", 9, TokenState{f.attempt("other", "a").Token, true})
		f.report("other", "a", nil)
		f.want(child, "RUNNING a=ACTIVE")
		f.report(child, "a", nil)
		f.want("x", "SUCCEEDED sub=SUCCEEDED")
	})
	t.Run("it is cancelled in the queue with its parent", func(t *testing.T) {
		f := newFamily(t, parent, flow("c", []string{"a"}, limited(1, 2, "")))
		f.start("c", "other")
		f.start("p", "x")
		f.cancel("x")
		f.want(f.child("x", "sub", 1), "CANCELLED(parent)")
		f.want("x", "CANCELLED(cancelled) sub=CANCELLED")
	})
	t.Run("it is cancelled in the queue by a person", func(t *testing.T) {
		f := newFamily(t, parent, flow("c", []string{"a"}, limited(1, 2, "")))
		f.start("c", "other")
		f.start("p", "x")
		f.cancel(f.child("x", "sub", 1))
		f.want("x", "FAILED sub=FAILED")
	})
	for name, tc := range map[string]struct {
		limit  func(*spec.Flow)
		reason record.Reason
	}{
		"the flow skips":           {limited(1, 2, spec.WhenFullSkip), record.ReasonFull},
		"the flow's queue is full": {limited(1, 1, ""), record.ReasonQueueFull},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFamily(t, flow("p", []string{"sub"}, job("sub", starts("c", retries(2)))), flow("c", []string{"a"}, tc.limit))
			f.start("c", "one")
			_ = f.try(Start{ID: "two", ProjectUID: "p", Flow: "flow.c"})
			f.start("p", "x")
			f.want("x", "RUNNING sub=RETRY_WAIT")
			if a := f.attempt("x", "sub"); a.Outcome != record.OutcomeRejected || a.Reason != tc.reason || !strings.Contains(a.Message, "flow.c takes no more") {
				t.Errorf("the attempt is %+v", a)
			}
			f.report("one", "a", nil)
			if !f.db.executions["two"].State.Terminal() && f.db.executions["two"].ID != "" {
				f.report("two", "a", nil)
			}
			f.pass(12 * second)
			f.want("x", "RUNNING sub=ACTIVE")
			f.report(f.child("x", "sub", 2), "a", nil)
			f.want("x", "SUCCEEDED sub=SUCCEEDED")
		})
	}
	t.Run("it is replaced", func(t *testing.T) {
		f := newFamily(t, flow("p", []string{"sub"}, job("sub", starts("c", retries(3)))), flow("c", []string{"a"}, limited(1, 2, spec.WhenFullReplace)))
		f.start("p", "x")
		f.start("c", "newer")
		child := f.child("x", "sub", 1)
		f.report(child, "a", killed)
		f.want(child, "CANCELLED(replaced) a=CANCELLED")
		f.want("x", "FAILED sub=FAILED")
		f.want("newer", "RUNNING a=ACTIVE")
	})
	t.Run("it replaces one of its own family, whose failure ends all", func(t *testing.T) {
		nowhere := job("a", func(j *spec.Job) { j.Placement = &spec.Placement{Labels: map[string]string{"zone": "moon"}} })
		f := newFamily(t, flow("p", []string{"k", "t", "sub: t"}, job("k", starts("c")), job("sub", starts("c")),
			job("t", func(j *spec.Job) { j.Kind = spec.KindTimer }), func(f *spec.Flow) { f.OnFailure = spec.CancelRunning }),
			flow("c", []string{"a"}, nowhere, limited(1, 2, spec.WhenFullReplace)))
		f.start("p", "x")
		f.want(f.child("x", "k", 1), "RUNNING a=READY")
		f.pass(5 * second)
		f.want(f.child("x", "k", 1), "CANCELLED(replaced) a=CANCELLED")
		f.want(f.child("x", "sub", 1), "CANCELLED(parent)")
		f.want("x", "FAILED k=FAILED sub=CANCELLED t=SUCCEEDED")
	})
	t.Run("its flow is paused", func(t *testing.T) {
		f := newFamily(t, parent, flow("c", []string{"a"}))
		f.step(Override{ProjectUID: "p", Object: "flow.c", Field: record.FieldPaused, Value: "true", By: "ann"})
		f.start("p", "x")
		f.want(f.child("x", "sub", 1), "QUEUED")
		f.step(Override{ProjectUID: "p", Object: "flow.c", Field: record.FieldPaused, By: "ann"})
		f.want(f.child("x", "sub", 1), "RUNNING a=ACTIVE")
	})
}

// TestChildOfPinnedRevision: what a running execution starts is what its own
// revision declares, whatever has been applied since.
func TestChildOfPinnedRevision(t *testing.T) {
	f := newFamily(t, flow("p", []string{"before", "sub: before"}, job("sub", starts("c"))), flow("c", []string{"old"}))
	f.start("p", "x")
	f.start("p", "y")
	f.deploy(flow("p", []string{"before", "sub: before"}, job("sub", starts("c"))), flow("c", []string{"new"}, limited(1, 5, "")))
	f.report("x", "before", nil)
	f.report("y", "before", nil)
	x, y := f.child("x", "sub", 1), f.child("y", "sub", 1)
	f.want(x, "RUNNING old=ACTIVE")
	f.want(y, "QUEUED") // the newest limit holds for all
	f.pass(second)
	f.start("p", "z")
	f.report("z", "before", nil)
	z := f.child("z", "sub", 1)
	f.deploy() // and now both flows are gone
	f.want(y, "QUEUED")
	f.want(z, "QUEUED")
	f.restore()
	f.connect("one", 9, TokenState{f.attempt(x, "old").Token, true})
	f.report(x, "old", nil)
	f.report(y, "old", nil)
	f.want(z, "RUNNING new=ACTIVE")
	f.report(z, "new", nil)
	for _, id := range []string{"x", "y", "z"} {
		f.want(id, "SUCCEEDED before=SUCCEEDED sub=SUCCEEDED")
	}
}

// TestGrandchildren: what happens to one passes through all above and below it.
func TestGrandchildren(t *testing.T) {
	family := func(t *testing.T) (f *family, ids [3]string) {
		t.Helper()
		f = newFamily(t, flow("a", []string{"j", "k"}, job("j", starts("b")), job("k", starts("b"))), flow("b", []string{"j"}, job("j", starts("c"))), flow("c", []string{"j"}))
		f.start("a", "x")
		ids[0] = "x"
		ids[1] = f.child("x", "j", 1)
		ids[2] = f.child(ids[1], "j", 1)
		return f, ids
	}
	t.Run("cancel", func(t *testing.T) {
		f, ids := family(t)
		f.cancel("x")
		f.report(ids[2], "j", killed)
		f.want(ids[2], "CANCELLED(parent) j=CANCELLED")
		f.want(ids[1], "CANCELLED(parent) j=CANCELLED")
		f.want("x", "RUNNING(cancelled) j=CANCELLED k=ACTIVE")
		f.report(f.child(f.child("x", "k", 1), "j", 1), "j", killed)
		f.want("x", "CANCELLED(cancelled) j=CANCELLED k=CANCELLED")
	})
	t.Run("failure", func(t *testing.T) {
		f, ids := family(t)
		f.fail(ids[2], "j")
		f.want(ids[1], "FAILED j=FAILED")
		f.want("x", "RUNNING j=FAILED k=ACTIVE")
	})
	t.Run("depth", func(t *testing.T) {
		_, ids := family(t)
		if ids[2] == ids[1] {
			t.Error("ids are not distinct")
		}
	})
}

// TestChildPolicy: a failure policy that cancels what runs cancels children, one
// that lets it finish does not.
func TestChildPolicy(t *testing.T) {
	for policy, want := range map[spec.OnFailure]string{spec.CancelRunning: "RUNNING(parent) a=ACTIVE", spec.FinishRunning: "RUNNING a=ACTIVE"} {
		f := newFamily(t, flow("p", []string{"bad", "sub"}, job("sub", starts("c")), func(f *spec.Flow) { f.OnFailure = policy }), flow("c", []string{"a"}))
		f.start("p", "x")
		f.fail("x", "bad")
		f.want(f.child("x", "sub", 1), want)
	}
}

// TestChildNoParent: rows that belong to no attempt any more, and attempts whose
// child is gone.
func TestChildNoParent(t *testing.T) {
	t.Run("the child is gone", func(t *testing.T) {
		f, child := parentAndChild(t, func(j *spec.Job) { j.OnLost = spec.LostRerun }, retries(3))
		f.db.finished[child] = true
		f.restore()
		f.want("x", "FAILED before=SUCCEEDED sub=FAILED z=UPSTREAM_FAILED")
		if a := f.attempt("x", "sub"); a.Outcome != record.OutcomeLost || a.Reason != record.ReasonChildLost {
			t.Errorf("the attempt is %+v", a)
		}
	})
	t.Run("the parent is gone", func(t *testing.T) {
		f, child := parentAndChild(t)
		f.db.finished["x"] = true
		f.restore()
		f.connect("one", 9, TokenState{f.attempt(child, "a").Token, true})
		f.report(child, "a", nil)
		f.want(child, "SUCCEEDED a=SUCCEEDED")
	})
	t.Run("the parent's flow is gone", func(t *testing.T) {
		f, child := parentAndChild(t)
		f.graphs = map[string]*Graph{f.db.executions[child].FlowDigest: f.graphs[f.db.executions[child].FlowDigest]}
		f.adopted = map[string]Adopt{}
		f.restore()
		f.connect("one", 9, TokenState{f.attempt(child, "a").Token, true})
		f.report(child, "a", killed)
		f.want(child, "CANCELLED(parent) a=CANCELLED")
		f.want("x", "FAILED(internal) before=SUCCEEDED sub=CANCELLED z=CANCELLED")
	})
	t.Run("no flow comes with the answer", func(t *testing.T) {
		f := newFamily(t, flow("p", []string{"sub"}, job("sub", starts("c"))), flow("c", []string{"a"}))
		f.answer = func(p Prepare) Prepared { return Prepared{Key: p.Key, N: p.N} }
		f.start("p", "x")
		f.want("x", "FAILED sub=FAILED")
	})
}

func TestCompileNesting(t *testing.T) {
	compile := func(flows ...*spec.Flow) error {
		specs := map[string][]byte{}
		var objects []record.Object
		for _, f := range flows {
			digest := spec.Digest(f.Canonical())
			specs[digest] = f.Canonical()
			objects = append(objects, record.Object{UID: string(f.Address), Kind: spec.FlowKind, Address: string(f.Address), Digest: digest})
		}
		_, err := CompileProject(record.Project{UID: "p", Name: "sales", Revision: 1}, objects,
			func(digest string) ([]byte, bool) { data, ok := specs[digest]; return data, ok }, func(string) (*Graph, bool) { return nil, false })
		return err
	}
	link := func(from string, to ...string) *spec.Flow {
		f := flow(from, nil)
		for _, name := range to {
			f.Jobs = append(f.Jobs, &spec.Job{Name: "to_" + name, Type: "flow", Kind: spec.KindFlow, Flow: spec.FlowAddress(name, "")})
		}
		return f
	}
	chain := func(n int) (list []*spec.Flow) {
		for i := range n {
			to := []string{fmt.Sprintf("f%d", i+1)}
			if i == n-1 {
				to = nil
			}
			list = append(list, link(fmt.Sprintf("f%d", i), to...))
		}
		return list
	}
	backwards := chain(spec.MaxNesting + 1)
	slices.Reverse(backwards)
	for want, flows := range map[string][]*spec.Flow{
		"": append(chain(spec.MaxNesting), link("d", "f1", "f7")),
		"in a circle: [flow.a flow.b flow.c flow.a]":            {link("a", "b"), link("b", "c"), link("c", "a")},
		"in a circle: [flow.a flow.a]":                          {link("a", "a")},
		"flow.a starts flow.gone, which is not there":           {link("a", "gone")},
		"more than 8 flows":                                     chain(spec.MaxNesting + 1),
		"flow.f0 and what it starts are more than 8 flows deep": backwards,
	} {
		if err := compile(flows...); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := Compile(flow("f", []string{"a"}, job("a", func(j *spec.Job) { j.Flow = "flow.g" }))); err == nil || errors.Is(err, ErrInvalid) {
		t.Error("a process starts a flow")
	}
}
