package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// terraformProject writes the chains of ten as Terraform's own kind of resource that does nothing, and gets the folder
// ready.
func terraformProject(b *testing.B, terraform string, chains int) string {
	b.Helper()
	dir := b.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			b.Fatal(err)
		}
	}
	write("variables.tf", "variable \"day\" { default = \"2026-01-01\" }\n")
	for f := range chains {
		var text strings.Builder
		for j := range 10 {
			fmt.Fprintf(&text, "resource \"terraform_data\" \"f%d_j%d\" {\n  input = {\n    command = [\"/bin/echo\", \"%d of %d\", var.day]\n    timeout = \"30m\"\n"+
				"    env = { DAY = var.day, N = \"%d\" }\n    attempts = 3\n  }\n", f, j, j, f, j)
			if j > 0 {
				fmt.Fprintf(&text, "  depends_on = [terraform_data.f%d_j%d]\n", f, j-1)
			}
			text.WriteString("}\n")
		}
		write(fmt.Sprintf("f%d.tf", f), text.String())
	}
	process(b, exec.Command(terraform, "-chdir="+dir, "init"), 0)
	return dir
}

// BenchmarkTerraform plans the same new jobs, ten a chain, with lft, which has neither a state nor a cache yet, and with
// the terraform on the PATH. The bar is a fifteenth of its CPU time.
func BenchmarkTerraform(b *testing.B) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		b.Skip("not tried: no terraform on the PATH")
	}
	b.Setenv("CHECKPOINT_DISABLE", "1") // it would ask its makers for news
	b.Setenv("LFT_STATE", "")
	for _, jobs := range []int{1000, 5000} {
		b.Run(fmt.Sprintf("jobs=%d", jobs), func(b *testing.B) {
			theirs, ours := terraformProject(b, terraform, jobs/10), benchProject(b, jobs/10, 10)
			var they, we usage
			for b.Loop() {
				if err := os.RemoveAll(filepath.Join(ours, ".lft")); err != nil {
					b.Fatal(err)
				}
				we.add(lftProcess(b, 0, "-chdir="+ours, "plan", "-out=plan"))
				they.add(process(b, exec.Command(terraform, "-chdir="+theirs, "plan", "-out=plan"), 0))
			}
			b.ReportMetric(float64(they.cpu)/float64(we.cpu), "terraform-x-lft")
			b.ReportMetric(float64(we.cpu.Milliseconds())/float64(b.N), "cpu-ms")
			b.ReportMetric(float64(we.resident)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(they.resident)/(1<<20), "terraform-peak-MiB")
		})
	}
}
