package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
)

func executionPages(t *testing.T, state string) {
	m := master(t, state)
	var b record.Batch
	var all, flow []string
	own := map[string][]string{} // by uid: what ran under any address
	for i := range 23 {
		e := record.Execution{
			ID: fmt.Sprintf("e%02d", (i*7)%23), Flow: "flow.other", Project: "p", FlowUID: "u",
			CreatedAt: record.Time(100 + i/3), State: record.Running, // three at one time
		}
		if i%2 == 0 {
			e.Flow = "flow.x"
		}
		if i%3 == 0 {
			e.FlowUID = "v"
		}
		b.Executions = append(b.Executions, e)
	}
	m.must(t, b)
	slices.SortFunc(b.Executions, func(a, b record.Execution) int {
		if a.CreatedAt != b.CreatedAt {
			return int(b.CreatedAt - a.CreatedAt)
		}
		return -cmpString(a.ID, b.ID)
	})
	for _, e := range b.Executions {
		all = append(all, e.ID)
		own[e.FlowUID] = append(own[e.FlowUID], e.ID)
		if e.Flow == "flow.x" {
			flow = append(flow, e.ID)
		}
	}
	read := func(p store.ExecutionPage) (ids []string) {
		for {
			page := got(m.Executions(t.Context(), p))(t)
			for _, e := range page {
				ids = append(ids, e.ID)
				p.Before, p.ID = e.CreatedAt, e.ID
			}
			if len(page) < p.Limit {
				return ids
			}
		}
	}
	for _, limit := range []int{1, 4, 23, 50} {
		if diff := cmp.Diff(all, read(store.ExecutionPage{Limit: limit})); diff != "" {
			t.Errorf("pages of %d (-want +read):\n%s", limit, diff)
		}
		if diff := cmp.Diff(flow, read(store.ExecutionPage{Limit: limit, Flow: "flow.x", Project: "p"})); diff != "" {
			t.Errorf("pages of %d of one flow (-want +read):\n%s", limit, diff)
		}
	}
	for uid, want := range own {
		if diff := cmp.Diff(want, read(store.ExecutionPage{Limit: 4, FlowUID: uid})); diff != "" {
			t.Errorf("pages of the flow with uid %s (-want +read):\n%s", uid, diff)
		}
	}
	if n := len(read(store.ExecutionPage{Limit: 5, Project: "q"})); n != 0 {
		t.Errorf("%d executions of another project", n)
	}
	oldest := len(own["u"]) - 1
	m.must(t, record.Batch{Finished: own["u"][oldest:]})
	live := got(m.LiveExecutions(t.Context(), "u"))(t)
	if want := own["u"][oldest-1]; len(live) != oldest || live[0].ID != want {
		t.Errorf("%d live executions of %d, the oldest is %s, not %s", len(live), oldest, live[0].ID, want)
	}
}

func cmpString(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func firePages(t *testing.T, state string) {
	m := master(t, state)
	var b record.Batch
	var want []string
	for i := range 20 {
		at := record.Time(1000 * (i + 1))
		if i%5 == 3 {
			b.Ranges = append(b.Ranges, record.FireRange{ScheduleUID: "u", Schedule: "schedule.s", From: at, To: at + 900, Count: 9})
			want = append(want, fmt.Sprintf("range %d", at))
			continue
		}
		b.Fires = append(b.Fires, record.Fire{ScheduleUID: "u", Schedule: "schedule.s", Instant: at, Decision: record.Run})
		want = append(want, fmt.Sprintf("fire %d", at))
	}
	for i := range 3 { // one address in three projects, at one instant
		b.Fires = append(b.Fires, record.Fire{ScheduleUID: fmt.Sprint("v", i), Schedule: "schedule.t", Instant: 5})
	}
	m.must(t, b)
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 20, 100} {
		for _, p := range []store.FirePage{{ScheduleUID: "u", Limit: limit}, {Schedule: "schedule.s", Limit: limit}} {
			var told []string
			for {
				page := got(m.Fires(t.Context(), p))(t)
				for _, d := range page {
					kind := "fire"
					if d.Range != nil {
						kind = "range"
					}
					told = append(told, fmt.Sprintf("%s %d", kind, d.Key()))
					p.Before, p.BeforeUID = d.Key(), d.UID()
				}
				if len(page) < limit {
					break
				}
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("pages of %d of %q (-want +read):\n%s", limit, p.ScheduleUID, diff)
			}
		}
	}
	p := store.FirePage{Schedule: "schedule.t", Limit: 1}
	for _, want := range []string{"v2", "v1", "v0"} {
		page := got(m.Fires(t.Context(), p))(t)
		if len(page) != 1 || page[0].UID() != want {
			t.Fatalf("%v, not the instant of %s", page, want)
		}
		p.Before, p.BeforeUID = page[0].Key(), page[0].UID()
	}
}

func chunkPages(t *testing.T, state string) {
	m := master(t, state)
	var b record.Batch
	for i := range int64(10) {
		b.Chunks = append(b.Chunks, record.Chunk{Token: "t", From: i * 10, To: i*10 + 10, Object: fmt.Sprint("o", i)})
	}
	b.Chunks = append(b.Chunks, record.Chunk{Token: "other", To: 5})
	b.Attempts = []record.Attempt{{Execution: "e", N: 1, Token: "t"}, {Execution: "f", N: 1, Token: "other"}}
	b.LogEnds = []record.LogEnd{{Token: "t", Bytes: 100, State: record.LogEOF}, {Token: "other", Bytes: 5}}
	m.must(t, b)
	var from []int64
	for _, c := range got(m.Chunks(t.Context(), "t", 35, 3))(t) {
		from = append(from, c.From)
	}
	if diff := cmp.Diff([]int64{30, 40, 50}, from); diff != "" {
		t.Error(diff)
	}
	want := map[string]record.LogEnd{"t": b.LogEnds[0]}
	if diff := cmp.Diff(want, got(m.LogEnds(t.Context(), "e"))(t)); diff != "" {
		t.Error(diff)
	}
	if _, found, err := m.LogEnd(t.Context(), "none"); found || err != nil {
		t.Errorf("found = %v, error = %v", found, err)
	}
}

func auditPages(t *testing.T, state string) {
	m := master(t, state)
	var b record.Batch
	for i := range 7 {
		b.Audits = append(b.Audits, record.Audit{ID: fmt.Sprint("a", i), At: record.Time(10 + i/2)})
	}
	m.must(t, b)
	var ids []string
	var at record.Time
	var id string
	for {
		page := got(m.Audits(t.Context(), at, id, 2))(t)
		for _, a := range page {
			ids = append(ids, a.ID)
			at, id = a.At, a.ID
		}
		if len(page) < 2 {
			break
		}
	}
	if diff := cmp.Diff([]string{"a6", "a5", "a4", "a3", "a2", "a1", "a0"}, ids); diff != "" {
		t.Error(diff)
	}
}

func use(t *testing.T, state string) {
	m := master(t, state)
	attempt := func(e string, n int32, s record.AttemptState, agent, pool string, slots int32) record.Attempt {
		return record.Attempt{
			Execution: e, Number: n, N: 1, State: s, AgentUID: agent, Agent: "agent " + agent, PoolUID: pool, PoolSlots: slots, OrderedAt: record.Time(8 - n),
		}
	}
	m.must(t, record.Batch{
		Executions: []record.Execution{{ID: "e", State: record.Running}, {ID: "f", State: record.ExecutionFailed}},
		Attempts: []record.Attempt{
			attempt("e", 0, record.Ordered, "x", "p", 2),
			attempt("e", 1, record.AttemptRunning, "x", "p", 3),
			attempt("e", 2, record.AttemptRunning, "y", "", 0),
			attempt("e", 3, record.Ended, "x", "p", 7),
			attempt("f", 0, record.AttemptRunning, "x", "p", 9), // not of the live set
		},
		Jobs: []record.Job{
			{Execution: "e", Number: 0, Name: "a", State: record.JobActive},
			{Execution: "e", Number: 1, Name: "b", State: record.JobActive},
			{Execution: "e", Number: 3, Name: "d", State: record.JobFailed},
			{Execution: "f", Name: "a", State: record.JobActive},
		},
	})
	if diff := cmp.Diff(map[string]int32{"x": 2, "y": 1}, got(m.AgentUse(t.Context()))(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int32{"p": 5}, got(m.PoolUse(t.Context()))(t)); diff != "" {
		t.Error(diff)
	}
	if list := got(m.Attempts(t.Context(), "e", 3, 1))(t); len(list) != 2 || list[0].Number != 1 || list[1].Number != 3 {
		t.Errorf("attempts of jobs 1 and 3: %+v", list)
	}
	if list := got(m.Jobs(t.Context(), "e", 1))(t); len(list) != 1 || list[0].Name != "b" {
		t.Errorf("job 1: %+v", list)
	}
	holders := []record.Holder{
		{Execution: "e", Job: "b", Agent: "agent x", Slots: 3, OrderedAt: 7}, {Execution: "e", Job: "a", Agent: "agent x", Slots: 2, OrderedAt: 8},
	}
	if diff := cmp.Diff(holders, got(m.PoolHolders(t.Context(), "p"))(t)); diff != "" {
		t.Error(diff)
	}
}
