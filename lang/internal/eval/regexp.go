package eval

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// To find one match takes time in proportion to text and pattern, but to find all
// may take the square of it: (a*)*b goes through the rest of the text at each a.
// So the characters that are really looked at are counted.

// maxLooks bounds characters looked at times the size of the program: about a
// second.
const maxLooks = 50_000_000

var errLooks = errors.New("the pattern goes through the text too often; a simpler one, or a shorter text, takes less")

// pattern is a compiled regular expression that counts its work.
type pattern struct {
	*regexp.Regexp

	size   int  // of its program
	once   bool // it can only match at the start of the text
	around bool // a match depends on what stands before it
}

func compilePattern(text string) (*pattern, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what is wrong with the pattern
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err //nolint:wrapcheck // as above
	}
	return &pattern{Regexp: re, size: len(prog.Inst), once: prog.StartCond()&syntax.EmptyBeginText != 0, around: looksBack(parsed)}, nil
}

// looksBack tells whether a part asks what stands before it.
func looksBack(re *syntax.Regexp) bool {
	if op := re.Op; op == syntax.OpBeginLine || op == syntax.OpBeginText || op == syntax.OpWordBoundary || op == syntax.OpNoWordBoundary {
		return true
	}
	for _, sub := range re.Sub {
		if looksBack(sub) {
			return true
		}
	}
	return false
}

// all returns what FindAllStringSubmatchIndex does, or an error when that would
// take too long.
func (p *pattern) all(s string) ([][]int, error) {
	if p.once {
		return p.FindAllStringSubmatchIndex(s, -1), nil
	}
	if p.around {
		// The rest of a text is not the text; the worst is assumed.
		if n := len(s); n > 0 && n > maxLooks/p.size/n {
			return nil, fmt.Errorf("a pattern with ^, \\b or \\B takes too long for a text of %d bytes", n)
		}
		return p.FindAllStringSubmatchIndex(s, -1), nil
	}
	var all [][]int
	left := maxLooks / p.size
	end := -1 // of the match before
	for pos := 0; pos <= len(s); {
		reader := &countingReader{text: s[pos:], left: &left}
		match := p.FindReaderSubmatchIndex(reader)
		if left < 0 {
			return nil, errLooks
		}
		if match == nil {
			break
		}
		for i := range match {
			if match[i] >= 0 {
				match[i] += pos
			}
		}
		if empty := match[1] == pos; !empty || match[0] != end {
			all = append(all, match)
		}
		if match[1] > pos {
			pos = match[1]
		} else {
			_, width := utf8.DecodeRuneInString(s[pos:])
			pos += max(1, width)
		}
		end = match[1]
	}
	return all, nil
}

// countingReader ends the text when too much of it has been read.
type countingReader struct {
	text string
	left *int
}

// ReadRune implements io.RuneReader.
func (r *countingReader) ReadRune() (rune, int, error) {
	if *r.left--; *r.left < 0 || r.text == "" {
		return 0, 0, io.EOF
	}
	c, width := utf8.DecodeRuneInString(r.text)
	r.text = r.text[width:]
	return c, width, nil
}

// replaceAll is ReplaceAllString of regexp.
func (p *pattern) replaceAll(s, replacement string) (string, error) {
	all, err := p.all(s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var expanded []byte
	from := 0
	for _, match := range all {
		b.WriteString(s[from:match[0]])
		expanded = p.ExpandString(expanded[:0], replacement, s, match)
		b.Write(expanded)
		from = match[1]
	}
	b.WriteString(s[from:])
	return b.String(), nil
}

// regexAll is Terraform's regexall within bounds: of its result stdlib makes the
// type, and one match at a time the value.
var regexAll = function.New(&function.Spec{
	Description: "All matches of a regular expression, each as regex gives it.",
	Params:      []function.Parameter{{Name: "pattern", Type: cty.String}, {Name: "string", Type: cty.String}},
	Type: func(args []cty.Value) (cty.Type, error) {
		ty, err := stdlib.RegexAllFunc.ReturnTypeForValues(args)
		return ty, err //nolint:wrapcheck // says what is wrong with the pattern
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		p, err := compilePattern(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		s := args[1].AsString()
		all, err := p.all(s)
		if err != nil {
			return cty.NilVal, err
		}
		if len(all) == 0 {
			return cty.ListValEmpty(ty.ElementType()), nil
		}
		values := make([]cty.Value, len(all))
		for i, match := range all {
			values[i] = matched(p, s, match, ty.ElementType())
		}
		return cty.ListVal(values), nil
	},
})

// matched is one match as regex gives it: its text, or its groups.
func matched(p *pattern, s string, match []int, ty cty.Type) cty.Value {
	group := func(i int) cty.Value {
		if match[2*i] < 0 {
			return cty.NullVal(cty.String)
		}
		return cty.StringVal(s[match[2*i]:match[2*i+1]])
	}
	switch {
	case ty == cty.String:
		return group(0)
	case ty.IsTupleType():
		groups := make([]cty.Value, p.NumSubexp())
		for i := range groups {
			groups[i] = group(i + 1)
		}
		return cty.TupleVal(groups)
	}
	groups := map[string]cty.Value{}
	for i, name := range p.SubexpNames() {
		if name != "" {
			groups[name] = group(i)
		}
	}
	return cty.ObjectVal(groups)
}
