package lang_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang"
)

// TestShownValues: a finding says what the references of its expression stand
// for, but nothing of what is sensitive.
func TestShownValues(t *testing.T) {
	text := `
variable "secret" {
  default   = "s3cret"
  sensitive = true
}
variable "typed" {
  type    = object({ l = list(string), m = map(number), e = set(string), one = tuple([string]), o = object({}) })
  default = { l = ["a", "b"], m = { k = 1 }, e = [], one = ["x"], o = {} }
}
locals {
  n    = 1.5
  b    = true
  null = null
  long = join("", [for i in range(300) : "é"])
  mix  = { a = var.secret, b = 1 }
}
flow "f" {
  for_each    = { k = "v" }
  description = local.n + local.b + local.null + var.typed.l + var.typed.m + var.typed.e + var.typed.one + var.typed.o + each.key + var.secret + local.mix + local.mix.b + local.long + flow.f
}
flow "g" {
  precondition {
    condition     = local.n > 2 && [for x in var.typed.l : x] != []
    error_message = "Too few."
  }
}
`
	_, list := lang.Load(folder(map[string]string{"main.hcl": text}), lang.Options{})
	var got []string
	for _, d := range list {
		got = append(got, d.Address)
		if d.Snippet == nil {
			t.Fatal(render(list))
		}
		for _, v := range d.Snippet.Values {
			got = append(got, v.Traversal+" "+v.Statement)
		}
	}
	want := []string{
		`flow.f["k"]`,
		`each.key is "k"`,
		`flow.f is a reference to flow.f`,
		`local.b is true`,
		`local.long is "` + strings.Repeat("é", 100) + `…"`,
		`local.mix has a sensitive value`,
		`local.mix.b is 1`,
		`local.n is 1.5`,
		`local.null is null`,
		`var.secret has a sensitive value`,
		`var.typed.e is empty set of string`,
		`var.typed.l is list of string with 2 elements`,
		`var.typed.m is map of number with 1 element`,
		`var.typed.o is object with no attributes`,
		`var.typed.one is tuple with 1 element`,
		`flow.g`,
		`local.n is 1.5`,
		`var.typed.l is list of string with 2 elements`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
