package lang_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/spec"
)

const jobsPerFlow = 10

// writeProject makes a folder of flows, each a chain of jobs of a dozen lines, a
// hundred flows to a file.
func writeProject(tb testing.TB, flows int) string {
	tb.Helper()
	dir := tb.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	write("main.hcl", "variable \"stage\" { default = \"dev\" }\n\nlocals { root = \"/srv/${var.stage}\" }\n\npool \"p\" { slots = 4 }\n")
	var b strings.Builder
	for i := range flows {
		fmt.Fprintf(&b, "flow \"f%d\" {\n  description = \"Flow number %d\"\n\n  param \"day\" { type = string }\n", i, i)
		for j := range jobsPerFlow {
			after := ""
			if j > 0 {
				after = fmt.Sprintf("job.j%d", j-1)
			}
			fmt.Fprintf(&b, `
  job "shell" "j%d" {
    after   = [%s]
    command = ["/bin/work", "%d", "-day", param.day]
    stdin   = "stage ${var.stage}"
    timeout = "10m"
    pool    = pool.p
    env = {
      ROOT = local.root
      NAME = "f%d-%d"
      DAY  = param.day
    }
  }
`, j, after, j, i, j)
		}
		b.WriteString("}\n\n")
		if i%100 == 99 || i == flows-1 {
			write(fmt.Sprintf("flows%05d.hcl", i/100), b.String())
			b.Reset()
		}
	}
	return dir
}

// floor is what no loader of HCL can go below: read the files, parse them,
// evaluate what is known now, hash the result; two goroutines. It checks nothing
// and keeps nothing.
func floor(tb testing.TB, dir string) int {
	tb.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
	if err != nil {
		tb.Fatal(err)
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{
		"var":   cty.ObjectVal(map[string]cty.Value{"stage": cty.StringVal("dev")}),
		"local": cty.ObjectVal(map[string]cty.Value{"root": cty.StringVal("/srv/dev")}),
		"param": cty.ObjectVal(map[string]cty.Value{"day": cty.UnknownVal(cty.String)}),
		"pool":  cty.ObjectVal(map[string]cty.Value{"p": cty.StringVal("pool.p")}),
	}}
	var jobs [2]int
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for i := g; i < len(names); i += 2 {
				src, err := os.ReadFile(names[i])
				if err != nil {
					tb.Error(err)
					return
				}
				parsed, diags := hclsyntax.ParseConfig(src, names[i], hcl.InitialPos)
				if diags.HasErrors() {
					tb.Error(diags)
					return
				}
				jobs[g] += floorBody(parsed.Body.(*hclsyntax.Body), ctx)
			}
		})
	}
	wg.Wait()
	return jobs[0] + jobs[1]
}

func floorBody(body *hclsyntax.Body, ctx *hcl.EvalContext) int {
	var canonical []byte
	jobs := 0
	for _, flow := range body.Blocks {
		for _, block := range flow.Body.Blocks {
			if block.Type != "job" {
				continue
			}
			jobs++
			canonical = canonical[:0]
			for name, attr := range block.Body.Attributes {
				canonical = append(canonical, name...)
				if name == "after" {
					continue
				}
				v, _ := attr.Expr.Value(ctx)
				if v.Type() == cty.String && v.IsKnown() {
					canonical = append(canonical, v.AsString()...)
				}
			}
			sha256.Sum256(canonical)
		}
	}
	return jobs
}

func loadProject(tb testing.TB, dir string) *spec.Bundle {
	tb.Helper()
	bundle, list := lang.Load(os.DirFS(dir), lang.Options{JobTypes: jobTypes()})
	if bundle == nil {
		tb.Fatal(render(list))
	}
	for _, f := range bundle.Flows {
		spec.Digest(f.Canonical())
	}
	return bundle
}

var sizes = []int{100, 1000, 10_000} // flows

func BenchmarkFloor(b *testing.B) {
	for _, flows := range sizes {
		b.Run(fmt.Sprintf("jobs=%d", flows*jobsPerFlow), func(b *testing.B) {
			dir := writeProject(b, flows)
			for b.Loop() {
				if n := floor(b, dir); n != flows*jobsPerFlow {
					b.Fatalf("%d jobs", n)
				}
			}
		})
	}
}

// BenchmarkLoad loads and hashes, and times the floor in between for the ratio:
// the bar is 1.5.
func BenchmarkLoad(b *testing.B) {
	for _, flows := range sizes {
		b.Run(fmt.Sprintf("jobs=%d", flows*jobsPerFlow), func(b *testing.B) {
			dir := writeProject(b, flows)
			var ours, bottom, oursCPU, bottomCPU time.Duration
			peak := watchMemory(b)
			for b.Loop() {
				start, spent := time.Now(), processTime(b)
				loadProject(b, dir)
				ours, oursCPU = ours+time.Since(start), oursCPU+processTime(b)-spent
				b.StopTimer()
				start, spent = time.Now(), processTime(b)
				floor(b, dir)
				bottom, bottomCPU = bottom+time.Since(start), bottomCPU+processTime(b)-spent
				b.StartTimer()
			}
			b.ReportMetric(float64(oursCPU)/float64(bottomCPU), "x-floor-CPU")
			b.ReportMetric(float64(ours)/float64(bottom), "x-floor")
			b.ReportMetric(float64(peak())/(1<<20), "peak-MiB")
		})
	}
}

// BenchmarkWarm loads what has not changed with a cache that holds it, and times
// a load that fills a cache in between. The bar for the ratio is 0.15 at 100 000
// jobs.
func BenchmarkWarm(b *testing.B) {
	for _, flows := range sizes {
		b.Run(fmt.Sprintf("jobs=%d", flows*jobsPerFlow), func(b *testing.B) {
			dir := writeProject(b, flows)
			filled := newMemory()
			load := func(cache lang.Cache) (wall, cpu time.Duration) {
				runtime.GC()
				start, spent := time.Now(), processTime(b)
				bundle, list := lang.Load(os.DirFS(dir), lang.Options{JobTypes: jobTypes(), Cache: cache})
				if bundle == nil || len(bundle.Settled) != flows {
					b.Fatal(render(list))
				}
				return time.Since(start), processTime(b) - spent
			}
			load(filled)
			var warm, warmCPU, cold, coldCPU time.Duration
			for b.Loop() {
				wall, cpu := load(filled)
				warm, warmCPU = warm+wall, warmCPU+cpu
				b.StopTimer()
				wall, cpu = load(newMemory())
				cold, coldCPU = cold+wall, coldCPU+cpu
				b.StartTimer()
			}
			b.ReportMetric(float64(warmCPU)/float64(coldCPU), "x-cold-CPU")
			b.ReportMetric(float64(warm)/float64(cold), "x-cold")
			b.ReportMetric(float64(warm.Milliseconds())/float64(b.N), "warm-ms")
		})
	}
}

// BenchmarkEdited loads 100 000 jobs in 1 000 files, of which one was edited, with
// all else in the cache. The bar is 200 ms to the new plan.
func BenchmarkEdited(b *testing.B) {
	dir := b.TempDir()
	write := func(i int, edit int) {
		var text strings.Builder
		for f := range 10 {
			fmt.Fprintf(&text, "flow \"f%d-%d\" {\n  description = \"Edit %d\"\n", i, f, edit)
			for j := range jobsPerFlow {
				after := ""
				if j > 0 {
					after = fmt.Sprintf("job.j%d", j-1)
				}
				fmt.Fprintf(&text, "  job \"shell\" \"j%d\" {\n    after   = [%s]\n    command = [\"/bin/work\", \"%d\", run.id]\n    timeout = \"10m\"\n  }\n", j, after, j)
			}
			text.WriteString("}\n")
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%04d.hcl", i)), []byte(text.String()), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 1000 {
		write(i, 0)
	}
	cache := newMemory()
	load := func() {
		bundle, list := lang.Load(os.DirFS(dir), lang.Options{JobTypes: jobTypes(), Cache: cache})
		if bundle == nil || len(bundle.Settled) != 10_000 {
			b.Fatal(render(list))
		}
	}
	load()
	edits := 0
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		edits++
		write(500, edits)
		start := processTime(b)
		b.StartTimer()
		load()
		spent += processTime(b) - start
	}
	b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "cpu-ms")
}

// processTime is the CPU time of the process; on a busy machine its ratio says
// more than that of the wall clock.
func processTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchMemory samples what the Go runtime holds; the function it returns ends
// that and gives the most it saw.
func watchMemory(tb testing.TB) func() uint64 {
	tb.Helper()
	runtime.GC()
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		most := uint64(0)
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				done <- most
				return
			case <-ticker.C:
				metrics.Read(samples)
				most = max(most, samples[0].Value.Uint64()-samples[1].Value.Uint64())
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-done
	}
}

// TestProject keeps the generator and the floor honest.
func TestProject(t *testing.T) {
	dir := writeProject(t, 3)
	bundle := loadProject(t, dir)
	if len(bundle.Flows) != 3 || len(bundle.Flows[0].Jobs) != jobsPerFlow || floor(t, dir) != 3*jobsPerFlow {
		t.Errorf("%d flows", len(bundle.Flows))
	}
	if up := bundle.Flows[0].Jobs[5].Upstreams; len(up) != 1 || up[0] != "j4" {
		t.Errorf("upstreams %v", up)
	}
}
