package jsonsyntax

import (
	"bytes"
	"strings"

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
	n.put(from, to, " "+strings.ReplaceAll(plain, "\n", " "))
}

// isTemplate reports whether HCL would look into a text.
func isTemplate(text string) bool {
	return strings.Contains(text, "${") || strings.Contains(text, "%{")
}

// quote writes a template in quotes: escapes are for what is text, while in
// interpolations quotes and backslashes are code.
func quote(plain string) string {
	var b strings.Builder
	b.WriteByte('"')
	if !isTemplate(plain) {
		escape(&b, plain)
	} else {
		// Faults of scanning are found again by the parser, which reports them.
		tokens, _ := hclsyntax.LexTemplate([]byte(plain), "", hcl.InitialPos)
		level := 0
		for i, token := range tokens {
			if i > 0 { // spaces are no tokens
				b.WriteString(strings.ReplaceAll(plain[tokens[i-1].Range.End.Byte:token.Range.Start.Byte], "\n", " "))
			}
			switch text := string(token.Bytes); {
			case level == 0 && token.Type == hclsyntax.TokenStringLit:
				escape(&b, text)
				continue
			case token.Type == hclsyntax.TokenTemplateInterp || token.Type == hclsyntax.TokenTemplateControl:
				level++
			case token.Type == hclsyntax.TokenTemplateSeqEnd:
				level--
			}
			b.WriteString(strings.ReplaceAll(string(token.Bytes), "\n", " "))
		}
	}
	b.WriteByte('"')
	return b.String()
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
