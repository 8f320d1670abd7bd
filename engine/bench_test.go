package engine_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/leifengta/lft/engine"
	"github.com/leifengta/lft/lang/spec"
)

// The figures of the README: go test ./engine -run - -bench . -benchtime 1x
// Ratios are taken within one run, because the machine is not ours alone.

// each runs a benchmark on every database there is.
func each(b *testing.B, run func(b *testing.B, n *node)) {
	b.Helper()
	b.Run("db=mariadb", func(b *testing.B) {
		n := start(b, engine.Config{State: mariadb(b), Mode: engine.ModeServer, Listen: "127.0.0.1:0"})
		run(b, n)
	})
	b.Run("db=sqlite", func(b *testing.B) {
		n := start(b, engine.Config{State: sqlite(b), Mode: engine.ModeDev, Listen: "127.0.0.1:0"})
		run(b, n)
	})
}

func (n *node) tcp() string { return "http://" + n.engine.Addr() }

// BenchmarkChain: 100 times /bin/true, one after the other, against make on the
// same chain. A hop is from the end of one job to the end of the next.
func BenchmarkChain(b *testing.B) {
	const jobs = 100
	each(b, func(b *testing.B, n *node) {
		join(b, "bench", 64, nil, n.tcp())
		n.agents(1)
		n.apply(chain("c", jobs, func(int) *spec.Job { return command("/bin/true") }))
		n.succeed(n.begin("flow.c", "warm"))
		var hops, makes []float64
		var commits int64
		for i := range b.N * 3 {
			makes = append(makes, makeHop(b, jobs))
			before := n.stats().Commits
			res := n.succeed(n.begin("flow.c", fmt.Sprint("run", i)))
			commits += n.stats().Commits - before
			list := res.GetJobs()
			for k := 1; k < len(list); k++ {
				hop := list[k].GetEndedAt().AsTime().Sub(list[k-1].GetEndedAt().AsTime())
				hops = append(hops, float64(hop.Microseconds())/1000)
			}
		}
		p50, m := median(hops), median(makes)
		b.ReportMetric(p50, "ms/hop")
		b.ReportMetric(m, "make-ms/hop")
		b.ReportMetric(p50/m, "x-make")
		// Without the one that starts the flow and the one that ends it.
		b.ReportMetric(float64(commits-int64(2*3*b.N))/float64(3*b.N*(jobs-1)), "commits/hop")
		b.ReportMetric(0, "ns/op")
	})
}

// makeHop is what make takes for one of n recipes in a row, in ms.
func makeHop(b *testing.B, n int) float64 {
	b.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "all: j%d\nj0:\n\t@/bin/true\n", n-1)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&text, "j%d: j%d\n\t@/bin/true\n", i, i-1)
	}
	path := filepath.Join(b.TempDir(), "Makefile")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if out, err := exec.CommandContext(b.Context(), "make", "-f", path).CombinedOutput(); err != nil {
		b.Fatalf("make: %v\n%s", err, out)
	}
	return float64(time.Since(began).Microseconds()) / 1000 / float64(n)
}

// BenchmarkFanOut: 2 000 times /bin/true at once, 64 slots, against plain Go
// that forks and waits with as many goroutines as processors.
func BenchmarkFanOut(b *testing.B) {
	const jobs = 2000
	each(b, func(b *testing.B, n *node) {
		join(b, "bench", 64, nil, n.tcp())
		n.agents(1)
		n.apply(fan("f", jobs, func(int) *spec.Job { return command("/bin/true") }))
		n.succeed(n.begin("flow.f", "warm"))
		var ratios, rates, plains, cpu, plainCPU []float64
		var commits int64
		for i := range b.N * 3 {
			busy := cpuTime(b)
			plain := plainGo(b, jobs)
			plainCPU = append(plainCPU, (cpuTime(b)-busy).Seconds()*1000/jobs)
			before, busy := n.stats().Commits, cpuTime(b)
			began := time.Now()
			n.succeed(n.begin("flow.f", fmt.Sprint("run", i)))
			rate := jobs / time.Since(began).Seconds()
			cpu = append(cpu, (cpuTime(b)-busy).Seconds()*1000/jobs)
			commits += n.stats().Commits - before
			ratios, rates, plains = append(ratios, rate/plain), append(rates, rate), append(plains, plain)
		}
		b.ReportMetric(median(ratios), "x-plain")
		b.ReportMetric(median(rates), "jobs/s")
		b.ReportMetric(median(plains), "plain/s")
		b.ReportMetric(median(cpu), "cpu-ms/job")
		b.ReportMetric(median(plainCPU), "plain-cpu-ms/job")
		b.ReportMetric(float64(commits)/float64(3*b.N*jobs), "commits/job")
		b.ReportMetric(0, "ns/op")
	})
}

// plainGo is how many processes a second os/exec makes.
func plainGo(b *testing.B, n int) float64 {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for next.Add(1) <= int64(n) {
				if err := exec.CommandContext(b.Context(), "/bin/true").Run(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return float64(n) / time.Since(began).Seconds()
}

// cpuTime is what this process, the keepers it started, and all their children
// have used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	total := time.Duration(0)
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if err := unix.Getrusage(who, &u); err != nil {
			b.Fatal(err)
		}
		total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	self, _ := os.Executable()
	stats, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range stats {
		line, err := os.ReadFile(path)
		args := strings.Split(string(line), "\x00")
		if err != nil || len(args) < 2 || args[0] != self || args[1] != "keeper" {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(path), "stat"))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		for _, field := range fields[11:15] { // utime stime cutime cstime, in ticks of 10 ms
			ticks, _ := strconv.Atoi(field)
			total += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return total
}

// BenchmarkNoop: 20 flows of 1 000 jobs that the kernel does by itself, durably.
func BenchmarkNoop(b *testing.B) {
	const flows, jobs = 20, 1000
	for _, shape := range []struct {
		name string
		make func(string, int, func(int) *spec.Job) *spec.Flow
	}{{"chain", chain}, {"fan", fan}} {
		b.Run("shape="+shape.name, func(b *testing.B) {
			each(b, func(b *testing.B, n *node) {
				var all []any
				for i := range flows {
					all = append(all, shape.make(fmt.Sprint("n", i), jobs, noop))
				}
				n.apply(all...)
				n.succeed(n.begin("flow.n0", "warm"))
				var rates []float64
				before := n.stats().Commits
				for r := range b.N * 3 {
					began := time.Now()
					var wg sync.WaitGroup
					for i := range flows {
						wg.Go(func() { n.begin(fmt.Sprint("flow.n", i), fmt.Sprint("run", r, "-", i)) })
					}
					wg.Wait()
					for i := range flows {
						n.await("the end", func() bool { return n.ended(fmt.Sprint("run", r, "-", i)) })
					}
					rates = append(rates, flows*jobs/time.Since(began).Seconds())
				}
				b.ReportMetric(median(rates), "jobs/s")
				b.ReportMetric(float64(n.stats().Commits-before)/float64(3*b.N*flows*jobs), "commits/job")
				b.ReportMetric(0, "ns/op")
			})
		})
	}
}

// BenchmarkRestore: a master takes over 10 000 live job executions.
func BenchmarkRestore(b *testing.B) {
	const flows, jobs = 10, 1000
	for _, db := range []string{"mariadb", "sqlite"} {
		b.Run("db="+db, func(b *testing.B) {
			cfg := engine.Config{Mode: engine.ModeServer, Listen: "127.0.0.1:0", Blobs: b.TempDir()}
			if cfg.State = sqlite(b); db == "mariadb" {
				cfg.State = mariadb(b)
			}
			n := start(b, cfg)
			var all []any
			for i := range flows {
				f := fan(fmt.Sprint("w", i), jobs, noop)
				for k, j := range f.Jobs {
					if k == 0 {
						j.Type, j.Kind = "wait", spec.KindTimer
						j.Args = map[string]*spec.Value{"duration": {Literal: []byte(`"24h"`)}}
					} else {
						j.Upstreams = []string{f.Jobs[0].Name}
					}
				}
				all = append(all, f)
			}
			n.apply(all...)
			for i := range flows {
				n.begin(fmt.Sprint("flow.w", i), fmt.Sprint("live", i))
			}
			n.stop()
			var took []float64
			for range b.N * 3 {
				n := start(b, cfg)
				n.await("the restore", func() bool { return n.stats().Reloads > 0 })
				took = append(took, n.stats().Restored.Seconds()*1000)
				n.stop()
			}
			b.ReportMetric(median(took), "ms/restore")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
