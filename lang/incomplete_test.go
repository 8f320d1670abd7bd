package lang_test

import (
	"testing"
	"testing/fstest"

	"github.com/leifengta/lft/lang"
)

// TestIncomplete: a folder can be checked without values of its variables. What
// depends on them is not judged; what does not is.
func TestIncomplete(t *testing.T) {
	const good = `
variable "n" { type = number }
variable "m" { type = map(object({ a = string })) }
variable "s" {
  type = string
  validation {
    condition     = length(var.s) > 3
    error_message = "short"
  }
}
locals { x = var.n + 1 }
pool "p" { slots = var.n }
flow "f" {
  for_each    = var.m
  description = each.value.a
  job "shell" "a" {
    for_each = toset(split(",", var.s))
    command  = [each.key]
    pool     = pool.p
    output "x" { type = number }
  }
  job "shell" "b" {
    command = ["x"]
    env     = { A = "${job.a["k"].output.x}", B = var.s }
  }
}
schedule "s" {
  flow = flow.f["k"]
  cron = var.s
}
check "c" {
  assert {
    condition     = var.n > 3
    error_message = "x"
  }
}
output "o" { value = local.x }
`
	for _, tc := range []struct{ name, more, want string }{
		{"nothing wrong", "", ""},
		{"an attribute that is missing", `pool "q" { slotz = 1 }`, lang.CodeMissing},
		{"a reference to nothing", `locals { y = var.nosuch }`, lang.CodeReference},
		{"a type that cannot fit", `locals { y = var.m + 1 }`, lang.CodeExpression},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, found := lang.Load(fstest.MapFS{"main.hcl": {Data: []byte(good + tc.more)}}, lang.Options{JobTypes: jobTypes(), Incomplete: true})
			if tc.want == "" && len(found) > 0 || tc.want != "" && (!found.HasErrors() || found[0].Code != tc.want) {
				t.Errorf("want %q, found %v", tc.want, found)
			}
		})
	}
}
