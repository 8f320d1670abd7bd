package lang

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/format"
)

// Input joins the lines that are typed to expressions: a bracket or a heredoc that
// is open goes on in the next line. The zero value is ready.
type Input struct {
	text  strings.Builder
	depth int    // brackets that are open
	mark  string // of the heredoc that is open
}

// Add takes a line, without its end. When the expression is whole it returns it,
// and begins anew; "" is a line with nothing to evaluate.
func (i *Input) Add(line string) (source string, whole bool) {
	if i.mark == "" && i.depth == 0 && blank(line) {
		return "", true
	}
	i.text.WriteString(line)
	i.text.WriteByte('\n')
	if i.follow(line); i.Open() && i.text.Len() <= format.MaxFile {
		return "", false
	}
	return i.End(), true
}

// Open reports whether an expression has begun that is not whole.
func (i *Input) Open() bool { return i.mark != "" || i.depth > 0 }

// End returns what was begun, whole or not, and begins anew.
func (i *Input) End() string {
	source := i.text.String()
	*i = Input{}
	if heredoc := strings.Contains(source, "<<"); !heredoc {
		source = strings.TrimSuffix(source, "\n")
	}
	return source
}

// follow counts what a line opens and closes. Each line is looked at once, so that
// a long text costs no more than its length.
func (i *Input) follow(line string) {
	if i.mark != "" {
		if strings.TrimSpace(line) == i.mark {
			i.mark = ""
		}
		return
	}
	tokens, _ := hclsyntax.LexExpression([]byte(line+"\n"), consoleFile, hcl.InitialPos)
	for _, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
			i.depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
			i.depth = max(0, i.depth-1)
		case hclsyntax.TokenOHeredoc:
			i.mark = strings.TrimSpace(strings.TrimLeft(string(token.Bytes), "<-"))
		default: // it opens nothing
		}
	}
}

// blank recognises a line without anything but a comment.
func blank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//")
}
