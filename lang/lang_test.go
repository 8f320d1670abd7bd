package lang_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/schema"
)

// jobTypes stand for those that lft is built with.
func jobTypes() []schema.JobType {
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	return []schema.JobType{
		{Name: "flow", Kind: "flow"},
		{Name: "noop", Kind: "instant"},
		{Name: "shell", Kind: "process", Attributes: []schema.Attribute{
			{Name: "command", Type: raw(`["list","string"]`), RunTime: true},
			{Name: "files", Type: raw(`["map","string"]`), RunTime: true},
			{Name: "hidden", Type: raw(`"string"`), RunTime: true, Sensitive: true},
			{Name: "interpreter", Type: raw(`["list","string"]`)},
			{Name: "script", Type: raw(`"string"`)},
			{Name: "stdin", Type: raw(`"string"`), RunTime: true},
		}},
		{Name: "wait", Kind: "timer", Attributes: []schema.Attribute{{Name: "duration", Type: raw(`"string"`), Required: true, RunTime: true}}},
	}
}

// render writes findings as the golden files have them: a line for each, then
// the source with a caret row.
func render(list diag.List) string {
	var b strings.Builder
	for _, d := range list {
		fmt.Fprintf(&b, "%s %s: %s", d.Severity, d.Code, d.Summary)
		if d.Address != "" {
			fmt.Fprintf(&b, " [%s]", d.Address)
		}
		fmt.Fprintf(&b, "\n  %s\n", strings.ReplaceAll(d.Detail, "\n", "\n  "))
		if d.Snippet == nil {
			continue
		}
		fmt.Fprintf(&b, "  %s:%d,%d", d.Range.File, d.Range.Start.Line, d.Range.Start.Column)
		if d.Snippet.Context != "" {
			fmt.Fprintf(&b, ", in %s", d.Snippet.Context)
		}
		b.WriteString("\n")
		start := 0
		for i, line := range strings.Split(d.Snippet.Code, "\n") {
			fmt.Fprintf(&b, "  %4d: %s\n", d.Snippet.StartLine+i, line)
			from, to := max(d.Snippet.HighlightStart-start, 0), min(d.Snippet.HighlightEnd-start, len(line))
			if from < to {
				fmt.Fprintf(&b, "        %s%s\n", strings.Repeat(" ", from), strings.Repeat("^", to-from))
			}
			start += len(line) + 1
		}
	}
	return b.String()
}
