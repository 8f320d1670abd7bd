package format

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// MaxFile is the size of the largest file, in bytes.
const MaxFile = 1 << 20

// File bounds the nesting of a file.
func File() Nesting { return Nesting{Levels: 200, Depth: 4000} }

// Source lays out a file: indentation, spaces, aligned equals signs, no spaces
// at the ends of lines. It returns the text itself where nothing is to be done.
// Text that is not HCL is refused; the error is for users and names the place
// as FILE:LINE,COLUMN.
func Source(src []byte, name string) ([]byte, error) {
	if len(src) > MaxFile {
		return nil, fmt.Errorf("%s: the file has %d bytes, more than %d", name, len(src), MaxFile)
	}
	if at, deep := File().CheckFile(src); deep {
		return nil, fmt.Errorf("%s:%d: nested too deep", name, 1+bytes.Count(src[:min(at, len(src))], []byte("\n")))
	}
	if _, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos); diags.HasErrors() {
		return nil, syntaxError(diags, name)
	}
	formatted := settle(src)
	if !bytes.Equal(src, formatted) && !sameTokens(src, formatted) {
		return src, nil // hclwrite makes one number of "0 .0"; better no layout than another meaning
	}
	return formatted, nil
}

// settle formats until nothing changes: hclwrite may need a second look where
// its first one moved what is aligned.
func settle(src []byte) []byte {
	for range 4 {
		next := hclwrite.Format(src)
		if bytes.Equal(next, src) {
			break
		}
		src = next
	}
	return src
}

func syntaxError(diags hcl.Diagnostics, name string) error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		if d.Subject == nil {
			return fmt.Errorf("%s: %s: %s", name, d.Summary, d.Detail)
		}
		return fmt.Errorf("%s:%d,%d: %s: %s", name, d.Subject.Start.Line, d.Subject.Start.Column, d.Summary, d.Detail)
	}
	return nil
}

// sameTokens reports whether the layout differs from its source in spaces between
// tokens only. hclwrite moves the tokens of the source and never splits one, so
// that it is enough to find those of the layout in the source: two that have
// grown together are not there.
func sameTokens(src, layout []byte) bool {
	tokens, _ := hclsyntax.LexConfig(layout, "", hcl.InitialPos)
	for _, token := range tokens {
		var ok bool
		if src, ok = cutToken(src, token); !ok {
			return false
		}
	}
	return len(bytes.TrimLeft(src, blanks)) == 0
}

const blanks = " \t\r"

// cutToken takes a token off the front of the source.
func cutToken(src []byte, token hclsyntax.Token) (rest []byte, ok bool) {
	text := token.Bytes
	switch token.Type {
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenCQuote, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return bytes.CutPrefix(src, text) // in a quote or heredoc a space before it is text
	default: // it means nothing
	}
	text, line := bytes.CutSuffix(text, []byte("\n"))
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(src, blanks), bytes.Trim(text, blanks))
	if ok && line {
		rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, blanks), []byte("\n"))
	}
	return rest, ok
}
