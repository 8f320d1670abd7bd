package view

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// passage is a value that takes several lines: a text, or the source of an
// expression that is only known when a job runs.
type passage struct {
	open, end string // what stands before and behind the lines
	lines     []string
}

// heredoc takes a template apart that is written in lines.
var heredoc = regexp.MustCompile(`(?s)^<<(-?)([\w-]+)\n(.*?)\n?[ \t]*([\w-]+)\n?$`)

// passageOf reads a value of several lines; it is false of others.
func passageOf(data json.RawMessage) (passage, bool) {
	if len(data) == 0 || !bytes.Contains(data, []byte(`\n`)) {
		return passage{}, false
	}
	var text string
	if data[0] == '"' && json.Unmarshal(data, &text) == nil {
		return passage{open: "<<-EOT", end: "EOT", lines: splitLines(text)}, true
	}
	e, ok := runTimeOf(data)
	if !ok || !strings.Contains(e.Expr, "\n") {
		return passage{}, false
	}
	if m := heredoc.FindStringSubmatch(e.Expr); m != nil && m[2] == m[4] {
		lines := strings.Split(m[3], "\n")
		if m[1] != "" {
			lines = dedent(lines)
		}
		return passage{open: "<<-" + m[2], end: m[2] + e.with(), lines: lines}, true
	}
	return passage{open: "(", end: ")" + e.with(), lines: dedent(strings.Split(e.Expr, "\n"))}, true
}

// dedent takes the blanks off that all lines begin with, but for the first one of
// an expression, which begins behind its name.
func dedent(lines []string) []string {
	least := -1
	for i, line := range lines {
		trimmed := strings.TrimLeft(line, " \t")
		if n := len(line) - len(trimmed); trimmed != "" && (least < 0 || n < least) && (i > 0 || n > 0 || len(lines) == 1) {
			least = n
		}
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = line[min(max(least, 0), len(line)-len(strings.TrimLeft(line, " \t"))):]
	}
	return out
}

// runTime is a value that is an expression, or a literal that is wrapped because
// it looks like one.
type runTime struct {
	Expr    string                     `json:"$expr"`
	Literal json.RawMessage            `json:"$literal"`
	Vars    map[string]json.RawMessage `json:"vars"` // captured when planning
}

func runTimeOf(data json.RawMessage) (runTime, bool) {
	var e runTime
	if !bytes.HasPrefix(data, []byte(`{"$`)) || json.Unmarshal(data, &e) != nil {
		return e, false
	}
	return e, true
}

// with is a comment of the config-time values an expression has captured.
func (e runTime) with() string {
	if len(e.Vars) == 0 {
		return ""
	}
	var with []string
	for _, name := range sortedKeys(e.Vars) {
		value := shorten(visible(string(e.Vars[name])))
		if masked(e.Vars[name]) {
			value = sensitiveText
		}
		with = append(with, name+" = "+value)
	}
	return " /* " + strings.Join(with, ", ") + " */"
}

// expression returns the source of a run-time expression of one line, or a wrapped
// literal.
func expression(data json.RawMessage) (string, bool) {
	e, ok := runTimeOf(data)
	switch {
	case !ok:
		return "", false
	case e.Expr == "":
		return shorten(visible(string(e.Literal))), true
	}
	return visible(e.Expr) + e.with(), true
}
