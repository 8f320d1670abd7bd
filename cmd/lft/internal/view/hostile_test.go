package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// hostile are texts that would be taken for something else where they are not
// guarded.
var hostile = []string{
	"plain", "`", "```", "``` \n# gone", "</code></summary></details><script>alert(1)</script>", "| x | y |", `a\|b`, "[x](http://evil)", "@everyone", "#1",
	"\x1b[2J\x1b]0;owned\a", "a\u202eb", "\x00", "a\r\nb", "**bold**", "- + ~", "<!--", "~~~", "\u0085x", "'\"&", "é中", strings.Repeat("long ", 300),
}

// hostilePlan has such texts wherever a person may write some.
func hostilePlan(t interface {
	Fatal(...any)
}, text func(label string) string,
) []byte {
	quoted := func(label string) string {
		data, err := json.Marshal(text(label))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	key := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return 'x'
		}
		return r
	}, text("key"))
	key = strings.ToValidUTF8(key[:min(len(key), spec.MaxName)], "")
	flow := func(n int) *spec.Flow {
		return &spec.Flow{
			Address: spec.FlowAddress("f", key), Description: text(fmt.Sprint("description", n)),
			Jobs: []*spec.Job{{
				Name: spec.Instance("j", key), Type: "shell", Env: map[string]*spec.Value{text("env"): literal(quoted(fmt.Sprint("value", n)))},
				Args: map[string]*spec.Value{"script": literal(quoted(fmt.Sprint("script", n))), "x": {Expr: "param." + text("expression")}},
			}},
		}
	}
	deployed, specs := deployedOf(&spec.Bundle{Project: "p", Flows: []*spec.Flow{flow(1)}})
	w := planner.Want(&spec.Bundle{
		Project: "p", Flows: []*spec.Flow{flow(2), {Address: "flow.new", Description: text("new")}},
		Outputs:   []*spec.ProjectOutput{{Address: "output.o", Value: json.RawMessage(quoted("output"))}},
		Positions: map[spec.Address]spec.Position{"flow.new": {File: text("file"), Line: 1}},
	})
	w.LftVersion = "1"
	p, _, err := w.Make(deployed, specs)
	if err != nil {
		t.Fatal(err)
	}
	p.Impact = planner.Impact{
		Executions: []planner.ExecutionImpact{{ID: text("id"), Flow: spec.FlowAddress("f", key), State: "QUEUED", Fate: planner.Cancelled}},
		Schedules:  []planner.ScheduleImpact{{Address: "schedule.s", Timezone: text("zone"), WordsAfter: text("words")}},
	}
	p.Drift = []planner.Drift{{
		Object:   planner.Previous{Object: planner.Object{UID: "u", Address: "pool.p", Version: 1}, Data: []byte(`{"format":1,"slots":1}`)},
		Override: &planner.Override{Field: "slots", Declared: json.RawMessage("1"), Value: json.RawMessage("2"), By: text("by"), At: text("at"), Reason: text("reason")},
	}}
	p.Checks = []planner.Check{{Name: "c", Problems: []string{text("problem")}}}
	p.Warnings = []planner.Warning{{Code: "c", Summary: text("summary"), Detail: text("detail")}}
	document, err := planner.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func inForm(t interface{ Fatal(...any) }, document []byte, form PlanForm) string {
	var out bytes.Buffer
	if err := (&Terminal{Out: &out, width: plainWidth}).Plan(document, form); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestPlanIsInert: whatever stands in names and values, a plan holds nothing that
// steers a terminal, and its Markdown holds no markup that lft did not write.
func TestPlanIsInert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := hostilePlan(t, func(label string) string { return rapid.SampledFrom(hostile).Draw(t, label) })
		for _, form := range []PlanForm{PlanText, PlanConcise, PlanTree, PlanMarkdown} {
			text := inForm(t, document, form)
			for _, r := range text {
				if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
					t.Fatalf("%s holds %U", form, r)
				}
			}
			if form == PlanMarkdown {
				if fault := markup(text); fault != "" {
					t.Fatalf("%s\n%s", fault, text)
				}
			}
		}
	})
}

var (
	codeFence = regexp.MustCompile("^(`{3,})diff$")
	ours      = regexp.MustCompile(`^(<details><summary>(<code>[^<]*</code>|[A-Za-z ,?()0-9]+)</summary>|</details>|\*\*(Effects|Changed outside of the folder):\*\*|_.* not shown.*_|### .*|\| .*|\|---.*|- .*|)$`)
)

// markup says what of a page of Markdown lft did not write. Outside of fences each
// line has one of a few forms, in which all foreign text is code.
func markup(page string) string {
	fence := ""
	for line := range strings.SplitSeq(page, "\n") {
		switch {
		case fence != "":
			if line == fence {
				fence = ""
			}
			continue
		case codeFence.MatchString(line):
			fence = codeFence.FindStringSubmatch(line)[1]
			continue
		case !ours.MatchString(line) && !strings.HasPrefix(line, "`"):
			return fmt.Sprintf("line %q is not ours", line)
		}
		if strings.HasPrefix(line, "<details>") || line == "</details>" {
			continue
		}
		if strings.HasPrefix(line, "|") && strings.Count(line, "|") != 5 {
			return fmt.Sprintf("row %q has other cells than ours", line)
		}
		rest := withoutCode(line)
		if strings.ContainsAny(rest, "<>@[]`\\") {
			return fmt.Sprintf("line %q holds %q outside of code", line, rest)
		}
	}
	if fence != "" {
		return "a fence is not closed"
	}
	return ""
}

// withoutCode takes the spans of code out of a line, as CommonMark finds them: from
// a run of backticks to the next run of the same length.
func withoutCode(line string) string {
	line = regexp.MustCompile(`<code>[^<>|]*</code>`).ReplaceAllString(line, "")
	var b strings.Builder
	for line != "" {
		i := strings.IndexByte(line, '`')
		if i < 0 {
			break
		}
		b.WriteString(line[:i])
		line = line[i:]
		run := len(line) - len(strings.TrimLeft(line, "`"))
		end := endOfSpan(line, run)
		if end < 0 {
			b.WriteString(line[:run])
			line = line[run:]
			continue
		}
		line = line[end:]
	}
	return b.String() + line
}

func endOfSpan(line string, run int) int {
	for i := run; i < len(line); {
		if line[i] != '`' {
			i++
			continue
		}
		n := len(line[i:]) - len(strings.TrimLeft(line[i:], "`"))
		if i += n; n == run {
			return i
		}
	}
	return -1
}

// TestMarkdownIsBounded: however much there is, the page has a size, begins with
// what it comes to, and says how much it left out.
func TestMarkdownIsBounded(t *testing.T) {
	after := &spec.Bundle{Project: "p"}
	for i := range 3000 {
		after.Flows = append(after.Flows, &spec.Flow{Address: spec.FlowAddress(fmt.Sprintf("flow-%04d", i), ""), Description: strings.Repeat("x", 100)})
	}
	w := planner.Want(after)
	w.LftVersion = "1"
	p, _, err := w.Make(planner.Deployed{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range planner.MaxImpact {
		p.Impact.Executions = append(p.Impact.Executions, planner.ExecutionImpact{ID: fmt.Sprint(i), Flow: "flow.gone", State: "QUEUED", Fate: planner.Cancelled})
		p.Impact.Schedules = append(p.Impact.Schedules, planner.ScheduleImpact{Address: spec.ScheduleAddress(fmt.Sprintf("s%d", i), ""), Timezone: "UTC"})
	}
	document, err := planner.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	page := inForm(t, document, PlanMarkdown)
	if len(page) > maxMarkdown || len(page) < maxMarkdown/2 {
		t.Errorf("%d bytes", len(page))
	}
	for _, want := range []string{"3000 to add", "200 queued executions will be cancelled", "more changes not shown", "The details of "} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if fault := markup(page); fault != "" {
		t.Error(fault)
	}
}
