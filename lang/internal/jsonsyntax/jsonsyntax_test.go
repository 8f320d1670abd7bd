package jsonsyntax_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/internal/jsonsyntax"
	"github.com/leifengta/lft/lang/schema"
)

// open is a vocabulary of attributes only.
var open = schema.Block{Name: "x", Open: true}

func attribute(tb testing.TB, doc string) (jsonsyntax.File, hclsyntax.Expression) {
	tb.Helper()
	file, diags := jsonsyntax.Parse([]byte(doc), "x.json", open, false)
	if diags.HasErrors() {
		tb.Fatalf("%s: %v", doc, diags)
	}
	return file, file.Body.Attributes["a"].Expr
}

// pieces of strings that need care in one syntax or the other. (Behind a lone
// carriage return HCL looks for no interpolation, so there is none of that.)
var pieces = []string{
	`"`, `\`, "\n", "\t", "\r\n", "\b", "\u2028", "é", "😀", "$", "%", "${", "%{", "}", "$${", "%%{", "{", "x", " ", "/", "\\n", "\x7f",
	"${x}", `${upper("y")}`, "${upper(\"a\\\"b\\\\\")}", "${ [ 1,\n 2 ][0] }", "%{ if true }yes%{ else }no%{ endif }", "${\"${x}\"}", "%{ for i in [1] ~}\n${i}\n%{ endfor ~}",
	"${~ x ~}", "${~ x}", "${x ~}", "%{~ if true ~}", "%{ if false }", "%{~ else ~}", "%{ endif ~}", "  ", "\n  \n\t",
}

// TestStrings: a string of JSON means what the template it holds means, and so
// does the native text that stands in its place.
func TestStrings(t *testing.T) {
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"x": cty.StringVal("X")}}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "text"), "")
		template, diags := hclsyntax.ParseTemplate([]byte(text), "", hcl.InitialPos)
		doc, err := json.Marshal(map[string]string{"a": text})
		if err != nil {
			t.Fatal(err)
		}
		file, got := jsonsyntax.Parse(doc, "x.json", open, false)
		if diags.HasErrors() {
			return // what is no template may differ in what is said about it
		}
		if got.HasErrors() {
			t.Fatalf("%q: %v", text, got)
		}
		want, wantDiags := template.Value(ctx)
		x := file.Body.Attributes["a"].Expr
		have, haveDiags := x.Value(ctx)
		if wantDiags.HasErrors() != haveDiags.HasErrors() || !wantDiags.HasErrors() && !want.RawEquals(have) {
			t.Fatalf("%q is %#v, want %#v", text, have, want)
		}
		if len(file.Native) != len(doc) {
			t.Fatalf("native text has %d bytes, not %d", len(file.Native), len(doc))
		}
		native, diags := hclsyntax.ParseExpression(file.Native[len(`{"a":`):len(doc)-1], "", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", file.Native, diags)
		}
		if again, diags := native.Value(ctx); !diags.HasErrors() && !again.RawEquals(want) {
			t.Fatalf("native %s is %#v, want %#v", file.Native, again, want)
		}
	})
}

// TestPlaces: an expression stands where it is written.
func TestPlaces(t *testing.T) {
	doc := "{\n  \"b\": \"é\", \"a\": [\"x${ y }\",\n 12, {\"k\": \"\\u0041${z}\"}]\n}"
	file, x := attribute(t, doc)
	at := func(want string, rng hcl.Range) {
		t.Helper()
		if got := string(rng.SliceBytes([]byte(doc))); got != want {
			t.Errorf("%s: got %q, want %q", rng, got, want)
		}
	}
	at(`"a"`, file.Body.Attributes["a"].NameRange)
	if at := file.Body.Attributes["a"].NameRange.Start; at.Line != 2 || at.Column != 13 {
		t.Errorf("a stands at %v", at)
	}
	list := x.(*hclsyntax.TupleConsExpr)
	at("y", list.Exprs[0].(*hclsyntax.TemplateExpr).Parts[1].Range())
	at("12", list.Exprs[1].Range())
	item := list.Exprs[2].(*hclsyntax.ObjectConsExpr).Items[0]
	at(`"k"`, item.KeyExpr.Range())
	at(`"\u0041${z}"`, item.ValueExpr.Range())
}

// FuzzParse: no panic, and nothing that encoding/json would refuse.
func FuzzParse(f *testing.F) {
	for _, text := range pieces {
		doc, err := json.Marshal(map[string]any{"a": text, "flow": map[string]any{"f": []any{text, nil, 1.5, true}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(doc))
	}
	f.Add(`{"flow": {"f": [{"job": {"shell": {"a": {"after": ["job.b"], "dynamic": {"retry": {}}}}}}, {}]}, "//": 1}`)
	f.Add("[[[[")
	f.Add(`{"a": "\ud83d\ude00\u0024{x} \"${"b"}\""}`)
	f.Fuzz(func(t *testing.T, doc string) {
		if !utf8.ValidString(doc) {
			return // the loader refuses it first
		}
		for _, voc := range []schema.Block{schema.File(), open} {
			for _, literal := range []bool{true, false} {
				file, diags := jsonsyntax.Parse([]byte(doc), "x.json", voc, literal)
				if (file.Body == nil) != diags.HasErrors() {
					t.Fatalf("a body: %v; %v", file.Body != nil, diags)
				}
				if file.Body != nil && !json.Valid([]byte(strings.TrimPrefix(doc, "\ufeff"))) {
					t.Fatalf("%q is no JSON", doc)
				}
			}
		}
	})
}
