package expr

import (
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/format"
)

// Parse reads the source of a run-time expression, within the bounds of size
// and nesting.
func Parse(source string) (hclsyntax.Expression, *Error) {
	if err := CheckSource(source); err != nil {
		return nil, err
	}
	// A heredoc ends with a line break.
	text := []byte(source + "\n")
	start := hcl.InitialPos
	tokens, diags := hclsyntax.LexExpression(text, "", start)
	if diags.HasErrors() {
		return nil, fromDiags(diags, hcl.Range{})
	}
	if at, deep := RunTimeNesting().Check(tokens, false); deep {
		return nil, TooDeep(RunTimeNesting(), at)
	}
	x, diags := hclsyntax.ParseExpression(text, "", start)
	if diags.HasErrors() {
		return nil, fromDiags(diags, hcl.Range{})
	}
	return x, nil
}

// ParseTemplate reads a text with interpolations, within a nesting.
func ParseTemplate(source []byte, name string, n format.Nesting) (hclsyntax.Expression, *Error) {
	tokens, diags := hclsyntax.LexTemplate(source, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fromDiags(diags, hcl.Range{})
	}
	if at, deep := n.Check(tokens, false); deep {
		return nil, TooDeep(n, at)
	}
	x, diags := hclsyntax.ParseTemplate(source, name, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fromDiags(diags, hcl.Range{})
	}
	return x, nil
}

// RunTimeNesting bounds the depth of run-time expressions.
func RunTimeNesting() format.Nesting { return format.Nesting{Levels: MaxNesting, Depth: 1000} }

// TooDeep is the error for text that nests deeper than n at a place.
func TooDeep(n format.Nesting, at hcl.Range) *Error {
	return &Error{
		Range: at, Limit: true, Summary: "Nested too deep",
		Detail: fmt.Sprintf("Brackets, quotes and interpolations may nest %d deep; operators of one expression count too, up to %d in all.", n.Levels, n.Depth),
	}
}

// CheckSource refuses text that is too long to be a run-time expression, or no
// text.
func CheckSource(source string) *Error {
	switch {
	case len(source) > MaxSource:
		return &Error{Limit: true, Summary: "The expression is too long", Detail: fmt.Sprintf("A value that is only known when the job runs may have %d bytes of source, and this has %d.", MaxSource, len(source))}
	case !utf8.ValidString(source):
		return &Error{Summary: "The expression is not UTF-8"}
	}
	return nil
}
