package lang_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
)

const consoleFolder = `
variable "who" {
  type    = string
  default = "me"
}
variable "token" {
  type      = string
  default   = "secret"
  sensitive = true
}
locals { inside = "the folder" }
module "m" {
  for_each = toset(["k"])
  source   = "./m"
  name     = each.key
}
flow "f" {
  for_each = { x = 10 }
  param "day" {
    type    = string
    default = formatdate("YYYY", run.scheduled_for)
  }
  param "n" { type = object({ a = number, b = list(bool) }) }
  job "shell" "extract" {
    command = ["true"]
    output "rows" { type = number }
  }
  job "shell" "load" {
    for_each = { a = 1 }
    after    = [job.extract]
    command  = ["true"]
  }
}
`

const consoleModule = `
variable "name" { type = string }
locals { inside = "module ${var.name}" }
flow "g" {
  job "noop" "x" {}
}
output "name" { value = var.name }
`

func console(t *testing.T, scope spec.Address) *lang.Console {
	t.Helper()
	files := fstest.MapFS{"main.hcl": {Data: []byte(consoleFolder)}, "m/m.hcl": {Data: []byte(consoleModule)}}
	c, found := lang.NewConsole(files, lang.Options{JobTypes: jobTypes()}, scope)
	if c == nil {
		t.Fatalf("scope %q: %v", scope, found)
	}
	return c
}

func TestConsole(t *testing.T) {
	for _, tc := range []struct {
		scope        spec.Address
		source, want string
	}{
		{"", `var.who`, `"me"`},
		{"", `"${local.inside}, ${1 + 1}"`, `"the folder, 2"`},
		{"", `module.m["k"].name`, `"k"`},
		{`module.m["k"]`, `local.inside`, `"module k"`},
		{`module.m["k"].flow.g`, `[local.inside, job.x.status]`, `["module k","succeeded"]`},
		{`flow.f["x"]`, `[each.key, each.value]`, `["x",10]`},
		{`flow.f["x"]`, `keys(job.load)`, `["a"]`},
		{`flow.f["x"].job.load["a"]`, `[each.key, each.value]`, `["a",1]`},
		{`flow.f["x"].job.load["a"]`, `job.extract.output.rows + 1`, `2`},
		{`flow.f["x"].job.extract`, `[param.day, run.attempt, run.window.start]`, `["2026",1,"2026-01-01T00:00:00Z"]`},
		{`flow.f["x"]`, `param.n`, `{"a":1,"b":[true]}`},
	} {
		v, found := console(t, tc.scope).Eval(tc.source)
		if found.HasErrors() {
			t.Errorf("%s in %q: %v", tc.source, tc.scope, found)
			continue
		}
		got, err := expr.Encode(v)
		if err != nil || string(got) != tc.want {
			t.Errorf("%s in %q: %s, %v, want %s", tc.source, tc.scope, got, err, tc.want)
		}
	}
	if v, _ := console(t, "").Eval(`"${var.token}!"`); !expr.IsSensitive(v) {
		t.Error("a text with a sensitive variable in it is not sensitive")
	}
}

func TestConsoleRefuses(t *testing.T) {
	for _, tc := range []struct {
		scope        spec.Address
		source, want string
	}{
		{"", `param.day`, "has a value inside a job"},
		{"", `var.whom`, `Did you mean "who"?`},
		{"", `uper("x")`, `Did you mean "upper"?`},
		{"", `flow.g`, "There is no flow.g"},
		{"", `flow.f["y"]`, `There is no flow.f["y"]`},
		{"", `pool.f`, `There is no pool.f`},
		{"", `[for f in flow.f : f]`, `Loop over what its for_each is made of`},
		{"", `1 +`, "expression"},
		{"", strings.Repeat("(", 10_000), "deep"},
		{"", strings.Repeat("1 + ", 300_000) + "1", "bytes"},
		{"", "\xff", "UTF-8"},
		{`flow.f["x"].job.extract`, `job.extract.status`, "extract"},
	} {
		_, found := console(t, tc.scope).Eval(tc.source)
		if !found.HasErrors() || !strings.Contains(found[0].Summary+" "+found[0].Detail, tc.want) {
			t.Errorf("%.40s in %q: %v, want %q", tc.source, tc.scope, found, tc.want)
		}
	}
	files := fstest.MapFS{"main.hcl": {Data: []byte(`flow "f" {}`)}}
	for _, scope := range []spec.Address{"flow.g", "flow.f.job.x", "pool.p", "module.m", "module.m.flow.f"} {
		if c, found := lang.NewConsole(files, lang.Options{}, scope); c != nil || !found.HasErrors() {
			t.Errorf("scope %q: %v", scope, found)
		}
	}
}

// TestConsoleReferences: a reference is shown as it is written, one to all
// instances by instances.
func TestConsoleReferences(t *testing.T) {
	c := console(t, "")
	one, found := c.Eval(`flow.f["x"]`)
	if found.HasErrors() || one.GoString() != `flow.f["x"]` {
		t.Errorf("%#v, %v", one, found)
	}
	all, found := c.Eval(`flow.f`)
	if found.HasErrors() || all.LengthInt() != 1 || all.GetAttr("x").GoString() != `flow.f["x"]` {
		t.Errorf("%#v, %v", all, found)
	}
}

// TestInput: an expression ends with the line that closes what it has opened.
func TestInput(t *testing.T) {
	for _, tc := range []struct {
		lines []string
		want  []string
	}{
		{[]string{"1", "", "# no", "  // no", "2"}, []string{"1", "", "", "", "2"}},
		{[]string{"{", "  a = 1 # }", "}", "3"}, []string{"{\n  a = 1 # }\n}", "3"}},
		{[]string{"[", "", "# kept", "(1)", "]"}, []string{"[\n\n# kept\n(1)\n]"}},
		{[]string{`["}]", "${[1][0]}"]`, "2"}, []string{`["}]", "${[1][0]}"]`, "2"}},
		{[]string{"<<-EOT", "{", "  EOT", "1"}, []string{"<<-EOT\n{\n  EOT\n", "1"}},
		{[]string{"upper(<<EOT", ")", "EOT", ")", "1"}, []string{"upper(<<EOT\n)\nEOT\n)\n", "1"}},
		{[]string{")", `"a`, "1 +"}, []string{")", `"a`, "1 +"}},
	} {
		var in lang.Input
		var got []string
		for _, line := range tc.lines {
			if source, whole := in.Add(line); whole {
				got = append(got, source)
			}
		}
		if d := cmp.Diff(tc.want, got); d != "" || in.Open() {
			t.Errorf("%q (-want +got), open %v:\n%s", tc.lines, in.Open(), d)
		}
	}
	var in lang.Input
	if _, whole := in.Add("["); whole || !in.Open() || in.End() != "[" || in.Open() {
		t.Error("what was begun is not handed out at the end")
	}
}

// TestSignatures: every function can be listed with the types that its calls are
// checked by.
func TestSignatures(t *testing.T) {
	seen := map[string]lang.Signature{}
	for _, s := range lang.Signatures() {
		if len(s.Returns) == 0 || len(s.Parameters) == 0 && s.Variadic == nil {
			t.Errorf("%s: %+v", s.Name, s)
		}
		seen[s.Name] = s
	}
	for name, returns := range map[string]string{"abs": `"number"`, "can": `"bool"`, "tolist": `["list","dynamic"]`, "split": `["list","string"]`, "try": `"dynamic"`} {
		if got := string(seen[name].Returns); got != returns {
			t.Errorf("%s returns %s, want %s", name, got, returns)
		}
	}
	if !seen["join"].RunTime || seen["file"].RunTime {
		t.Error("join is a function of run time, file is not")
	}
}
