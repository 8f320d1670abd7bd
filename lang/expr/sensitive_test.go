package expr_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/expr"
)

// secrets are what the roots s (a text), n (a number), l, m and o hold; o.plain is
// no secret. variant changes each secret, but no type.
func secrets(variant string) map[string]cty.Value {
	text := func(s string) cty.Value { return cty.StringVal(s + variant) }
	number := cty.NumberIntVal(int64(7 + len(variant)))
	return map[string]cty.Value{
		"s": expr.MarkSensitive(text("s3cret")),
		"n": expr.MarkSensitive(number),
		"b": expr.MarkSensitive(cty.BoolVal(variant == "")),
		"l": expr.MarkSensitive(cty.ListVal([]cty.Value{text("a"), text("b")})),
		"m": expr.MarkSensitive(cty.MapVal(map[string]cty.Value{"k": text("v")})),
		"o": cty.ObjectVal(map[string]cty.Value{"plain": cty.StringVal("p"), "hidden": expr.MarkSensitive(text("h"))}),
		"e": cty.TupleVal([]cty.Value{cty.StringVal("p"), expr.MarkSensitive(text("h"))}),
		"p": cty.StringVal("public"),
		"u": expr.MarkSensitive(cty.UnknownVal(cty.String)),
		"r": cty.ListVal([]cty.Value{cty.StringVal("x"), cty.StringVal("y")}),
	}
}

func evaluate(t interface{ Fatal(args ...any) }, source string, values map[string]cty.Value) (cty.Value, *expr.Error) {
	x, err := expr.Parse(source)
	if err != nil {
		t.Fatal(source, err)
	}
	functions := maps.Clone(expr.RunTimeFunctions())
	functions["issensitive"] = expr.IsSensitiveFunction()
	e := expr.NewEvaluator(expr.Limits{Steps: 100_000, Size: 1 << 20, Types: 2_000}, functions, func(t hcl.Traversal) (cty.Value, int, *expr.Error) {
		v, ok := values[t.RootName()]
		if !ok {
			return cty.DynamicVal, 1, &expr.Error{Summary: "unknown root " + t.RootName()}
		}
		return v, 1, nil
	})
	return e.Eval(x, cty.DynamicPseudoType)
}

// masked replaces what carries the mark.
func masked(v cty.Value) cty.Value {
	v, err := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if v.IsMarked() {
			return cty.StringVal("(sensitive)"), nil
		}
		return v, nil
	})
	if err != nil {
		panic(err)
	}
	return v
}

func TestSensitive(t *testing.T) {
	for _, tc := range []struct {
		source string
		want   bool // the value as a whole carries the mark
		parts  bool // or a part of it
	}{
		{`p`, false, false},
		{`s`, true, true},
		{`"x-${s}"`, true, true},
		{`"%{ for x in l }${x}%{ endfor }"`, true, true},
		{`"%{ if b }x%{ endif }"`, true, true},
		{`s == "x"`, true, true},
		{`[s] == ["x"]`, true, true},
		{`-n + 1`, true, true},
		{`!b`, true, true},
		{`b && true`, true, true},
		{`false && b`, true, true},
		{`b ? "x" : "y"`, true, true},
		{`p == "public" ? p : s`, true, true},
		{`[s, p]`, false, true},
		{`[s, p][1]`, false, false},
		{`{ a = s }`, false, true},
		{`{ (s) = 1 }`, true, true},
		{`o`, false, true},
		{`o.plain`, false, false},
		{`o.hidden`, true, true},
		{`m.k`, true, true},
		{`l[0]`, true, true},
		{`r[n - n]`, true, true},
		{`{ a = 1 }[b ? "a" : "a"]`, true, true},
		{`[for x in l : "c"]`, true, true},
		{`[for x in e : x]`, false, true},
		{`[for x in r : x if b]`, true, true},
		{`{ for x in r : "${x}${s}" => 1 }`, true, true},
		{`{ for x in r : x => s }`, false, true},
		{`l[*]`, true, true},
		{`e[*]`, false, true},
		{`s[*]`, true, true},
		{`toset(e)`, true, true},
		{`tolist(e)`, false, true},
		{`upper(s)`, true, true},
		{`join("", [p, s])`, true, true},
		{`concat(l, r)`, true, true},
		{`max([n]...)`, true, true},
		{`jsonencode({ a = s })`, true, true},
		{`length(l)`, true, true},
		{`keys({ a = s })`, false, false},
		{`try(s, p)`, true, true},
		{`try(p.x, s)`, true, true},
		{`try(u, p)`, true, true},
		{`b ? u : p`, true, true},
		{`u`, true, true},
		{`"${u}"`, true, true},
		{`upper(u)`, true, true},
		{`sensitive(p)`, true, true},
		{`nonsensitive(s)`, false, false},
		{`"${nonsensitive(s)}"`, false, false},
		{`nonsensitive(p)`, false, false},
		{`issensitive(s)`, false, false},
	} {
		t.Run(tc.source, func(t *testing.T) {
			v, err := evaluate(t, tc.source, secrets(""))
			if err != nil {
				t.Fatal(err)
			}
			if got := v.IsMarked(); got != tc.want {
				t.Errorf("marked: got %v, want %v: %#v", got, tc.want, v)
			}
			if got := expr.IsSensitive(v); got != tc.parts {
				t.Errorf("a part marked: got %v, want %v: %#v", got, tc.parts, v)
			}
		})
	}
}

// TestFaultsKeepSecrets: what fails on a secret does not quote it.
func TestFaultsKeepSecrets(t *testing.T) {
	for _, source := range []string{
		`parseint(s, 10)`, `formatdate(s, p)`, `formatdate(p, s)`, `jsondecode(s)`, `timeadd(s, "1h")`, `base64decode(s)`, `s + 1`, `s ? 1 : 2`, `{ for x in [1, 2] : s => x }`,
		`r[s]`, `o[s]`, `m[s]`, `tonumber(s)`, `tobool(s)`, `s.x`, `[for x in s : x]`, `upper(s...)`, `max(l...)`, `one(concat(l, r))`,
	} {
		v, err := evaluate(t, source, secrets(""))
		switch {
		case err == nil:
			t.Errorf("%s: no fault, but %#v", source, v)
		case strings.Contains(err.Error(), "s3cret"):
			t.Errorf("%s: %v", source, err)
		}
	}
}

// TestNonInterference: what carries no mark does not depend on secrets. Whether
// try and can meet a fault does, as in Terraform, so they are left out.
func TestNonInterference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := expression(t, rapid.IntRange(1, 3).Draw(t, "depth"))
		first, err := evaluate(t, source, secrets(""))
		if err != nil {
			if strings.Contains(err.Error(), "defect of lft") || strings.Contains(err.Error(), "s3cret") {
				t.Fatalf("%s: %v", source, err)
			}
			return
		}
		second, err := evaluate(t, source, secrets("-other"))
		if err != nil {
			return
		}
		if a, b := masked(first), masked(second); !a.RawEquals(b) {
			t.Fatalf("%s shows a secret:\n%#v\n%#v", source, first, second)
		}
	})
}

// expression draws one that often has a value.
func expression(t *rapid.T, depth int) string {
	leaves := []string{"s", "n", "b", "l", "m", "o", "e", "p", "r", "1", `"x"`, "true", "o.plain", "o.hidden", "m.k", "l[0]", "e[1]"}
	if depth == 0 {
		return rapid.SampledFrom(leaves).Draw(t, "leaf")
	}
	one := func() string { return expression(t, depth-1) }
	two := func(format string) string { return strings.NewReplacer("A", one(), "B", one()).Replace(format) }
	return two(rapid.SampledFrom([]string{
		"A", "A", "(A == B)", "(A != B)", "(A + B)", "(A * B)", "(A > B)", "(A && B)", "(A || B)", "(!A)", "(-A)", "(A ? B : B)", "(b ? A : B)", "(true ? A : B)",
		`"${A}-${B}"`, `"%{ for x in A }${x}%{ endfor }"`, `"%{ if A }x%{ endif }"`, "[A, B]", "{ a = A, b = B }", "{ (A) = B }", "A[B]", "[A, B][0]", "{ a = A }.a",
		"[for x in A : x]", "[for x in A : B]", "[for k, x in A : k]", "{ for k, x in A : k => x }", "[for x in A : x if B]", "{ for x in A : x => x... }", "A[*]", "A[*].a",
		"upper(A)", "length(A)", "keys(A)", "values(A)", "tolist(A)", "toset(A)", "tomap(A)", "tostring(A)", "concat(A, B)", "merge(A, B)", "lookup(A, B)", "contains(A, B)", "jsonencode(A)",
		"coalesce(A, B)", "flatten(A)", "distinct(A)", "reverse(A)", "sort(A)", "zipmap(A, B)", "element(A, 0)", "join(A, B)", "format(A, B)", "one(A)", "index(A, B)", "sum(A)",
		"setunion(A, B)", "setsubtract(A, B)", "chunklist(A, 1)", "slice(A, 0, 1)", "compact(A)", "max(A...)", "split(A, B)", "sensitive(A)", "md5(A)",
	}).Draw(t, "form"))
}
