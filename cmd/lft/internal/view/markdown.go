package view

import (
	"fmt"
	"html"
	"strings"
	"unicode"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// maxMarkdown is the size of a plan for a pull request, in bytes: hosts take some
// 65 000 characters. What is cut is counted.
const maxMarkdown = 60_000

// Shares of it, so that no part pushes out another.
const (
	maxOverview     = 12_000 // the table of changes
	maxConsequences = 12_000 // the sentences
	maxSection      = 8_000  // one collapsed section
	forNotes        = 400    // what says how much was cut
)

// sheet is a page of Markdown within a bound.
type sheet struct {
	b    strings.Builder
	size int
}

// room is how much still fits.
func (s *sheet) room() int { return s.size - s.b.Len() - forNotes }

func (s *sheet) printf(format string, args ...any) { fmt.Fprintf(&s.b, format, args...) }

// lines adds lines within a share of the page, and says how many were left out.
func (s *sheet) lines(list []string, share int, noun string) {
	left := min(share, s.room())
	for i, line := range list {
		if left -= len(line) + 1; left < 0 {
			s.printf("\n_%s not shown._\n", count(len(list)-i, "more "+noun))
			return
		}
		s.printf("%s\n", line)
	}
}

// list adds sentences under a heading, if there are any.
func (s *sheet) list(title string, sentences []string, noun string) {
	if len(sentences) == 0 {
		return
	}
	lines := make([]string, len(sentences))
	for i, text := range sentences {
		lines[i] = "- " + code(text)
	}
	s.printf("**%s:**\n\n", title)
	s.lines(lines, maxConsequences, noun)
	s.printf("\n")
}

// section adds a collapsed one, if it fits.
func (s *sheet) section(title, text string) bool {
	text = cutLines(text, maxSection)
	fence := strings.Repeat("`", max(3, 1+longestRun(text, '`')))
	body := fmt.Sprintf("<details><summary>%s</summary>\n\n%sdiff\n%s\n%s\n\n</details>\n\n", title, fence, strings.TrimRight(text, "\n"), fence)
	if len(body) > s.room() {
		return false
	}
	s.b.WriteString(body)
	return true
}

// markdown is a plan for a pull request: what it comes to first, then what it does
// to what is running, then object by object. No name or value in it is taken for
// Markdown or HTML.
func markdown(p *planner.Plan) string {
	s := &sheet{size: maxMarkdown}
	s.printf("### %s\n\n", markdownTitle(p))
	if len(p.Changes) == 0 {
		r := plainText()
		r.none(p)
		if text := strings.TrimSpace(r.b.String()); text != "" {
			s.printf("%s\n\n", code(text))
		}
	}
	s.list("Effects", consequences(p), "consequence")
	s.list("Changed outside of the folder", outside(p), "change")
	if len(p.Changes) > 0 {
		s.overview(p)
		s.details(p)
	}
	return s.b.String()
}

func markdownTitle(p *planner.Plan) string {
	n := p.Summary()
	what := fmt.Sprintf("%d to add, %d to change, %d to destroy", n.Add, n.Change, n.Destroy)
	switch {
	case len(p.Changes) == 0 && len(p.Drift) > 0:
		what = "no changes, but objects have changed outside of the folder"
	case len(p.Changes) == 0:
		what = "no changes"
	case n == planner.Summary{}:
		what = "only moves and outputs"
	}
	title := fmt.Sprintf("lft plan of project %s, from revision %d: %s", code(p.Project.Name), p.Project.Revision, what)
	if p.Compared != nil {
		title = fmt.Sprintf("From %s to %s: %d added, %d changed, %d destroyed", code(p.Compared.From), code(p.Compared.To), n.Add, n.Change, n.Destroy)
	}
	if p.Mode == planner.Destroy {
		title += " (destroy)"
	}
	if !p.Complete() {
		title += " (partial: not everything was looked at)"
	}
	return title
}

// overview is a row a change.
func (s *sheet) overview(p *planner.Plan) {
	s.printf("| | Object | What | Declared |\n|---|---|---|---|\n")
	rows := make([]string, 0, len(p.Changes))
	trail := p.Trail()
	for _, c := range p.Changes {
		e := newEntry(c, trail)
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s | %s |", e.sign.text, cellCode(addressText(e.addr)), cellCode(e.text), cellCode(declaredAt(c))))
	}
	s.lines(rows, maxOverview, "change")
	s.printf("\n")
}

func declaredAt(c planner.Change) string {
	if now, ok := planner.Coming(c); ok && now.At.File != "" {
		return place(now.At)
	}
	return ""
}

// details are the collapsed sections: fires and executions, then the objects.
func (s *sheet) details(p *planner.Plan) {
	if im := p.Impact; len(im.Schedules)+len(im.Executions) > 0 {
		r := plainText()
		r.days = changingDays(p)
		r.impact(im)
		s.section(fmt.Sprintf("Next fires and executions (%s, %s)", count(len(im.Schedules), "schedule"), count(len(im.Executions), "execution")), diffMarks(r.b.String()))
	}
	for _, part := range []struct {
		title string
		write func(*planText)
	}{
		{"Changed outside of the folder", func(r *planText) { r.drift(p) }},
		{"Renamed?", func(r *planText) { r.renames(p.Renames) }},
		{"Warnings", func(r *planText) { r.checks(p.Checks); r.warnings(p.Warnings) }},
	} {
		r := plainText()
		part.write(r)
		if r.b.Len() > 0 {
			s.section(part.title, diffMarks(r.b.String()))
		}
	}
	uses, trail := usesOf(p), p.Trail()
	left := 0
	for _, c := range p.Changes {
		if _, ok := c.(planner.Update); ok && trail.Follows(c) != nil {
			continue // the table says it all
		}
		r := plainText()
		r.trail = trail
		if c.Address().Kind() == spec.OutputKind {
			r.outputs([]planner.Change{c})
		} else {
			r.change(c, uses)
		}
		e := newEntry(c, trail)
		title := fmt.Sprintf("<code>%s %s</code>", html.EscapeString(e.sign.text), html.EscapeString(addressText(e.addr)))
		if !s.section(title, diffMarks(r.b.String())) {
			left++
		}
	}
	if left > 0 {
		s.printf("_The details of %s are not shown here: there is no room. `lft show PLAN` shows all._\n", count(left, "more change"))
	}
}

func plainText() *planText {
	return &planText{style: func(_ style, text string) string { return text }, width: plainWidth, apart: true}
}

// diffMarks puts the signs of a text into the first column, where hosts give them
// colors; ~ becomes !.
func diffMarks(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		trimmed := strings.TrimLeft(line, " ")
		if len(trimmed) < 2 || trimmed[1] != ' ' || len(trimmed) == len(line) {
			continue
		}
		mark := ""
		switch trimmed[0] {
		case '+', '-':
			mark = trimmed[:1]
		case '~':
			mark = "!"
		}
		if mark != "" {
			lines[i] = mark + strings.Repeat(" ", len(line)-len(trimmed)-1) + " " + trimmed[1:]
		}
	}
	return strings.Join(lines, "\n")
}

// cutLines shortens a text to whole lines within a size, and counts the rest.
func cutLines(text string, size int) string {
	if len(text) <= size {
		return text
	}
	cut := strings.LastIndexByte(text[:size], '\n')
	if cut < 0 {
		cut = 0
	}
	more := strings.Count(strings.TrimRight(text[cut:], "\n"), "\n")
	return fmt.Sprintf("%s\n# (%s not shown)", text[:cut], count(more, "more line"))
}

// code is text that is taken for nothing but text: in Markdown, a span of code.
func code(text string) string {
	text = visible(oneLine(text))
	if text == "" {
		return ""
	}
	fence := strings.Repeat("`", 1+longestRun(text, '`'))
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || strings.HasPrefix(text, " ") && strings.HasSuffix(text, " ") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// cellCode is code in a table, where a bar would end the cell even there: then
// each character that means anything is written as its number. It is no longer
// than people read in a cell.
func cellCode(text string) string {
	const longest = 300
	text = oneLine(text)
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	if !strings.Contains(text, "|") {
		return code(text)
	}
	var b strings.Builder
	b.WriteString("<code>")
	for _, r := range visible(text) {
		if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != ' ' {
			fmt.Fprintf(&b, "&#%d;", r)
			continue
		}
		b.WriteRune(r)
	}
	b.WriteString("</code>")
	return b.String()
}

func longestRun(text string, of rune) int {
	longest, run := 0, 0
	for _, r := range text {
		if run++; r != of {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
