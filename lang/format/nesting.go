package format

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Nesting bounds the depth of source text.
type Nesting struct {
	Levels int // of brackets, quotes and interpolations
	Depth  int // levels, plus the links of chains in all open levels
}

type level struct {
	chain     int
	separates bool // a line break ends a chain here
}

type depth struct {
	limit  Nesting
	levels []level
	chains int // of all levels together
}

func newDepth(limit Nesting, separates bool) *depth {
	return &depth{limit: limit, levels: append(make([]level, 0, 8), level{separates: separates})}
}

func (d *depth) top() *level { return &d.levels[len(d.levels)-1] }

// link lengthens the chain of the level and reports whether it is too deep.
func (d *depth) link() bool {
	d.top().chain++
	d.chains++
	return len(d.levels)-1+d.chains > d.limit.Depth
}

func (d *depth) open(separates bool) bool {
	d.levels = append(d.levels, level{separates: separates})
	return len(d.levels)-1 > d.limit.Levels || len(d.levels)-1+d.chains > d.limit.Depth
}

// shut ends the chain of a level that is left or whose item ends.
func (d *depth) shut() {
	top := d.top()
	d.chains -= top.chain
	top.chain = 0
}

func (d *depth) close() {
	if len(d.levels) > 1 {
		d.shut()
		d.levels = d.levels[:len(d.levels)-1]
	}
}

// Check returns where tokens nest too deep, if they do. body says that they are
// those of a whole file, where a line break ends an expression.
func (n Nesting) Check(tokens hclsyntax.Tokens, body bool) (at hcl.Range, deep bool) {
	d := newDepth(n, body)
	for i, token := range tokens {
		if d.token(token, tokens[i+1:]) {
			return token.Range, true
		}
	}
	return hcl.Range{}, false
}

// CheckFile looks at bytes first, which is some thirty times faster than to scan
// tokens, and at tokens only where bytes are not sure.
func (n Nesting) CheckFile(src []byte) (offset int, deep bool) {
	if n.Shallow(src) {
		return 0, false
	}
	// Faults of scanning are reported by the parser, in its own words.
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	at, deep := n.Check(tokens, true)
	return at.Start.Byte, deep
}

// token counts one token and reports whether it is too deep.
func (d *depth) token(token hclsyntax.Token, next hclsyntax.Tokens) bool {
	switch token.Type {
	case hclsyntax.TokenOBrace:
		return d.link() || d.open(!startsFor(next))
	case hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
		return d.link() || d.open(false)
	case hclsyntax.TokenTemplateControl:
		return d.control(next) || d.open(false)
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
		d.close()
	case hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
		d.close()
	case hclsyntax.TokenTemplateSeqEnd:
		d.close()
		d.unlink()
	case hclsyntax.TokenComma:
		d.shut()
	case hclsyntax.TokenNewline:
		if d.top().separates {
			d.shut()
		}
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit,
		hclsyntax.TokenComment, hclsyntax.TokenDot, hclsyntax.TokenEOF:
	default:
		return d.link()
	}
	return false
}

// unlink takes back what an interpolation added: parts of a template stand
// beside each other.
func (d *depth) unlink() {
	if top := d.top(); top.chain > 0 {
		top.chain--
		d.chains--
	}
}

// control counts %{ if } and %{ for }, in which the parser recurses until their
// ends. The level of the directive itself is closed like an interpolation's, so
// one link more stays behind.
func (d *depth) control(next hclsyntax.Tokens) bool {
	word := ""
	if len(next) > 0 {
		word = string(next[0].Bytes)
	}
	switch word {
	case "endif", "endfor":
		d.unlink()
	case "else":
	default:
		if d.link() {
			return true
		}
	}
	return d.link()
}

func startsFor(next hclsyntax.Tokens) bool {
	for _, token := range next {
		if token.Type == hclsyntax.TokenNewline || token.Type == hclsyntax.TokenComment {
			continue
		}
		return token.Type == hclsyntax.TokenIdent && string(token.Bytes) == "for"
	}
	return false
}
