package view

import (
	"fmt"
	"strings"

	"github.com/leifengta/lft/lang/diag"
)

// Diagnostics shows findings on Err, in Terraform's layout. Without colour a row
// of carets stands for the underline. Of warnings that say the same of other
// places only the first is shown, with how many more there are.
func (t *Terminal) Diagnostics(list diag.List) {
	alike := map[string]int{}
	for _, d := range list {
		alike[kind(d)]++
	}
	for _, d := range list {
		n := alike[kind(d)]
		if d.Severity == diag.Warning {
			alike[kind(d)] = 0
		}
		if n == 0 {
			continue
		}
		lines := t.diagnostic(d)
		if more := n - 1; d.Severity == diag.Warning && more > 0 {
			lines = append(lines, "", "(and "+count(more, "more similar warning")+" elsewhere)")
		}
		if !t.errColor {
			fmt.Fprintf(t.Err, "\n%s\n", strings.Join(lines, "\n"))
			continue
		}
		rail := red
		if d.Severity == diag.Warning {
			rail = yellow
		}
		fmt.Fprintln(t.Err, paint(true, rail, "╷"))
		for _, line := range lines {
			fmt.Fprintln(t.Err, strings.TrimRight(paint(true, rail, "│")+" "+line, " "))
		}
		fmt.Fprintln(t.Err, paint(true, rail, "╵"))
	}
}

// kind is equal for findings that say the same.
func kind(d diag.Diagnostic) string { return d.Severity.String() + " " + d.Code + " " + d.Summary }

func (t *Terminal) diagnostic(d diag.Diagnostic) []string {
	word, tint := "Error", red
	if d.Severity == diag.Warning {
		word, tint = "Warning", yellow
	}
	lines := []string{paint(t.errColor, tint, word+": ") + paint(t.errColor, bold, visible(d.Summary))}
	if d.Code != "" {
		lines[0] += paint(t.errColor, faint, " ["+d.Code+"]")
	}
	lines = append(lines, "")
	if d.Address != "" && d.Range.IsZero() {
		lines = append(lines, "  with "+visible(d.Address))
	} else if d.Address != "" {
		lines = append(lines, "  with "+visible(d.Address)+",")
	}
	if !d.Range.IsZero() {
		lines = append(lines, t.source(d)...)
	}
	if d.Address != "" || !d.Range.IsZero() {
		lines = append(lines, "")
	}
	if d.Detail != "" {
		for _, line := range wrap(d.Detail, t.width-2) {
			lines = append(lines, visible(line))
		}
	}
	for len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// source shows where a finding is and what is written there.
func (t *Terminal) source(d diag.Diagnostic) []string {
	place := fmt.Sprintf("  on %s line %d", visible(d.Range.File), d.Range.Start.Line)
	s := d.Snippet
	if s == nil {
		return []string{place}
	}
	if s.Context != "" {
		place += ", in " + visible(s.Context)
	}
	lines := []string{place + ":"}
	from := 0
	for i, code := range strings.Split(s.Code, "\n") {
		start := min(max(s.HighlightStart-from, 0), len(code))
		end := min(max(s.HighlightEnd-from, 0), len(code))
		begins := s.HighlightStart >= from && s.HighlightStart <= from+len(code)
		from += len(code) + 1
		number := fmt.Sprintf("%4d: ", s.StartLine+i)
		code = strings.TrimRight(code, "\r")
		end = min(end, len(code))
		start = min(start, end)
		before, marked, after := visible(code[:start]), visible(code[start:end]), visible(code[end:])
		if t.errColor {
			if begins && marked+after == "" {
				marked = " " // what is missing at the end of the line
			}
			lines = append(lines, number+before+paint(true, "4", marked)+after)
			continue
		}
		lines = append(lines, number+before+marked+after)
		if end > start || begins {
			lines = append(lines, strings.Repeat(" ", len(number))+carets(before, marked))
		}
	}
	if len(s.Values) > 0 {
		lines = append(lines, "    ├────────────────")
	}
	for _, v := range s.Values {
		lines = append(lines, "    │ "+visible(v.Traversal)+" "+visible(v.Statement))
	}
	return lines
}

// carets underlines marked in a row below it. Tabs before it stay tabs, so that
// the columns agree.
func carets(before, marked string) string {
	var b strings.Builder
	for i, part := range strings.Split(before, "\t") {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(strings.Repeat(" ", columns(part)))
	}
	b.WriteString(strings.Repeat("^", max(1, columns(marked))))
	return b.String()
}

// wrap breaks text at spaces. Lines that start with a space are left alone: they
// are examples.
func wrap(text string, width int) []string {
	var lines []string
	for _, paragraph := range strings.Split(text, "\n") {
		if strings.HasPrefix(paragraph, " ") || columns(paragraph) <= width {
			lines = append(lines, paragraph)
			continue
		}
		line, room := "", width
		for word := range strings.FieldsSeq(paragraph) {
			n := columns(word)
			if line != "" && n+1 > room {
				lines = append(lines, line)
				line, room = "", width
			}
			if line != "" {
				line, room = line+" ", room-1
			}
			line, room = line+word, room-n
		}
		lines = append(lines, line)
	}
	return lines
}

// Validation is the answer of validate -json, in Terraform's shape.
type Validation struct {
	FormatVersion string           `json:"format_version"`
	Valid         bool             `json:"valid"`
	ErrorCount    int              `json:"error_count"`
	WarningCount  int              `json:"warning_count"`
	Diagnostics   []diagnosticJSON `json:"diagnostics"`
}

type diagnosticJSON struct {
	Severity string       `json:"severity"`
	Code     string       `json:"code"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Address  string       `json:"address,omitempty"`
	Range    *rangeJSON   `json:"range,omitempty"`
	Snippet  *snippetJSON `json:"snippet,omitempty"`
}

type rangeJSON struct {
	Filename string  `json:"filename"`
	Start    posJSON `json:"start"`
	End      posJSON `json:"end"`
}

type posJSON struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

type snippetJSON struct {
	Context        *string     `json:"context"`
	Code           string      `json:"code"`
	StartLine      int         `json:"start_line"`
	HighlightStart int         `json:"highlight_start_offset"`
	HighlightEnd   int         `json:"highlight_end_offset"`
	Values         []valueJSON `json:"values"`
}

type valueJSON struct {
	Traversal string `json:"traversal"`
	Statement string `json:"statement"`
}

// NewValidation puts the findings of a pass into the shape of validate -json.
func NewValidation(list diag.List) Validation {
	v := Validation{FormatVersion: "1.0", Valid: !list.HasErrors(), Diagnostics: []diagnosticJSON{}}
	for _, d := range list {
		if d.Severity == diag.Error {
			v.ErrorCount++
		} else {
			v.WarningCount++
		}
		j := diagnosticJSON{Severity: d.Severity.String(), Code: d.Code, Summary: d.Summary, Detail: d.Detail, Address: d.Address}
		if !d.Range.IsZero() {
			j.Range = &rangeJSON{Filename: d.Range.File, Start: posJSON(d.Range.Start), End: posJSON(d.Range.End)}
		}
		if s := d.Snippet; s != nil {
			j.Snippet = &snippetJSON{
				Code: s.Code, StartLine: s.StartLine,
				HighlightStart: s.HighlightStart, HighlightEnd: s.HighlightEnd, Values: []valueJSON{},
			}
			for _, v := range s.Values {
				j.Snippet.Values = append(j.Snippet.Values, valueJSON(v))
			}
			if s.Context != "" {
				j.Snippet.Context = &s.Context
			}
		}
		v.Diagnostics = append(v.Diagnostics, j)
	}
	return v
}

// Validated says how a check of a folder ended.
func (t *Terminal) Validated(v Validation) {
	switch {
	case !v.Valid:
	case v.WarningCount > 0:
		t.Printf("%s The configuration is valid, but there %s.\n", t.Style(green, "Success!"), warnings(v.WarningCount))
	default:
		t.Printf("%s The configuration is valid.\n", t.Style(green, "Success!"))
	}
}

func warnings(n int) string {
	if n == 1 {
		return "is a warning above"
	}
	return fmt.Sprintf("are %d warnings above", n)
}
