package kernel

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// oneJob is a world with one job, ordered from agent one.
func oneJob(t *testing.T, change func(*spec.Job)) *world {
	t.Helper()
	w := newWorld(t, Limits{})
	if change == nil {
		change = func(*spec.Job) {}
	}
	w.adopt([]*spec.Flow{flow("f", []string{"a"}, job("a", change))})
	w.connect("one", 1)
	w.start("f", "x")
	return w
}

func repeatable(j *spec.Job) { j.OnLost = spec.LostRerun }

func TestSilence(t *testing.T) {
	w := oneJob(t, repeatable)
	w.report("x", "a", started)
	state := func() record.AgentState { return w.db.agents["uid.one"].State }
	w.pass(9 * second)
	w.tick(9 * second)
	if state() != record.AgentActive {
		t.Errorf("after 9 s: %s", state())
	}
	w.tick(1 * second)
	if state() != record.AgentSuspect {
		t.Errorf("after 10 s: %s", state())
	}
	w.tick(19 * second)
	if state() != record.AgentSuspect {
		t.Errorf("after 29 s: %s", state())
	}
	w.tick(1 * second)
	if state() != record.AgentUnreachable {
		t.Errorf("after 30 s: %s", state())
	}
	if j := w.job("x", "a"); j.Waiting != record.WaitingSilent || j.WaitingArg != "one" || j.State != record.JobActive {
		t.Errorf("its job: %+v", j)
	}
	w.tick(100_000 * second)
	w.want("x", "RUNNING a=ACTIVE") // silence proves nothing
	if j := w.job("x", "a"); j.Attempts != 1 {
		t.Fatal("run again without proof")
	}
	w.step(Reports{Agent: "uid.one", Session: w.session("one")})
	if j := w.job("x", "a"); state() != record.AgentActive || j.Waiting != record.WaitingNone {
		t.Errorf("after a sign of life: %s, job waits for %s", state(), j.Waiting)
	}
	w.report("x", "a", nil)
	w.want("x", "SUCCEEDED a=SUCCEEDED")
	w.tick(10 * second)
	w.start("f", "y")
	if j := w.job("y", "a"); state() != record.AgentSuspect || j.State != record.JobReady || j.Waiting != record.WaitingAgent {
		t.Errorf("new work for an agent that is %s: %+v", state(), j)
	}
	w.step(Reports{Agent: "uid.one", Session: w.session("one")})
	w.want("y", "RUNNING a=ACTIVE")
}

// TestRerunAfterSilence: the time runs from the last sign of life.
func TestRerunAfterSilence(t *testing.T) {
	w := oneJob(t, func(j *spec.Job) { j.RerunAfter = 60 * spec.Second })
	w.report("x", "a", started)
	w.pass(5 * second)
	w.tick(89 * second)
	w.want("x", "RUNNING a=ACTIVE")
	w.tick(1 * second)
	if first := w.db.attempts[record.Token("x", 0, "", 1)]; first.Reason != record.ReasonIsolated || w.job("x", "a").State != record.JobReady {
		t.Errorf("the first attempt: %+v", first)
	}
}

// TestRename: an agent that comes with another name leaves its old one free, and
// a dead one keeps its name from nobody.
func TestRename(t *testing.T) {
	w := newWorld(t, Limits{})
	w.connect("one", 1)
	row := w.identity("one", 1)
	row.Name = "uno"
	w.register(row)
	other := w.identity("two", 1)
	other.Name = "one"
	w.register(other)
	drained := func() (uids []string) {
		w.step(Operate{Agent: "one", Verb: "drain"})
		for _, uid := range sortedKeys(w.db.agents) {
			if w.db.agents[uid].Draining {
				uids = append(uids, uid)
			}
		}
		w.step(Operate{Agent: "one", Verb: "undrain"})
		return uids
	}
	if got := drained(); !slices.Equal(got, []string{"uid.two"}) {
		t.Errorf("one means %v", got)
	}
	w.step(Operate{Agent: "one", Verb: "declare-dead"})
	row = w.identity("a third", 1) // its uid sorts before that of the dead one
	row.Name = "one"
	w.register(row)
	w.restore()
	if got := drained(); !slices.Equal(got, []string{row.UID}) {
		t.Errorf("after a restore, one means %v", got)
	}
}

func TestRerunAfter(t *testing.T) {
	w := oneJob(t, func(j *spec.Job) { j.RerunAfter = 60 * spec.Second })
	w.report("x", "a", started)
	w.connect("two", 1)
	only := func(d record.Time) { // one is silent
		w.at += d
		w.step(Reports{Agent: "uid.two", Session: w.session("two")})
		w.step(Tick{})
	}
	for range 8 {
		only(10 * second)
	}
	w.restore() // a new master gives one all its time again
	w.connect("two", 1)
	for range 8 {
		only(10 * second)
	}
	if w.job("x", "a").Attempts != 1 {
		t.Fatal("run again before rerun_after and its margin have passed")
	}
	only(10 * second)
	if a := w.attempt("x", "a"); a.N != 2 || a.Agent != "two" {
		t.Fatalf("attempt %d on %s", a.N, a.Agent)
	}
	first := w.db.attempts[record.Token("x", 0, "", 1)]
	if first.Outcome != record.OutcomeLost || first.Reason != record.ReasonIsolated {
		t.Errorf("the first attempt: %+v", first)
	}
	if end := w.db.logEnds[first.Token]; end.State != record.LogLost {
		t.Errorf("its log: %+v", end)
	}
	// Should it live after all, it is told to end.
	w.connect("one", 1, TokenState{first.Token, true})
	if len(w.kills) != 1 || w.kills[0].Token != first.Token {
		t.Errorf("kills: %+v", w.kills)
	}
}

// TestProofs: what is concluded from an agent that registers again.
func TestProofs(t *testing.T) {
	type again struct {
		started bool // the first attempt had reported its start
		change  func(*record.Agent)
		holds   bool // the journal names the token
		rerun   bool
	}
	reboot := func(a *record.Agent) { a.BootID = "boot2" }
	wiped := func(a *record.Agent) { a.JournalID, a.JournalSeq = "journal2", 1 }
	both := func(a *record.Agent) { reboot(a); wiped(a) }
	same := func(*record.Agent) {}
	for name, tc := range map[string]struct {
		again
		attempts int32
		outcome  record.Outcome // of the first attempt
		reason   record.Reason
		session  int64 // of the first attempt
		job      record.JobState
	}{
		"same life, still running":                 {again{true, same, true, true}, 1, "", "", 1, record.JobActive},
		"same life, running one lacks":             {again{true, same, false, true}, 2, record.OutcomeLost, record.ReasonJournalLost, 1, record.JobActive},
		"same life, running one lacks, no rerun":   {again{true, same, false, false}, 1, record.OutcomeLost, record.ReasonJournalLost, 1, record.JobFailed},
		"same life, order never obeyed":            {again{false, same, false, false}, 1, "", "", 2, record.JobActive},
		"same life, order in the journal":          {again{false, same, true, false}, 1, "", "", 1, record.JobActive},
		"rebooted, running one lacks":              {again{true, reboot, false, true}, 2, record.OutcomeLost, record.ReasonJournalLost, 1, record.JobActive},
		"rebooted, journal will tell":              {again{true, reboot, true, true}, 1, "", "", 1, record.JobActive},
		"rebooted, order never obeyed":             {again{false, reboot, false, false}, 1, "", "", 2, record.JobActive},
		"rebooted and wiped":                       {again{true, both, false, true}, 2, record.OutcomeLost, record.ReasonHostRestarted, 1, record.JobActive},
		"rebooted and wiped, perhaps started":      {again{false, both, false, false}, 1, record.OutcomeLost, record.ReasonHostRestarted, 1, record.JobFailed},
		"container restarted, journal in a volume": {again{true, func(a *record.Agent) { a.Namespace = "2" }, false, true}, 2, record.OutcomeLost, record.ReasonJournalLost, 1, record.JobActive},
	} {
		for _, restored := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				w := oneJob(t, func(j *spec.Job) {
					if tc.rerun {
						repeatable(j)
					}
				})
				first := w.attempt("x", "a").Token
				if tc.started {
					w.report("x", "a", started)
				}
				if restored {
					w.restore()
				}
				w.orders = nil
				row := w.identity("one", 1)
				tc.change(&row)
				session := w.register(row)
				var tokens []TokenState
				if tc.holds {
					tokens = append(tokens, TokenState{first, tc.started})
				}
				w.step(Reconcile{Agent: "uid.one", Session: session, Tokens: tokens})
				j, a := w.job("x", "a"), w.db.attempts[first]
				if j.Attempts != tc.attempts || j.State != tc.job || a.Outcome != tc.outcome || a.Reason != tc.reason || a.Session != tc.session {
					t.Errorf("job %s after %d attempts, the first: %s %s, session %d", j.State, j.Attempts, a.Outcome, a.Reason, a.Session)
				}
				ordered := len(w.orders) == 1 && w.orders[0].Session == session
				if want := tc.session == 2 || tc.attempts == 2; ordered != want {
					t.Errorf("orders: %+v", w.orders)
				}
			})
		}
	}
}

// TestNeverStartedMoves: an order that was never obeyed goes elsewhere when its
// agent drains, as the same attempt.
func TestNeverStartedMoves(t *testing.T) {
	w := oneJob(t, nil)
	first := w.attempt("x", "a")
	w.step(Operate{Agent: "one", Verb: "drain"})
	w.connect("one", 1)
	if j := w.job("x", "a"); j.State != record.JobReady || j.Attempts != 1 {
		t.Fatalf("job: %+v", j)
	}
	w.restore()
	w.connect("two", 1)
	a := w.attempt("x", "a")
	if a.Token != first.Token || a.Agent != "two" || a.N != 1 || string(a.Task) != string(first.Task) {
		t.Errorf("attempt: %+v", a)
	}
	w.report("x", "a", nil)
	w.want("x", "SUCCEEDED a=SUCCEEDED")
}

func TestLostIsBounded(t *testing.T) {
	w := oneJob(t, repeatable)
	for i := range record.MaxLostReruns + 1 {
		if n := w.attempt("x", "a").N; n != int32(i+1) {
			t.Fatalf("attempt %d after %d lost ones", n, i)
		}
		w.report("x", "a", func(r *Report) { r.Outcome, r.Reason = record.OutcomeLost, record.ReasonKeeperLost })
	}
	w.want("x", "FAILED a=FAILED")
	if j := w.job("x", "a"); j.Lost != record.MaxLostReruns || j.Failures != 0 || j.Reason != record.ReasonKeeperLost {
		t.Errorf("job: %+v", j)
	}
}

func TestDeclareDead(t *testing.T) {
	w := oneJob(t, repeatable)
	w.report("x", "a", started)
	first := w.attempt("x", "a").Token
	w.connect("two", 1)
	w.step(Operate{Reply: 3, Agent: "one", Verb: "declare-dead", By: "ann"})
	if a := w.attempt("x", "a"); a.N != 2 || a.Agent != "two" {
		t.Fatalf("attempt %d on %s", a.N, a.Agent)
	}
	last := w.db.audits[len(w.db.audits)-1]
	if last.By != "ann" || last.Verb != "agents declare-dead" || last.Object != "uid.one" {
		t.Errorf("audit: %+v", last)
	}
	// Its name may be taken now.
	row := w.identity("one", 1)
	row.UID = "uid.other"
	w.register(row)
	if err := w.try(Register{Agent: w.identity("one", 1)}); !errors.Is(err, ErrNameTaken) {
		t.Errorf("the dead one comes back under its old name: %v", err)
	}
	// When it comes back, what it still runs is ended, in every session until
	// nothing is left.
	back := w.identity("uno", 1)
	back.UID, back.MachineID = "uid.one", "another"
	for range 2 {
		w.kills = nil
		session := w.register(back)
		w.step(Reconcile{Agent: "uid.one", Session: session, Tokens: []TokenState{{first, true}}})
		if len(w.kills) != 1 || w.kills[0].Token != first {
			t.Errorf("kills: %+v", w.kills)
		}
		w.restore()
	}
}

func TestReports(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a"})})
	w.connect("one", 1)
	w.start("f", "x")
	w.acks = nil
	token := w.attempt("x", "a").Token
	say := func(r Report) {
		r.Token = token
		w.step(Reports{Agent: "uid.one", Session: w.session("one"), List: []Report{r}})
	}
	say(Report{
		Ended: true, Outcome: record.OutcomeSucceeded, HasExit: true, Output: []byte(`{"rows":3}`),
		Log: &record.LogEnd{Bytes: 7, SHA256: "s", State: record.LogEOF}, StartedAt: w.at, EndedAt: w.at + second,
	})
	if j := w.job("x", "a"); string(j.Output) != `{"rows":3}` || j.StartedAt != w.at {
		t.Errorf("job: %+v", j)
	}
	if a := w.attempt("x", "a"); a.EndedAt != w.at {
		t.Errorf("it ended at %d, in the future", a.EndedAt)
	}
	if end := w.db.logEnds[token]; end.Bytes != 7 || end.State != record.LogEOF {
		t.Errorf("log: %+v", end)
	}
	w.db.audits = nil
	say(Report{Ended: true, Outcome: record.OutcomeSucceeded, HasExit: true})
	if len(w.db.audits) != 0 {
		t.Error("the same result again is noted")
	}
	for want, r := range map[string]Report{
		"now failed, exit code 0":             {Outcome: record.OutcomeFailed, HasExit: true},
		"now succeeded, exit code 3":          {Outcome: record.OutcomeSucceeded, HasExit: true, ExitCode: 3},
		"now succeeded":                       {Outcome: record.OutcomeSucceeded},
		"now succeeded, exit code 0, SIGKILL": {Outcome: record.OutcomeSucceeded, HasExit: true, Signal: "SIGKILL"},
	} {
		r.Ended = true
		w.db.audits = nil
		say(r)
		if len(w.db.audits) != 1 || w.db.audits[0].Verb != "report differs" || w.db.audits[0].Detail != "agent one: recorded succeeded, "+want {
			t.Errorf("%s: another result is not noted: %+v", want, w.db.audits)
		}
	}
	if a := w.attempt("x", "a"); a.Outcome != record.OutcomeSucceeded || a.ExitCode != 0 || a.Signal != "" {
		t.Errorf("the first result does not hold: %+v", a)
	}
	token = "nobody's"
	w.db.audits = nil
	say(Report{Ended: true, Outcome: record.OutcomeFailed})
	if len(w.db.audits) != 1 || w.db.audits[0].Verb != "report unknown" {
		t.Errorf("an unknown token is not noted: %+v", w.db.audits)
	}
	if len(w.acks) != 7 {
		t.Errorf("acks: %+v", w.acks)
	}
	for _, a := range w.acks {
		if !a.Ended || a.Agent != "uid.one" || a.Session != w.session("one") {
			t.Errorf("ack: %+v", a)
		}
	}
}

func TestBadReports(t *testing.T) {
	long := make([]byte, 3*record.MaxOutput)
	for name, tc := range map[string]struct {
		report  Report
		outcome record.Outcome
		reason  record.Reason
	}{
		"output too large": {Report{Outcome: record.OutcomeSucceeded, Output: long}, record.OutcomeFailed, record.ReasonBadOutput},
		"output no object": {Report{Outcome: record.OutcomeSucceeded, Output: []byte(`[1]`)}, record.OutcomeFailed, record.ReasonBadOutput},
		"output no JSON":   {Report{Outcome: record.OutcomeSucceeded, Output: []byte(`{"a":`)}, record.OutcomeFailed, record.ReasonBadOutput},
		"unknown outcome":  {Report{Outcome: "exploded"}, record.OutcomeInternal, record.ReasonInternal},
		"long texts":       {Report{Outcome: record.OutcomeRejected, Reason: record.Reason(long[:99]), Message: string(long), Signal: string(long)}, record.OutcomeRejected, record.Reason(long[:record.MaxEnum])},
	} {
		t.Run(name, func(t *testing.T) {
			w := oneJob(t, nil)
			r := tc.report
			r.Ended, r.Token = true, w.attempt("x", "a").Token
			w.step(Reports{Agent: "uid.one", Session: w.session("one"), List: []Report{r}})
			a := w.attempt("x", "a")
			if a.Outcome != tc.outcome || a.Reason != tc.reason || a.Message == "" || len(a.Message) > record.MaxMessage || len(a.Signal) > record.MaxEnum {
				t.Errorf("attempt: %s %s", a.Outcome, a.Reason)
			}
			w.want("x", "FAILED a=FAILED")
		})
	}
}

func TestChunks(t *testing.T) {
	w := oneJob(t, nil)
	token := w.attempt("x", "a").Token
	w.acks = nil
	say := func(agent string, chunks ...record.Chunk) {
		w.step(Reports{Agent: "uid." + agent, Session: w.session(agent), Chunks: chunks})
	}
	c := record.Chunk{Token: token, From: 0, To: 10, Object: "o"}
	say("one", c, c)
	if len(w.db.chunks) != 1 || len(w.acks) != 2 || w.acks[0].Chunks != 10 || w.acks[0].Ended {
		t.Errorf("chunks %+v, acks %+v", w.db.chunks, w.acks)
	}
	w.report("x", "a", nil)
	say("one", record.Chunk{Token: token, From: 10, To: 20, Object: "o2"}) // logs come after the end
	w.connect("two", 1)
	w.start("f", "y")
	if other := w.attempt("y", "a"); other.Agent == "two" {
		say("one", record.Chunk{Token: other.Token, To: 3})
	} else {
		say("two", record.Chunk{Token: other.Token, To: 3})
	}
	say("one", record.Chunk{Token: token, From: 20, To: 20, Object: strings.Repeat("x", record.MaxAddress), SHA256: strings.Repeat("x", record.MaxID)})
	w.db.audits, w.acks = nil, nil
	bad := []record.Chunk{
		{From: 1, To: 2},
		{Token: token, From: 5, To: 3},
		{Token: token, From: -5, To: 3},
		{Token: token, To: 3, ObjectOffset: -1},
		{Token: token, To: 3, Object: strings.Repeat("x", record.MaxAddress+1)},
		{Token: token, To: 3, SHA256: strings.Repeat("x", record.MaxID+1)},
	}
	say("one", bad...)
	if len(w.db.chunks) != 3 || len(w.acks) != 0 || len(w.db.audits) != len(bad) {
		t.Errorf("chunks %+v, notes %+v", w.db.chunks, w.db.audits)
	}
}

func TestAgentDrains(t *testing.T) {
	w := oneJob(t, nil)
	w.step(Reports{Agent: "uid.one", Session: w.session("one"), Draining: true})
	w.report("x", "a", func(r *Report) {})
	w.step(Reports{Agent: "uid.one", Session: w.session("one"), Draining: true})
	w.start("f", "y")
	w.want("y", "RUNNING a=READY")
	if a := w.db.agents["uid.one"]; a.State != record.AgentActive || a.Reason != record.ReasonDeclines {
		t.Errorf("what is shown of it is %s (%s)", a.State, a.Reason)
	}
	w.connect("one", 1)
	w.want("y", "RUNNING a=ACTIVE")
	w.step(Reports{Agent: "uid.one", Session: w.session("one"), Draining: true})
	w.step(Reports{Agent: "uid.one", Session: w.session("one")})
	if a := w.db.agents["uid.one"]; a.Reason != record.ReasonNone {
		t.Errorf("it takes work again, and what is shown of it is %s", a.Reason)
	}
}

// TestRestoredDatabase: the rows are older than what the agents know. Nothing
// is given out before they have spoken, and what they hold is not started
// elsewhere.
func TestRestoredDatabase(t *testing.T) {
	w := oneJob(t, nil)
	w.connect("two", 5)
	before := w.snapshot()
	w.start("f", "y") // this will be forgotten
	lost := w.attempt("y", "a")
	if lost.Agent != "two" {
		t.Fatalf("y.a is on %s", lost.Agent)
	}
	w.db.executions = map[string]record.Execution{"x": w.db.executions["x"]}
	delete(w.db.jobs, JobKey{Execution: "y"})
	delete(w.db.attempts, lost.Token)
	before.ReconcileAll = true
	s, err := Restore(Limits{}, before)
	if err != nil {
		t.Fatal(err)
	}
	w.s, w.orders = s, nil
	w.connect("one", 5, TokenState{w.attempt("x", "a").Token, true})
	w.start("f", "y") // the same is asked for once more
	if len(w.orders) != 0 {
		t.Fatalf("orders before all have spoken: %+v", w.orders)
	}
	session := w.register(w.identity("two", 5))
	// Its result comes while the row is not there yet: kept until it is.
	w.acks = nil
	w.step(Reconcile{Agent: "uid.two", Session: session, Tokens: []TokenState{{lost.Token, true}}})
	if len(w.orders) != 1 || w.orders[0].Agent != "uid.two" || w.orders[0].Token != lost.Token {
		t.Fatalf("orders: %+v", w.orders)
	}
	// A result whose row does not come back is given up after a while.
	w.connect("two", 5, TokenState{lost.Token, true}, TokenState{"gone", true})
	w.acks = nil
	tell := func(agent string) {
		w.step(Reports{Agent: "uid." + agent, Session: w.session(agent), List: []Report{{Token: "gone", Ended: true}}})
	}
	tell("two")
	if len(w.acks) != 0 {
		t.Errorf("given up at once: %+v", w.acks)
	}
	tell("one") // whose it never was
	w.pass(record.Time(keepStrays))
	tell("two")
	if len(w.acks) != 2 || w.acks[0].Agent != "uid.one" || w.acks[1].Agent != "uid.two" || !w.acks[1].Ended {
		t.Errorf("acks: %+v", w.acks)
	}
	if len(w.s.fleet.strays) != 0 {
		t.Errorf("kept for ever: %v", w.s.fleet.strays)
	}
}

// TestRestoredDatabaseWaits: until all agents have spoken, schedules and jobs
// wait; then each comes to its right, and a job whose next attempt an agent holds
// already waits on for that agent alone.
func TestRestoredDatabaseWaits(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a"}), instantFlow("i")}, withSchedule(t, "s", "i", cron.Spec{Every: time.Minute}))
	w.connect("one", 1)
	w.connect("two", 1)
	snap := w.snapshot()
	snap.ReconcileAll = true
	s, err := Restore(Limits{}, snap)
	if err != nil {
		t.Fatal(err)
	}
	w.s, w.orders = s, nil
	w.connect("two", 1)
	w.start("f", "x")
	w.tick(150 * second)
	if len(w.db.fires) != 0 || len(w.orders) != 0 {
		t.Errorf("fires %v, orders %v before all have spoken", w.db.fires, w.orders)
	}
	session := w.register(w.identity("one", 1))
	w.step(Operate{Agent: "one", Verb: "drain"})
	w.step(Reconcile{Agent: "uid.one", Session: session, Tokens: []TokenState{{record.Token("x", 0, "", 1), true}}})
	w.tick(0)
	if got := w.fires("s"); got != "60 SKIPPEDmisfire; 120 RUN; " {
		t.Errorf("decided: %s", got)
	}
	if j := w.job("x", "a"); len(w.orders) != 0 || j.Waiting != record.WaitingReconcile || j.WaitingArg != "one" {
		t.Errorf("orders %+v, job %+v", w.orders, j)
	}
	w.step(Operate{Agent: "one", Verb: "undrain"})
	if a := w.attempt("x", "a"); a.Agent != "one" {
		t.Errorf("the attempt that one has is ordered from %s", a.Agent)
	}
}

func TestGo(t *testing.T) {
	w := oneJob(t, nil)
	snap := w.snapshot()
	snap.ReconcileAll = true
	s, err := Restore(Limits{}, snap)
	if err != nil {
		t.Fatal(err)
	}
	w.s, w.orders = s, nil
	w.connect("two", 5)
	w.start("f", "y")
	w.want("y", "RUNNING a=READY")
	if j := w.job("y", "a"); j.Waiting != record.WaitingReconcile || j.WaitingArg != "one" {
		t.Errorf("it waits for %s %s", j.Waiting, j.WaitingArg)
	}
	w.step(Operate{Verb: "go", By: "ann"})
	w.want("y", "RUNNING a=ACTIVE")
}

// TestBehindTheGate: what waited for the gate says what else it waits for.
func TestBehindTheGate(t *testing.T) {
	w := oneJob(t, nil)
	snap := w.snapshot()
	snap.ReconcileAll = true
	s, err := Restore(Limits{}, snap)
	if err != nil {
		t.Fatal(err)
	}
	w.s = s
	w.connect("two", 5)
	w.start("f", "y")
	w.step(Operate{Agent: "two", Verb: "drain"})
	w.step(Operate{Agent: "one", Verb: "declare-dead"})
	w.want("y", "RUNNING a=READY")
	if j := w.job("y", "a"); j.Waiting != record.WaitingAgent {
		t.Errorf("it waits for %s %s", j.Waiting, j.WaitingArg)
	}
}
