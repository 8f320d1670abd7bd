package planner_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// mentioning is a project in which everything is mentioned by something else.
func mentioning(module spec.Address, edit func(*spec.Bundle)) *spec.Bundle {
	at := func(a spec.Address) spec.Address { return a.In(module) }
	b := bundle()
	b.Pools = []*spec.Pool{{Address: at("pool.p"), Slots: 1}}
	b.Calendars = []*spec.Calendar{{Address: at("calendar.c")}}
	b.Dependencies = []*spec.Dependency{{Address: at("dependency.d"), Form: spec.FormFile}}
	b.Flows = []*spec.Flow{
		{Address: at("flow.child"), Jobs: []*spec.Job{{Name: "a", Type: "noop"}}},
		{Address: at("flow.f"), Jobs: []*spec.Job{
			{Name: "a", Type: "shell", Pool: at("pool.p"), Uses: []string{string(at("dependency.d"))}},
			{Name: "b", Type: "flow", Flow: at("flow.child")},
		}},
	}
	b.Schedules = []*spec.Schedule{{Address: at("schedule.s"), Flow: at("flow.f"), Calendar: at("calendar.c"), Crons: []string{"0 1 * * *"}}}
	if edit != nil {
		edit(b)
	}
	return b
}

// What mentions a moved object by its new address, and is otherwise as it was, is
// no change: it is told, and not counted.
func TestFollows(t *testing.T) {
	for _, tc := range []struct {
		name    string
		from    *spec.Bundle
		to      *spec.Bundle
		changed int
		follows string // ADDRESS JOB FROM TO; …
		jobs    string // of updated flows, that only follow
	}{
		{
			name: "a schedule of a flow", from: mentioning("", nil),
			to: moving(mentioning("", func(b *spec.Bundle) {
				b.Flows[1].Address, b.Schedules[0].Flow = "flow.g", "flow.g"
			}), "flow.f > flow.g"),
			follows: "schedule.s  flow.f flow.g",
		},
		{
			name: "and it fires at another time", from: mentioning("", nil),
			to: moving(mentioning("", func(b *spec.Bundle) {
				b.Flows[1].Address, b.Schedules[0].Flow, b.Schedules[0].Crons = "flow.g", "flow.g", []string{"0 2 * * *"}
			}), "flow.f > flow.g"),
			changed: 1,
		},
		{
			name: "a schedule that turns to another flow", from: mentioning("", nil),
			to:      mentioning("", func(b *spec.Bundle) { b.Schedules[0].Flow = "flow.child" }),
			changed: 1,
		},
		{
			name: "a job whose pool moves, while another job changes", from: mentioning("", nil),
			to: moving(mentioning("", func(b *spec.Bundle) {
				b.Pools[0].Address, b.Flows[1].Jobs[0].Pool, b.Flows[1].Jobs[1].Priority = "pool.q", "pool.q", 1
			}), "pool.p > pool.q"),
			changed: 1, jobs: "a",
		},
		{
			name: "a dependency gets another name, and its files another place", from: mentioning("", nil),
			to: moving(mentioning("", func(b *spec.Bundle) {
				b.Dependencies[0].Address, b.Flows[1].Jobs[0].Uses = "dependency.e", []string{"dependency.e"}
			}), "dependency.d > dependency.e"),
			changed: 1,
		},
		{
			name: "all of it goes into a module", from: mentioning("", nil),
			to: moving(mentioning("module.m", nil),
				"pool.p > module.m.pool.p", "calendar.c > module.m.calendar.c", "dependency.d > module.m.dependency.d",
				"flow.child > module.m.flow.child", "flow.f > module.m.flow.f", "schedule.s > module.m.schedule.s"),
			follows: "module.m.flow.f a pool.p module.m.pool.p; module.m.flow.f a dependency.d module.m.dependency.d; " +
				"module.m.flow.f b flow.child module.m.flow.child; " +
				"module.m.schedule.s  calendar.c module.m.calendar.c; module.m.schedule.s  flow.f module.m.flow.f",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old, specs := deployed(tc.from, 3)
			p := makePlan(t, planner.Want(tc.to), old, specs)
			if got := p.Summary(); got != (planner.Summary{Change: tc.changed}) {
				t.Errorf("counted %+v", got)
			}
			var told []string
			for _, c := range p.Changes {
				for _, f := range p.Trail().Follows(c) {
					told = append(told, strings.Join([]string{string(c.Address()), f.Job, string(f.From), string(f.To)}, " "))
				}
			}
			if diff := cmp.Diff(tc.follows, strings.Join(told, "; ")); diff != "" {
				t.Errorf("what follows (-want +got):\n%s", diff)
			}
			round(t, p)
			var jobs []string
			for _, c := range p.Changes {
				if u, ok := c.(planner.Update); ok {
					for _, j := range u.Jobs {
						if p.Trail().JobFollows(j) != nil {
							jobs = append(jobs, j.Name)
						}
					}
				}
			}
			if got := strings.Join(jobs, " "); got != tc.jobs {
				t.Errorf("jobs that follow: %q, want %q", got, tc.jobs)
			}
			// A document cannot call a change a consequence, nor the other way round.
			for _, word := range [][2]string{{`"change":{"actions":["update"]`, `"change":{"actions":["no-op"]`}, {`"change":{"actions":["no-op"]`, `"change":{"actions":["update"]`}} {
				if forged := strings.ReplaceAll(string(encode(t, p)), word[0], word[1]); forged != string(encode(t, p)) {
					if _, err := planner.Decode([]byte(forged)); err == nil || !strings.Contains(err.Error(), "do not fit the action") {
						t.Errorf("%s for %s: %v", word[1], word[0], err)
					}
				}
			}
		})
	}
}
