package lang

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// unreadable is what HCL's parser has against the file, sorted: each fault at the
// place where it was made and with what to write there, and none of the echoes.
// Once a quote, a heredoc or a comment is left open the parser takes text for
// code and code for text, so that what it finds behind it means nothing.
func (f *file) unreadable() hcl.Diagnostics {
	if f.isJSON() {
		return f.errs
	}
	sorted := slices.SortedStableFunc(slices.Values(f.errs), func(a, b *hcl.Diagnostic) int {
		return cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte)
	})
	var kept hcl.Diagnostics
	last := -1
	for _, d := range sorted {
		if d.Subject.Start.Byte == last {
			continue
		}
		last = d.Subject.Start.Byte
		told := *d
		lost := f.tell(&told)
		kept = append(kept, &told)
		if lost {
			break
		}
	}
	return kept
}

// tell words a finding of HCL's parser for who wrote the file. It reports whether
// the parser has lost its way there.
func (f *file) tell(d *hcl.Diagnostic) (lost bool) {
	at := min(d.Subject.Start.Byte, len(f.data))
	here := f.data[at:]
	start := 1 + bytes.LastIndexByte(f.data[:at], '\n')
	next := func(text string) bool { return bytes.HasPrefix(here, []byte(text)) }
	for _, mark := range []string{"<<<<<<< ", "=======\n", ">>>>>>> "} {
		if bytes.HasPrefix(f.data[start:], []byte(mark)) {
			begin := hcl.Pos{Line: d.Subject.Start.Line, Column: 1, Byte: start}
			d.Subject = &hcl.Range{Filename: f.name, Start: begin, End: hcl.Pos{Line: begin.Line, Column: 8, Byte: start + 7}}
			d.Summary, d.Detail = "A merge is not finished", "This line is a mark of a conflict. Decide which of the two texts counts, and take the marks out."
			return true
		}
	}
	switch d.Summary {
	case "Invalid multi-line string", "Unterminated template string":
		f.open(d)
		return true
	case "Unclosed template interpolation sequence":
		return true
	case "Invalid expression":
		if next("<<") {
			d.Detail = "A heredoc begins with <<NAME or <<-NAME, and nothing may stand behind that in the line, not even a blank."
			return true
		}
	case "Argument or block definition required":
		if next("/*") {
			d.Summary, d.Detail = "Unclosed comment", "The comment that begins here never ends: there is no */ behind it."
			return true
		}
		if next("}") {
			d.Summary, d.Detail = "Nothing to close", "This brace closes nothing: take it out, or look for one too many before it."
		}
	case "Invalid block definition":
		d.Detail += " For an attribute, write NAME = VALUE."
	case "Missing newline after argument":
		d.Detail += " A text stands in quotes."
	case "Missing item separator":
		if next("}") {
			d.Detail = "A bracket is not closed before this brace, or a comma is missing."
		}
	}
	return false
}

// open is about a quote or a heredoc that is not closed: HCL finds it where the
// line or the file ends, the fault was made where it begins.
func (f *file) open(d *hcl.Diagnostic) {
	tokens, _ := hclsyntax.LexConfig(f.data, f.name, hcl.InitialPos)
	var opened []hclsyntax.Token
	for _, token := range tokens {
		if token.Range.Start.Byte >= d.Subject.Start.Byte && token.Type != hclsyntax.TokenCHeredoc {
			break
		}
		switch token.Type {
		case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			opened = append(opened, token)
		case hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			opened = opened[:max(0, len(opened)-1)]
		default: // it neither opens nor closes
		}
	}
	if len(opened) == 0 {
		return
	}
	begin := opened[len(opened)-1]
	subject := begin.Range
	if begin.Type == hclsyntax.TokenOHeredoc {
		mark := strings.TrimSpace(string(begin.Bytes))
		subject.End = hcl.Pos{Line: subject.Start.Line, Column: subject.Start.Column + len(mark), Byte: subject.Start.Byte + len(mark)}
		d.Summary = "Unclosed heredoc"
		d.Detail = fmt.Sprintf("The text that begins with %s never ends: behind it there is no line with nothing but %s.", mark, strings.TrimLeft(mark, "<-"))
	} else {
		if d.Subject.Start.Line == subject.Start.Line {
			subject.End = d.Subject.Start // the end of the line
		}
		d.Summary = "Unclosed quote"
		d.Detail = `The text that begins here does not end in its line: a quote (") is missing, or one too many stands before it. A line break within a text is written \n, a text of several lines as a heredoc.`
	}
	d.Subject = &subject
}
