package view

import (
	"strings"

	"github.com/leifengta/lft/lang"
)

// Explanations lists what the codes of findings stand for.
func Explanations(t *Terminal, list []lang.Explanation) {
	var rows table
	for _, e := range list {
		rows.row(cell{text: e.Code, style: bold}, cell{text: e.Title})
	}
	rows.show(t)
}

// Explanation tells what one code means: why it is refused, how that looks, and
// what to do.
func Explanation(t *Terminal, e lang.Explanation) {
	t.Printf("%s  %s\n\n", t.Style(bold, e.Code), e.Title)
	for _, line := range wrap(e.Cause, t.width-2) {
		t.Printf("%s\n", line)
	}
	if e.Example != "" {
		t.Printf("\n%s\n\n", t.Style(faint, "For example:"))
		for line := range strings.Lines(strings.TrimRight(e.Example, "\n") + "\n") {
			t.Printf("    %s", line)
		}
	}
	if e.Advice != "" {
		t.Printf("\n")
		for _, line := range wrap(e.Advice, t.width-2) {
			t.Printf("%s\n", line)
		}
	}
}
