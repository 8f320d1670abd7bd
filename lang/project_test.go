package lang_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/leifengta/lft/lang"
)

// Which project a folder owns is known whatever else is wrong with it, for as long
// as the file that says so can be read.
func TestProjectOfFolder(t *testing.T) {
	for _, tc := range []struct {
		name, want, found string
		files             map[string]string
	}{
		{"it says nothing", "default", "", map[string]string{"a.hcl": `flow "f" {}`}},
		{"a variable without a value, a fault and an unknown word", "p", "", map[string]string{
			"a.hcl": "lft {\n project = \"p\"\n nonsense = 1\n}\nvariable \"v\" {}\nflow \"f\" {\n job \"noop\" \"a\" { tiemout = var.w }\n}",
		}},
		{"another file does not parse", "p", "", map[string]string{"a.hcl": `flow "f" {`, "b.hcl": `lft { project = "p" }`}},
		{"behind flows, indented", "p", "", map[string]string{"a.hcl": "flow \"f\" {}\n  lft { project = \"p\" }\n", "b.hcl": `pool "p" { slots = 1 }`}},
		{"in JSON", "p", "", map[string]string{"a.lft.json": `{"lft": {"project": "p"}}`}},
		{"it may be in the file that does not parse", "", "Unclosed configuration block", map[string]string{"a.hcl": `flow "f" {`}},
		{"it is no literal", "", "A literal text is needed", map[string]string{"a.hcl": `lft { project = var.p }`}},
		{"no file", "", "lft init writes", map[string]string{}},
		{"another tool's files", "", "Those of Terraform", map[string]string{"main.tf": ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, text := range tc.files {
				fsys[name] = &fstest.MapFile{Data: []byte(text)}
			}
			got, found := lang.Project(fsys)
			said := ""
			for _, d := range found {
				said += d.Summary + ": " + d.Detail + "\n"
			}
			if got != tc.want || found.HasErrors() != (tc.found != "") || !strings.Contains(said, tc.found) {
				t.Errorf("got %q with %q, want %q with %q", got, said, tc.want, tc.found)
			}
		})
	}
}
