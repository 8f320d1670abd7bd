package kernel

import (
	"errors"
	"testing"

	"github.com/leifengta/lft/engine/record"
)

func TestQuarantine(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*record.Agent)
		reason record.Reason
	}{
		"other machine":    {func(a *record.Agent) { a.MachineID = "clone" }, record.ReasonDuplicateID},
		"older journal":    {func(a *record.Agent) { a.JournalSeq = 0 }, record.ReasonJournalReversed},
		"journal gone":     {func(a *record.Agent) { a.JournalID = "new" }, record.ReasonJournalReversed},
		"both, after boot": {func(a *record.Agent) { a.BootID, a.MachineID = "new", "clone" }, record.ReasonDuplicateID},
	} {
		t.Run(name, func(t *testing.T) {
			w := oneJob(t, repeatable)
			before := w.session("one")
			row := w.identity("one", 1)
			tc.change(&row)
			w.step(Register{Reply: 8, Agent: row})
			if last := w.replies[len(w.replies)-1]; last.ID != 8 || !errors.Is(last.Err, ErrQuarantined) {
				t.Fatalf("reply: %+v", last)
			}
			if a := w.db.agents["uid.one"]; a.State != record.AgentQuarantined || a.Reason != tc.reason || a.Session != before {
				t.Errorf("agent: %+v", a)
			}
			if err := w.try(Register{Agent: w.identity("one", 1)}); !errors.Is(err, ErrQuarantined) {
				t.Errorf("it registers again: %v", err)
			}
			w.start("f", "y")
			w.report("x", "a", nil) // what ran there still counts
			w.want("x", "SUCCEEDED a=SUCCEEDED")
			w.want("y", "RUNNING a=READY")
			w.step(Operate{Agent: "one", Verb: "release", By: "ann"})
			w.connect("one", 1)
			w.want("y", "RUNNING a=ACTIVE")
		})
	}
}

func TestAlternating(t *testing.T) {
	w := oneJob(t, nil)
	for range 100 { // restarts, however many: each after the last was silent
		w.at += 4 * second
		w.register(w.identity("one", 1))
	}
	for range 100 { // the same agent, whom the answers do not reach in time
		w.at += second
		w.register(w.identity("one", 1))
	}
	w.connect("one", 1)
	for range maxUsurped {
		w.at += second
		w.connect("one", 1)
	}
	w.step(Register{Reply: 8, Agent: w.identity("one", 1)})
	if last := w.replies[len(w.replies)-1]; !errors.Is(last.Err, ErrQuarantined) {
		t.Errorf("two agents that take turns are not noticed: %+v", last)
	}
	if a := w.db.agents["uid.one"]; a.Reason != record.ReasonAlternating {
		t.Errorf("agent: %+v", a)
	}
}

// TestVoidSessions: nothing that an older session says counts.
func TestVoidSessions(t *testing.T) {
	w := oneJob(t, nil)
	token, old := w.attempt("x", "a").Token, w.session("one")
	session := w.register(w.identity("one", 1))
	say := func(session int64) {
		w.step(Reports{Agent: "uid.one", Session: session, List: []Report{{Token: token, Ended: true, Outcome: record.OutcomeSucceeded}}})
	}
	say(old)
	w.step(Reconcile{Agent: "uid.one", Session: old})
	say(session) // not before it has reconciled
	w.want("x", "RUNNING a=ACTIVE")
	w.step(Reconcile{Agent: "uid.one", Session: session, Tokens: []TokenState{{token, true}}})
	w.step(Reconcile{Agent: "uid.one", Session: session}) // a copy that came late
	w.want("x", "RUNNING a=ACTIVE")
	w.restore()
	say(session) // a session ends with its master
	w.want("x", "RUNNING a=ACTIVE")
	say(w.connect("one", 1, TokenState{token, true}))
	w.want("x", "SUCCEEDED a=SUCCEEDED")
}
