package agent_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// BenchmarkFanOut orders /bin/true as wide as the slots allow, from an agent in
// a process of its own with journal, keeper and session, and forks the same
// number plainly in the same run. ratio is agent to plain.
func BenchmarkFanOut(b *testing.B) {
	const jobs = 1000
	m := newMaster(b)
	c := config(b, b.TempDir(), m)
	c.Slots = 64
	p := launch(b, c)
	m.connected(1)
	task := anyTask(b, map[string]any{"command": []string{"/bin/true"}}, nil)
	agentCPU, keeperCPU := cpu(b, p.cmd.Process.Pid), cpu(b, keeperPID(b, c.Dir))
	var ours, plain time.Duration
	round := 0
	for b.Loop() {
		round++
		plain += forkPlainly(b, jobs)
		var orders []*lftv1.Order
		for i := range jobs {
			orders = append(orders, &lftv1.Order{Token: fmt.Sprintf("r%dj%d", round, i), Task: task})
		}
		begin := time.Now()
		m.change(func() { m.send(&lftv1.SessionResponse{Orders: orders}) })
		m.await("all ends", func() bool { return len(m.ended) == round*jobs })
		ours += time.Since(begin)
	}
	n := float64(round * jobs)
	b.ReportMetric(n/ours.Seconds(), "jobs/s")
	b.ReportMetric(n/plain.Seconds(), "plain/s")
	b.ReportMetric(plain.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(float64((cpu(b, p.cmd.Process.Pid)-agentCPU).Microseconds())/n, "agent-cpu-µs/job")
	b.ReportMetric(float64((cpu(b, keeperPID(b, c.Dir))-keeperCPU).Microseconds())/n, "keeper-cpu-µs/job")
}

// cpu is the time a process has used, without its children.
func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// forkPlainly is what the hardware gives a Go program.
func forkPlainly(b *testing.B, jobs int) time.Duration {
	b.Helper()
	begin := time.Now()
	work := make(chan struct{})
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for range work {
				if err := exec.CommandContext(b.Context(), "/bin/true").Run(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range jobs {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	return time.Since(begin)
}

// BenchmarkHop is the way from an order to its end, one after the other.
func BenchmarkHop(b *testing.B) {
	m := newMaster(b)
	launch(b, config(b, b.TempDir(), m))
	m.connected(1)
	task := anyTask(b, map[string]any{"command": []string{"/bin/true"}}, nil)
	var hops []time.Duration
	for b.Loop() {
		token := fmt.Sprintf("t%d", len(hops))
		begin := time.Now()
		m.orderTask(token, task)
		m.end(token)
		hops = append(hops, time.Since(begin))
	}
	slices.Sort(hops)
	b.ReportMetric(float64(hops[len(hops)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(hops[len(hops)*99/100].Microseconds()), "p99-µs")
}
