package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// benchProject writes flows of chained jobs, and returns the folder.
func benchProject(b *testing.B, flows, jobs int) string {
	b.Helper()
	dir := b.TempDir()
	for f := range flows {
		var text strings.Builder
		fmt.Fprintf(&text, "flow \"f%d\" {\n  param \"day\" { type = string }\n", f)
		for j := range jobs {
			fmt.Fprintf(&text, "  job \"shell\" \"j%d\" {\n    command = [\"/bin/echo\", \"%d of %d\", param.day]\n    timeout = \"30m\"\n"+
				"    env = { DAY = param.day, N = \"%d\" }\n    retry { attempts = 3 }\n", j, j, f, j)
			if j > 0 {
				fmt.Fprintf(&text, "    after = [job.j%d]\n", j-1)
			}
			text.WriteString("  }\n")
		}
		text.WriteString("}\n")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%d.hcl", f)), []byte(text.String()), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// usage is what one process took.
type usage struct {
	wall, cpu time.Duration
	resident  int64 // bytes at most
}

func (u *usage) add(one usage) {
	u.wall, u.cpu, u.resident = u.wall+one.wall, u.cpu+one.cpu, max(u.resident, one.resident)
}

// lftProcess runs this binary as lft; it has to end with the code.
func lftProcess(b *testing.B, code int, args ...string) usage {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	return process(b, &exec.Cmd{Path: self, Args: append([]string{"lft"}, args...), Env: os.Environ()}, code)
}

// process runs a command; it has to end with the code.
func process(b *testing.B, cmd *exec.Cmd, code int) usage {
	b.Helper()
	start := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(start)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		b.Fatalf("%q: %v\n%.2000s", cmd.Args, err, out)
	}
	rusage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("no resource usage on this system")
	}
	return usage{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), rusage.Maxrss << 10}
}

// BenchmarkPlan plans without a change, as a process of its own: cold, without a cache, and warm, as the next plan is.
// The bars are 250 MiB at 10 000 jobs and 1 GiB at 100 000, the latter at most 11 times the work of the former, and a
// warm plan at most 0.15 of a cold one. Beside it stands what the language alone takes (lft validate); lang's own
// benchmark relates that to the floor.
func BenchmarkPlan(b *testing.B) {
	for _, flows := range []int{100, 1000} {
		b.Run(fmt.Sprintf("jobs=%d", flows*100), func(b *testing.B) {
			dir := benchProject(b, flows, 100)
			lftProcess(b, 0, "-chdir="+dir, "apply", "-auto-approve")
			var cold, warm, validate usage
			for b.Loop() {
				if err := os.RemoveAll(filepath.Join(dir, ".lft", "cache")); err != nil {
					b.Fatal(err)
				}
				cold.add(lftProcess(b, 0, "-chdir="+dir, "plan", "-detailed-exitcode"))
				warm.add(lftProcess(b, 0, "-chdir="+dir, "plan", "-detailed-exitcode"))
				validate.add(lftProcess(b, 0, "-chdir="+dir, "validate"))
			}
			b.ReportMetric(float64(cold.cpu.Milliseconds())/float64(b.N), "cold-cpu-ms")
			b.ReportMetric(float64(warm.cpu)/float64(cold.cpu), "warm-x-cold")
			b.ReportMetric(float64(cold.cpu)/float64(validate.cpu), "cold-x-language")
			b.ReportMetric(float64(max(cold.resident, warm.resident))/(1<<20), "peak-MiB")
		})
	}
}

// BenchmarkFmt lays out a thousand files, of which none is laid out at first, and checks them afterwards. The bar is
// 4 MB/s.
func BenchmarkFmt(b *testing.B) {
	var size int64
	dir := benchProject(b, 1000, 100)
	files, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
	if err != nil {
		b.Fatal(err)
	}
	ugly := make([][]byte, len(files))
	for i, path := range files {
		if ugly[i], err = os.ReadFile(path); err != nil {
			b.Fatal(err)
		}
		size += int64(len(ugly[i]))
	}
	var laid, checked usage
	for b.Loop() {
		for i, path := range files {
			if err := os.WriteFile(path, ugly[i], 0o666); err != nil {
				b.Fatal(err)
			}
		}
		laid.add(lftProcess(b, 0, "-chdir="+dir, "fmt"))
		checked.add(lftProcess(b, 0, "-chdir="+dir, "fmt", "-check"))
	}
	b.ReportMetric(float64(size)*float64(b.N)/1e6/laid.wall.Seconds(), "MB/s")
	b.ReportMetric(float64(size)*float64(b.N)/1e6/checked.wall.Seconds(), "check-MB/s")
	b.ReportMetric(float64(max(laid.resident, checked.resident))/(1<<20), "peak-MiB")
}

// BenchmarkApply applies a saved plan of 10 000 new jobs, on SQLite and, where there is one, on MariaDB. The bar is one
// second.
func BenchmarkApply(b *testing.B) {
	dir := benchProject(b, 100, 100)
	for name, fresh := range map[string]func(testing.TB) string{
		"sqlite": func(tb testing.TB) string { return "sqlite://" + filepath.Join(tb.TempDir(), "lft.db") },
		"mysql":  newDatabase,
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				state := fresh(b)
				plan := filepath.Join(b.TempDir(), "plan")
				lftProcess(b, 0, "-chdir="+dir, "plan", "-state="+state, "-out="+plan)
				b.StartTimer()
				lftProcess(b, 0, "-chdir="+dir, "apply", "-state="+state, plan)
			}
		})
	}
}
