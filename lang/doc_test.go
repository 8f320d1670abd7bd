package lang_test

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/leifengta/lft/lang"
	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/providers/builtin"
)

// snippet is a fenced block of a page: ```LANGUAGE KEY=VALUE ….
type snippet struct {
	line     int
	language string
	keys     map[string]string
	text     string
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)([^\n]*)\n(.*?)^```$")

func snippets(t *testing.T, page string) []snippet {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []snippet
	for _, m := range fence.FindAllSubmatchIndex(data, -1) {
		s := snippet{line: 1 + strings.Count(string(data[:m[0]]), "\n"), language: string(data[m[2]:m[3]]), keys: map[string]string{}, text: string(data[m[6]:m[7]])}
		for _, word := range strings.Fields(string(data[m[4]:m[5]])) {
			key, value, _ := strings.Cut(word, "=")
			s.keys[key] = value
		}
		list = append(list, s)
	}
	return list
}

// TestLanguagePage loads every example of the page as a folder of its own. One
// that shows a fault names its code; one that needs a module finds it in the
// example that is part of that folder.
func TestLanguagePage(t *testing.T) {
	all := snippets(t, "doc/language.md")
	parts := map[string]string{}
	for _, s := range all {
		if folder, ok := s.keys["part"]; ok {
			parts[folder] = s.text
		}
	}
	loaded := 0
	for _, s := range all {
		fsys := fstest.MapFS{}
		switch s.language {
		case "hcl":
			fsys["main.hcl"] = &fstest.MapFile{Data: []byte(s.text)}
		case "json":
			fsys["main.lft.json"] = &fstest.MapFile{Data: []byte(s.text)}
		default:
			continue
		}
		if name, ok := s.keys["files"]; ok {
			fsys[name] = &fstest.MapFile{Data: []byte("#!/bin/sh\n"), Mode: 0o755}
		}
		if name, ok := s.keys["module"]; ok {
			fsys[path.Join(name, "main.hcl")] = &fstest.MapFile{Data: []byte(parts[name])}
		}
		if _, ok := s.keys["part"]; ok {
			continue
		}
		loaded++
		_, list := lang.Load(fsys, lang.Options{JobTypes: builtin.Set().Schemas(), Version: "1.0.0"})
		s.check(t, list)
	}
	if loaded < 20 {
		t.Errorf("only %d examples were found", loaded)
	}
}

func (s snippet) check(t *testing.T, list diag.List) {
	t.Helper()
	want := s.keys["error"]
	for _, d := range list {
		switch {
		case want == "":
			t.Errorf("line %d: %s: %s (line %d of the example)", s.line, d.Summary, d.Detail, d.Range.Start.Line)
		case d.Code != want:
			t.Errorf("line %d: code %s, want %s: %s", s.line, d.Code, want, d.Detail)
		}
	}
	if want != "" && !list.HasErrors() {
		t.Errorf("line %d: no error, want %s", s.line, want)
	}
}
