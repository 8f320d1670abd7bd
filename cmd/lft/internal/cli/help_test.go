package cli

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

// everyVerb calls do with each verb and the verbs below it, by its words.
func everyVerb(cmd *cli.Command, path []string, do func(path []string, verb *cli.Command)) {
	for _, verb := range cmd.Commands {
		below := append(slices.Clone(path), verb.Name)
		do(below, verb)
		everyVerb(verb, below, do)
	}
}

// TestEveryVerbExplainsItself: each has a sentence, each of its flags too, and its
// help shows them with one dash, along with its exit codes.
func TestEveryVerbExplainsItself(t *testing.T) {
	everyVerb(newApp(new(bytes.Buffer)).command(), nil, func(path []string, verb *cli.Command) {
		name := strings.Join(path, " ")
		if verb.Usage == "" || strings.HasSuffix(verb.Usage, ".") || strings.ToUpper(verb.Usage[:1]) != verb.Usage[:1] {
			t.Errorf("%s: usage %q", name, verb.Usage)
		}
		if verb.SkipFlagParsing {
			return
		}
		var out bytes.Buffer
		if err := newApp(&out).command().Run(t.Context(), append(append([]string{"lft"}, path...), "x", "-help")); err != nil {
			t.Errorf("%s x -help: %v", name, err)
		}
		for _, flag := range verb.VisibleFlags() {
			if usage := flag.(cli.DocGenerationFlag).GetUsage(); usage == "" || !strings.Contains(out.String(), "  -"+flag.Names()[0]) {
				t.Errorf("%s: flag -%s, usage %q, in\n%s", name, flag.Names()[0], usage, &out)
			}
		}
		if want := "Usage: lft " + name; !strings.HasPrefix(out.String(), want) {
			t.Errorf("the help of %s is\n%s", name, &out)
		}
		for code, meaning := range exits()[sameExits(path[0])] {
			if !strings.Contains(out.String(), fmt.Sprintf("  %d  %s\n", code, meaning)) {
				t.Errorf("the help of %s lacks exit code %d", name, code)
			}
		}
	})
}

// TestExitTable: every column is of a verb that there is.
func TestExitTable(t *testing.T) {
	root := newApp(new(bytes.Buffer)).command()
	for verb := range exits() {
		if verb != anyVerb && root.Command(verb) == nil {
			t.Errorf("there is no verb %q", verb)
		}
	}
	var out bytes.Buffer
	a := newApp(&out)
	exitTable().Show(a.term)
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); !strings.HasPrefix(lines[0], "COMMAND") || !strings.HasPrefix(lines[len(lines)-2], anyVerb) {
		t.Errorf("the table is\n%s", &out)
	}
}
