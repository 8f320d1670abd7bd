package lang_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang"
)

const variablesFolder = `
variable "a" { default = "default" }
variable "n" {
  type    = number
  default = 0
}
variable "l" {
  type    = list(string)
  default = []
}
flow "f" {
  description = "${var.a} ${var.n} ${join("+", var.l)}"
}
`

// TestVariablePrecedence goes up the ladder, one rung at a time.
func TestVariablePrecedence(t *testing.T) {
	files := map[string]string{"main.hcl": variablesFolder}
	opt := lang.Options{}
	want := func(text string) {
		t.Helper()
		bundle, list := lang.Load(folder(files), opt)
		if bundle == nil || len(list) > 0 {
			t.Fatal(render(list))
		}
		if diff := cmp.Diff(text, bundle.Flows[0].Description); diff != "" {
			t.Error(diff)
		}
	}
	want("default 0 ")
	opt.Env = map[string]string{"a": "env", "n": "1", "l": `["x", "y"]`, "other_folder": "x"}
	want("env 1 x+y")
	files["lft.vars"] = "a = \"lft\"\nn = 2\n"
	want("lft 2 x+y")
	files["b.auto.vars"] = "a = \"b\"\n"
	files["a.auto.vars"] = "a = \"a\"\nn = \"3\"\n"
	want("b 3 x+y")
	files["prod.vars"] = "a = \"prod\"\n"
	want("b 3 x+y")
	opt.Given = []lang.Given{{Name: "/etc/x.vars", Data: []byte("a = \"data\"\n")}}
	want("data 3 x+y")
	opt.Given = append(opt.Given, lang.Given{Name: "a", Text: "flag"}, lang.Given{Name: "l", Text: "[]"})
	want("flag 3 ")
	opt.Given = append(opt.Given, lang.Given{Name: "last.vars", Data: []byte("a = \"last\"\n")})
	want("last 3 ")
	opt.Given = append(opt.Given, lang.Given{Name: "a", Text: "again"})
	want("again 3 ")
}

// TestTexts: text from outside is taken as it is for simple types and without a
// type, and read as an expression otherwise.
func TestTexts(t *testing.T) {
	const declared = `
variable "none" { default = "" }
variable "any" {
  type    = any
  default = ""
}
variable "number" {
  type    = number
  default = 0
}
variable "object" {
  type = object({ a = string, b = optional(number, 7) })
  default = { a = "x" }
}
variable "null" {
  type    = string
  default = "d"
}
variable "never" {
  type     = string
  default  = "d"
  nullable = false
}
flow "f" {
  description = jsonencode([var.none, var.any, var.number, var.object, var.null, var.never])
}
`
	for _, tc := range []struct {
		given []lang.Given
		want  string
	}{
		{nil, `["","",0,{"a":"x","b":7},"d","d"]`},
		{[]lang.Given{{Name: "none", Text: "[1]"}, {Name: "any", Text: "[1]"}, {Name: "number", Text: "5"}}, `["[1]",[1],5,{"a":"x","b":7},"d","d"]`},
		{[]lang.Given{{Name: "object", Text: `{ a = true }`}, {Name: "null", Text: "null"}}, `["","",0,{"a":"true","b":7},"null","d"]`},
		{[]lang.Given{{Name: "x.vars", Data: []byte("null = null\nnever = null\n")}}, `["","",0,{"a":"x","b":7},null,"d"]`},
	} {
		bundle, list := lang.Load(folder(map[string]string{"main.hcl": declared}), lang.Options{Given: tc.given})
		if bundle == nil || bundle.Flows[0].Description != tc.want {
			t.Errorf("%v: %v, want %s\n%s", tc.given, bundle, tc.want, render(list))
		}
	}
}

func TestVariableFaults(t *testing.T) {
	for _, tc := range []struct {
		name string
		opt  lang.Options
		want string
	}{
		{"undeclared flag", lang.Options{Given: []lang.Given{{Name: "aa", Text: "x"}}}, `-var aa: the folder declares no variable "aa". Did you mean "a"?`},
		{"wrong type", lang.Options{Given: []lang.Given{{Name: "n", Text: "x"}}}, `-var n does not fit variable "n": A number is required.`},
		{"no expression", lang.Options{Env: map[string]string{"l": "x y"}}, `LFT_VAR_l is read as an expression, because the type of variable "l" is list of string`},
		{"a reference", lang.Options{Env: map[string]string{"l": "[x]"}}, `it can hold no references; texts stand in quotes`},
		{"a block", lang.Options{Given: []lang.Given{{Name: "v", Data: []byte("a {}\n")}}}, `blocks belong into *.hcl files`},
		{"syntax", lang.Options{Given: []lang.Given{{Name: "v", Data: []byte("a =\n")}}}, `Invalid expression`},
		{"deep", lang.Options{Given: []lang.Given{{Name: "v", Data: []byte("l = " + strings.Repeat("[", 5000) + "\n")}}}, `Nested too deep`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bundle, list := lang.Load(folder(map[string]string{"main.hcl": variablesFolder}), tc.opt)
			if got := render(list); bundle != nil || !strings.Contains(got, tc.want) {
				t.Errorf("got %s, want %q", got, tc.want)
			}
		})
	}
}

// TestUndeclaredInFile: a shared file may hold more than one folder needs.
func TestUndeclaredInFile(t *testing.T) {
	bundle, list := lang.Load(folder(map[string]string{"main.hcl": variablesFolder, "lft.vars": "aa = 1\n"}), lang.Options{})
	if got := render(list); bundle == nil || !strings.Contains(got, `warning variable: Undeclared variable`) {
		t.Errorf("got %s", got)
	}
}
