package expr

import (
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
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
	if err := RunTimeNesting().Check(tokens, false); err != nil {
		return nil, err
	}
	x, diags := hclsyntax.ParseExpression(text, "", start)
	if diags.HasErrors() {
		return nil, fromDiags(diags, hcl.Range{})
	}
	return x, nil
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
