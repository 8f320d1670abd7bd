package lang

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/format"
	"github.com/leifengta/lft/lang/internal/jsonsyntax"
	"github.com/leifengta/lft/lang/schema"
)

// file is one source file. data is kept for snippets and run-time expressions.
type file struct {
	name string // relative to the project's folder
	path string // in its mount
	data []byte
	// native is the text of expressions where data is JSON, at the same offsets.
	native []byte
	body   *hclsyntax.Body // nil when it could not be parsed
	errs   hcl.Diagnostics
	err    *expr.Error // found before parsing
	code   string      // of err
}

// twoAtOnce calls do for 0 … n−1, interleaved on two goroutines.
func twoAtOnce(n int, do func(i int)) {
	var wg sync.WaitGroup
	for first := range 2 {
		wg.Go(func() {
			for i := first; i < n; i += 2 {
				do(i)
			}
		})
	}
	wg.Wait()
}

func (f *file) read(fsys fs.FS) {
	if info, err := fs.Stat(fsys, f.path); err == nil && info.Size() > format.MaxFile {
		f.tooLarge(info.Size())
		return
	}
	data, err := fs.ReadFile(fsys, f.path)
	if err != nil {
		f.refuse(CodeRead, 0, "The file cannot be read", "%s: %v", f.name, cause(err))
		return
	}
	// Line ends are those of whoever saved the file; what it means is not theirs. A
	// script with carriage returns would fail, and differ on every other machine.
	f.data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
}

// parse checks what HCL's parser must not be given, then parses.
func (f *file) parse(voc schema.Block) {
	if f.err != nil {
		return
	}
	if len(f.data) > format.MaxFile {
		f.tooLarge(int64(len(f.data)))
		return
	}
	if !f.readable() {
		return
	}
	if f.isJSON() {
		f.parseJSON(voc)
		return
	}
	if at, deep := format.File().CheckFile(f.data); deep {
		f.code, f.err = CodeLimit, expr.TooDeep(format.File(), f.at(at))
		return
	}
	parsed, diags := hclsyntax.ParseConfig(f.data, f.name, hcl.InitialPos)
	f.errs = diags
	if body, ok := parsed.Body.(*hclsyntax.Body); ok && !diags.HasErrors() {
		f.body = body
	}
}

// Syntax says what keeps a text from being read as a file of that name, sorted.
func Syntax(name string, src []byte) diag.List {
	f := &file{name: name, data: src}
	f.parse(schema.File())
	found := newFindings(map[string]*file{name: f})
	f.report(found)
	found.list.Sort()
	return found.list
}

func (f *file) tooLarge(size int64) {
	f.refuse(CodeLimit, 0, "The file is too large", "%s has %d bytes, more than %d. Split it: all *.hcl of a folder belong together.", f.name, size, format.MaxFile)
}

// report passes on what reading and parsing found.
func (f *file) report(found *findings) {
	if f.err != nil {
		found.error(f.code, "", f.err.Range, f.err.Summary, "%s", f.err.Detail)
	}
	found.syntax(f.unreadable())
}

// flowsOnly reports that no line starts with another word than flow. It only
// decides what is parsed first, so it may be wrong: see stream.
func (f *file) flowsOnly() bool {
	if f.isJSON() {
		return false
	}
	for rest := f.data; len(rest) > 0; {
		if c := rest[0]; c >= 'a' && c <= 'z' && !bytes.HasPrefix(rest, []byte("flow ")) {
			return false
		}
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			break
		}
		rest = rest[end+1:]
	}
	return true
}

// readable refuses bytes that are no text, and marks that make text look
// different from what it is.
func (f *file) readable() bool {
	if ascii(f.data) {
		return true
	}
	for i := 0; i < len(f.data); {
		r, size := utf8.DecodeRune(f.data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			f.refuse(CodeEncoding, i, "The file is not UTF-8", "%s: byte %d is no UTF-8 text. Save the file as UTF-8.", f.name, i)
			return false
		case r == 0:
			f.refuse(CodeEncoding, i, "The file holds a NUL byte", "%s: byte %d is NUL; this is not a text file.", f.name, i)
			return false
		case bidirectional(r):
			f.refuse(CodeEncoding, i, "The file holds an invisible mark", "%s: U+%04X changes the direction of the text shown, so that it does not look like what it is. In a quoted text, write it as \\u%04X.", f.name, r, r)
			return false
		}
		i += size
	}
	return true
}

func ascii(data []byte) bool {
	for _, c := range data {
		if c >= utf8.RuneSelf || c == 0 {
			return false
		}
	}
	return true
}

func bidirectional(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }

func (f *file) refuse(code string, at int, summary, detail string, args ...any) {
	f.code, f.err = code, &expr.Error{Range: f.at(at), Summary: summary, Detail: fmt.Sprintf(detail, args...)}
}

// at is the place of a byte, for what is found before there are tokens.
func (f *file) at(offset int) hcl.Range {
	before := f.data[:min(offset, len(f.data))]
	column := utf8.RuneCount(before[1+bytes.LastIndexByte(before, '\n'):])
	pos := hcl.Pos{Line: 1 + bytes.Count(before, []byte("\n")), Column: 1 + column, Byte: len(before)}
	end := pos
	if end.Byte < len(f.data) {
		end.Byte++
		end.Column++
	}
	return hcl.Range{Filename: f.name, Start: pos, End: end}
}

// header is the first line of the innermost block around a place.
func (f *file) header(pos hcl.Pos) string {
	header, body := "", f.body
	for body != nil {
		i := slices.IndexFunc(body.Blocks, func(b *hclsyntax.Block) bool { return b.Range().ContainsPos(pos) })
		if i < 0 {
			break
		}
		block := body.Blocks[i]
		header = block.Type
		for _, label := range block.Labels {
			header += fmt.Sprintf(" %q", label)
		}
		body = block.Body
	}
	return header
}

// isJSON tells the JSON form by its name.
func (f *file) isJSON() bool { return strings.HasSuffix(f.name, ".json") }

// parseJSON makes the same trees of the other form. In a file of variables, which
// has no vocabulary, strings are no templates.
func (f *file) parseJSON(voc schema.Block) {
	if !voc.Open {
		voc = schema.Syntax()
	}
	parsed, diags := jsonsyntax.Parse(f.data, f.name, voc, voc.Open)
	f.body, f.native, f.errs = parsed.Body, parsed.Native, diags
}

// slice is the source of an expression, in native syntax.
func (f *file) slice(rng hcl.Range) string {
	if f.native != nil {
		return strings.NewReplacer("\r", " ", "\n", " ").Replace(string(f.native[rng.Start.Byte:rng.End.Byte]))
	}
	return string(f.data[rng.Start.Byte:rng.End.Byte])
}

// isVariableFile tells files that are read without being named: lft.vars, and
// *.auto.vars in the order of names after it; each may be JSON, *.vars.json.
func isVariableFile(name string) bool {
	native := strings.TrimSuffix(name, ".json")
	return native == "lft.vars" || strings.HasSuffix(native, ".auto.vars") && path.Base(name) == name
}
