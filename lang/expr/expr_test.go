package expr_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
)

func scope() expr.Scope {
	return expr.Scope{
		Flow: &spec.Flow{
			Params: []*spec.Param{
				{Name: "day", Type: spec.Type(`"string"`)},
				{Name: "m", Type: spec.Type(`["map","number"]`)},
				{Name: "n", Type: spec.Type(`"number"`)},
				{Name: "words", Type: spec.Type(`["list","string"]`)},
			},
			Jobs: []*spec.Job{
				{Name: "a", Outputs: []*spec.Output{{Name: "rows", Type: spec.Type(`"number"`)}, {Name: "text", Type: spec.Type(`"string"`)}}},
				{Name: `s["one"]`, Outputs: []*spec.Output{{Name: "n", Type: spec.Type(`"number"`)}}},
				{Name: `s["two"]`, Outputs: []*spec.Output{{Name: "n", Type: spec.Type(`"number"`)}}},
			},
		},
		Run: expr.Run{
			ID: "x1", Flow: "flow.f", ScheduledFor: "2026-01-02T02:00:00+08:00",
			WindowStart: "2026-01-01T02:00:00+08:00", WindowEnd: "2026-01-02T02:00:00+08:00", Attempt: 2,
		},
		Params: map[string]json.RawMessage{
			"day": json.RawMessage(`"2026-01-02"`), "n": json.RawMessage(`3`), "words": json.RawMessage(`["b","a","b"]`), "m": json.RawMessage(`{"x":1,"y":2}`),
		},
		Jobs: map[string]expr.Job{
			"a":        {Status: "succeeded", Output: json.RawMessage(`{"rows":7,"text":"t <&> é"}`)},
			"skipped":  {Status: "skipped"},
			`s["one"]`: {Status: "succeeded", Output: json.RawMessage(`{"n":1}`)},
			`s["two"]`: {Status: "failed"},
		},
	}
}

func TestEval(t *testing.T) {
	vars := map[string]json.RawMessage{"var": json.RawMessage(`{"f":"YYYY","l":[1,"a",true]}`), "each": json.RawMessage(`{"key":"k","value":{"a":[1]}}`)}
	for _, tc := range []struct{ source, ty, want string }{
		{`param.day`, ``, `"2026-01-02"`},
		{`param.n + 1`, ``, `4`},
		{`param.n`, `"string"`, `"3"`},
		{`"${param.n}-${run.attempt}"`, ``, `"3-2"`},
		{`formatdate("YYYY-MM-DD", run.scheduled_for)`, `"string"`, `"2026-01-02"`},
		{`formatdate(var.f, run.window.start)`, ``, `"2026"`},
		{`run.schedule == "" ? run.id : "s"`, ``, `"x1"`},
		{`job.a.output.rows > 0 && job.a.status == "succeeded"`, `"bool"`, `true`},
		{`job.a.output.rows > 100 && job.nothing.output.rows > 0`, `"bool"`, `false`},
		{`job.nothing.output.rows > 0 && job.a.output.rows > 100`, `"bool"`, `false`},
		{`job.nothing.output.rows > 0 || job.a.output.rows > 1`, `"bool"`, `true`},
		{`job.nothing.output.rows > 0 || job.a.output.rows > 100`, `"bool"`, ``},
		{`null && false`, ``, `false`},
		{`null && true`, ``, ``},
		{`false && "yes"`, ``, ``},
		{`param.n > 0 ? 6 / param.n : 0`, ``, `2`},
		{`param.n < 0 ? 6 / (param.n - 3) : 0`, ``, `0`},
		{`param.n < 0 && 6 / (param.n - 3) > 1`, ``, `false`},
		{`try(param.n / 0, "none")`, ``, `"none"`},
		{`true ? 1 : "a ${param.n.no}"`, ``, `"1"`},
		{`true ? [1] : param.n.no + 1`, ``, ``},
		{`{ param.day = 1 }`, ``, ``},
		{`{ "param.day" = 1 }`, ``, `{"param.day":1}`},
		{`[tolist(["a"]), tolist([])][*][*]`, ``, `[["a"],[]]`},
		{`tolist([{ a = null }, { a = "x" }])[*].a[*]`, ``, ``},
		{`try(job.skipped.output.rows, 0)`, `"number"`, `0`},
		{`try("${job.skipped.output.rows}", "none")`, ``, `"none"`},
		{`job.skipped.status`, ``, `"skipped"`},
		{`job.s["one"].output.n`, ``, `1`},
		{`try(job.s["two"].output.n, -1)`, ``, `-1`},
		{`[for k, v in job.s : "${k}=${v.status}"]`, `["list","string"]`, `["one=succeeded","two=failed"]`},
		{`{for k, v in param.m : upper(k) => v * 10 if v > 1}`, ``, `{"Y":20}`},
		{`{for w in param.words : w => w...}`, ``, `{"a":["a"],"b":["b","b"]}`},
		{`distinct(param.words)`, ``, `["b","a"]`},
		{`sort(param.words)[0]`, ``, `"a"`},
		{`param.words[*]`, ``, `["b","a","b"]`},
		{`[{a = 1}, {a = 2}][*].a`, ``, `[1,2]`},
		{`{ (param.day) = 1, plain = 2 }`, ``, `{"2026-01-02":1,"plain":2}`},
		{`each.key`, ``, `"k"`},
		{`each.value.a[0] + var.l[0] + param.n`, ``, `5`},
		{`length(param.words) + length("héé") + length({a = 1})`, ``, `7`},
		{`param.n == null ? 1 : "x"`, ``, `"x"`},
		{`param.n > 2 ? null : "x"`, `"string"`, `null`},
		{`true ? 1 : param.n.no.such`, ``, `1`},
		{`<<-EOT
		    one ${param.n}
		      two %{ for w in param.words ~}${w},%{ endfor }
		    EOT
		`, ``, `"one 3\n  two b,a,b,\n"`},
		{`"%{ if param.n > 2 }big%{ else }small%{ endif }"`, ``, `"big"`},
		{`tolist([1, "a"])`, ``, `["1","a"]`},
		{`toset(param.words)`, ``, `["a","b"]`},
		{`tomap({a = 1, b = "x"})`, ``, `{"a":"1","b":"x"}`},
		{`merge(param.m, {z = 3})["z"]`, ``, `3`},
		{`jsondecode("{\"a\":[1,{\"b\":null}]}").a[0]`, ``, `1`},
		{`jsonencode({a = param.words})`, ``, `"{\"a\":[\"b\",\"a\",\"b\"]}"`},
		{`join("+", [for i in range(3) : format("%02d", i)]...)`, ``, ``},
		{`join("+", [for i in range(3) : format("%02d", i)])`, ``, `"00+01+02"`},
		{`max(param.words...)`, ``, ``},
		{`max([1, 5, 3]...)`, ``, `5`},
		{`replace("a/b", "/", "-")`, ``, `"a-b"`},
		{`sum([1, 2.5])`, ``, `3.5`},
		{`one([])`, `"string"`, `null`},
		{`one([5])`, ``, `5`},
		{`alltrue([true, "true"]) && !anytrue([])`, ``, `true`},
		{`timecmp(run.window.start, run.window.end)`, ``, `-1`},
		{`timeadd(run.window.start, "24h")`, ``, `"2026-01-02T02:00:00+08:00"`},
		{`sha256("")`, ``, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
		{`base64decode(base64encode("é"))`, ``, `"é"`},
		{`can(param.n.x) ? "y" : "n"`, ``, `"n"`},
		{`1 / 3 < 0.34`, ``, `true`},
		{`-param.n`, ``, `-3`},
		{`startswith("abc", "ab") && endswith("abc", "bc") && strcontains("abc", "b")`, ``, `true`},
		{`chunklist([1,2,3], 2)`, ``, `[[1,2],[3]]`},
		{`title(lower("ABC"))`, ``, `"Abc"`},
		{`[contains(["a"], null), contains(["a", null], null), contains([null, "a"], "a"), contains(toset([1]), "1")]`, ``, `[false,true,true,false]`},
		{`contains("abc", "a")`, ``, ``},
		{`index(["b", null, "a"], "a")`, ``, `2`},
	} {
		got, err := expr.Eval(&spec.Value{Expr: tc.source, Vars: vars}, spec.Type(tc.ty), scope())
		if tc.want == "" {
			if err == nil {
				t.Errorf("%s: got %s, want an error", tc.source, got)
			}
			continue
		}
		if err != nil || string(got) != tc.want && !sameJSON(string(got), tc.want) {
			t.Errorf("%s: got %s, %v, want %s", tc.source, got, err, tc.want)
		}
	}
}

// TestZoneOfMachine: an offset is an offset, also where the machine's zone has it.
func TestZoneOfMachine(t *testing.T) {
	machine := time.Local
	t.Cleanup(func() { time.Local = machine })
	newYork, err := cron.LoadZone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []*time.Location{time.UTC, newYork} {
		time.Local = zone
		got, err := expr.Eval(&spec.Value{Expr: `date_add("2026-03-07T12:00:00-05:00", 1, "day")`}, nil, scope())
		if want := `"2026-03-08T12:00:00-05:00"`; err != nil || string(got) != want {
			t.Errorf("on a machine in %s: got %s, %v, want %s", zone, got, err, want)
		}
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && cmp.Equal(x, y)
}

func TestEvalErrors(t *testing.T) {
	for _, tc := range []struct{ source, ty, want string }{
		{`param.dya`, ``, `param.dya: Unknown parameter: The flow has no parameter "dya".`},
		{`job.b.status`, ``, `job.b.status: Unknown job`},
		{`job.s["x"].status`, ``, `Job "s[\"x\"]" is not among`},
		{`job.a.output.rows + "x"`, ``, `"x": Invalid operand: Unsuitable value for the operator: A number is required.`},
		{`job.skipped.output.rows`, ``, `This object does not have an attribute named "rows"`},
		{`param.words`, `"number"`, `Unsuitable value: Number required, but have list of string.`},
		{`nowhere.x`, ``, `nowhere.x: Unknown name`},
		{`uuid()`, ``, `uuid: Unknown function`},
		{`timestamp()`, ``, `nothing reads the clock`},
		{`upper()`, ``, `Function "upper" takes one, not 0`},
		{`upper(null)`, ``, `it is null`},
		{`parseint("zz", 10)`, ``, `Call to function "parseint" failed`},
		{`1 +`, ``, `Missing expression`},
		{`"${param.n"`, ``, ``},
		{`param["n"]`, ``, `A parameter is written param.NAME`},
		{`param.n / 0`, ``, `The number is out of range`},
		{`"a" ? 1 : 2`, ``, `Invalid condition`},
		{`try(param.x)`, ``, `No argument could be evaluated`},
		{`{for w in param.words : w => 1}`, ``, `Two elements give the key "b"`},
		{`replace("a", "/b/", "c")`, ``, `regular expressions are not available`},
	} {
		_, err := expr.Eval(&spec.Value{Expr: tc.source}, spec.Type(tc.ty), scope())
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.source, err, tc.want)
		}
	}
}

func TestLiteral(t *testing.T) {
	big := `{"f":"` + strings.Repeat("x", 2*expr.MaxValue) + `"}`
	for _, tc := range []struct{ literal, ty, want string }{
		{`"a"`, `"string"`, `"a"`},
		{`1`, `"string"`, `"1"`},
		{`null`, `"string"`, `null`},
		{`{"b":1}`, ``, `{"b":1}`},
		{`[1]`, `["list","string"]`, `["1"]`},
		{big, `["map","string"]`, big},
	} {
		got, err := expr.Eval(&spec.Value{Literal: json.RawMessage(tc.literal)}, spec.Type(tc.ty), expr.Scope{})
		if err != nil || string(got) != tc.want {
			t.Errorf("%.40s as %s: got %.40s, %v", tc.literal, tc.ty, got, err)
		}
	}
}

func TestConvertParam(t *testing.T) {
	for _, tc := range []struct{ ty, text, want string }{
		{`"string"`, `007`, `"007"`},
		{`"string"`, ``, `""`},
		{`"number"`, `007`, `7`},
		{`"number"`, `1e2`, `100`},
		{`"number"`, `x`, `"x" is not a number`},
		{`"number"`, `1e999999999`, `out of range`},
		{`"bool"`, `true`, `true`},
		{`"bool"`, `yes`, `"yes" is not a bool`},
		{`["list","number"]`, `[1, "2"]`, `[1,2]`},
		{`["list","number"]`, `1,2`, `as JSON is needed`},
		{`["object",{"a":"string"}]`, `{"a":1,"b":2}`, `{"a":"1"}`},
		{`["object",{"a":"string"}]`, `{}`, `attribute "a" is required`},
		{`["map","string"]`, strings.Repeat("[", 100_000), `more than 65536`},
		{`["map","string"]`, strings.Repeat("[", 1000) + strings.Repeat("]", 1000), `nested more than 64`},
	} {
		got, err := expr.ConvertParam(spec.Type(tc.ty), tc.text)
		if err != nil {
			got = json.RawMessage(err.Error())
		}
		if !strings.Contains(string(got), tc.want) || err == nil && string(got) != tc.want {
			t.Errorf("%s as %s: got %s, want %s", tc.text, tc.ty, got, tc.want)
		}
	}
}

func TestOutputs(t *testing.T) {
	declared := []*spec.Output{{Name: "list", Type: spec.Type(`["list","string"]`)}, {Name: "n", Type: spec.Type(`"number"`)}, {Name: "s", Type: spec.Type(`"string"`)}}
	for _, tc := range []struct{ data, want string }{
		{"n=1\ns= a=b \nlist=[\"x\"]\n", `{"list":["x"],"n":1,"s":" a=b "}`},
		{"n = 2 \r\ns=\r\n\r\nlist=[]", `{"list":[],"n":2,"s":""}`},
		{"n=1\nn=3\ns=x\nlist=[1]\n", `{"list":["1"],"n":3,"s":"x"}`},
		{` {"n":"5","s":6,"list":[]}` + "\n", `{"list":[],"n":5,"s":"6"}`},
		{"", `output "list" was not written; output "n" was not written; output "s" was not written`},
		{"n=x\ns=1\nlist=[]\n", `output "n": "x" is not a number`},
		{"n=1\ns=1\nlist=[]\nextra=1\n", `output "extra" is not declared`},
		{"hello\n", "line 1 of the output file is neither key=value nor JSON: hello"},
		{`{"n":`, "starts like a JSON object, but is none"},
		{`{"n":null,"s":"","list":[]}`, `output "n": a number is required, but it is null`},
		{"\xff\xfe", "not UTF-8"},
		{strings.Repeat("x", expr.MaxOutput+1), "more than 65536"},
		{`{"list":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "nested more than"},
	} {
		got, err := expr.Outputs(declared, []byte(tc.data))
		if err != nil {
			got = json.RawMessage(err.Error())
		}
		if !strings.Contains(string(got), tc.want) || err == nil && string(got) != tc.want {
			t.Errorf("%.60q: got %s, want %s", tc.data, got, tc.want)
		}
	}
	if got, err := expr.Outputs(nil, nil); got != nil || err != nil {
		t.Errorf("nothing declared, nothing written: got %s, %v", got, err)
	}
	if got, err := expr.Outputs(nil, []byte("a=1\n")); err == nil {
		t.Errorf("nothing declared, something written: got %s", got)
	}
}
