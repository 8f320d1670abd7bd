package jsonsyntax

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// native is the file in native syntax as far as expressions go, offset for
// offset. JSON's arrays, objects, numbers and most strings are native syntax as
// they stand; strings whose escapes differ become shorter, and spaces fill up.
type native struct {
	src  []byte
	data []byte // a copy of src once something differs
}

// bytes must not be changed.
func (n *native) bytes() []byte {
	if n.data == nil {
		return n.src
	}
	return n.data
}

// put writes at an offset and fills up to another with spaces.
func (n *native) put(from, to int, text string) {
	if n.data == nil {
		n.data = bytes.Clone(n.src)
	}
	end := from + copy(n.data[from:to], text)
	for i := end; i < to; i++ {
		n.data[i] = ' '
	}
}

// text puts a quoted template in the place of a string. plain is the string
// without escapes.
func (n *native) text(from, to int, plain string) { n.put(from, to, quote(plain)) }

// code puts the string itself in its place, as an expression.
func (n *native) code(from, to int, plain string) {
	n.put(from, to, " "+oneLine(plain))
}

// oneLine writes code on one line.
func oneLine(code string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(code) }

// isTemplate reports whether HCL would look into a text.
func isTemplate(text string) bool {
	return strings.Contains(text, "${") || strings.Contains(text, "%{")
}

// quote writes a template in quotes.
func quote(plain string) string {
	var b strings.Builder
	b.WriteByte('"')
	if isTemplate(plain) {
		template(&b, plain)
	} else {
		escape(&b, plain)
	}
	b.WriteByte('"')
	return b.String()
}

// template escapes what is text; in interpolations quotes and backslashes are code.
func template(b *strings.Builder, plain string) {
	// Faults of scanning are found again by the parser, which reports them.
	tokens, _ := hclsyntax.LexTemplate([]byte(plain), "", hcl.InitialPos)
	texts := strip(tokens)
	level := 0
	for i, token := range tokens {
		if i > 0 { // spaces are no tokens
			b.WriteString(oneLine(plain[tokens[i-1].Range.End.Byte:token.Range.Start.Byte]))
		}
		switch {
		case level == 0 && token.Type == hclsyntax.TokenStringLit:
			text := string(token.Bytes)
			if texts != nil {
				text = texts[i+1].kept
			}
			escape(b, text)
			continue
		case opens(token):
			if level++; level == 1 && texts != nil && stripsBefore(token) {
				if text := b.String(); text[len(text)-1] == '$' || text[len(text)-1] == '%' {
					escape(b, texts[i].right) // keeps $ from ${, and is taken off all the same
					break
				}
				b.Write(token.Bytes[:2])
				pad(b, texts[i].right)
				continue
			}
		case token.Type == hclsyntax.TokenTemplateSeqEnd:
			if level--; level == 0 && texts != nil && stripsBehind(token) {
				pad(b, texts[i+2].left)
				b.WriteByte('}')
				continue
			}
		}
		b.WriteString(oneLine(string(token.Bytes)))
	}
}

func opens(t hclsyntax.Token) bool {
	return t.Type == hclsyntax.TokenTemplateInterp || t.Type == hclsyntax.TokenTemplateControl
}

// Markers that strip: ${~ and %{~ what is before them, ~} what is behind it.
func stripsBefore(t hclsyntax.Token) bool { return opens(t) && len(t.Bytes) == 3 }

func stripsBehind(t hclsyntax.Token) bool {
	return t.Type == hclsyntax.TokenTemplateSeqEnd && len(t.Bytes) == 2
}

// stripped is the text of a token, and what markers take off it.
type stripped struct{ left, kept, right string }

// strip does the work of markers. In a template they go no further than their own
// line, but in quotes over all lines. It returns the text of token i at i+1, so that
// each has one before and behind it; or nil where nothing would be left of them:
// then it is the same, and what stands alone in quotes would be no text any more.
func strip(tokens hclsyntax.Tokens) []stripped {
	texts := make([]stripped, len(tokens)+2)
	level, some := 0, false
	for i, token := range tokens {
		switch {
		case opens(token):
			level++
		case token.Type == hclsyntax.TokenTemplateSeqEnd:
			level--
		case level == 0 && token.Type == hclsyntax.TokenStringLit:
			t := stripped{kept: string(token.Bytes)}
			if i > 0 && stripsBehind(tokens[i-1]) {
				kept := strings.TrimLeftFunc(t.kept, unicode.IsSpace)
				t.left, t.kept = t.kept[:len(t.kept)-len(kept)], kept
			}
			if i+1 < len(tokens) && stripsBefore(tokens[i+1]) {
				kept := strings.TrimRightFunc(t.kept, unicode.IsSpace)
				t.right, t.kept = t.kept[len(kept):], kept
			}
			texts[i+1] = t
			some = some || t.kept != ""
		}
	}
	if !some {
		return nil
	}
	return texts
}

// pad writes a space for a marker, and for each byte of what it took away: what
// follows keeps its place.
func pad(b *strings.Builder, taken string) {
	var escaped strings.Builder
	escape(&escaped, taken)
	b.WriteString(strings.Repeat(" ", 1+escaped.Len()))
}

// escape is never longer than JSON's own escapes.
func escape(b *strings.Builder, text string) {
	for i := range len(text) {
		switch c := text[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		default:
			b.WriteByte(c)
		}
	}
}
