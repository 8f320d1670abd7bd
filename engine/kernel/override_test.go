package kernel

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

func (w *world) override(object spec.Address, field record.OverrideField, value string) {
	w.t.Helper()
	w.step(Override{Reply: 3, ProjectUID: "p", Object: object, Field: field, Value: value, Reason: "because", By: "ann"})
}

func (w *world) pauseOf(object spec.Address, value string) {
	w.t.Helper()
	w.override(object, record.FieldPaused, value)
}

// verbs are the audited verbs about overrides, in order.
func (w *world) verbs() (list []string) {
	for _, a := range w.db.audits {
		if a.Object != "" && strings.HasPrefix(a.Object, "uid.") {
			list = append(list, a.Verb+" "+a.By)
		}
	}
	return list
}

// decided tells what became of a schedule's instants.
func (w *world) decided() string {
	runs, paused, other := 0, int64(0), int64(0)
	for _, f := range w.db.fires {
		switch {
		case f.Decision == record.Run:
			runs++
		case f.Reason == record.ReasonPaused:
			paused++
		default:
			other++
		}
	}
	for _, r := range w.db.ranges {
		if r.Reason == record.ReasonPaused {
			paused += r.Count
		} else {
			other += r.Count
		}
	}
	return strings.Repeat("r", runs) + strings.Repeat("p", int(paused)) + strings.Repeat("o", int(other))
}

func minutely(t *testing.T, flow string, paused bool) func(*Adopt) {
	t.Helper()
	return withSchedule(t, "s", flow, cron.Spec{Every: time.Minute}, func(d *ScheduleDef) { d.Paused = paused })
}

// TestPause: an override holds for the instants after it, and a resume catches
// nothing up.
func TestPause(t *testing.T) {
	for _, object := range []spec.Address{"schedule.s", "flow.f"} {
		t.Run(string(object), func(t *testing.T) {
			w := newWorld(t, Limits{})
			w.adopt([]*spec.Flow{instantFlow("f"), instantFlow("g")}, minutely(t, "f", false))
			w.tick(60 * second)
			w.at += 90 * second // an instant passes before anybody looks
			w.pauseOf(object, "true")
			w.tick(120 * second)
			w.restore()
			w.tick(60 * second)
			if got := w.decided(); got != "rrppp" {
				t.Errorf("decided %q", got)
			}
			w.at += 70 * second
			w.pauseOf(object, "false")
			w.tick(60 * second)
			if got := w.decided(); got != "rrrpppp" {
				t.Errorf("decided %q", got)
			}
			if diff := cmp.Diff([]string{"pause ann", "resume ann"}, w.verbs()); diff != "" {
				t.Error(diff)
			}
			if len(w.db.overrides) > 0 {
				t.Errorf("left: %v", w.db.overrides)
			}
		})
	}
}

func TestResumeOfDeclaredPause(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{instantFlow("f")}, minutely(t, "f", true))
	w.tick(60 * second)
	w.pauseOf("schedule.s", "false")
	w.tick(60 * second)
	w.pauseOf("flow.f", "true") // the flow's is the stronger
	w.tick(60 * second)
	w.pauseOf("flow.f", "")
	w.pauseOf("schedule.s", "")
	w.tick(60 * second)
	if got := w.decided(); got != "rppp" {
		t.Errorf("decided %q", got)
	}
}

// TestPausedFlow: what is asked for waits, what runs goes on.
func TestPausedFlow(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"a", "b: a"})})
	w.connect("one", 999)
	w.start("f", "x")
	w.pauseOf("flow.f", "true")
	w.start("f", "y")
	w.report("x", "a", nil)
	w.want("x", "RUNNING a=SUCCEEDED b=ACTIVE")
	w.want("y", "QUEUED")
	w.restore()
	w.connect("one", 999, TokenState{w.attempt("x", "b").Token, true})
	w.report("x", "b", nil)
	w.start("f", "z")
	w.want("y", "QUEUED")
	for i := range spec.DefaultQueueMax {
		err := w.try(Start{ID: "more" + string(rune('a'+i/26)) + string(rune('a'+i%26)), ProjectUID: "p", Flow: "flow.f"})
		if full := i >= spec.DefaultQueueMax-2; full != errors.Is(err, ErrFull) || full && !strings.Contains(err.Error(), "is paused") {
			t.Fatalf("start %d: %v", i, err)
		}
	}
	w.pauseOf("flow.f", "false")
	w.want("y", "RUNNING a=ACTIVE b=WAITING")
	w.want("z", "RUNNING a=ACTIVE b=WAITING")
}

func TestPoolResize(t *testing.T) {
	w := newWorld(t, Limits{})
	jobs := flow("f", []string{"a", "b", "c"}, job("*", pooled("w", 1)))
	w.adopt([]*spec.Flow{jobs}, withPool("w", 1))
	w.connect("one", 9)
	w.start("f", "x")
	active := func() (n int) {
		for _, j := range w.db.jobs {
			if j.State == record.JobActive {
				n++
			}
		}
		return n
	}
	if active() != 1 {
		t.Fatalf("%d jobs are active", active())
	}
	w.override("pool.w", record.FieldSlots, "2")
	if active() != 2 {
		t.Errorf("resized to 2, %d jobs are active", active())
	}
	w.override("pool.w", record.FieldSlots, "0")
	w.report("x", "a", nil)
	w.report("x", "b", nil)
	if active() != 0 {
		t.Errorf("resized to 0, %d jobs are active", active())
	}
	w.restore()
	w.connect("one", 9)
	if active() != 0 {
		t.Errorf("restored, %d jobs are active", active())
	}
	w.override("pool.w", record.FieldSlots, "")
	if active() != 1 {
		t.Errorf("reset, %d jobs are active", active())
	}
	if diff := cmp.Diff([]string{"pool resize ann", "pool resize ann", "pool reset ann"}, w.verbs()); diff != "" {
		t.Error(diff)
	}
}

// TestOverridesAndApply: an override survives revisions that do not touch its
// value, moves with its object, and ends with it.
func TestOverridesAndApply(t *testing.T) {
	w := newWorld(t, Limits{})
	flows := []*spec.Flow{instantFlow("f")}
	w.adopt(flows, minutely(t, "f", false), withPool("w", 2))
	w.pauseOf("schedule.s", "true")
	w.pauseOf("flow.f", "true")
	w.override("pool.w", record.FieldSlots, "5")
	objects := func() (list []string) {
		for _, key := range sortedOverrideKeys(w.db.overrides) {
			list = append(list, w.db.overrides[key].Object+"="+w.db.overrides[key].Value)
		}
		return list
	}
	want := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, objects()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	all := []string{"flow.f=true", "pool.w=5", "schedule.s=true"}
	want("made", all...)
	w.adopt(append(flows, instantFlow("g")), minutely(t, "f", false), withPool("w", 2), withPool("v", 1))
	want("another revision", all...)
	w.adopt(flows, minutely(t, "f", false), func(a *Adopt) {
		a.Pools = append(a.Pools, PoolDef{UID: "uid.pool.w", Address: "pool.moved", Slots: 2})
	})
	want("moved", "flow.f=true", "pool.moved=5", "schedule.s=true")
	w.restore()
	w.adopt(flows, minutely(t, "f", false), func(a *Adopt) {
		a.Pools = append(a.Pools, PoolDef{UID: "uid.pool.w", Address: "pool.moved", Slots: 3})
	})
	want("resized by an apply", "flow.f=true", "schedule.s=true")
	w.adopt(flows, minutely(t, "f", true))
	want("paused by an apply", "flow.f=true")
	w.adopt(nil)
	want("deleted")
	w.adopt(flows, minutely(t, "f", false))
	w.start("f", "x")
	w.want("x", "SUCCEEDED a=SUCCEEDED")
	ends := 0
	for _, verb := range w.verbs() {
		if verb == "override ends " {
			ends++
		}
	}
	if ends != 3 {
		t.Errorf("%d ends are audited: %v", ends, w.verbs())
	}
}

// TestOverrideOfLaterRevision: one that was made at a revision a restored State
// does not act on yet is left alone by those before it.
func TestOverrideOfLaterRevision(t *testing.T) {
	w := newWorld(t, Limits{SchedulesOff: true})
	w.adopt([]*spec.Flow{instantFlow("f")}, withPool("w", 1))
	older := w.adopted["p"]
	w.adopt([]*spec.Flow{instantFlow("f")}, withPool("w", 7))
	w.override("pool.w", record.FieldSlots, "9")
	newer := w.adopted["p"]
	w.limits = Limits{}
	delete(w.adopted, "p")
	w.restore()
	w.step(older)
	w.step(newer)
	if o := w.db.overrides[record.OverrideKey{ObjectUID: "uid.pool.w", Field: record.FieldSlots}]; o.Value != "9" || o.Revision != 2 {
		t.Errorf("the override is %+v", o)
	}
	if pl := w.s.queue.pools["uid.pool.w"]; pl.slots != 9 || pl.declared != 7 {
		t.Errorf("the pool has %d slots", pl.slots)
	}
}

// TestOverrideInSolo: a State that decides no instants leaves the rows of what a
// revision ends, but an operator may take them away.
func TestOverrideInSolo(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{instantFlow("f")}, withPool("w", 1))
	w.override("pool.w", record.FieldSlots, "9")
	w.limits.SchedulesOff = true
	w.restore()
	w.adopt([]*spec.Flow{instantFlow("f")}, withPool("w", 2))
	if len(w.db.overrides) != 1 || w.s.queue.pools["uid.pool.w"].slots != 2 {
		t.Errorf("overrides %v, %d slots", w.db.overrides, w.s.queue.pools["uid.pool.w"].slots)
	}
	w.override("pool.w", record.FieldSlots, "")
	if len(w.db.overrides) != 0 {
		t.Errorf("left: %v", w.db.overrides)
	}
}

func TestOverrideRefuses(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{instantFlow("f")}, minutely(t, "f", false), withPool("w", 2))
	for _, tc := range []struct {
		ev   Override
		want error
	}{
		{Override{ProjectUID: "q", Object: "flow.f", Field: "paused", Value: "true"}, ErrUnknown},
		{Override{ProjectUID: "p", Object: "flow.g", Field: "paused", Value: "true"}, ErrUnknown},
		{Override{ProjectUID: "p", Object: "pool.w", Field: "paused", Value: "true"}, ErrUnknown},
		{Override{ProjectUID: "p", Object: "flow.f", Field: "slots", Value: "1"}, ErrUnknown},
		{Override{ProjectUID: "p", Object: "flow.f", Field: "paused", Value: "yes"}, ErrInvalid},
		{Override{ProjectUID: "p", Object: "pool.w", Field: "slots", Value: "-1"}, ErrInvalid},
		{Override{ProjectUID: "p", Object: "pool.w", Field: "slots", Value: "07"}, ErrInvalid},
		{Override{ProjectUID: "p", Object: "pool.w", Field: "slots", Value: "9999999999"}, ErrInvalid},
		{Override{ProjectUID: "p", Object: "schedule.s", Field: "cron", Value: `"* * * * *"`}, ErrInvalid},
		{Override{ProjectUID: "p", Object: "flow.f", Field: "paused", Reason: strings.Repeat("x", record.MaxMessage+1)}, ErrInvalid},
	} {
		if err := w.try(tc.ev); !errors.Is(err, tc.want) {
			t.Errorf("%+v: %v", tc.ev, err)
		}
	}
	w.step(Override{Reply: 3, ProjectUID: "p", Object: "flow.f", Field: "paused", Value: "false"})
	if last := w.replies[len(w.replies)-1]; last.ID != 3 || last.Value != "" || len(w.db.overrides)+len(w.verbs()) > 0 {
		t.Errorf("nothing to change: %+v", last)
	}
}
