package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/cmd/lft/internal/view"
)

func newApp(out io.Writer) *app {
	return &app{version: "test", in: strings.NewReader(""), term: view.NewTerminal(out, io.Discard, func(string) string { return "" })}
}

func TestShellWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                         nil,
		"  \t\n":                   nil,
		"-a  -b=1":                 {"-a", "-b=1"},
		`-var 'a=b c' -var="d e"`:  {"-var", "a=b c", "-var=d e"},
		`a\ b \'`:                  {"a b", "'"},
		`'it'"'"'s' ''`:            {"it's", ""},
		`"a\"b\\c\d" 'a\b'`:        {`a"b\c\d`, `a\b`},
		`-var='list=["x","y"]' é☃`: {`-var=list=["x","y"]`, "é☃"},
	} {
		got, err := shellWords(text)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, d)
		}
	}
	for _, text := range []string{`'a`, `"a`, `a\`} {
		if got, err := shellWords(text); err == nil {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestWithEnvironment(t *testing.T) {
	environment := map[string]string{
		"LFT_CLI_ARGS":            "-no-color",
		"LFT_CLI_ARGS_plan":       "-concise -var 'a=b c'",
		"LFT_CLI_ARGS_state_list": "-project=p",
		"LFT_CLI_ARGS_broken":     "'",
	}
	root := newApp(new(bytes.Buffer)).command()
	for _, tc := range []struct{ args, want []string }{
		{nil, nil},
		{[]string{"-help"}, []string{"-help"}},
		{[]string{"nosuch", "x"}, []string{"nosuch", "x"}},
		{[]string{"plan", "-json"}, []string{"plan", "-no-color", "-concise", "-var", "a=b c", "-json"}},
		{[]string{"-chdir=plan", "validate"}, []string{"-chdir=plan", "validate", "-no-color"}},
		{[]string{"--chdir", "plan", "plan"}, []string{"--chdir", "plan", "plan", "-no-color", "-concise", "-var", "a=b c"}},
		{[]string{"state", "list", "x"}, []string{"state", "list", "-no-color", "-project=p", "x"}},
		{[]string{"-chdir"}, []string{"-chdir"}},
		{[]string{"keeper", "-dir=x"}, []string{"keeper", "-dir=x"}},
		{[]string{"complete", "plan"}, []string{"complete", "plan"}},
	} {
		got, err := withEnvironment(root, tc.args, func(name string) string { return environment[name] })
		if d := cmp.Diff(tc.want, got); d != "" || err != nil {
			t.Errorf("%q: %v (-want +got):\n%s", tc.args, err, d)
		}
	}
	if _, err := withEnvironment(root, []string{"plan"}, func(string) string { return "'" }); err == nil {
		t.Error("a quote without an end is accepted")
	}
}
