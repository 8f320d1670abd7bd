package lang_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang"
)

// TestSyntax: what keeps a file from being read is shown where the fault was
// made, once.
func TestSyntax(t *testing.T) {
	for name, one := range map[string]struct {
		src  string
		want []string // line,column-column summary
	}{
		"a quote that is not closed":  {"a = \"x\nb = \"y\"\nc {\n}\n", []string{"1,5-7 Unclosed quote"}},
		"a quote that is not opened":  {"flow a\" {\n  d = \"x\"\n}\n", []string{"1,7-10 Unclosed quote"}},
		"a quote that the file ends":  {"a = \"x", []string{"1,5-7 Unclosed quote"}},
		"an interpolation":            {"a = \"${var.x\"\nb = \"y\"\n", []string{"1,6-8 Unclosed template interpolation sequence"}},
		"what is before it stays":     {"a = 'x'\nb = \"y\nc = \"z\n", []string{"1,5-6 Invalid character", "2,5-7 Unclosed quote"}},
		"a heredoc":                   {"a = <<-EOT\n  \"${b}\n  EOTX\n", []string{"1,5-11 Unclosed heredoc"}},
		"a heredoc behind another":    {"a = <<A\nx\nA\nb = <<B\nx\n", []string{"4,5-8 Unclosed heredoc"}},
		"a heredoc with a blank":      {"a = <<EOT  \nx\nEOT\n", []string{"1,5-6 Invalid expression"}},
		"a comment":                   {"a = 1\n/* b = 2\n", []string{"2,1-2 Unclosed comment"}},
		"a brace":                     {"a {\n}\n}\n", []string{"3,1-2 Nothing to close"}},
		"a bracket":                   {"a {\n  b = [1\n}\n", []string{"3,1-2 Missing item separator"}},
		"a merge":                     {"a = 1\n<<<<<<< HEAD\nb = 1\n=======\nb = 2\n>>>>>>> x\n", []string{"2,1-8 A merge is not finished"}},
		"two faults that are two":     {"a = 'x'\nb = ;\n", []string{"1,5-6 Invalid character", "2,5-6 Invalid character"}},
		"JSON says it in its own way": {"{", []string{"1,2-2 Invalid JSON"}},
	} {
		file := "main.hcl"
		if strings.HasPrefix(one.src, "{") {
			file = "main.lft.json"
		}
		var got []string
		for _, d := range lang.Syntax(file, []byte(one.src)) {
			end := fmt.Sprint(d.Range.End.Column)
			got = append(got, fmt.Sprintf("%d,%d-%s %s", d.Range.Start.Line, d.Range.Start.Column, end, d.Summary))
			if d.Snippet == nil || d.Detail == "" {
				t.Errorf("%s: no snippet or nothing to do: %+v", name, d)
			}
		}
		if d := cmp.Diff(one.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestSyntaxOfAnything: whatever is not closed where, there is a finding exactly
// when the text is not a file, and its place is inside.
func TestSyntaxOfAnything(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", " = ", "\"", "${", "}", "{", "<<EOT", "<<-E", "EOT", "\n", "/*", "*/", "#", "[", "]", "%{ if ", "~}", "塔", "<<<<<<< ", "=======", "'"})
	rapid.Check(t, func(t *rapid.T) {
		src := strings.Join(rapid.SliceOfN(piece, 0, 24).Draw(t, "src"), "")
		for _, d := range lang.Syntax("main.hcl", []byte(src)) {
			if at := d.Range; at.Start.Byte > at.End.Byte || at.End.Byte > len(src) || d.Snippet == nil {
				t.Fatalf("%q: %+v", src, d)
			}
		}
	})
}
