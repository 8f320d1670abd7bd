package format

import "unicode/utf8"

// Shallow reports that text surely keeps the bounds. It looks at bytes only, and
// counts each that could make depth; text with a form whose end it does not know
// (heredocs, line breaks in quotes, odd bytes) is not sure. Its answer agrees
// with Check, or is false.
func (n Nesting) Shallow(src []byte) bool {
	if !utf8.Valid(src) {
		return false
	}
	s := byteScan{src: src, depth: newDepth(n, true)}
	for s.i < len(src) {
		if !s.step() {
			return false
		}
	}
	return len(s.quotes) == 0
}

type byteScan struct {
	src   []byte
	i     int
	depth *depth
	// quotes holds the number of levels at which each open quote stands; an
	// interpolation inside it is code again.
	quotes []int
	// opened holds the byte that opened each level. Where another one closes it,
	// scanner and parser part ways, and nothing is sure.
	opened []byte
}

func (s *byteScan) open(c byte, separates bool) bool {
	s.opened = append(s.opened, c)
	return s.depth.link() || s.depth.open(separates)
}

func (s *byteScan) close(c byte) bool {
	last := len(s.opened) - 1
	if last < 0 || s.opened[last] != c {
		return false
	}
	s.opened = s.opened[:last]
	s.depth.close()
	return true
}

func (s *byteScan) inQuote() bool {
	return len(s.quotes) > 0 && s.quotes[len(s.quotes)-1] == len(s.depth.levels)
}

// step reads one byte, or one comment; false means not sure or too deep.
func (s *byteScan) step() bool {
	if s.inQuote() {
		return s.quoted()
	}
	c := s.src[s.i]
	s.i++
	switch c {
	case '(', '[':
		return !s.open(c, false)
	case '{':
		// Whether a line break ends anything inside is not known here; in a body
		// and in an object it does, in a for expression it does not.
		return !s.open(c, !s.startsFor())
	case ')':
		return s.close('(')
	case ']':
		return s.close('[')
	case '}':
		if !s.close('{') {
			return false
		}
		if s.inQuote() { // the end of an interpolation
			s.depth.unlink()
		}
	case '"':
		if s.open(c, false) {
			return false
		}
		s.quotes = append(s.quotes, len(s.depth.levels))
	case ',':
		s.depth.shut()
	case '\n':
		if s.depth.top().separates {
			s.depth.shut()
		}
	case '#':
		return s.comment()
	case '/':
		return s.slash()
	case '<':
		return s.peek() != '<' && !s.depth.link()
	case '=', '?', ':', '!', '-', '+', '*', '%', '>', '&', '|':
		return !s.depth.link()
	case '\r': // alone it is a token of its own
		return s.peek() == '\n'
	case '.': // three are a token that counts
		return s.peek() != '.'
	case ' ', '\t', '_':
	default:
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			return true
		}
		// Odd bytes may be words of other scripts, or tokens of their own.
		return c > ' ' && c != '\\' && c != 0x7f && c != '\'' && c != '`' && !s.depth.link()
	}
	return true
}

func (s *byteScan) quoted() bool {
	c := s.src[s.i]
	s.i++
	switch c {
	case '\n':
		return false
	case '\\':
		s.i++
	case '"':
		s.quotes = s.quotes[:len(s.quotes)-1]
		return s.close('"')
	case '$':
		switch {
		case s.peek() == '$': // as HCL does, only $${ is an escape
			return s.escape()
		case s.peek() == '{':
			s.i++
			return !s.open('{', false)
		}
	case '%':
		switch s.peek() {
		case '%':
			return s.escape()
		case '{': // directives nest without brackets
			return false
		}
	}
	return true
}

// escape handles $$ and %%: followed by a brace it stands for itself. A longer
// row of them is not worth knowing.
func (s *byteScan) escape() bool {
	c := s.peek()
	s.i++
	switch s.peek() {
	case '{':
		s.i++
	case c:
		return false
	}
	return true
}

func (s *byteScan) slash() bool {
	switch s.peek() {
	case '/':
		return s.comment()
	case '*':
		return false
	}
	return !s.depth.link()
}

// comment skips to the end of the line, which is left to be read. To HCL a
// comment without an end is none.
func (s *byteScan) comment() bool {
	for s.i < len(s.src) && s.src[s.i] != '\n' {
		s.i++
	}
	return s.i < len(s.src)
}

func (s *byteScan) peek() byte {
	if s.i < len(s.src) {
		return s.src[s.i]
	}
	return 0
}

// startsFor looks for the word after a brace.
func (s *byteScan) startsFor() bool {
	for i := s.i; i < len(s.src); i++ {
		switch s.src[i] {
		case ' ', '\t', '\r', '\n':
		case 'f':
			return i+3 < len(s.src) && string(s.src[i:i+3]) == "for" && s.src[i+3] <= ' '
		case '#', '/': // a comment may stand before it
			return true
		default:
			return false
		}
	}
	return false
}
