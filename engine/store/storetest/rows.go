package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
)

// full makes a row none of whose fields is zero, so that a column that is
// forgotten, or swapped with another, is seen. Each number is another one.
func full[T any](seed int) T {
	var row T
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		n := seed*100 + i + 1
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString(fmt.Sprintf("s%d", n))
		case reflect.Int, reflect.Int32, reflect.Int64:
			f.SetInt(int64(n))
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Slice:
			f.SetBytes(fmt.Appendf(nil, `{"n":"%d's \"\\?"}`, n))
		case reflect.Map:
			f.Set(reflect.ValueOf(map[string]string{"zone": fmt.Sprint(n)}))
		default:
			panic("no value for a " + f.Kind().String())
		}
	}
	return row
}

func everyColumnComesBack(t *testing.T, state string) {
	m := master(t, state)
	b := record.Batch{
		Executions:  []record.Execution{full[record.Execution](1)},
		Jobs:        []record.Job{full[record.Job](2)},
		Attempts:    []record.Attempt{full[record.Attempt](3)},
		Fires:       []record.Fire{full[record.Fire](4)},
		Ranges:      []record.FireRange{full[record.FireRange](5)},
		Adopted:     []record.Adopted{full[record.Adopted](6)},
		Agents:      []record.Agent{full[record.Agent](7)},
		Chunks:      []record.Chunk{full[record.Chunk](8)},
		LogEnds:     []record.LogEnd{full[record.LogEnd](9)},
		DeadLetters: []record.DeadLetter{full[record.DeadLetter](10)},
		Audits:      []record.Audit{full[record.Audit](11)},
		Overrides:   []record.Override{full[record.Override](12)},
	}
	e := &b.Executions[0]
	b.Jobs[0].Execution, b.Attempts[0].Execution = e.ID, e.ID
	b.Jobs[0].Attempts = b.Attempts[0].N
	b.Attempts[0].Number, b.Attempts[0].MapKey = b.Jobs[0].Number, b.Jobs[0].MapKey
	m.must(t, b)

	ctx := t.Context()
	live := got(m.Load(ctx, m.epoch))(t)
	if live.Now == 0 {
		t.Error("Load does not tell the time")
	}
	for _, p := range []struct {
		what      string
		want, got any
	}{
		{"live executions", b.Executions, live.Executions},
		{"live jobs", b.Jobs, live.Jobs},
		{"live attempts", b.Attempts, live.Attempts},
		{"adopted", b.Adopted, live.Adopted},
		{"live agents", b.Agents, live.Agents},
		{"live overrides", b.Overrides, live.Overrides},
		{"overrides", b.Overrides, got(m.Overrides(ctx, b.Overrides[0].ProjectUID))(t)},
		{"overrides of another project", []record.Override(nil), got(m.Overrides(ctx, "none"))(t)},
		{"execution", *e, one(m.Execution(ctx, e.ID))(t)},
		{"jobs", b.Jobs, got(m.Jobs(ctx, e.ID))(t)},
		{"agents", b.Agents, got(m.Agents(ctx))(t)},
		{"chunks", b.Chunks, got(m.Chunks(ctx, b.Chunks[0].Token, 0, 10))(t)},
		{"log end", b.LogEnds[0], one(m.LogEnd(ctx, b.LogEnds[0].Token))(t)},
		{"dead letters", b.DeadLetters, got(m.DeadLetters(ctx, 0, "", 10))(t)},
		{"audits", b.Audits, got(m.Audits(ctx, 0, "", 10))(t)},
	} {
		if diff := cmp.Diff(p.want, p.got); diff != "" {
			t.Errorf("%s (-written +read):\n%s", p.what, diff)
		}
	}
	attempts := got(m.Attempts(ctx, e.ID))(t)
	b.Attempts[0].Task = nil
	if diff := cmp.Diff(b.Attempts, attempts); diff != "" {
		t.Errorf("attempts without task (-written +read):\n%s", diff)
	}
}

func overridesAreWithdrawn(t *testing.T, state string) {
	m := master(t, state)
	a, b := full[record.Override](1), full[record.Override](2)
	m.must(t, record.Batch{Overrides: []record.Override{b, a}})
	changed := a
	changed.Value, changed.Reason = "7", ""
	m.must(t, record.Batch{
		Overrides:     []record.Override{changed},
		OverridesGone: []record.OverrideKey{{ObjectUID: b.ObjectUID, Field: b.Field}, {ObjectUID: a.ObjectUID, Field: "other"}},
	})
	if diff := cmp.Diff([]record.Override{changed}, got(m.Overrides(t.Context(), ""))(t)); diff != "" {
		t.Error(diff)
	}
}

func rowsAreReplacedWhole(t *testing.T, state string) {
	m := master(t, state)
	first := full[record.Job](1)
	m.must(t, record.Batch{Jobs: []record.Job{first}})
	second := record.Job{Execution: first.Execution, Number: first.Number, MapKey: first.MapKey, State: record.JobReady}
	// Within one batch the last row of a key wins.
	m.must(t, record.Batch{Jobs: []record.Job{first, second}})
	if diff := cmp.Diff([]record.Job{second}, got(m.Jobs(t.Context(), first.Execution))(t)); diff != "" {
		t.Error(diff)
	}
}

func loadReadsTheLiveSetOnly(t *testing.T, state string) {
	m := master(t, state)
	var b record.Batch
	for _, id := range []string{"c", "a", "b"} {
		b.Executions = append(b.Executions, record.Execution{ID: id, State: record.Running})
		for n := range int32(2) {
			b.Jobs = append(b.Jobs, record.Job{Execution: id, Number: 1 - n, Attempts: 2})
			b.Attempts = append(b.Attempts,
				record.Attempt{Execution: id, Number: n, N: 1, State: record.Ended, Task: []byte("{}")},
				record.Attempt{Execution: id, Number: n, N: 2, State: record.Ordered, Task: []byte("{}")})
		}
	}
	m.must(t, b)
	// One ends, one begins and ends in one batch, one is ended twice.
	end := record.Execution{ID: "b", State: record.ExecutionSucceeded}
	short := record.Execution{ID: "d", State: record.ExecutionFailed}
	last := b.Attempts[1]
	last.State = record.Ended
	m.must(t, record.Batch{
		Executions: []record.Execution{end, short},
		Attempts:   []record.Attempt{last},
		Finished:   []string{"b", "d"},
	})
	m.must(t, record.Batch{Executions: []record.Execution{end}, Finished: []string{"b"}})

	live := got(m.Load(t.Context(), m.epoch))(t)
	var told []string
	for _, e := range live.Executions {
		told = append(told, e.ID)
	}
	for _, j := range live.Jobs {
		told = append(told, fmt.Sprintf("%s.%d", j.Execution, j.Number))
	}
	for _, a := range live.Attempts {
		told = append(told, fmt.Sprintf("%s.%d.%d %s", a.Execution, a.Number, a.N, a.Task))
	}
	want := []string{
		"a", "c", "a.0", "a.1", "c.0", "c.1",
		"a.0.2 {}", "a.1.2 {}", "c.0.2 ", "c.1.2 {}", // the task of an ended attempt is used up
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +loaded):\n%s", diff)
	}
	one(m.Execution(t.Context(), "b"))(t)
}

// loadReadsCursorsOnce: whatever was applied since the adopted revision, each schedule
// of that has one cursor, and no other schedule has any.
func loadReadsCursorsOnce(t *testing.T, state string) {
	m := master(t, state)
	var b record.Batch
	for _, uid := range []string{"gone", "changed", "kept", "ending", "coming"} {
		b.Cursors = append(b.Cursors, record.Cursor{ScheduleUID: uid, ProjectUID: "p", Instant: 7})
	}
	ends := func(uid string, base int64) store.ObjectChange {
		c := version(uid, uid, base)
		c.Deleted = true
		return c
	}
	applied(t, m.Store, changeOf("p", 0, version("gone", "g", 0), version("changed", "c1", 0), version("kept", "k", 0), version("ending", "e", 0)))
	applied(t, m.Store, changeOf("p", 1, ends("gone", 1)))
	b.Adopted = []record.Adopted{{ProjectUID: "p", Revision: 2}}
	m.must(t, b)
	applied(t, m.Store, changeOf("p", 2, version("changed", "c2", 1), ends("ending", 1), version("coming", "n", 0)))
	var uids []string
	for _, c := range got(m.Load(t.Context(), m.epoch))(t).Cursors {
		uids = append(uids, c.ScheduleUID)
	}
	if diff := cmp.Diff([]string{"changed", "ending", "kept"}, uids); diff != "" {
		t.Errorf("cursors (-want +loaded):\n%s", diff)
	}
}

func largeBatch(t *testing.T, state string) {
	m := master(t, state)
	// More than one statement by size, and by number of values; out of order.
	b := record.Batch{Executions: []record.Execution{{ID: "e", State: record.Running}}}
	for i := range int32(5000) {
		b.Jobs = append(b.Jobs, record.Job{Execution: "e", Number: 4999 - i, Name: fmt.Sprint("j", i)})
	}
	task := []byte(`"` + strings.Repeat(`\"`, record.MaxTask/4) + `"`)
	for i := range int32(6) {
		b.Attempts = append(b.Attempts, record.Attempt{Execution: "e", Number: i, N: 1, Task: task})
	}
	b.Jobs[0].Attempts, b.Jobs[4999].Attempts = 1, 1
	first := b.Jobs[0]
	m.must(t, b)
	if b.Jobs[0].Number != first.Number {
		t.Error("Commit has sorted the caller's rows")
	}
	live := got(m.Load(t.Context(), m.epoch))(t)
	if len(live.Jobs) != 5000 || live.Jobs[4999].Number != 4999 || live.Jobs[4999].Name != "j0" {
		t.Errorf("%d jobs, the last is %+v", len(live.Jobs), live.Jobs[len(live.Jobs)-1])
	}
	if len(live.Attempts) != 1 || !bytes.Equal(live.Attempts[0].Task, task) {
		t.Errorf("%d attempts, or another task", len(live.Attempts))
	}
}

func strangeBytes(t *testing.T, state string) {
	m := master(t, state)
	job := record.Job{
		Execution: "e", Name: `x["'\"; DROP TABLE job; --"]`, WaitingArg: "漢字 ü \x00?", Output: []byte("\x00\xff'\\"),
		Message: "not UTF-8: \xff\xfe",
	}
	m.must(t, record.Batch{Jobs: []record.Job{job}})
	job.Message = "not UTF-8: \uFFFD"
	if diff := cmp.Diff([]record.Job{job}, got(m.Jobs(t.Context(), "e"))(t)); diff != "" {
		t.Error(diff)
	}
	if _, found, err := m.Execution(t.Context(), "ünknown"); found || err != nil {
		t.Errorf("found = %v, error = %v", found, err)
	}
}

func poisonIsRefusedWhole(t *testing.T, state string) {
	m := master(t, state)
	long := strings.Repeat("x", record.MaxID+1)
	for name, b := range map[string]record.Batch{
		"id":      {Executions: []record.Execution{{ID: long}}},
		"state":   {Jobs: []record.Job{{Execution: "e", State: record.JobState(long)}}},
		"message": {Jobs: []record.Job{{Execution: "e", Message: strings.Repeat("x", 5000)}}},
	} {
		b.Audits = []record.Audit{{ID: "beside", At: 1}}
		if err := m.write(t.Context(), b); !errors.Is(err, lease.ErrPoison) {
			t.Errorf("%s: %v, want poison", name, err)
		}
	}
	if audits := got(m.Audits(t.Context(), 0, "", 10))(t); len(audits) > 0 {
		t.Errorf("a refused batch has left rows: %v", audits)
	}
	m.must(t, record.Batch{Audits: []record.Audit{{ID: "after"}}})
}
