package sim

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// What the witness knows of executions that start others, of triggers, of overrides
// and of calendars.

// allows tells whether a rule lets a job start, by what its upstreams are. What it
// has allowed once, it allows for ever.
func allows(rule spec.Trigger, ups []record.JobState) bool {
	n := map[record.JobState]int{}
	done := 0
	for _, state := range ups {
		if state.Terminal() {
			done++
		}
		n[state]++
	}
	all := len(ups)
	failed := n[record.JobFailed] + n[record.JobCancelled]
	switch rule {
	case spec.AllSuccess:
		return n[record.JobSucceeded] == all
	case spec.AllFailed:
		return failed+n[record.JobUpstreamFailed] == all
	case spec.AllDone:
		return done == all
	case spec.AllDoneMinOneSuccess:
		return done == all && n[record.JobSkipped] == 0 && (all == 0 || n[record.JobSucceeded] > 0)
	case spec.AllSkipped:
		return n[record.JobSkipped] == all
	case spec.OneSuccess:
		return all == 0 || n[record.JobSucceeded] > 0
	case spec.OneFailed:
		return all == 0 || failed+n[record.JobUpstreamFailed] > 0
	case spec.OneDone:
		return all == 0 || n[record.JobSucceeded]+failed > 0
	case spec.NoneFailed:
		return n[record.JobSucceeded]+n[record.JobSkipped] == all
	case spec.NoneFailedMinOneSuccess:
		return n[record.JobSucceeded]+n[record.JobSkipped] == all && (all == 0 || n[record.JobSucceeded] > 0)
	case spec.NoneSkipped:
		return done == all && n[record.JobSkipped] == 0
	case spec.Always:
		return true
	}
	return false
}

// born judges the start of an execution by another: there is one attempt it belongs
// to, written with it, and none like it.
func (t *truth) born(x record.Execution, b *record.Batch) {
	t.births++
	if x.ID != record.ChildID(x.Parent, x.ParentNumber, x.ParentMapKey, x.ParentN) {
		t.w.fail("%s is not the child of attempt %d of %s/%d", x.ID, x.ParentN, x.Parent, x.ParentNumber)
	}
	token := record.Token(x.Parent, x.ParentNumber, x.ParentMapKey, x.ParentN)
	if !slices.ContainsFunc(b.Attempts, func(a record.Attempt) bool { return a.Token == token && a.AgentUID == "" }) {
		t.w.fail("%s is started without its attempt of %s/%d", x.ID, x.Parent, x.ParentNumber)
	}
	parent := t.w.store.rows.executions[x.Parent]
	if t.w.store.rows.finished[x.Parent] || parent.Revision != x.Revision && parent.ID != "" || x.Depth > spec.MaxNesting-1 {
		t.w.fail("%s of revision %d, %d deep, is started by %s, which is %s of revision %d", x.ID, x.Revision, x.Depth, x.Parent, parent.State, parent.Revision)
	}
	for _, id := range sorted(t.w.store.rows.executions) {
		o := t.w.store.rows.executions[id]
		ends := slices.ContainsFunc(b.Executions, func(x record.Execution) bool { return x.ID == id && x.State.Terminal() })
		if o.Parent == x.Parent && o.ParentNumber == x.ParentNumber && !o.State.Terminal() && !ends {
			t.w.fail("%s/%d starts %s while %s, which it has started before, is %s", x.Parent, x.ParentNumber, x.ID, o.ID, o.State)
		}
	}
}

// ofChildren judges the rows of executions and of the attempts that have started
// them, as they are now: both live, or neither.
func (t *truth) ofChildren(b *record.Batch) {
	r := &t.w.store.rows
	for i := range b.Attempts {
		a := &b.Attempts[i]
		if a.AgentUID != "" {
			continue
		}
		child, there := r.executions[a.Child()]
		switch {
		case a.Outcome == record.OutcomeRejected:
		case !there:
			t.w.fail("attempt %s/%d/%d is %s without an execution", a.Execution, a.Number, a.N, a.State)
		case child.State.Terminal() != (a.State == record.Ended):
			t.w.fail("attempt %s/%d/%d is %s, its execution %s is %s", a.Execution, a.Number, a.N, a.State, child.ID, child.State)
		case a.State == record.Ended && (a.Outcome == record.OutcomeSucceeded) != (child.State == record.ExecutionSucceeded):
			t.w.fail("attempt %s/%d/%d %s, its execution %s is %s", a.Execution, a.Number, a.N, a.Outcome, child.ID, child.State)
		}
	}
	for _, x := range b.Executions {
		if x.Parent != "" {
			token := record.Token(x.Parent, x.ParentNumber, x.ParentMapKey, x.ParentN)
			if a, ok := r.attempts[token]; !ok || x.State.Terminal() != (a.State == record.Ended) {
				t.w.fail("%s is %s, the attempt that has started it %q", x.ID, x.State, a.State)
			}
		}
		if x.CancelRequested && x.State == record.Running {
			t.cancelled(x)
		}
	}
}

// cancelled judges the children of an execution that is to end.
func (t *truth) cancelled(x record.Execution) {
	r := &t.w.store.rows
	g := t.w.store.graphs[x.FlowDigest]
	for number := range int32(g.Len()) {
		job := r.jobs[kernel.JobKey{Execution: x.ID, Number: number}]
		a := r.attempts[record.Token(x.ID, number, "", job.Attempts)]
		if g.Flow(number) == "" || job.State != record.JobActive || a.State == record.Ended || !a.KillWanted {
			continue
		}
		if child := r.executions[a.Child()]; !child.CancelRequested {
			t.w.fail("%s is to be cancelled, but not %s, which its job %d has started", x.ID, child.ID, number)
		}
	}
}

// silenced judges the run of an instant: nobody has paused the schedule or its flow
// before it, and no calendar takes its day away.
func (t *truth) silenced(f record.Fire, b *record.Batch) {
	if f.Decision != record.Run {
		return
	}
	at := slices.IndexFunc(b.Executions, func(x record.Execution) bool { return x.ID == f.Execution })
	if at < 0 {
		return // it was there before
	}
	x := b.Executions[at]
	for _, uid := range []string{f.ScheduleUID, x.FlowUID} {
		key := record.OverrideKey{ObjectUID: uid, Field: record.FieldPaused}
		o, ok := t.overrides[key]
		if ok && o.Value == "true" && f.Instant > o.At && !slices.Contains(b.OverridesGone, key) &&
			!slices.ContainsFunc(b.Overrides, func(o record.Override) bool { return o.ObjectUID == uid }) {
			t.w.fail("instant %d of %s runs, which %s has paused at %d", f.Instant, f.ScheduleUID, o.By, o.At)
		}
	}
	var params struct{ Away string }
	if err := json.Unmarshal(x.Params, &params); err != nil || params.Away == wall(f.Instant).Format(time.DateOnly) {
		t.w.fail("instant %d of %s runs on a day that is taken away: %s, %v", f.Instant, f.ScheduleUID, x.Params, err)
	}
}

// ordered judges changes of overrides: people want them, or a revision ends them.
func (t *truth) ordered(b *record.Batch) {
	t.orders += len(b.Overrides)
	for _, o := range b.Overrides {
		key := record.OverrideKey{ObjectUID: o.ObjectUID, Field: o.Field}
		if !t.w.people.orders[order{key, o.Value}] {
			t.w.fail("%s of %s is %s, which nobody wanted", o.Field, o.Object, o.Value)
		}
		t.overrides[key] = o
	}
	for _, key := range b.OverridesGone {
		o, there := t.overrides[key]
		if !there {
			continue // made and taken back within one batch
		}
		wanted := t.w.people.orders[order{key, ""}] || t.w.people.orders[order{key, o.Declared}]
		ended := slices.ContainsFunc(b.Adopted, func(a record.Adopted) bool {
			return slices.ContainsFunc(t.w.store.revisions[:a.Revision], func(a kernel.Adopt) bool {
				return a.Revision > o.Revision && declared(&a, key) != o.Declared
			})
		})
		if !wanted && !ended {
			t.w.fail("%s of %s is not %s any more, which nobody wanted", o.Field, o.Object, o.Value)
		}
		delete(t.overrides, key)
	}
}

// inForce judges the overrides as they are now: none is lost, and none outlives the
// value it was put in the place of.
func (t *truth) inForce(b *record.Batch) {
	for _, key := range overrideKeys(t.overrides) {
		if _, ok := t.w.store.rows.overrides[key]; !ok {
			t.w.fail("the override of %s of %s is lost", key.Field, key.ObjectUID)
		}
	}
	for _, a := range b.Adopted {
		for _, key := range overrideKeys(t.overrides) {
			o := t.overrides[key]
			if now := declared(&t.w.store.revisions[a.Revision-1], key); o.Revision < a.Revision && now != o.Declared {
				t.w.fail("revision %d says %q of %s of %s, which %s outlives", a.Revision, now, key.Field, key.ObjectUID, o.Value)
			}
		}
	}
}

// declared is what a revision says of a field, "" when it has no such object.
func declared(a *kernel.Adopt, key record.OverrideKey) string {
	for _, def := range a.Schedules {
		if def.UID == key.ObjectUID {
			return map[bool]string{true: "true", false: "false"}[def.Paused]
		}
	}
	for _, def := range a.Flows {
		if def.UID == key.ObjectUID {
			return "false"
		}
	}
	for _, def := range a.Pools {
		if def.UID == key.ObjectUID {
			return string(rune('0' + def.Slots))
		}
	}
	return ""
}
