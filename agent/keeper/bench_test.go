package keeper

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkFanOut compares, in the same minute, what the keeper makes of many
// short jobs with plain fork, exec and wait on as many goroutines as there are
// cores. The ratio is the figure; the rates depend on the machine.
func BenchmarkFanOut(b *testing.B) {
	for _, job := range []struct {
		name string
		argv []string
	}{
		{"silent", []string{"/bin/true"}},
		{"talking", []string{"/bin/echo", "hello"}},
	} {
		b.Run(job.name, func(b *testing.B) {
			dir := b.TempDir()
			c, err := Dial(b.Context(), dir, testSpawn("keeper", "LFT_TEST_ISOLATION="+os.Getenv("LFT_TEST_ISOLATION")))
			if err != nil {
				b.Fatal(err)
			}
			defer func() {
				c.Stop()
				for range c.Events() {
				}
				c.Close()
			}()
			const jobs = 600
			serial := 0
			var ratios []float64
			var plain, kept time.Duration
			var plainCPU, keptCPU float64
			for b.Loop() {
				start := ticks(b, os.Getpid())
				p := plainForks(b, job.argv, jobs)
				between := ticks(b, os.Getpid())
				keeper := ticks(b, c.Hello().PID)
				k := keptForks(b, c, job.argv, jobs, serial)
				plainCPU += between - start
				keptCPU += ticks(b, os.Getpid()) - between + ticks(b, c.Hello().PID) - keeper
				serial += jobs
				plain, kept = plain+p, kept+k
				ratios = append(ratios, p.Seconds()/k.Seconds())
			}
			n := float64(len(ratios) * jobs)
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
			b.ReportMetric(n/plain.Seconds(), "plain/s")
			b.ReportMetric(n/kept.Seconds(), "keeper/s")
			b.ReportMetric(plainCPU/keptCPU, "cpu-ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// ticks is the CPU time of a process and of its children that were waited for.
func ticks(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	sum := 0.0
	for _, f := range strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):]))[12:16] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += n
	}
	return sum
}

func plainForks(b *testing.B, argv []string, jobs int64) time.Duration {
	b.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	attr := &os.ProcAttr{Files: []*os.File{null, null, null}, Env: []string{"PATH=/bin"}}
	var left atomic.Int64
	left.Store(jobs)
	var wg sync.WaitGroup
	start := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				p, err := os.StartProcess(argv[0], argv, attr)
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := p.Wait(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start)
}

// keptForks keeps 64 attempts in flight, as an agent with as many slots does.
func keptForks(b *testing.B, c *Client, argv []string, jobs, serial int) time.Duration {
	b.Helper()
	next, done := 0, 0
	env := make([]string, 12)
	for i := range env {
		env[i] = fmt.Sprintf("LFT_PARAM_%d=some value of a parameter", i)
	}
	start := time.Now()
	more := func(n int) {
		for ; n > 0 && next < jobs; n-- {
			token := fmt.Sprint("t", serial+next)
			next++
			if err := c.Start(Start{Token: token, Argv: argv, Env: env}); err != nil {
				b.Fatal(err)
			}
		}
	}
	more(64)
	for done < jobs {
		e, ok := (<-c.Events()).(Ended)
		if !ok {
			continue
		}
		if e.ExitCode != 0 || e.Refused != "" {
			b.Fatalf("%+v", e)
		}
		done++
		c.Forget(e.Token)
		c.Free(e.Token, e.Log.Bytes)
		more(1)
	}
	return time.Since(start)
}

// BenchmarkHop is the latency of one job after another.
func BenchmarkHop(b *testing.B) {
	dir := b.TempDir()
	c, err := Dial(b.Context(), dir, testSpawn("keeper", "LFT_TEST_ISOLATION="+os.Getenv("LFT_TEST_ISOLATION")))
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		c.Stop()
		for range c.Events() {
		}
		c.Close()
	}()
	serial := 0
	for b.Loop() {
		token := fmt.Sprint("h", serial)
		serial++
		c.Start(Start{Token: token, Argv: []string{"/bin/true"}})
		for {
			if e, ok := (<-c.Events()).(Ended); ok {
				c.Forget(e.Token)
				break
			}
		}
	}
}
