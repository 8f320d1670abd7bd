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

// benchProject writes flows of a hundred chained jobs each, and returns the folder.
func benchProject(b *testing.B, flows int) string {
	b.Helper()
	dir := b.TempDir()
	for f := range flows {
		var text strings.Builder
		fmt.Fprintf(&text, "flow \"f%d\" {\n  param \"day\" { type = string }\n", f)
		for j := range 100 {
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

// lftProcess runs this binary as lft; it has to end with the code.
func lftProcess(b *testing.B, code int, args ...string) usage {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := &exec.Cmd{Path: self, Args: append([]string{"lft"}, args...), Env: os.Environ()}
	start := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(start)
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		b.Fatalf("lft %q: %v\n%.2000s", args, err, out)
	}
	rusage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("no resource usage on this system")
	}
	return usage{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), rusage.Maxrss << 10}
}

// BenchmarkPlan plans 10 000 jobs without a change, as a process of its own. Beside it stands what the language alone
// takes (lft validate); lang's own benchmark relates that to the floor.
func BenchmarkPlan(b *testing.B) {
	dir := benchProject(b, 100)
	lftProcess(b, 0, "-chdir="+dir, "apply", "-auto-approve")
	var plan, validate usage
	for b.Loop() {
		p := lftProcess(b, 0, "-chdir="+dir, "plan", "-detailed-exitcode")
		plan.wall, plan.cpu, plan.resident = plan.wall+p.wall, plan.cpu+p.cpu, max(plan.resident, p.resident)
		b.StopTimer()
		v := lftProcess(b, 0, "-chdir="+dir, "validate")
		validate.cpu += v.cpu
		b.StartTimer()
	}
	b.ReportMetric(float64(plan.cpu.Milliseconds())/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(plan.cpu)/float64(validate.cpu), "x-language")
	b.ReportMetric(float64(plan.resident)/(1<<20), "peak-MiB")
}

// BenchmarkApply applies a saved plan of 10 000 new jobs, on SQLite and, where there is one, on MariaDB. The bar is one
// second.
func BenchmarkApply(b *testing.B) {
	dir := benchProject(b, 100)
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
