package lang

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/jsonsyntax"
	"github.com/leifengta/lft/lang/spec"
)

// maxFindings ends a list nobody would read to its end.
const maxFindings = 1000

// findings collects what one goroutine finds. The same fault met in many
// instances of a for_each is kept once.
type findings struct {
	files map[string]*file
	list  diag.List
	seen  map[string]struct{}
}

func newFindings(files map[string]*file) *findings {
	return &findings{files: files, seen: map[string]struct{}{}}
}

func (f *findings) error(code string, addr spec.Address, rng hcl.Range, summary, detail string, args ...any) {
	f.add(diag.Error, code, addr, rng, summary, fmt.Sprintf(detail, args...))
}

func (f *findings) warn(code string, addr spec.Address, rng hcl.Range, summary, detail string, args ...any) {
	f.add(diag.Warning, code, addr, rng, summary, fmt.Sprintf(detail, args...))
}

func (f *findings) add(severity diag.Severity, code string, addr spec.Address, rng hcl.Range, summary, detail string) {
	key := fmt.Sprintf("%s\x00%s\x00%d\x00%d\x00%s\x00%s", code, rng.Filename, rng.Start.Byte, rng.End.Byte, summary, detail)
	if rng.Filename == "" {
		key += string(addr)
	}
	if _, ok := f.seen[key]; ok || len(f.list) >= maxFindings {
		return
	}
	f.seen[key] = struct{}{}
	f.list = append(f.list, diag.Diagnostic{
		Severity: severity, Code: code, Summary: summary, Detail: detail, Address: string(addr),
		Range: place(rng), Snippet: f.snippet(rng),
	})
}

func (f *findings) hasErrors() bool { return f.list.HasErrors() }

// fault reports an error of evaluation.
func (f *findings) fault(addr spec.Address, err *expr.Error) {
	code := err.Code
	switch {
	case code != "":
	case err.Limit:
		code = CodeLimit
	default:
		code = CodeExpression
	}
	f.add(diag.Error, code, addr, err.Range, err.Summary, err.Detail)
}

// syntax reports what HCL's parser found.
func (f *findings) syntax(diags hcl.Diagnostics) {
	for _, d := range diags {
		severity := diag.Error
		if d.Severity == hcl.DiagWarning {
			severity = diag.Warning
		}
		rng := hcl.Range{}
		if d.Subject != nil {
			rng = *d.Subject
		}
		code := CodeSyntax
		if _, ok := d.Extra.(jsonsyntax.Limit); ok {
			code = CodeLimit
		}
		f.add(severity, code, "", rng, d.Summary, d.Detail)
	}
}

func place(rng hcl.Range) diag.Range {
	pos := func(p hcl.Pos) diag.Pos { return diag.Pos{Line: p.Line, Column: p.Column, Byte: p.Byte} }
	return diag.Range{File: rng.Filename, Start: pos(rng.Start), End: pos(rng.End)}
}

// Bounds of the source shown with a finding.
const (
	maxSnippet = 6    // lines
	maxAround  = 1000 // bytes of a line before and behind the place
)

// snippet cuts lines out of the source, whole ones but for those that are very
// long.
func (f *findings) snippet(rng hcl.Range) *diag.Snippet {
	src, ok := f.files[rng.Filename]
	if !ok || rng.Start.Byte > len(src.data) || rng.End.Byte < rng.Start.Byte {
		return nil
	}
	start := 1 + bytes.LastIndexByte(src.data[:rng.Start.Byte], '\n')
	end := start
	for range maxSnippet {
		line := bytes.IndexByte(src.data[end:], '\n')
		if line < 0 {
			end = len(src.data) + 1
			break
		}
		end += line + 1
		if end > rng.End.Byte {
			break
		}
	}
	end--
	if rng.Start.Byte-start > maxAround {
		start = cutAt(src.data, rng.Start.Byte-maxAround)
	}
	if end-rng.Start.Byte > maxSnippet*maxAround {
		end = cutAt(src.data, rng.Start.Byte+maxAround)
	}
	code := strings.TrimRight(string(src.data[start:end]), "\r")
	return &diag.Snippet{
		Context: src.header(rng.Start), Code: code, StartLine: rng.Start.Line,
		HighlightStart: min(rng.Start.Byte-start, len(code)), HighlightEnd: min(rng.End.Byte-start, len(code)),
	}
}

// cutAt is where the character at an offset begins.
func cutAt(data []byte, offset int) int {
	for offset > 0 && !utf8.RuneStart(data[offset]) {
		offset--
	}
	return offset
}
