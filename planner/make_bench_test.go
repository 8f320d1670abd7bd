package planner_test

import (
	"fmt"
	"testing"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// BenchmarkMake plans a change of one flow and of the pool that all jobs use, among
// ten thousand jobs.
func BenchmarkMake(b *testing.B) {
	project := func(slots int) *spec.Bundle {
		p := bundle()
		for i := range 1000 {
			f := flow(fmt.Sprint("f", i))
			for j := range 10 {
				f.Jobs = append(f.Jobs, job(fmt.Sprint("j", j), func(j *spec.Job) { j.Pool = "pool.p" }))
			}
			p.Flows = append(p.Flows, f)
		}
		p.Flows[7].Description = fmt.Sprint(slots)
		p.Pools = []*spec.Pool{{Address: "pool.p", Slots: slots}}
		return p
	}
	old, specs := deployed(project(1), 1)
	w := planner.Want(project(2))
	for b.Loop() {
		p, _, err := w.Make(old, specs)
		if err != nil || len(p.Changes) != 2 || p.Uses[0].Omitted == 0 {
			b.Fatal(p, err)
		}
	}
}
