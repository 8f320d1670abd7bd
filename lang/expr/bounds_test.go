package expr_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
)

// nest wraps x depth times.
func nest(depth int, before, x, after string) string {
	return strings.Repeat(before, depth) + x + strings.Repeat(after, depth)
}

// bombs are short texts that ask for much. Each must end at once, in an error or
// not, without much memory.
func bombs() map[string]string {
	twice := func(n int) string {
		s := "param.big"
		for range n {
			s = `"${` + s + `}${` + s + `}"`
		}
		return s
	}
	return map[string]string{
		"replace eight deep":     nest(8, "replace(", "param.p", `, "a", "aaaaaaaaaa")`),
		"replace all with big":   `replace(param.big, "x", param.big)`,
		"replace nothing":        `replace(param.big, "", param.big)`,
		"templates of templates": twice(5),
		"join on big":            `join(param.big, split("", param.big))`,
		"loops in loops":         `[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : c]]]`,
		"loop of strings":        `[for a in range(1000) : param.big]`,
		"format width":           `format("%1000000000d", 1)`,
		"format precision":       `format("%.1000000000f", 1)`,
		"format the same often":  `format("` + strings.Repeat("%[1]s", 1000) + `", param.big)`,
		"formatlist":             `formatlist("%s%s", split("", param.big), param.big)`,
		"indent":                 `indent(60000, replace(param.big, "x", "\n"))`,
		"number of many digits":  `"${1e1000000}"`,
		"number by powers":       `"${` + strings.TrimSuffix(strings.Repeat("1e300*", 20), "*") + `}"`,
		"tiny number":            `"${1e-1000000}"`,
		"pow":                    `"${pow(10, 308) * pow(10, 308)}"`,
		"parseint":               `parseint(replace(param.big, "x", "9"), 10)`,
		"distinct":               `distinct(split("", param.big))`,
		"different types":        `true ? [for i in range(1000) : i % 2 == 0 ? null : (i % 3 == 0 ? tolist([i]) : tolist(["a"]))] : [1]`,
		"expansion":              `max(split("", param.big)...)`,
		"jsonencode of itself":   nest(12, "jsonencode(", `"\"\\"`, ")"),
		"jsondecode deep":        `jsondecode("` + strings.Repeat("[", 4000) + strings.Repeat("]", 4000) + `")`,
		"jsondecode of zeros":    `jsondecode(format("[%s0]", replace(param.big, "x", "0,")))`,
		"parentheses":            nest(4000, "(", "1", ")"),
		"brackets":               nest(4000, "[", "", "]"),
		"braces":                 nest(1000, "{a=", "1", "}"),
		"calls":                  nest(1300, "abs(", "1", ")"),
		"quotes":                 nest(1000, `"${`, "1", `}"`),
		"directives":             nest(400, "%{if true}", "", "%{endif}"),
		"not":                    strings.Repeat("!", 8000) + "true",
		"minus":                  strings.Repeat("-", 8000) + "1",
		"conditionals":           strings.Repeat("true?1:", 1000) + "1",
		"sums":                   strings.Repeat("1+", 4000) + "1",
		"indexes":                "param.l" + strings.Repeat("[0]", 2000),
		"computed indexes":       "param.l" + strings.Repeat("[param.n]", 700),
		"splats":                 "param.l" + strings.Repeat("[*]", 2000),
		"dots":                   "param.l" + strings.Repeat(".a", 4000),
		"too long":               strings.Repeat("1 +", 5000) + "1",
		"trim":                   `trim(replace(param.big, "x", "é"), replace(param.big, "x", "è"))`,
		"unterminated":           strings.Repeat(`"${`, 50),
		"title":                  nest(20, "title(", "param.big", ")"),
		"setunion":               `setunion([for i in range(500) : toset(range(1000))]...)`,
		"merge":                  `merge([for i in range(900) : {(tostring(i)) = param.big}]...)`,
		"zipmap":                 `zipmap(split("", param.big), split("", param.big))`,
		"chunklist":              `chunklist(split("", param.big), 1)`,
		"cron_next often":        `[for i in range(1000) : cron_next("0 2 29 2 *", "2026-01-02T00:00:00Z", "Europe/Berlin")]`,
		"in_zone often":          `[for i in range(1000) : in_zone("2026-01-02T00:00:00Z", "Europe/Berlin")]`,
		"cidrsubnets":            `cidrsubnets("::/0", [for i in range(1000) : 32]...)`,
		"transpose":              `transpose({for i in range(1000) : "${i}${param.big}" => split("", param.big)})`,
		"matchkeys":              `matchkeys(split("", param.big), split("", param.big), split("", param.big))`,
		"nul and marks":          "\"\x00\u202e\"",
		"invalid":                "\xff\xfe",
	}
}

func bombScope() expr.Scope {
	big, err := json.Marshal(strings.Repeat("x", 60_000))
	if err != nil {
		panic(err)
	}
	return expr.Scope{Params: map[string]json.RawMessage{
		"p": json.RawMessage(`"aaaaaaaaaa"`), "big": big, "n": json.RawMessage("0"), "l": json.RawMessage("[[[[[1]]]]]"),
	}}
}

const (
	// One evaluation touches its source, its values and its steps a few times.
	mostAllocated = 128 << 20
	mostResult    = 8 * expr.MaxValue // JSON escapes make six bytes of one
)

func TestBombs(t *testing.T) {
	for name, source := range bombs() {
		t.Run(name, func(t *testing.T) {
			got, err := bounded(t, source)
			if len(got) > mostResult {
				t.Errorf("the result has %d bytes", len(got))
			}
			if err != nil && strings.Contains(err.Error(), "defect") {
				t.Error(err)
			}
		})
	}
}

func TestBombsAreRefused(t *testing.T) {
	for _, name := range []string{
		"replace eight deep", "templates of templates", "loops in loops", "format width", "number of many digits", "parentheses", "not", "quotes", "directives",
		"too long", "join on big", "loop of strings", "formatlist", "computed indexes", "splats",
		"cron_next often", "in_zone often", "matchkeys",
	} {
		if got, err := bounded(t, bombs()[name]); err == nil {
			t.Errorf("%s: got %.40s", name, got)
		}
	}
}

func bounded(tb testing.TB, source string) (json.RawMessage, error) {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := expr.Eval(&spec.Value{Expr: source}, nil, bombScope())
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > mostAllocated {
		tb.Errorf("%.60s: %d MiB allocated", source, n>>20)
	}
	return got, err
}

// TestTryDoesNotHideLimits: else a bomb could be set off again and again.
func TestTryDoesNotHideLimits(t *testing.T) {
	for _, source := range []string{`try(join(param.big, split("", param.big)), "x")`, `can(join(param.big, split("", param.big)))`, `true ? 1 : length(join(param.big, split("", param.big)))`} {
		if got, err := bounded(t, source); err == nil {
			t.Errorf("%s: got %s", source, got)
		}
	}
}

// TestBoundsHold checks the promise of every Bound on arguments that exist: what
// a function makes is never larger than what it announced.
func TestBoundsHold(t *testing.T) {
	text := cty.StringVal("aé<&>\"\\ x\x01,a=%5d%q")
	list := cty.ListVal([]cty.Value{text, cty.StringVal("b"), cty.StringVal("")})
	number := cty.NumberFloatVal(1.0 / 3)
	values := []cty.Value{
		text, list, number, cty.NumberIntVal(2), cty.NumberIntVal(-7), cty.True, cty.StringVal(""), cty.StringVal(","), cty.StringVal("YYYY-MM-DD'T'hh:mm ZZZ"),
		cty.StringVal("2026-01-02T03:04:05+08:00"), cty.StringVal("1h"), cty.StringVal("%s|%v|%#v|%8q"), cty.StringVal(`{"a":[1,2,{"b":null}]}`), cty.StringVal("ff"), cty.NumberIntVal(16),
		cty.ObjectVal(map[string]cty.Value{"a": text, "b": number}), cty.MapVal(map[string]cty.Value{"k": text}), cty.TupleVal([]cty.Value{number, text}), cty.SetVal([]cty.Value{text}),
		cty.ListVal([]cty.Value{cty.Zero, number}), cty.ListVal([]cty.Value{cty.True}), cty.StringVal(strings.Repeat("ß\n", 30)),
	}
	called := map[string]int{}
	try := func(name string, f expr.Function, args []cty.Value) {
		size := 0
		for _, arg := range args {
			size += expr.Size(arg, 1<<30)
		}
		bound := size
		if f.Bound != nil {
			var err error
			if bound, err = f.Bound(args, size); err != nil {
				return
			}
		}
		got, err := f.Impl.Call(args)
		if err != nil || !got.IsWhollyKnown() {
			return
		}
		called[name]++
		if made := expr.Size(got, 1<<30); made > bound {
			t.Errorf("%s%s made %d bytes and had announced %d", name, fmt.Sprint(args), made, bound)
		}
	}
	for name, f := range expr.RunTimeFunctions() {
		for _, args := range append(argumentLists(f.Impl, values), particular()[name]...) {
			try(name, f, args)
		}
		if called[name] == 0 {
			t.Errorf("%s was never called with success", name)
		}
	}
}

// particular are arguments of functions that few values suit.
func particular() map[string][][]cty.Value {
	str, num := cty.StringVal, cty.NumberIntVal
	net, v6 := str("10.0.0.0/8"), str("fd00:1234:5678::/48")
	then, zone := str("2026-03-29T02:30:00.123456789+08:45"), str("America/Argentina/ComodRivadavia")
	return map[string][][]cty.Value{
		"cidrcontains": {{net, str("10.1.1.1")}},
		"cidrhost":     {{net, num(3)}, {v6, num(-1)}},
		"cidrnetmask":  {{net}},
		"cidrsubnet":   {{net, num(8), num(255)}, {v6, num(80), num(1)}},
		"cidrsubnets":  {{net, num(1), num(2), num(3)}, {v6, num(32), num(31), num(30), num(29)}},
		"cron_next":    {{str("0 2 * * *"), then, zone}},
		"date_add":     {{then, num(-1), str("months"), zone}, {then, num(1), str("hour")}},
		"date_trunc":   {{then, str("week"), zone}, {then, str("hour")}},
		"in_zone":      {{then, zone}},
		"lookup":       {{cty.MapVal(map[string]cty.Value{"k": str("v")}), str("k")}, {cty.EmptyObjectVal, str("k"), str("some default")}},
		"transpose": {{cty.MapVal(map[string]cty.Value{
			"some long key": cty.ListVal([]cty.Value{str("a"), str("b"), str("c")}), "k": cty.ListVal([]cty.Value{str("a")}),
		})}},
		"uuidv5": {{str("dns"), str("example.org")}},
	}
}

// mostLists bounds what is combined, for functions of many parameters.
const mostLists = 20_000

// argumentLists combines the values that fit the parameters.
func argumentLists(f function.Function, values []cty.Value) [][]cty.Value {
	params := f.Params()
	if rest := f.VarParam(); rest != nil {
		params = append(params, *rest, *rest)
	}
	lists := [][]cty.Value{nil}
	for _, p := range params {
		var longer [][]cty.Value
		for _, list := range lists {
			for _, v := range values {
				e := expr.NewEvaluator(expr.RunTime(), nil, nil)
				fitted, err := e.Eval(&hclsyntax.LiteralValueExpr{Val: v}, p.Type)
				if err == nil && len(longer) < mostLists {
					longer = append(longer, append(list[:len(list):len(list)], fitted))
				}
			}
		}
		lists = longer
	}
	return lists
}

// TestSameAsHCL compares our evaluator with HCL's own on what both can do.
func TestSameAsHCL(t *testing.T) {
	vars := map[string]cty.Value{
		"s": cty.StringVal("héllo"), "n": cty.NumberIntVal(3), "f": cty.NumberFloatVal(1.5), "b": cty.True, "z": cty.NullVal(cty.DynamicPseudoType),
		"l": cty.ListVal([]cty.Value{cty.StringVal("x"), cty.StringVal("y")}), "t": cty.TupleVal([]cty.Value{cty.Zero, cty.StringVal("q")}),
		"o": cty.ObjectVal(map[string]cty.Value{"a": cty.NumberIntVal(1), "l": cty.ListVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"k": cty.StringVal("v")})})}),
		"m": cty.MapVal(map[string]cty.Value{"k": cty.StringVal("v")}), "e": cty.ListValEmpty(cty.String),
		"us": cty.UnknownVal(cty.String), "ul": cty.UnknownVal(cty.List(cty.Number)), "uo": cty.UnknownVal(cty.Object(map[string]cty.Type{"a": cty.Number})), "ub": cty.UnknownVal(cty.Bool),
	}
	functions := map[string]function.Function{}
	for name, f := range expr.RunTimeFunctions() {
		functions[name] = f.Impl
	}
	names := []string{"s", "n", "f", "b", "z", "l", "t", "o", "m", "e", "us", "ul", "uo", "ub"}
	var sources []string
	for _, a := range names {
		for _, form := range []string{"%s", "-%s", "!%s", `"<${%s}>"`, "%s[0]", "%s.a", `%s["k"]`, "%s[*]", "%s.*.k", "%s.l[*].k", "[for v in %s : v]", "{for k, v in %s : k => v}", "{for k, v in %s : v => k...}", "[for v in %s : v if v != null]", "length(%s)", "upper(%s)", "keys(%s)", "jsonencode(%s)", "{%[1]s = %[1]s}", "(%s)", "[%s]", "%s == null", `"%%{if %s}y%%{endif}"`, `"%%{for x in %s}-${x}%%{endfor}"`} {
			sources = append(sources, fmt.Sprintf(form, a))
		}
		for _, b := range names {
			for _, form := range []string{"%s + %s", "%s == %s", "%s < %s", "%s && %s", "%s || %s", "b ? %s : %s", "false && %s || %s", "b ? %s : 1 + %s", "b ? %s : \"<${%s}>\"", "lookup(%s, %s)", "matchkeys(%[1]s, %[1]s, %[2]s)", "ub ? %s : %s", "%s[%s]", "[%s, %s]", "%s %% %s"} {
				sources = append(sources, fmt.Sprintf(form, a, b))
			}
		}
	}
	resolve := func(tr hcl.Traversal) (cty.Value, int, *expr.Error) {
		v, ok := vars[tr.RootName()]
		if !ok {
			return cty.DynamicVal, 1, &expr.Error{Summary: "unknown"}
		}
		return v, 1, nil
	}
	for _, source := range sources {
		x, diags := hclsyntax.ParseExpression([]byte(source), "", hcl.InitialPos)
		if diags.HasErrors() {
			continue
		}
		want, diags := x.Value(&hcl.EvalContext{Variables: vars, Functions: functions})
		got, err := expr.NewEvaluator(expr.RunTime(), expr.RunTimeFunctions(), resolve).Eval(x, cty.DynamicPseudoType)
		switch {
		case diags.HasErrors() != (err != nil):
			if !stricter(source) {
				t.Errorf("%s: HCL says %v (%#v), we say %v (%#v)", source, diags, want, err, got)
			}
		case err == nil && want.IsWhollyKnown() && got.IsKnown() && !got.RawEquals(want):
			t.Errorf("%s: HCL makes %#v, we make %#v", source, want, got)
		case err == nil && !got.Type().Equals(want.Type()) && got.Type() != cty.DynamicPseudoType && want.Type() != cty.DynamicPseudoType:
			t.Errorf("%s: HCL gives type %#v, we give %#v", source, want.Type(), got.Type())
		}
	}
}

// stricter lists where we refuse by type what HCL lets pass until the value is
// known, and null, which HCL takes for false on one side of && and not of ||.
func stricter(source string) bool {
	for _, form := range []string{"z && ", " && z", "z || ", " || z"} {
		if strings.Contains(source, form) {
			return true
		}
	}
	for _, form := range []string{`"<${ul}>"`, `"<${uo}>"`, `"%{if ul}y%{endif}"`, `"%{if uo}y%{endif}"`} {
		if source == form {
			return true
		}
	}
	return false
}

func FuzzEval(f *testing.F) {
	for _, source := range bombs() {
		f.Add(source)
	}
	for name := range expr.RunTimeFunctions() {
		f.Add(name + `(param.big, param.l, 1, "a")`)
	}
	f.Add(`[for k, v in param.l : "${k}=${v}" if k != null]`)
	f.Add(`<<-EOT` + "\n  %{ for x in param.l ~}\n ${x}\n  %{ endfor ~}\nEOT\n")
	f.Fuzz(func(t *testing.T, source string) {
		got, err := bounded(t, source)
		if len(got) > mostResult {
			t.Errorf("the result has %d bytes", len(got))
		}
		if err != nil && strings.Contains(err.Error(), "defect") {
			t.Error(err)
		}
	})
}
