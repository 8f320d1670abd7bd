package lang_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/planner"
)

// elsewhere are the codes that a folder alone does not provoke.
func elsewhere() []string {
	return []string{lang.CodeInternal, planner.CodePartial, planner.CodeProtected, planner.CodeTarget}
}

// constants lists the names of the codes that are declared.
func constants(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, decl := range file.Decls {
		if decl, ok := decl.(*ast.GenDecl); ok && decl.Tok == token.CONST {
			for _, s := range decl.Specs {
				names = append(names, s.(*ast.ValueSpec).Names[0].Name)
			}
		}
	}
	return names
}

// TestCodes: every code is explained, and every explanation is for a code that
// some test file provokes.
func TestCodes(t *testing.T) {
	source, err := os.ReadFile("explain.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := constants(t)
	if len(declared) != len(lang.Explanations()) {
		t.Errorf("%d codes, %d explanations", len(declared), len(lang.Explanations()))
	}
	for _, name := range declared {
		if !strings.Contains(string(source), "Code: "+name+",") {
			t.Errorf("%s is not explained", name)
		}
	}
	var provoked strings.Builder
	for _, pattern := range []string{"testdata/bad/*.txt", "testdata/good/*.txt", "testdata/folders/*.txt"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			provoked.Write(data)
		}
	}
	codes := []string{}
	for _, e := range lang.Explanations() {
		codes = append(codes, e.Code)
		if !regexp.MustCompile(`(?m)^(error|warning) `+e.Code+`:`).MatchString(provoked.String()) && !slices.Contains(elsewhere(), e.Code) {
			t.Errorf("nothing in testdata provokes %s", e.Code)
		}
		if found, ok := lang.Explain(e.Code); !ok || found != e {
			t.Errorf("%s is not found", e.Code)
		}
		for what, text := range map[string]string{"title": e.Title, "cause": e.Cause, "example": e.Example, "advice": e.Advice} {
			if text == "" || strings.TrimSpace(text) != text {
				t.Errorf("%s: bad %s %q", e.Code, what, text)
			}
		}
	}
	if !slices.IsSorted(codes) || len(slices.Compact(codes)) != len(declared) {
		t.Errorf("not sorted, or a code twice: %q", codes)
	}
	if _, ok := lang.Explain("nothing"); ok {
		t.Error("an explanation of nothing")
	}
}

// TestExamples: the example of a code provokes it.
func TestExamples(t *testing.T) {
	around := map[string]string{
		lang.CodeCheck:        `variable "holidays" { default = [] }`,
		lang.CodeDisabled:     "",
		lang.CodeMissing:      `flow "sales" {}`,
		lang.CodePrecondition: `variable "stage" { default = "tset" }`,
		lang.CodeUnguarded:    "",
		lang.CodeRunTime:      "",
		lang.CodeSensitive:    "",
		lang.CodeCollision:    "",
	}
	inFlow := map[string]string{
		lang.CodeDisabled:  "job \"shell\" \"extract\" {\n  enabled = false\n  command = [\"x\"]\n}\n",
		lang.CodeUnguarded: "job \"shell\" \"load\" {\n  command = [\"x\"]\n  output \"rows\" { type = number }\n}\n",
		lang.CodeRunTime:   "job \"shell\" \"extract\" {\n  command = [\"x\"]\n  output \"files\" { type = list(string) }\n}\n",
		lang.CodeCollision: "job \"noop\" \"x\" {}\n",
		lang.CodeValue:     "job \"noop\" \"x\" {}\n",
	}
	for _, e := range lang.Explanations() {
		if slices.Contains(elsewhere(), e.Code) || e.Code == lang.CodeEncoding || e.Code == lang.CodeRead {
			continue // HCL alone cannot show it
		}
		text := e.Example
		if more, ok := inFlow[e.Code]; ok {
			text = "flow \"f\" {\n" + more + text + "\n}\n"
		}
		text += "\n" + around[e.Code] + "\n"
		if e.Code == lang.CodeVariable || e.Code == lang.CodeValidation {
			text += "pool \"p\" { slots = 1 }\n"
		}
		bundle, list := lang.Load(folder(map[string]string{"main.hcl": text}), lang.Options{
			JobTypes: jobTypes(), Version: "1.2.3", Env: map[string]string{"slots": "0", "tenants": `["x"]`},
		})
		if !strings.Contains(render(list), " "+e.Code+": ") {
			t.Errorf("%s: its example gives %v\n%s\n%s", e.Code, bundle != nil, text, render(list))
		}
	}
}
