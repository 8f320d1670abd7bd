package kernel

import (
	"fmt"
	"testing"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// layers is a flow of n jobs in rows of width, each after two of the row above.
func layers(name string, n, width int, kind spec.Kind) *spec.Flow {
	f := &spec.Flow{Address: spec.FlowAddress(name, "")}
	for i := range n {
		j := &spec.Job{Name: fmt.Sprintf("j%05d", i), Type: "noop", Kind: kind}
		if i >= width {
			up := i - width
			j.Upstreams = []string{fmt.Sprintf("j%05d", up)}
			if up%width != 0 {
				j.Upstreams = append(j.Upstreams, fmt.Sprintf("j%05d", up-1))
			}
		}
		f.Jobs = append(f.Jobs, j)
	}
	return f
}

func mustAdopt(b *testing.B, flows ...*spec.Flow) (Adopt, map[string]*Graph) {
	b.Helper()
	ev := Adopt{ProjectUID: "p", Project: "sales", Revision: 1, EffectiveFrom: noon}
	graphs := map[string]*Graph{}
	for _, f := range flows {
		g, err := Compile(f)
		if err != nil {
			b.Fatal(err)
		}
		digest := spec.Digest(f.Canonical())
		graphs[digest] = g
		ev.Flows = append(ev.Flows, FlowDef{UID: string(f.Address), Address: f.Address, Digest: digest, Graph: g})
	}
	return ev, graphs
}

// BenchmarkNoop is 20 flows of 1000 instant jobs, rows included, commits not.
func BenchmarkNoop(b *testing.B) {
	var flows []*spec.Flow
	for i := range 20 {
		flows = append(flows, layers(fmt.Sprintf("f%d", i), 1000, 10, spec.KindInstant))
	}
	ev, _ := mustAdopt(b, flows...)
	jobs, batches := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		s := New(Limits{})
		if err := s.Step(noon, ev); err != nil {
			b.Fatal(err)
		}
		for i, f := range flows {
			if err := s.Step(noon, Start{ID: fmt.Sprintf("x%d", i), ProjectUID: "p", Flow: f.Address}); err != nil {
				b.Fatal(err)
			}
		}
		for r, ok := s.Ready(); ok; r, ok = s.Ready() {
			batches++
			for i := range r.Rows.Jobs {
				if r.Rows.Jobs[i].State == record.JobSucceeded {
					jobs++
				}
			}
			s.Advance(r.Serial)
		}
	}
	if jobs != b.N*20_000 {
		b.Fatalf("%d jobs done", jobs)
	}
	b.ReportMetric(float64(jobs)/b.Elapsed().Seconds(), "jobs/s")
	b.ReportMetric(float64(batches)/float64(b.N), "batches/op")
}

// BenchmarkRestore is 10 executions of 1000 live jobs.
func BenchmarkRestore(b *testing.B) {
	ev, graphs := mustAdopt(b, layers("f", 1000, 1000, spec.KindProcess))
	s := New(Limits{})
	if err := s.Step(noon, ev); err != nil {
		b.Fatal(err)
	}
	snap := Snapshot{Graphs: graphs, Projects: []Adopt{ev}}
	for i := range 10 {
		if err := s.Step(noon, Start{ID: fmt.Sprintf("x%d", i), ProjectUID: "p", Flow: ev.Flows[0].Address}); err != nil {
			b.Fatal(err)
		}
	}
	for r, ok := s.Ready(); ok; r, ok = s.Ready() {
		for _, x := range r.Rows.Executions {
			if x.State == record.Running {
				snap.Live.Executions = append(snap.Live.Executions, x)
			}
		}
		snap.Live.Jobs = append(snap.Live.Jobs, r.Rows.Jobs...)
		s.Advance(r.Serial)
	}
	if len(snap.Live.Jobs) != 10_000 {
		b.Fatalf("%d jobs", len(snap.Live.Jobs))
	}
	b.ReportAllocs()
	for b.Loop() {
		s, err := Restore(Limits{}, snap)
		if err != nil {
			b.Fatal(err)
		}
		s.Ready()
	}
}
