package format

import (
	"bytes"
	"errors"
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
	if !sameTokens(src, formatted) {
		return nil, fmt.Errorf("%s: %w", name, errMangled)
	}
	return formatted, nil
}

// errMangled is a defect of hclwrite; better no layout than another meaning.
var errMangled = errors.New("the file cannot be laid out without changing it; this is a defect of lft, please report it")

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

// sameTokens compares all but spaces.
func sameTokens(a, b []byte) bool {
	left, _ := hclsyntax.LexConfig(a, "", hcl.InitialPos)
	right, _ := hclsyntax.LexConfig(b, "", hcl.InitialPos)
	if len(left) != len(right) {
		return false
	}
	for i := range left {
		if left[i].Type != right[i].Type || !bytes.Equal(bytes.TrimSpace(left[i].Bytes), bytes.TrimSpace(right[i].Bytes)) {
			return false
		}
	}
	return true
}
