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
