package view

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestColor: no colors where nobody sees them, unless they are asked for; what is
// asked for beats the environment.
func TestColor(t *testing.T) {
	var out bytes.Buffer
	term := NewTerminal(&out, &out, func(string) string { return "" })
	if got := term.Style(red, "x"); got != "x" {
		t.Errorf("a buffer gets %q", got)
	}
	term = NewTerminal(&out, &out, func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] })
	term.Color(true)
	if got := term.Style(red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("forced, it is %q", got)
	}
	term.Color(false)
	if got := term.Style(red, "x"); got != "x" {
		t.Errorf("forbidden, it is %q", got)
	}
}

func TestErrorIsInert(t *testing.T) {
	var out bytes.Buffer
	NewTerminal(&out, &out, func(string) string { return "" }).Error(errors.New("no \x1b[2J\nbut \x07"))
	if got := out.String(); strings.ContainsAny(got, "\x1b\x07") || got != "Error: no \\x1b[2J\n\nbut \\x07\n" {
		t.Errorf("%q", got)
	}
}

// TestDraft: what is drawn in a draft looks as it would on the terminal.
func TestDraft(t *testing.T) {
	var out bytes.Buffer
	term := NewTerminal(&out, &out, func(string) string { return "" })
	term.Color(true)
	draft, into := term.Draft()
	draft.Printf("%s", draft.Style(green, "data"))
	draft.Error(errors.New("finding"))
	if out.Len() > 0 || !strings.HasPrefix(into.String(), "\x1b[32mdata") || !strings.Contains(into.String(), "finding") {
		t.Errorf("out %q, draft %q", &out, into)
	}
	term.Draw(into.String(), 0)
	if !strings.Contains(out.String(), into.String()) {
		t.Errorf("drawn %q", &out)
	}
}
