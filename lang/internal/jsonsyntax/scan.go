package jsonsyntax

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// MaxDepth bounds objects and arrays inside each other.
const MaxDepth = 200

// Limit is the Extra of a diagnostic that tells of a bound.
type Limit struct{}

type kind uint8

const (
	nullValue kind = iota
	boolValue
	numberValue
	stringValue
	arrayValue
	objectValue
)

func (k kind) String() string {
	return [...]string{"null", "a truth value", "a number", "a string", "an array", "an object"}[k]
}

// value is a JSON value with its place.
type value struct {
	kind     kind
	from, to hcl.Pos
	text     string // of a string, without escapes; of a number, as written
	yes      bool
	elements []value
	members  []member
}

// member is a name of an object with its value.
type member struct {
	name     string
	from, to hcl.Pos // of the name, quotes included
	value    value
}

// scanner reads one document. It stops at the first fault.
type scanner struct {
	src    []byte
	name   string // of the file
	pos    hcl.Pos
	depth  int
	native *native
}

func (s *scanner) fault(at hcl.Pos, summary, detail string, args ...any) *hcl.Diagnostic {
	end := at
	if end.Byte < len(s.src) {
		end.Byte++
		end.Column++
	}
	return &hcl.Diagnostic{
		Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &hcl.Range{Filename: s.name, Start: at, End: end},
	}
}

func (s *scanner) peek() byte {
	if s.pos.Byte < len(s.src) {
		return s.src[s.pos.Byte]
	}
	return 0
}

// advance goes over n bytes of one line.
func (s *scanner) advance(n int) {
	s.pos.Column += utf8.RuneCount(s.src[s.pos.Byte : s.pos.Byte+n])
	s.pos.Byte += n
}

func (s *scanner) space() {
	for s.pos.Byte < len(s.src) {
		switch s.src[s.pos.Byte] {
		case ' ', '\t', '\r':
			s.advance(1)
		case '\n':
			s.pos.Byte++
			s.pos.Line++
			s.pos.Column = 1
		default:
			return
		}
	}
}

// document is one value and nothing behind it.
func (s *scanner) document() (value, *hcl.Diagnostic) {
	if len(s.src) >= 3 && string(s.src[:3]) == "\ufeff" {
		s.pos.Byte = 3
	}
	s.space()
	v, err := s.value()
	if err != nil {
		return v, err
	}
	if s.space(); s.pos.Byte < len(s.src) {
		return v, s.fault(s.pos, "Text behind the end", "A JSON file is one object; there is more behind it.")
	}
	return v, nil
}

func (s *scanner) value() (value, *hcl.Diagnostic) {
	v := value{from: s.pos}
	var err *hcl.Diagnostic
	switch c := s.peek(); {
	case c == '{':
		v.kind = objectValue
		err = s.nest(&v, (*scanner).object)
	case c == '[':
		v.kind = arrayValue
		err = s.nest(&v, (*scanner).array)
	case c == '"':
		v.kind = stringValue
		v.text, err = s.text()
	case c == '-' || c >= '0' && c <= '9':
		v.kind = numberValue
		v.text, err = s.number()
	case c >= 'a' && c <= 'z':
		err = s.word(&v)
	case c == '/' || c == '#':
		err = s.fault(s.pos, "A comment in JSON", "JSON has no comments. Where attributes stand, a member named \"//\" is one.")
	case s.pos.Byte >= len(s.src):
		err = s.fault(s.pos, "The file ends too early", "A value is missing.")
	default:
		err = s.fault(s.pos, "Invalid JSON", "A value is needed here: an object, an array, a text in double quotes, a number, true, false or null.")
	}
	v.to = s.pos
	return v, err
}

func (s *scanner) nest(v *value, read func(*scanner, *value) *hcl.Diagnostic) *hcl.Diagnostic {
	if s.depth++; s.depth > MaxDepth {
		deep := s.fault(s.pos, "Nested too deep", "Objects and arrays may nest %d deep.", MaxDepth)
		deep.Extra = Limit{}
		return deep
	}
	s.advance(1)
	err := read(s, v)
	s.depth--
	return err
}

func (s *scanner) word(v *value) *hcl.Diagnostic {
	end := s.pos.Byte
	for end < len(s.src) && s.src[end] >= 'a' && s.src[end] <= 'z' {
		end++
	}
	switch word := string(s.src[s.pos.Byte:end]); word {
	case "null":
		v.kind = nullValue
	case "true", "false":
		v.kind, v.yes = boolValue, word == "true"
	default:
		return s.fault(s.pos, "Invalid JSON", "%.40q is no value: a text stands in double quotes.", word)
	}
	s.advance(end - s.pos.Byte)
	return nil
}

// number follows the grammar of JSON, which is narrower than others.
func (s *scanner) number() (string, *hcl.Diagnostic) {
	start := s.pos
	i := start.Byte
	digits := func() bool {
		from := i
		for i < len(s.src) && s.src[i] >= '0' && s.src[i] <= '9' {
			i++
		}
		return i > from
	}
	is := func(set string) bool {
		for j := range len(set) {
			if i < len(s.src) && s.src[i] == set[j] {
				i++
				return true
			}
		}
		return false
	}
	is("-")
	ok := is("0") || digits()
	if ok && is(".") {
		ok = digits()
	}
	if ok && is("eE") {
		is("+-")
		ok = digits()
	}
	if ok && i < len(s.src) && (s.src[i] >= '0' && s.src[i] <= '9' || s.src[i] == '.') {
		ok = false
	}
	if !ok {
		return "", s.fault(start, "Invalid number", "A number is written like 12, -0.5 or 1e6, without leading zeros.")
	}
	s.advance(i - start.Byte)
	return string(s.src[start.Byte:i]), nil
}

func (s *scanner) array(v *value) *hcl.Diagnostic {
	for {
		s.space()
		if s.peek() == ']' && len(v.elements) == 0 {
			s.advance(1)
			return nil
		}
		element, err := s.value()
		if err != nil {
			return err
		}
		v.elements = append(v.elements, element)
		if done, err := s.separator(']', "element"); done || err != nil {
			return err
		}
	}
}

// separator goes over a comma or the end.
func (s *scanner) separator(end byte, what string) (done bool, err *hcl.Diagnostic) {
	s.space()
	switch at, c := s.pos, s.peek(); c {
	case end:
		s.advance(1)
		return true, nil
	case ',':
		s.advance(1)
		if s.space(); s.peek() == end {
			return false, s.fault(at, "A comma too many", "JSON has no comma behind the last %s.", what)
		}
		return false, nil
	}
	return false, s.fault(s.pos, "Invalid JSON", "A comma or %q is needed behind the %s.", string(end), what)
}

func (s *scanner) object(v *value) *hcl.Diagnostic {
	seen := map[string]hcl.Pos{}
	for {
		s.space()
		if s.peek() == '}' && len(v.members) == 0 {
			s.advance(1)
			return nil
		}
		if s.peek() != '"' {
			return s.fault(s.pos, "Invalid JSON", "The name of a member is needed here, in double quotes.")
		}
		m := member{from: s.pos}
		var err *hcl.Diagnostic
		if m.name, err = s.text(); err != nil {
			return err
		}
		m.to = s.pos
		if at, ok := seen[m.name]; ok && m.name != comment {
			return s.fault(m.from, "Given twice", "%q is already given at line %d of this object.", m.name, at.Line)
		}
		seen[m.name] = m.from
		if s.space(); s.peek() != ':' {
			return s.fault(s.pos, "Invalid JSON", "A colon is needed behind the name of a member.")
		}
		s.advance(1)
		s.space()
		if m.value, err = s.value(); err != nil {
			return err
		}
		v.members = append(v.members, m)
		if done, err := s.separator('}', "member"); done || err != nil {
			return err
		}
	}
}

// comment is the name of members that are not looked at.
const comment = "//"

// text reads a string and takes its escapes away.
func (s *scanner) text() (string, *hcl.Diagnostic) {
	start := s.pos
	i := start.Byte + 1
	escaped := false
	for ; i < len(s.src) && s.src[i] != '"'; i++ {
		switch c := s.src[i]; {
		case c < ' ':
			s.advance(i - s.pos.Byte)
			return "", s.fault(s.pos, "Invalid string", "A control character stands in the text: write \\n for the end of a line, \\t for a tab. Does the text lack its closing quote?")
		case c == '\\':
			escaped = true
			i++
		}
	}
	if i >= len(s.src) {
		return "", s.fault(start, "Invalid string", "The text has no closing quote.")
	}
	text := string(s.src[start.Byte+1 : i])
	if escaped {
		plain, bad := unescape(text)
		if bad >= 0 {
			s.advance(1 + bad)
			return "", s.fault(s.pos, "Invalid escape", "After a backslash JSON knows \" \\ / b f n r t, and u with four hexadecimal digits; a character of two such halves needs both.")
		}
		s.native.text(start.Byte, i+1, plain)
		text = plain
	}
	s.advance(i + 1 - start.Byte)
	return text, nil
}

// unescape returns where an escape is wrong, or −1.
func unescape(text string) (plain string, bad int) {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		at := i
		if i++; i >= len(text) {
			return "", at
		}
		switch c := text[i]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b', 'f', 'n', 'r', 't':
			out = append(out, map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[c])
		case 'u':
			r, size := character(text[at:])
			if size == 0 {
				return "", at
			}
			out = utf8.AppendRune(out, r)
			i = at + size - 1
		default:
			return "", at
		}
	}
	return string(out), -1
}

// character reads \uXXXX, or two of them that make one character; size 0 is none.
func character(text string) (r rune, size int) {
	half := func(text string) (rune, bool) {
		if len(text) < 6 || text[:2] != `\u` {
			return 0, false
		}
		n, err := strconv.ParseUint(text[2:6], 16, 16)
		return rune(n), err == nil
	}
	const high, low, end = 0xd800, 0xdc00, 0xe000
	r, ok := half(text)
	switch {
	case !ok || r >= low && r < end:
		return 0, 0
	case r < high || r >= end:
		return r, 6
	}
	second, ok := half(text[6:])
	if !ok || second < low || second >= end {
		return 0, 0
	}
	return (r-high)<<10 | (second - low) + 0x10000, 12
}
