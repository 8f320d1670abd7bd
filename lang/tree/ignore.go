package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"
)

// ignoreName is the file at the top of a folder that says which of its files are
// no part of the tree, in the words of .gitignore:
//
//   - a line is a pattern; empty lines and lines that start with # are none;
//   - * is any text without a slash, ? is any character but a slash, [a-z] one of a
//     range and [!a-z] one outside; \ takes its meaning from the next character;
//   - ** between slashes, or at an end of the pattern, is any number of folders;
//   - a slash in front or in the middle binds the pattern to the top of the folder;
//     without one it counts at any depth;
//   - a slash at the end lets it match folders only; what is in an ignored folder
//     is ignored;
//   - ! in front takes back what a line before has ignored; the last line that
//     matches decides. Nothing can be taken back in a folder that is ignored.
//
// Unlike Git, no other file of this name counts, and blanks at the end of a line
// never do.
const ignoreName = ".lftignore"

const maxIgnore = 64 << 10 // bytes

type ignore []pattern

type pattern struct {
	parts  []string // between slashes; "**" is any number of folders
	negate bool
	dirs   bool // matches folders only
}

// readIgnore returns nil when there is no such file.
func readIgnore(fsys fs.FS, name string) (ignore, error) {
	info, err := lstat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, cause(ignoreName, err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", ignoreName)
	case info.Size() > maxIgnore:
		return nil, fmt.Errorf("%s has %d bytes, more than %d", ignoreName, info.Size(), maxIgnore)
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, cause(ignoreName, err)
	}
	return parseIgnore(string(data))
}

func parseIgnore(text string) (ignore, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%s is not UTF-8 text", ignoreName)
	}
	var patterns ignore
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		p, err := parsePattern(line)
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %q is no pattern: %w", ignoreName, number, line, err)
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

func parsePattern(line string) (pattern, error) {
	var p pattern
	line, p.negate = strings.CutPrefix(line, "!")
	line, p.dirs = strings.CutSuffix(line, "/")
	anchored := strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return p, errors.New("it names nothing")
	}
	if !anchored {
		p.parts = append(p.parts, "**")
	}
	for part := range strings.SplitSeq(line, "/") {
		// In path.Match, the other sign negates a range.
		part = strings.ReplaceAll(part, "[!", "[^")
		if _, err := path.Match(part, ""); err != nil {
			return p, errors.New("a bracket or a backslash stands alone")
		}
		if part == "**" && len(p.parts) > 0 && p.parts[len(p.parts)-1] == "**" {
			continue
		}
		p.parts = append(p.parts, part)
	}
	return p, nil
}

// matches reports whether a path is ignored, given that no folder around it is.
func (g ignore) matches(name string, dir bool) bool {
	if len(g) == 0 {
		return false
	}
	parts := strings.Split(name, "/")
	for i := len(g) - 1; i >= 0; i-- {
		if p := g[i]; (dir || !p.dirs) && match(p.parts, parts) {
			return !p.negate
		}
	}
	return false
}

// match goes back to the last "**" only, so that it takes no more than the
// product of the two lengths.
func match(pattern, parts []string) bool {
	p, n := 0, 0
	star, taken := -1, 0 // the last "**", and the names up to where it reaches
	for n < len(parts) {
		switch {
		case p < len(pattern) && pattern[p] == "**":
			if p == len(pattern)-1 {
				return true // all that is below, but not the folder itself
			}
			star, taken = p, n
			p++
		case p < len(pattern) && matchName(pattern[p], parts[n]):
			p++
			n++
		case star >= 0:
			taken++
			p, n = star+1, taken
		default:
			return false
		}
	}
	return p == len(pattern)
}

func matchName(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
