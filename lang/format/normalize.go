package format

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Expression writes an expression in one way, whatever its spaces, line breaks
// and comments: a folder that is formatted must not show as changed. Its output
// is part of what digests are made of, so it may never change for any input, and
// is our own instead of hclwrite's. Quoted text and heredocs stay as they are.
func Expression(source string) string {
	if settled(source) {
		return source
	}
	return normalize(source)
}

func normalize(source string) string {
	tokens, diags := hclsyntax.LexExpression([]byte(source+"\n"), "", hcl.InitialPos)
	if diags.HasErrors() {
		return source
	}
	w := writer{}
	for i, token := range tokens {
		w.token(token, tokens[i+1:])
	}
	return strings.TrimSuffix(w.b.String(), "\n")
}

// settled recognises most of what already has the one form, from bytes alone:
// words, plain quotes, brackets, a space after each comma and around operators.
func settled(source string) bool {
	for i := 0; i < len(source); i++ {
		switch c := source[i]; {
		case word(c) || c == '[' || c == '(' || c == ']' || c == ')':
		case c == '.':
			if i == 0 || i+1 == len(source) || !word(source[i-1]) && source[i-1] != ']' && source[i-1] != ')' || !word(source[i+1]) {
				return false
			}
		case c == '"':
			end := plainQuote(source[i+1:])
			if end < 0 {
				return false
			}
			i += end + 1
		case c == ',':
			if i == 0 || !closes(source[i-1]) || i+2 >= len(source) || source[i+1] != ' ' || !begins(source[i+2]) {
				return false
			}
			i++
		case c == ' ':
			end := operator(source[i+1:])
			if i == 0 || end < 0 || !closes(source[i-1]) || i+end+2 >= len(source) || !begins(source[i+end+2]) {
				return false
			}
			i += end + 1
		default:
			return false
		}
	}
	return true
}

func word(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// closes reports whether a byte may end an operand, begins whether it may start
// one.
func closes(c byte) bool { return word(c) || c == ']' || c == ')' || c == '"' }
func begins(c byte) bool { return word(c) || c == '[' || c == '(' || c == '"' }

// plainQuote returns where a quote without interpolation ends, or -1.
func plainQuote(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return i
		case '\\', '$', '%', '\n', '\r':
			return -1
		}
	}
	return -1
}

// operator returns the length of an operator with a space behind it, or -1.
func operator(s string) int {
	for _, op := range [...]string{"==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "*", "/", "%", "?", ":"} {
		if len(s) > len(op) && s[:len(op)] == op && s[len(op)] == ' ' {
			return len(op)
		}
	}
	return -1
}

// nextCode is the type of the first token that is written.
func nextCode(next hclsyntax.Tokens) hclsyntax.TokenType {
	for _, t := range next {
		if t.Type != hclsyntax.TokenNewline && t.Type != hclsyntax.TokenComment {
			return t.Type
		}
	}
	return hclsyntax.TokenEOF
}

// writer puts tokens on one line.
type writer struct {
	b    strings.Builder
	open []hclsyntax.TokenType // brackets and quotes around
	last hclsyntax.TokenType
	// unary: the last token was an operator of the operand that follows.
	unary bool
	// pending: an item of an object ended; the next one needs a comma.
	pending bool
	loop    []bool // for each brace in open: it is a for expression
}

func (w *writer) inside() hclsyntax.TokenType {
	if len(w.open) == 0 {
		return hclsyntax.TokenNil
	}
	return w.open[len(w.open)-1]
}

func (w *writer) inObject() bool {
	return w.inside() == hclsyntax.TokenOBrace && !w.loop[len(w.loop)-1]
}

func (w *writer) token(t hclsyntax.Token, next hclsyntax.Tokens) {
	switch t.Type {
	case hclsyntax.TokenEOF:
		return
	case hclsyntax.TokenNewline, hclsyntax.TokenComment:
		if w.inObject() && w.last != hclsyntax.TokenOBrace && w.last != hclsyntax.TokenComma && (t.Type == hclsyntax.TokenNewline || strings.HasSuffix(string(t.Bytes), "\n")) {
			w.pending = true
		}
		return
	case hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit:
		w.write(t, "")
		return
	case hclsyntax.TokenCHeredoc:
		w.write(t, "")
		w.b.WriteByte('\n')
		w.pop()
		return
	default: // code
	}
	if t.Type == hclsyntax.TokenComma && w.inObject() {
		w.pending = true
		w.last = hclsyntax.TokenComma
		return
	}
	if w.pending && t.Type != hclsyntax.TokenCBrace && w.inObject() && !strings.HasSuffix(w.b.String(), "\n") {
		w.b.WriteByte(',')
		w.last, w.unary = hclsyntax.TokenComma, false
	}
	w.pending = false
	space := w.space(t)
	if t.Type == hclsyntax.TokenDot && w.last == hclsyntax.TokenNumberLit && nextCode(next) == hclsyntax.TokenNumberLit {
		space = " " // else the three would be one number
	}
	w.write(t, space)
	w.nest(t, next)
}

func (w *writer) write(t hclsyntax.Token, space string) {
	w.b.WriteString(space)
	w.b.Write(t.Bytes)
	w.unary = (t.Type == hclsyntax.TokenMinus || t.Type == hclsyntax.TokenBang) && !ends(w.last)
	w.last = t.Type
}

func (w *writer) nest(t hclsyntax.Token, next hclsyntax.Tokens) {
	switch t.Type {
	case hclsyntax.TokenOBrace:
		w.open = append(w.open, t.Type)
		w.loop = append(w.loop, startsFor(next))
	case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		w.open = append(w.open, t.Type)
	case hclsyntax.TokenCBrace:
		if w.inside() == hclsyntax.TokenOBrace {
			w.loop = w.loop[:len(w.loop)-1]
		}
		w.pop()
	case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCQuote, hclsyntax.TokenTemplateSeqEnd:
		w.pop()
	default: // it neither opens nor closes
	}
}

func (w *writer) pop() {
	if len(w.open) > 0 {
		w.open = w.open[:len(w.open)-1]
	}
}

// ends reports whether a token ends an operand, so that a minus after it
// subtracts and a bracket after it calls or indexes.
func ends(t hclsyntax.TokenType) bool {
	switch t {
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
		return true
	default:
		return false
	}
}

// space is what stands before a token.
func (w *writer) space(t hclsyntax.Token) string {
	if w.b.Len() == 0 || w.unary || strings.HasSuffix(w.b.String(), "\n") {
		return ""
	}
	switch w.last {
	case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl,
		hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenDot, hclsyntax.TokenDoubleColon:
		return ""
	default: // it depends on what comes
	}
	switch t.Type {
	case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCQuote, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenComma, hclsyntax.TokenDot, hclsyntax.TokenDoubleColon, hclsyntax.TokenEllipsis:
		return ""
	case hclsyntax.TokenOParen, hclsyntax.TokenOBrack:
		if ends(w.last) && !w.keyword() {
			return ""
		}
	case hclsyntax.TokenCBrace:
		if w.last == hclsyntax.TokenOBrace {
			return ""
		}
	default: // a space
	}
	return " "
}

// keyword reports whether what was written last is a word of a for expression
// and not the end of an operand: in (a) and if (a) are no calls.
func (w *writer) keyword() bool {
	if w.last != hclsyntax.TokenIdent {
		return false
	}
	text := w.b.String()
	word := text[strings.LastIndexAny(text, " ([{,~")+1:]
	return word == "in" || word == "if" || word == "else"
}
