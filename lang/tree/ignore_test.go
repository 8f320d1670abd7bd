package tree

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ignored says what becomes of a path whose folders are looked at first.
func ignored(g ignore, name string) bool {
	for i := range name {
		if name[i] == '/' && g.matches(name[:i], true) {
			return true
		}
	}
	return g.matches(strings.TrimSuffix(name, "/"), strings.HasSuffix(name, "/"))
}

func TestIgnore(t *testing.T) {
	for _, tc := range []struct{ patterns, yes, no string }{
		{"*.pyc", "a.pyc x/y/b.pyc", "a.py pyc a.pycx"},
		{"/a", "a a/x", "x/a aa"},
		{"a/b", "a/b a/b/c", "x/a/b b"},
		{"build/", "build/ x/build/ build/x", "build x/build"},
		{"/build/", "build/x", "x/build/x build"},
		{"doc/*.txt", "doc/a.txt", "doc/x/a.txt x/doc/a.txt"},
		{"**/a", "a x/a x/y/a", "b ab"},
		{"a/**", "a/x a/x/y", "a b/a/x"},
		{"a/**/b", "a/b a/x/b a/x/y/b", "b a/bx"},
		{"?.sh", "a.sh x/b.sh", "ab.sh .sh"},
		{"[ab].sh", "a.sh", "c.sh"},
		{"[!ab].sh", "c.sh", "a.sh"},
		{"[a-c]x", "bx", "dx"},
		{"\\#a", "#a", "a"},
		{"\\!a", "!a", "a"},
		{"*.log\n!keep.log", "a.log x/b.log", "keep.log x/keep.log"},
		{"!keep.log\n*.log", "keep.log", ""},
		{"dir\n!dir/keep", "dir/keep", ""},
		{"dir/*\n!dir/keep", "dir/x", "dir/keep"},
		{"# no\n\n   \nb  \n", "b", "# a"},
		{"a\r\nb\r\n", "a b", ""},
		{"*", "a a/b .x", ""},
		{"/*\n!/src", "a b/c", "src src/x"},
		{".git", ".git/x a/.git", "git"},
	} {
		g, err := parseIgnore(tc.patterns)
		if err != nil {
			t.Errorf("%q: %v", tc.patterns, err)
			continue
		}
		for _, name := range strings.Fields(tc.yes) {
			if !ignored(g, name) {
				t.Errorf("%q does not match %s", tc.patterns, name)
			}
		}
		for _, name := range strings.Fields(tc.no) {
			if ignored(g, name) {
				t.Errorf("%q matches %s", tc.patterns, name)
			}
		}
	}
	for _, bad := range []string{"/", "!", "!/", "a[", "a\\", "a/[/b", "\xff"} {
		if g, err := parseIgnore(bad); err == nil {
			t.Errorf("%q is read as %v", bad, g)
		}
	}
}

// TestIgnoreTwin compares with a slow twin: one regular expression a pattern.
func TestIgnoreTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "*", "?", "/", "/", "/**/", "**/", "/**"}), 1, 7).Draw(t, "pattern"), "")
		name := strings.Join(rapid.SliceOfN(rapid.StringMatching(`[ab]{1,3}`), 1, 6).Draw(t, "path"), "/")
		p, err := parsePattern(line)
		if err != nil {
			t.Skip()
		}
		if got, want := match(p.parts, strings.Split(name, "/")), twin(p.parts).MatchString(name); got != want {
			t.Fatalf("%q %q: %v, but %v as %s", line, name, got, want, twin(p.parts))
		}
	})
}

func twin(parts []string) *regexp.Regexp {
	text := ""
	for i, part := range parts {
		switch {
		case part == "**" && i == len(parts)-1:
			text += "[^/]+(/[^/]+)*"
		case part == "**":
			text += "([^/]+/)*"
		default:
			text += strings.NewReplacer("**", "[^/]*", "*", "[^/]*", "?", "[^/]").Replace(part)
			if i < len(parts)-1 {
				text += "/"
			}
		}
	}
	return regexp.MustCompile("^" + text + "$")
}

// TestIgnoreIsQuick: patterns that would send a naive matcher away for years.
func TestIgnoreIsQuick(t *testing.T) {
	g, err := parseIgnore(strings.Repeat("**/a/", 200) + "b\n" + strings.Repeat("*a", 500) + "b\n")
	if err != nil {
		t.Fatal(err)
	}
	if g.matches(strings.TrimSuffix(strings.Repeat("a/", 500), "/"), false) || g.matches(strings.Repeat("a", 255), false) {
		t.Error("a match")
	}
}

func FuzzIgnore(f *testing.F) {
	for _, seed := range []string{"*.pyc", "!/a/**/b/", "[!a-z]\n#\n\\", "**", "a//b", "/**/"} {
		f.Add(seed, "a/b/c.pyc")
	}
	f.Fuzz(func(_ *testing.T, patterns, name string) {
		g, err := parseIgnore(patterns)
		if err == nil {
			g.matches(name, true)
		}
	})
}
