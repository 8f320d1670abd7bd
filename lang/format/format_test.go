package format_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/format"
)

func TestSource(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		{"empty", "", ""},
		{"spaces", "a=1\nbcd  =   2\n", "a   = 1\nbcd = 2\n"},
		{"blocks", "flow   \"x\"{\njob \"shell\" \"a\"  {\ncommand=[\"a\",\"b\"]   # why\n}\n}\n", "flow \"x\" {\n  job \"shell\" \"a\" {\n    command = [\"a\", \"b\"] # why\n  }\n}\n"},
		{"heredoc", "a = <<-EOT\n  x  ${ b }\n    EOT\n", "a = <<-EOT\n  x  ${b}\n    EOT\n"},
		{"no last line break", "a=1", "a = 1"},
		{"comments", "#x\n//y\n/* z */ a=1\n", "#x\n//y\n/* z */ a = 1\n"},
	} {
		got, err := format.Source([]byte(tc.src), "x.hcl")
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %q, %v, want %q", tc.name, got, err, tc.want)
		}
	}
}

func TestSourceRefuses(t *testing.T) {
	for _, tc := range []struct{ src, want string }{
		{"a = \n", "x.hcl:1,5: Invalid expression"},
		{"a {\n", "x.hcl:1,"},
		{"a = " + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "\n", "x.hcl:1: nested too deep"},
		{strings.Repeat("#", format.MaxFile+1), "more than 1048576"},
	} {
		got, err := format.Source([]byte(tc.src), "x.hcl")
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.40q: got %.40q, %v, want %q", tc.src, got, err, tc.want)
		}
	}
}

// TestExamplesAreFormatted: what we show is laid out as we say.
func TestCompareTokens(t *testing.T) {
	for _, c := range []struct {
		src, layout string
		same, exact bool
	}{
		{"a=1\n", "a = 1\n", true, true},
		{"a = 1 # why  \n", "a = 1 # why\n", true, false},
		{"a = 1\r\n", "a = 1\n", true, true},
		{"a = <<-X\n  b\n    X\n", "a = <<-X\n  b\nX\n", true, true},
		{"a = b c\n", "a = bc\n", false, false},
		{"a = - -1\n", "a = --2\n", false, false},
		{"a = \" b\"\n", "a = \"b\"\n", false, false},
		{"a = \"b \"\n", "a = \"b\"\n", false, false},
		{"a = <<X\n  b\nX\n", "a = <<X\nb\nX\n", false, false},
		{"a = 1\nb = 2\n", "a = 1 b = 2\n", false, false},
		{"a = 1 # b\n", "a = 1\n", false, false},
		{"a = 1\nb = 2\n", "a = 1\n", false, false},
		{"a = 1\n", "a = 1\nb = 2\n", false, false},
	} {
		if same, exact := format.CompareTokens([]byte(c.src), []byte(c.layout)); same != c.same || exact != c.exact {
			t.Errorf("%q laid out as %q: same is %t, exact %t", c.src, c.layout, same, exact)
		}
	}
}

func TestExamplesAreFormatted(t *testing.T) {
	names, err := filepath.Glob("../../examples/*/*.hcl")
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := format.Source(src, name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(src), string(got)); diff != "" {
			t.Errorf("%s (-file +formatted):\n%s", name, diff)
		}
	}
}

func TestExpression(t *testing.T) {
	for _, tc := range []struct{ src, want string }{
		{`param.day`, `param.day`},
		{`job.s [ "k" ] . output.x`, `job.s["k"].output.x`},
		{`a+b*- c`, `a + b * -c`},
		{`! a&&b`, `!a && b`},
		{`- a`, `-a`},
		{`a - -b`, `a - -b`},
		{`f( a,b ... )`, `f(a, b...)`},
		{`[ 1,2 , 3, ]`, `[1, 2, 3,]`},
		{`{a=1,b=2}`, `{ a = 1, b = 2 }`},
		{"{\n  a = 1 # one\n\n  b : 2,\n  /* c */ c=3\n}", `{ a = 1, b : 2, c = 3 }`},
		{"{}", `{}`},
		{"{\n}", `{}`},
		{`c?1:2`, `c ? 1 : 2`},
		{"(\n  a\n  + b // why\n)", `(a + b)`},
		{`[for k,v in(m):v if(k!="")]`, `[for k, v in (m) : v if (k != "")]`},
		{"{for k, v in m:\n k=>v...}", `{ for k, v in m : k => v... }`},
		{`"a  ${ b+c }  %{ if x }y%{ endif~}"`, `"a  ${b + c}  %{if x}y%{endif~}"`},
		{`"${f( "x" )}"`, `"${f("x")}"`},
		{`a[*].b`, `a[*].b`},
		{`a.*.b`, `a.*.b`},
		{`a.0`, `a.0`},
		{`(a)(b)`, `(a)(b)`},
		{"<<-EOT\n   x ${ a+b }\n  EOT\n", "<<-EOT\n   x ${a + b}\n  EOT"},
		{"{\n a = <<EOT\nx\nEOT\n b = 2\n}", "{ a = <<EOT\nx\nEOT\nb = 2 }"},
		{"f(<<EOT\nx\nEOT\n, 1)", "f(<<EOT\nx\nEOT\n, 1)"},
		{`core::upper(a)`, `core::upper(a)`},
	} {
		got := format.Expression(tc.src)
		if got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.src, got, tc.want)
		}
		if again := format.Expression(got); again != got {
			t.Errorf("%q: a second time %q", got, again)
		}
	}
}

// shape prints a syntax tree without places.
func shape(src string) (string, bool) {
	if hugeNumber.MatchString(src) {
		return "", false // it takes minutes to write such a number out; expr refuses it by its exponent
	}
	x, diags := hclsyntax.ParseExpression([]byte(src+"\n"), "", hcl.InitialPos)
	if diags.HasErrors() {
		return "", false
	}
	var b strings.Builder
	diags = hclsyntax.Walk(x, walker{&b})
	return b.String(), !diags.HasErrors()
}

type walker struct{ b *strings.Builder }

func (w walker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case *hclsyntax.LiteralValueExpr:
		w.b.WriteString(n.Val.GoString())
	case *hclsyntax.ScopeTraversalExpr:
		for _, step := range n.Traversal {
			switch step := step.(type) {
			case hcl.TraverseRoot:
				w.b.WriteString(" " + step.Name)
			case hcl.TraverseAttr:
				w.b.WriteString("." + step.Name)
			case hcl.TraverseIndex:
				w.b.WriteString("[" + step.Key.GoString())
			}
		}
	case *hclsyntax.FunctionCallExpr:
		w.b.WriteString(n.Name)
		if n.ExpandFinal {
			w.b.WriteString("...")
		}
	case *hclsyntax.ForExpr:
		w.b.WriteString("for " + n.KeyVar + "," + n.ValVar)
	case *hclsyntax.BinaryOpExpr:
		w.b.WriteString(n.Op.Type.FriendlyName())
	case *hclsyntax.ObjectConsKeyExpr:
		w.b.WriteString("key " + hcl.ExprAsKeyword(n.Wrapped))
	case *hclsyntax.ParenthesesExpr:
		w.b.WriteString("paren")
	case *hclsyntax.ConditionalExpr:
		w.b.WriteString("cond")
	case *hclsyntax.TupleConsExpr:
		w.b.WriteString("tuple")
	case *hclsyntax.TemplateExpr:
		w.b.WriteString("template")
	}
	w.b.WriteString("(")
	return nil
}

func (w walker) Exit(hclsyntax.Node) hcl.Diagnostics {
	w.b.WriteString(")")
	return nil
}

func expressions() []string {
	return []string{
		`a`, `["/bin/x", "-d", param.day]`, `upper(job.a.output.x) > 0 && b ? [1, 2][0] : "x"`, `job.s["k"].output.x`, `{ a = 1, "b" = [for k, v in x : v if v != null], (c) = 2 }`, "{\n a = 1\n b = <<EOT\n x ${y}\nEOT\n c = 3,\n}", `f(a, b...)`,
		"<<-EOT\n  %{ for x in y ~}\n   ${x}\n  %{ endfor ~}\n  EOT\n", `"$${a} %%{b} ${"n ${m}"}"`, `a ? b : c ? d : e`, "(\n a\n && !b\n)", `-a - -1`, `a[*].b.*.c[0]`, `{ for k in x : k => k... }`, "[\n # c\n 1,\n 2\n]",
		"{ a = { b = 1\n c = 2 }\n d = [1] }", `"a" == b || c`, `a.0.b`, `"\u00e9\"\\n"`, `x["${y}"]`, "{/*c*/a=1/*d*/\n/*e*/b=2}",
	}
}

var hugeNumber = regexp.MustCompile(`[eE][+-]?[0-9]{4}`)

// FuzzExpression: the one form means the same and is its own form.
func FuzzExpression(f *testing.F) {
	for _, src := range expressions() {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 2000 || strings.HasPrefix(src, "\ufeff") {
			return
		}
		tokens, diags := hclsyntax.LexExpression([]byte(src+"\n"), "", hcl.InitialPos)
		if diags.HasErrors() {
			return
		}
		if _, deep := format.File().Check(tokens, false); deep {
			return
		}
		before, ok := shape(src)
		if !ok {
			return
		}
		got := format.Expression(src)
		if slow := format.Normalize(src); slow != got {
			t.Fatalf("%q became %q at a glance, and %q by tokens", src, got, slow)
		}
		after, ok := shape(got)
		if !ok || before != after {
			t.Fatalf("%q became %q:\n%s\n%s", src, got, before, after)
		}
		if again := format.Expression(got); again != got {
			t.Fatalf("%q became %q and then %q", src, got, again)
		}
	})
}

func files() []string {
	list := []string{
		"", "a = 1\n", "flow \"x\" {\n  job \"shell\" \"a\" {\n    command = [\"a\", \"${b.c}\"]\n  }\n}\n", "a = <<EOT\n${x}\nEOT\n", "a = \"\\\"\"\n", "# \"\n// {\n/* [ */ a = 1\n",
		"a = \"$${ x }\"\n", "a = \"%{if x}y%{endif}\"\n", "a = { for k, v in x :\n k =>\n v }\n", "a = \"x\ny\"\n", "a = '\n", "a = \"$$${x}\"\n", "a = (\n1 +\n2)\n",
	}
	for _, x := range expressions() {
		list = append(list, "a = "+x+"\n")
	}
	for _, pair := range []string{"[]", "()", "{}"} {
		list = append(list, "a = "+strings.Repeat(pair[:1], 250)+strings.Repeat(pair[1:], 250)+"\n")
	}
	return append(list,
		"a = "+strings.Repeat("!", 5000)+"b\n", "a = "+strings.Repeat("-", 5000)+"1\n", "a = "+strings.Repeat("b ? 1 : ", 3000)+"2\n", "a = b"+strings.Repeat("[c]", 5000)+"\n",
		"a = "+strings.Repeat("\"${", 250)+strings.Repeat("}\"", 250)+"\n", "a = \""+strings.Repeat("%{if x}", 5000)+"\"\n", strings.Repeat("a {\n", 250)+strings.Repeat("}\n", 250),
		"a = [for k in x : {for k in x : k =>\n"+strings.Repeat("!\n", 5000)+"k}]\n", "a = ("+strings.Repeat("!\n", 5000)+"b)\n")
}

// FuzzShallow: the fast look at bytes never calls shallow what tokens show to be
// deep, and neither look panics.
func FuzzShallow(f *testing.F) {
	for _, src := range files() {
		f.Add([]byte(src))
	}
	small := format.Nesting{Levels: 3, Depth: 12}
	f.Fuzz(func(t *testing.T, src []byte) {
		tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
		for _, n := range []format.Nesting{format.File(), small} {
			if _, deep := n.Check(tokens, true); deep && n.Shallow(src) {
				t.Fatalf("%+v: %q is deep", n, src)
			}
		}
	})
}

// TestDeep: each way to nest without end is seen, and what people write is not.
func TestDeep(t *testing.T) {
	for _, src := range files() {
		tokens, _ := hclsyntax.LexConfig([]byte(src), "", hcl.InitialPos)
		if _, deep := format.File().Check(tokens, true); deep != (len(src) > 400) {
			t.Errorf("%.60q (%d bytes): deep is %v", src, len(src), deep)
		}
	}
	long := strings.Repeat("job \"shell\" \"a\" {\n  command = [\"a\", \"b-${c.d}\"]\n  env = { A = 1 - 2, B = !x }\n}\n", 2000)
	if !format.File().Shallow([]byte(long)) {
		t.Error("a long file is not seen to be shallow at once")
	}
}

// FuzzSource: formatting twice is formatting once, and changes no token.
func FuzzSource(f *testing.F) {
	f.Add([]byte("A=0 .0"))
	for _, src := range files() {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		once, err := format.Source(src, "x.hcl")
		if err != nil {
			return
		}
		if diff := cmp.Diff(lexed(src), lexed(once)); diff != "" {
			t.Fatalf("%q became %q:\n%s", src, once, diff)
		}
		twice, err := format.Source(once, "x.hcl")
		if err != nil || string(twice) != string(once) {
			t.Fatalf("%q became %q and then %q, %v", src, once, twice, err)
		}
	})
}

// lexed lists the tokens of a text, spaces around them left out where they mean nothing.
func lexed(src []byte) []string {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	list := make([]string, len(tokens))
	for i, token := range tokens {
		text := token.Bytes
		if token.Type != hclsyntax.TokenQuotedLit && token.Type != hclsyntax.TokenStringLit {
			text = bytes.TrimSpace(text)
		}
		list[i] = token.Type.String() + " " + string(text)
	}
	return list
}
