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
	return settle(src), nil
}

// settle lays out until nothing changes: hclwrite makes spaces of tokens alone,
// but those of the first layout may be others, by a space at their ends. What it
// would mangle is left alone: it makes one number of "0 .0".
func settle(src []byte) []byte {
	text := src
	for range 4 {
		next := hclwrite.Format(text)
		if bytes.Equal(next, text) {
			break
		}
		same, exact := compareTokens(text, next)
		if !same {
			return src
		}
		text = next
		if exact {
			break
		}
	}
	return text
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

// compareTokens reports whether a layout differs from its source in spaces between
// tokens only, and whether its tokens are byte for byte those of the source.
// hclwrite moves tokens and never splits one, so that it is enough to find those
// of the layout in the source: two that have grown together are not there.
func compareTokens(src, layout []byte) (same, exact bool) {
	tokens, _ := hclsyntax.LexConfig(layout, "", hcl.InitialPos)
	exact = true
	for _, token := range tokens {
		rest, ok := cutToken(src, token)
		if !ok {
			return false, false
		}
		exact = exact && bytes.HasSuffix(src[:len(src)-len(rest)], token.Bytes)
		src = rest
	}
	same = len(bytes.TrimLeft(src, blanks)) == 0
	return same, same && exact
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
