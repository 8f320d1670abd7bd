package kernel

import (
	"errors"
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

func TestOperateRefuses(t *testing.T) {
	w := newWorld(t, Limits{})
	w.connect("one", 1)
	for want, ev := range map[error]Operate{
		ErrUnknown: {Agent: "nobody", Verb: "drain"},
		ErrInvalid: {Agent: "one", Verb: "promote"},
	} {
		if err := w.try(ev); !errors.Is(err, want) {
			t.Errorf("%+v: %v", ev, err)
		}
	}
	if len(w.db.audits) != 0 {
		t.Errorf("notes of what was refused: %+v", w.db.audits)
	}
}

// TestRelease: an agent that is released while it is not there is as silent as
// it was, and its journal is compared no more when that was what was wrong.
func TestRelease(t *testing.T) {
	w := oneJob(t, func(j *spec.Job) { j.RerunAfter = 60 * spec.Second })
	w.report("x", "a", started)
	backwards := w.identity("one", 1)
	backwards.JournalSeq = 0
	w.step(Register{Agent: backwards})
	w.tick(40 * second)
	w.step(Operate{Agent: "one", Verb: "release"})
	if a := w.db.agents["uid.one"]; a.State != record.AgentUnreachable || a.Reason != record.ReasonNone {
		t.Errorf("released: %+v", a)
	}
	w.tick(49 * second)
	w.want("x", "RUNNING a=ACTIVE")
	w.tick(1 * second)
	w.want("x", "RUNNING a=READY") // rerun_after and the margin have passed
	w.step(Reconcile{Agent: "uid.one", Session: w.register(backwards)})
	w.want("x", "RUNNING a=ACTIVE")

	// Released while it is heard, it goes on, and its silence is looked at.
	clone := w.identity("one", 1)
	clone.MachineID = "clone"
	w.step(Register{Agent: clone})
	w.step(Operate{Agent: "one", Verb: "release"})
	if a := w.db.agents["uid.one"]; a.State != record.AgentActive {
		t.Errorf("released while it is heard: %+v", a)
	}
	w.tick(10 * second)
	if a := w.db.agents["uid.one"]; a.State != record.AgentSuspect {
		t.Errorf("released, then silent: %+v", a)
	}
}

// TestDeclareDeadLetsGo: what only a dead agent could have got goes to others.
func TestDeclareDeadLetsGo(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a"})})
	w.connect("one", 1)
	w.connect("two", 1)
	w.step(Operate{Agent: "one", Verb: "drain"})
	w.connect("one", 1, TokenState{record.Token("x", 0, "", 1), true}) // which no row names
	w.start("f", "x")
	if j := w.job("x", "a"); len(w.orders) > 0 || j.Waiting != record.WaitingReconcile {
		t.Errorf("orders %+v, job %+v", w.orders, j)
	}
	w.step(Operate{Agent: "one", Verb: "declare-dead"})
	if a := w.attempt("x", "a"); a.Agent != "two" || a.N != 1 {
		t.Errorf("attempt: %+v", a)
	}
}
