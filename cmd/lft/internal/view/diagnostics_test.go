package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang/diag"
)

func finding() diag.Diagnostic {
	return diag.Diagnostic{
		Severity: diag.Error, Code: "unknown_attribute", Summary: "Unknown attribute",
		Detail:  "A job has no attribute \"tiemout\". Did you mean \"timeout\"? " + strings.Repeat("word ", 12) + "end.\n  an example stays as it is",
		Address: "flow.f.job.a",
		Range:   diag.Range{File: "main.hcl", Start: diag.Pos{Line: 3, Column: 5, Byte: 40}, End: diag.Pos{Line: 3, Column: 12, Byte: 47}},
		Snippet: &diag.Snippet{
			Context: `job "shell" "a"`, Code: "\ttiemout = \"é\"\r\n\tnext = 1", StartLine: 3,
			HighlightStart: 1, HighlightEnd: 8,
		},
	}
}

func shown(color bool, list ...diag.Diagnostic) string {
	var out, errs bytes.Buffer
	t := &Terminal{Out: &out, Err: &errs, errColor: color, width: plainWidth}
	t.Diagnostics(list)
	return errs.String()
}

func TestDiagnosticPlain(t *testing.T) {
	want := `
Error: Unknown attribute [unknown_attribute]

  with flow.f.job.a,
  on main.hcl line 3, in job "shell" "a":
   3: ` + "\t" + `tiemout = "é"
      ` + "\t" + `^^^^^^^
   4: ` + "\t" + `next = 1

A job has no attribute "tiemout". Did you mean "timeout"? word word word
word word word word word word word word word end.
  an example stays as it is
`
	if d := cmp.Diff(want, shown(false, finding())); d != "" {
		t.Errorf("finding (-want +got):\n%s", d)
	}
}

func TestDiagnosticInColour(t *testing.T) {
	got := shown(true, finding())
	for _, want := range []string{"\x1b[31m╷\x1b[0m", "\x1b[31mError: \x1b[0m", "\t\x1b[4mtiemout\x1b[0m = ", "╵"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "^") {
		t.Error("carets beside the underline")
	}
}

// TestDiagnosticOfAnything: a highlight out of bounds never panics.
func TestDiagnosticOfAnything(t *testing.T) {
	for _, offsets := range [][2]int{{-5, 3}, {0, 1 << 20}, {50, 2}, {30, 30}, {14, 16}} {
		d := finding()
		d.Snippet.HighlightStart, d.Snippet.HighlightEnd = offsets[0], offsets[1]
		for _, color := range []bool{false, true} {
			if got := shown(color, d); !strings.Contains(got, "next = 1") {
				t.Errorf("offsets %v:\n%s", offsets, got)
			}
		}
	}
}

// TestCaretBelowThePlace: at the end of a line, where something is missing, and
// below characters that take two columns, or none.
func TestCaretBelowThePlace(t *testing.T) {
	for _, one := range []struct {
		code       string
		start, end int
		want       string
	}{
		{"a = \"x\nb = 1", 6, 7, "   3: a = \"x\n            ^\n   4: b = 1\n"}, // the line's end itself
		{"a = 1 +", 7, 7, "   3: a = 1 +\n             ^\n"},
		{"", 0, 0, "   3: \n      ^\n"},
		{"塔 = \"塔\" + x", 6, 11, "   3: 塔 = \"塔\" + x\n           ^^^^\n"},
		{"e\u0301 = x", 6, 7, "   3: e\u0301 = x\n          ^\n"},
	} {
		d := finding()
		d.Snippet.Code, d.Snippet.HighlightStart, d.Snippet.HighlightEnd = one.code, one.start, one.end
		if got := shown(false, d); !strings.Contains(got, one.want) {
			t.Errorf("%q from %d to %d:\n%s\nwant\n%s", one.code, one.start, one.end, got, one.want)
		}
	}
	d := finding()
	d.Snippet.Code, d.Snippet.HighlightStart, d.Snippet.HighlightEnd = "a = 1 +", 7, 7
	if got := shown(true, d); !strings.Contains(got, "a = 1 +\x1b[4m \x1b[0m") {
		t.Errorf("no underline at the end of the line:\n%q", got)
	}
}

func TestValidationCounts(t *testing.T) {
	warning := finding()
	warning.Severity = diag.Warning
	v := NewValidation(diag.List{finding(), warning, warning})
	if v.Valid || v.ErrorCount != 1 || v.WarningCount != 2 || len(v.Diagnostics) != 3 {
		t.Errorf("%+v", v)
	}
	if v := NewValidation(diag.List{warning}); !v.Valid {
		t.Error("a warning makes it invalid")
	}
}

func TestColourOnlyWhereItIsWanted(t *testing.T) {
	// A buffer is no terminal, whatever the environment says.
	var out bytes.Buffer
	term := NewTerminal(&out, &out, func(string) string { return "" })
	if got := term.Style(red, "x"); got != "x" || term.Live() || term.Width() != plainWidth {
		t.Errorf("style %q, live %v, width %d", got, term.Live(), term.Width())
	}
}

// TestDiagnosticsConsolidated: warnings that say the same are shown once; errors
// are each shown.
func TestDiagnosticsConsolidated(t *testing.T) {
	var out bytes.Buffer
	one := func(s diag.Severity, summary, detail string) diag.Diagnostic {
		return diag.Diagnostic{Severity: s, Code: "c", Summary: summary, Detail: detail}
	}
	(&Terminal{Err: &out, width: plainWidth}).Diagnostics(diag.List{
		one(diag.Error, "same", "first error"), one(diag.Error, "same", "second error"),
		one(diag.Warning, "same", "first warning"), one(diag.Warning, "same", "second warning"), one(diag.Warning, "other", "third warning"),
	})
	want := `
Error: same [c]

first error

Error: same [c]

second error

Warning: same [c]

first warning

(and 1 more similar warning elsewhere)

Warning: other [c]

third warning
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

// TestDiagnosticIsInert: source and names steer no terminal.
func TestDiagnosticIsInert(t *testing.T) {
	evil := finding()
	evil.Summary, evil.Detail, evil.Address, evil.Range.File = "a\x1b[2Jb", "c\x1bd", "flow.\x1b", "e\x1b.hcl"
	evil.Snippet.Code, evil.Snippet.Context = "\ttie\x1bmout = 1 # \u202e", "job \x1b"
	for _, color := range []bool{false, true} {
		got := shown(color, evil)
		for _, ours := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[4m", "\x1b[31m"} {
			got = strings.ReplaceAll(got, ours, "")
		}
		if strings.ContainsAny(got, "\x1b\u202e") || !strings.Contains(got, `tie\x1bmout`) {
			t.Errorf("colour %v: %q", color, got)
		}
	}
	if got := shown(false, evil); !strings.Contains(got, "\n      \t^^^^^^^^^^\n") {
		t.Errorf("carets in\n%s", got)
	}
}
