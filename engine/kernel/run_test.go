package kernel

import (
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

func TestChain(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a", "c: b"})})
	w.connect("one", 4)
	w.start("f", "x")
	w.want("x", "RUNNING a=ACTIVE b=WAITING c=WAITING")
	w.report("x", "a", started)
	before := w.batches
	w.report("x", "a", nil)
	if w.batches != before+1 {
		t.Errorf("a hop took %d commits", w.batches-before)
	}
	w.want("x", "RUNNING a=SUCCEEDED b=ACTIVE c=WAITING")
	w.report("x", "b", nil)
	w.report("x", "c", nil)
	w.want("x", "SUCCEEDED a=SUCCEEDED b=SUCCEEDED c=SUCCEEDED")
	if !w.db.finished["x"] || len(w.s.runs.live) != 0 || len(w.s.fleet.attempts) != 0 || len(w.s.runs.lines) != 0 {
		t.Error("the execution has not left memory")
	}
	for _, name := range []string{"a", "b", "c"} {
		if a := w.attempt("x", name); a.State != record.Ended || a.N != 1 || a.Agent != "one" {
			t.Errorf("attempt of %s: %+v", name, a)
		}
	}
	if len(w.db.logEnds) != 3 {
		t.Errorf("%d log ends, want 3", len(w.db.logEnds))
	}
}

func TestInstantJobsNeedNobody(t *testing.T) {
	w := newWorld(t, Limits{})
	instant := job("*", func(j *spec.Job) { j.Kind = spec.KindInstant })
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a", "c: b"}, instant)})
	w.start("f", "x")
	w.want("x", "SUCCEEDED a=SUCCEEDED b=SUCCEEDED c=SUCCEEDED")
	if len(w.db.attempts) != 0 {
		t.Error("instant jobs have attempts")
	}
}

func process(change func(*spec.Job)) func(*spec.Flow) { return job("*", change) }

func TestRetry(t *testing.T) {
	w := newWorld(t, Limits{})
	delay := 10 * spec.Second
	retry := job("a", func(j *spec.Job) {
		j.Retry = &spec.Retry{Attempts: 3, Delay: &delay, Backoff: "exponential", MaxDelay: 15 * spec.Second}
	})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a"}, retry)})
	w.connect("one", 4)
	w.start("f", "x")
	w.fail("x", "a")
	w.want("x", "RUNNING a=RETRY_WAIT b=WAITING")
	j := w.job("x", "a")
	if wait := j.NextAt - w.at; wait < 9*second || wait > 11*second || j.Waiting != record.WaitingRetry {
		t.Errorf("next attempt in %d µs, waiting %s", wait, j.Waiting)
	}
	if next := w.s.NextWake(); next != j.NextAt && next != w.at+10*second {
		t.Errorf("next wake in %d", next-w.at)
	}
	w.pass(j.NextAt - w.at - 1)
	w.want("x", "RUNNING a=RETRY_WAIT b=WAITING")
	w.pass(1)
	w.want("x", "RUNNING a=ACTIVE b=WAITING")
	w.fail("x", "a")
	j = w.job("x", "a")
	if wait := j.NextAt - w.at; wait < 135*second/10 || wait > 15*second || j.Attempts != 2 || j.Failures != 2 {
		t.Errorf("second wait is %d µs: %+v", wait, j)
	}
	w.pass(15 * second)
	w.want("x", "RUNNING a=ACTIVE b=WAITING")
	w.fail("x", "a")
	w.want("x", "FAILED a=FAILED b=UPSTREAM_FAILED")
	if j := w.job("x", "a"); j.Attempts != 3 || j.Reason != record.ReasonExit {
		t.Errorf("after the last attempt: %+v", j)
	}
}

func TestRetryByDefault(t *testing.T) {
	w := oneJob(t, func(j *spec.Job) { j.Retry = &spec.Retry{Attempts: 2} })
	w.fail("x", "a")
	about := record.Time(spec.DefaultRetryDelay)
	if wait := w.job("x", "a").NextAt - w.at; wait < about-about/10 || wait > about+about/10 {
		t.Errorf("the next attempt is in %d µs, not in about %d", wait, about)
	}
}

func TestBackoff(t *testing.T) {
	rules := map[string]rule{
		"fixed":       {delay: 10 * spec.Second, maxDelay: 3600 * spec.Second},
		"exponential": {delay: 10 * spec.Second, maxDelay: 3600 * spec.Second, exponential: true},
		"none":        {maxDelay: 3600 * spec.Second, exponential: true},
		"huge":        {delay: 1 << 61, maxDelay: 1 << 62, exponential: true},
	}
	for name, r := range rules {
		seen := map[spec.Duration]bool{}
		for failures := int32(1); failures < 100; failures++ {
			want := r.delay
			for range failures - 1 {
				if r.exponential && want < r.maxDelay {
					want = min(want*2, r.maxDelay)
				}
			}
			got := backoff(&r, failures, record.Token("x", 1, "", failures))
			if got < want-want/10-1 || got > min(want+want/10, r.maxDelay) {
				t.Errorf("%s, failure %d: %v, want about %v", name, failures, got, want)
			}
			seen[got] = true
		}
		if r.delay > 0 && len(seen) < 40 {
			t.Errorf("%s: only %d different delays", name, len(seen))
		}
	}
}

func TestOnFailure(t *testing.T) {
	jobs := []string{"a", "b", "c: a", "d: b", "e: c d", "n: c d"}
	for policy, want := range map[spec.OnFailure]string{
		spec.FinishPossible: "RUNNING a=FAILED b=ACTIVE c=UPSTREAM_FAILED d=WAITING e=UPSTREAM_FAILED n=WAITING",
		spec.FinishRunning:  "RUNNING a=FAILED b=ACTIVE c=CANCELLED d=CANCELLED e=CANCELLED n=ACTIVE",
		spec.CancelRunning:  "RUNNING a=FAILED b=ACTIVE c=CANCELLED d=CANCELLED e=CANCELLED n=ACTIVE",
	} {
		t.Run(string(policy), func(t *testing.T) {
			w := newWorld(t, Limits{})
			w.adopt([]*spec.Flow{flow("f", jobs, func(f *spec.Flow) { f.OnFailure = policy },
				job("n", func(j *spec.Job) { j.Trigger = spec.AllDone }))})
			w.connect("one", 9)
			w.start("f", "x")
			w.fail("x", "a")
			w.want("x", want)
			killed := len(w.kills) == 1 && w.kills[0].Token == w.attempt("x", "b").Token
			if killed != (policy == spec.CancelRunning) {
				t.Errorf("kills: %+v", w.kills)
			}
			if policy == spec.CancelRunning {
				w.report("x", "b", func(r *Report) { r.Outcome = record.OutcomeCancelled })
				w.report("x", "n", nil)
				w.want("x", "FAILED a=FAILED b=CANCELLED c=CANCELLED d=CANCELLED e=CANCELLED n=SUCCEEDED")
			}
		})
	}
}

func TestAllowFailure(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a", "c: a"},
		func(f *spec.Flow) { f.OnFailure = spec.CancelRunning },
		job("a", func(j *spec.Job) { j.AllowFailure = true }),
		job("c", func(j *spec.Job) { j.Trigger = spec.AllDone }))})
	w.connect("one", 9)
	w.start("f", "x")
	w.fail("x", "a")
	w.report("x", "c", nil)
	w.want("x", "SUCCEEDED a=FAILED b=UPSTREAM_FAILED c=SUCCEEDED")
}

func TestCancel(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b", "c: a", "z: a b"},
		job("z", func(j *spec.Job) { j.OnCancel, j.Trigger = "run", spec.AllDone }))})
	w.connect("one", 9)
	w.start("f", "x")
	w.report("x", "a", started)
	w.step(Cancel{Reply: 9, Execution: "x", By: "bob"})
	w.want("x", "RUNNING(cancelled) a=ACTIVE b=ACTIVE c=CANCELLED z=WAITING")
	if x := w.db.executions["x"]; !x.CancelRequested || x.CancelBy != "bob" {
		t.Errorf("execution: %+v", x)
	}
	if len(w.kills) != 2 || w.kills[0].Why != record.ReasonCancelled || !w.attempt("x", "a").KillWanted {
		t.Fatalf("kills: %+v", w.kills)
	}
	// The wish outlives a master: the next session of the agent hears it again.
	w.kills = nil
	w.restore()
	w.connect("one", 9, TokenState{w.attempt("x", "a").Token, true})
	if len(w.kills) != 1 || w.kills[0].Token != w.attempt("x", "a").Token {
		t.Fatalf("kills after a restore: %+v", w.kills)
	}
	// The journal lacks b: it never started, which is as good as dead.
	w.want("x", "RUNNING(cancelled) a=ACTIVE b=CANCELLED c=CANCELLED z=WAITING")
	w.report("x", "a", func(r *Report) { r.Outcome, r.Signal = record.OutcomeCancelled, "SIGTERM" })
	w.want("x", "RUNNING(cancelled) a=CANCELLED b=CANCELLED c=CANCELLED z=ACTIVE")
	w.report("x", "z", nil)
	w.want("x", "CANCELLED(cancelled) a=CANCELLED b=CANCELLED c=CANCELLED z=SUCCEEDED")
	if err := w.try(Cancel{Execution: "x"}); err == nil {
		t.Error("an execution that has left memory can be cancelled")
	}
}

func TestCancelTooLate(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a"})})
	w.connect("one", 1)
	w.start("f", "x")
	w.step(Cancel{Execution: "x", By: "bob"})
	w.report("x", "a", nil) // it had ended before the kill came
	w.want("x", "SUCCEEDED a=SUCCEEDED")
}

func TestTimerAndWhen(t *testing.T) {
	w := newWorld(t, Limits{})
	w.answer = func(p Prepare) Prepared {
		return Prepared{Key: p.Key, N: p.N, Wait: 60 * spec.Second, Skip: len(p.Upstreams) > 1}
	}
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a", "c: a b", "d: c", "e: c"},
		process(func(j *spec.Job) { j.Kind = spec.KindInstant }),
		job("b", func(j *spec.Job) { j.Kind = spec.KindTimer }),
		job("c", func(j *spec.Job) { j.When = &spec.Value{Expr: "x"} }),
		job("e", func(j *spec.Job) { j.Trigger = spec.AllDone }))})
	w.start("f", "x")
	w.want("x", "RUNNING a=SUCCEEDED b=ACTIVE c=WAITING d=WAITING e=WAITING")
	if j := w.job("x", "b"); j.NextAt != w.at+60*second || j.Waiting != record.WaitingTimer {
		t.Errorf("timer: %+v", j)
	}
	w.tick(30 * second)
	w.restore()
	w.tick(29 * second)
	w.want("x", "RUNNING a=SUCCEEDED b=ACTIVE c=WAITING d=WAITING e=WAITING")
	w.tick(second)
	w.want("x", "SUCCEEDED a=SUCCEEDED b=SUCCEEDED c=SKIPPED d=SKIPPED e=SUCCEEDED")
}

func TestPreparedFaults(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b"}, process(func(j *spec.Job) { j.Retry = &spec.Retry{Attempts: 3} }))})
	w.answer = func(p Prepare) Prepared {
		if p.Key.Number == 0 {
			return Prepared{Key: p.Key, N: p.N, Fault: record.ReasonExpression, Error: "no such output"}
		}
		return Prepared{Key: p.Key, N: p.N, Task: make([]byte, record.MaxTask+1)}
	}
	w.connect("one", 1)
	w.start("f", "x")
	w.want("x", "FAILED a=FAILED b=FAILED")
	if j := w.job("x", "a"); j.Reason != record.ReasonExpression || j.Message != "no such output" || j.Attempts != 0 {
		t.Errorf("a: %+v", j)
	}
	if j := w.job("x", "b"); j.Reason != record.ReasonGenerate {
		t.Errorf("b: %+v", j)
	}
}

// TestLatePrepared: only the first answer to what is still asked counts.
func TestLatePrepared(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a"})})
	var answers []Prepared
	w.answer = func(p Prepare) Prepared {
		good := Prepared{Key: p.Key, N: p.N, Task: []byte(`{}`)}
		for _, change := range []func(*Prepared){
			func(a *Prepared) { a.Key.Execution = "gone" },
			func(a *Prepared) { a.Key.Number = -1 },
			func(a *Prepared) { a.Key.Number = 2 },
			func(a *Prepared) { a.Key.Number = 1 }, // which waits
			func(a *Prepared) { a.Key.MapKey = "k" },
			func(a *Prepared) { a.N++ },
		} {
			late := good
			late.Skip = true
			change(&late)
			if err := w.s.Step(w.at, late); err != nil {
				t.Errorf("%+v: %v", late, err)
			}
		}
		answers = append(answers, good)
		return good
	}
	w.connect("one", 1)
	w.start("f", "x")
	w.want("x", "RUNNING a=ACTIVE b=WAITING")
	for _, a := range answers {
		w.step(a)
	}
	if len(w.orders) != 1 || w.job("x", "a").Attempts != 1 {
		t.Errorf("an answer that was repeated is obeyed: %+v", w.orders)
	}
}

// TestClosedWhilePrepared: an agent that takes no work any more when its job is
// prepared gets no order, and all that was kept for the job is free again.
func TestClosedWhilePrepared(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a"}, job("a", func(j *spec.Job) { j.Pool = "pool.w" }))}, withPool("w", 1))
	w.connect("one", 1)
	answer := w.answer
	w.answer = func(p Prepare) Prepared {
		if err := w.s.Step(w.at, Operate{Agent: "one", Verb: "drain"}); err != nil {
			t.Error(err)
		}
		return answer(p)
	}
	w.start("f", "x")
	if j := w.job("x", "a"); j.State != record.JobReady || j.Waiting != record.WaitingAgent || len(w.orders) > 0 {
		t.Errorf("orders %+v, job %+v", w.orders, j)
	}
	w.step(Cancel{Execution: "x"})
	w.want("x", "CANCELLED(cancelled) a=CANCELLED")
	w.answer = answer
	w.step(Operate{Agent: "one", Verb: "undrain"})
	w.start("f", "y")
	w.start("f", "z")
	w.want("y", "RUNNING a=ACTIVE")
	w.want("z", "RUNNING a=READY") // the pool has one slot still
}

// TestLostWhileStopping: a job that would be run again is not, once its flow has
// failed and starts nothing new.
func TestLostWhileStopping(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b"}, func(f *spec.Flow) { f.OnFailure = spec.FinishRunning },
		job("b", func(j *spec.Job) { j.OnLost = "rerun" }))})
	w.connect("one", 1)
	w.connect("two", 1)
	w.start("f", "x")
	w.fail("x", "a")
	w.want("x", "RUNNING a=FAILED b=ACTIVE")
	w.step(Operate{Agent: w.attempt("x", "b").Agent, Verb: "declare-dead"})
	w.want("x", "FAILED a=FAILED b=FAILED")
}

// TestBatchesAreBounded: however much is to be done at once, a Ready holds a
// little more than its limit, and nothing is forgotten.
func TestBatchesAreBounded(t *testing.T) {
	w := newWorld(t, Limits{BatchRows: 50})
	f := layers("f", 2000, 10, spec.KindInstant)
	w.adopt([]*spec.Flow{f, instantFlow("g")})
	ids := []string{"x0", "x1", "x2"}
	for _, id := range ids {
		if err := w.s.Step(w.at, Start{ID: id, ProjectUID: "p", Flow: f.Address}); err != nil {
			t.Fatal(err)
		}
	}
	most := 0
	for r, ok := w.s.Ready(); ok; r, ok = w.s.Ready() {
		if more := w.s.NextWake(); more != 0 && more != w.at {
			t.Errorf("work is left, but the next wake is %d", more)
		}
		begun := 0
		for _, x := range r.Rows.Executions {
			if x.State != record.Queued {
				begun++
			}
		}
		if begun == 0 {
			most = max(most, len(r.Rows.Jobs))
		}
		w.commit(r)
		w.s.Advance(r.Serial)
	}
	if most > 60 {
		t.Errorf("a batch of %d jobs", most)
	}
	for _, id := range ids {
		if w.db.executions[id].State != record.ExecutionSucceeded {
			t.Errorf("%s is %s", id, w.db.executions[id].State)
		}
	}
}

func TestBury(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a", "z: b"},
		job("z", func(j *spec.Job) { j.OnCancel, j.Trigger = "run", spec.AllDone }))})
	w.connect("one", 1)
	w.start("f", "x")
	w.start("f", "y")
	w.step(Bury{Letter: record.DeadLetter{ID: "n1", Execution: "x", Event: "reports", Error: "boom"}})
	w.want("x", "RUNNING(internal) a=ACTIVE b=CANCELLED z=CANCELLED")
	w.restore()
	w.connect("one", 1, TokenState{w.attempt("x", "a").Token, true})
	w.report("x", "a", func(r *Report) { r.Outcome = record.OutcomeCancelled })
	w.want("x", "FAILED(internal) a=CANCELLED b=CANCELLED z=CANCELLED")
	w.want("y", "RUNNING a=ACTIVE b=WAITING z=WAITING")
	if len(w.db.letters) != 1 || w.db.letters[0].Error != "boom" {
		t.Errorf("dead letters: %+v", w.db.letters)
	}
}

// TestBuryWhatDoesNotRun: an execution that has nothing on any agent ends at once.
func TestBuryWhatDoesNotRun(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a"}, limited(1, 9, ""))})
	w.start("f", "runs")
	w.start("f", "queued")
	for _, id := range []string{"queued", "runs"} {
		w.step(Bury{Letter: record.DeadLetter{ID: "n" + id, Execution: id}})
		if !w.db.finished[id] {
			t.Errorf("%s stays in the live set", id)
		}
	}
	w.want("queued", "FAILED(internal)")
	w.want("runs", "FAILED(internal) a=CANCELLED")
}
