package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// Progress shows an execution while it runs: on a terminal a list that is drawn
// again in place, elsewhere one line on Err for each thing that happened.
type Progress struct {
	term  *Terminal
	drawn int               // lines of the last drawing, to be drawn over
	seen  map[string]string // by job: state and attempt already told
}

// NewProgress begins a progress.
func NewProgress(t *Terminal) *Progress { return &Progress{term: t, seen: map[string]string{}} }

// maxDrawn bounds a drawing; terminals scroll what does not fit.
const maxDrawn = 12

// Update shows how things stand.
func (p *Progress) Update(res *lftv1.GetExecutionResponse, now time.Time) {
	if p.term.Live() {
		p.draw(p.picture(res, now))
		return
	}
	if res.GetExecution().GetEndedAt() != nil && len(p.seen) == 0 {
		return // it was over before anybody looked; the report says it all
	}
	for _, j := range res.GetJobs() {
		p.tell(j)
	}
}

// Clear takes a drawing away.
func (p *Progress) Clear() { p.draw(nil) }

func (p *Progress) draw(lines []string) {
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", p.drawn)
	}
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	p.drawn = len(lines)
	p.term.Printf("%s", b.String())
}

// picture is a line of counts, then the jobs that are worth a look: those that
// run, then those that failed, then those that come next.
func (p *Progress) picture(res *lftv1.GetExecutionResponse, now time.Time) []string {
	jobs := slices.Clone(res.GetJobs())
	counts := map[string]int{}
	for _, j := range jobs {
		counts[j.GetState()]++
	}
	jobs = slices.DeleteFunc(jobs, func(j *lftv1.Job) bool { return len(jobs) > maxDrawn && interest(j) == dull })
	slices.SortStableFunc(jobs, func(a, b *lftv1.Job) int {
		if len(res.GetJobs()) <= maxDrawn {
			return 0 // a short list stays as it is
		}
		return interest(a) - interest(b)
	})
	left := max(0, len(jobs)-maxDrawn)
	tab := jobTable(jobs[:len(jobs)-left], now)
	tab.rows = tab.rows[1:] // without the head
	e := res.GetExecution()
	head := fmt.Sprintf("%s  %s  %s", e.GetFlow(), p.term.Style(stateStyle(e.GetState()), e.GetState()), countList(counts, len(res.GetJobs())))
	// A line that wraps would take two of the lines that are drawn over.
	lines := []string{clip(head, p.term.Width()-1)}
	for _, line := range tab.lines(p.term.Style) {
		lines = append(lines, "  "+clip(line, p.term.Width()-3))
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", left))
	}
	return lines
}

// The interest of a job while its flow runs.
const (
	running = iota
	failed
	next
	dull
)

func interest(j *lftv1.Job) int {
	switch j.GetState() {
	case "ACTIVE":
		return running
	case "FAILED", "RETRY_WAIT":
		return failed
	case "READY":
		return next
	default:
		return dull
	}
}

func countList(counts map[string]int, all int) string {
	done := 0
	for _, state := range []string{"SUCCEEDED", "FAILED", "UPSTREAM_FAILED", "SKIPPED", "CANCELLED"} {
		done += counts[state]
	}
	text := fmt.Sprintf("%d of %d done", done, all)
	for _, c := range []struct{ state, word string }{
		{"ACTIVE", "running"}, {"RETRY_WAIT", "wait for a retry"}, {"FAILED", "failed"}, {"SKIPPED", "skipped"}, {"CANCELLED", "cancelled"},
	} {
		if n := counts[c.state]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, c.word)
		}
	}
	return text
}

// clip shortens a line to what fits beside each other; it leaves colours whole.
func clip(line string, width int) string {
	var b strings.Builder
	columns, escape := 0, false
	for _, r := range line {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			columns++
			if columns > width {
				continue
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// tell says what has changed about a job since the last time.
func (p *Progress) tell(j *lftv1.Job) {
	n := len(j.GetAttempts())
	key := fmt.Sprint(j.GetState(), n)
	if j.GetState() == "ACTIVE" && n > 0 {
		key += j.GetAttempts()[n-1].GetState()
	}
	if p.seen[j.GetName()] == key {
		return
	}
	p.seen[j.GetName()] = key
	switch state := j.GetState(); state {
	case "WAITING", "READY":
	case "ACTIVE":
		if n > 0 && j.GetAttempts()[n-1].GetState() == "RUNNING" {
			p.line(j, state, tryNote(n)+where(j.GetAttempts()[n-1]))
		}
	default:
		note := jobNote(j)
		if d := took(j.GetStartedAt(), j.GetEndedAt(), time.Time{}); d != "" && j.GetEndedAt() != nil {
			note = strings.TrimSuffix(d+"; "+note, "; ")
		}
		p.line(j, state, note)
	}
}

// where says who carries an attempt out.
func where(a *lftv1.Attempt) string {
	if a.GetChild() != "" {
		return "by execution " + a.GetChild()
	}
	return "on " + a.GetAgent()
}

func tryNote(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf("attempt %d ", n)
}

func (p *Progress) line(j *lftv1.Job, state, note string) {
	if note != "" {
		note = " (" + note + ")"
	}
	p.term.Notef("%s %s%s\n", j.GetName(), paint(p.term.errColor, stateStyle(state), state), note)
}

// Report is what `lft run` says at the end.
func Report(t *Terminal, res *lftv1.GetExecutionResponse, now time.Time) {
	jobTable(res.GetJobs(), now).show(t)
	counts := map[string]int{}
	for _, j := range res.GetJobs() {
		counts[j.GetState()]++
	}
	e := res.GetExecution()
	t.Printf("\n%s %s%s in %s: %s\n", e.GetFlow(), t.Style(stateStyle(e.GetState()), e.GetState()), because(e.GetReason()),
		took(e.GetStartedAt(), e.GetEndedAt(), now), countList(counts, len(res.GetJobs())))
}
