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
	opt.VarFiles = []string{"prod.vars"}
	want("prod 3 x+y")
	opt.VarData = []lang.File{{Name: "/etc/x.vars", Data: []byte("a = \"data\"\n")}}
	want("data 3 x+y")
	opt.Vars = map[string]string{"a": "flag", "l": "[]"}
	want("flag 3 ")
}

func TestVariableFaults(t *testing.T) {
	for _, tc := range []struct {
		name string
		opt  lang.Options
		want string
	}{
		{"undeclared flag", lang.Options{Vars: map[string]string{"aa": "x"}}, `-var aa: the folder declares no variable "aa". Did you mean "a"?`},
		{"wrong type", lang.Options{Vars: map[string]string{"n": "x"}}, `-var n does not fit variable "n": A number is required.`},
		{"no expression", lang.Options{Env: map[string]string{"l": "x y"}}, `LFT_VAR_l is read as an expression, because variable "l" is of type list of string`},
		{"a reference", lang.Options{Env: map[string]string{"l": "[x]"}}, `it can hold no references; texts stand in quotes`},
		{"a block", lang.Options{VarData: []lang.File{{Name: "v", Data: []byte("a {}\n")}}}, `blocks belong into *.hcl files`},
		{"syntax", lang.Options{VarData: []lang.File{{Name: "v", Data: []byte("a =\n")}}}, `Invalid expression`},
		{"no file", lang.Options{VarFiles: []string{"none.vars"}}, `none.vars: file does not exist`},
		{"outside", lang.Options{VarFiles: []string{"../x.vars"}}, `not a path inside the folder`},
		{"deep", lang.Options{VarData: []lang.File{{Name: "v", Data: []byte("l = " + strings.Repeat("[", 5000) + "\n")}}}, `Nested too deep`},
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
