package view

import (
	"fmt"
	"strings"

	"github.com/leifengta/lft/planner"
)

// impact shows what the change does to what is scheduled and running.
func (r *planText) impact(im planner.Impact) {
	if len(im.Schedules) > 0 {
		r.line(r.style(bold, "Next fires:"))
		for _, s := range im.Schedules {
			r.schedule(s)
		}
		r.line("")
	}
	if len(im.Executions) > 0 {
		r.line(r.style(bold, "Executions:"))
		for _, e := range im.Executions {
			s, text := execution(e)
			r.mark(s, "  ", text)
		}
		r.line("")
	}
	if len(im.Pools) > 0 {
		r.line(r.style(bold, "Pools:"))
		for _, p := range im.Pools {
			r.mark(altered, "  ", poolImpact(p))
		}
		r.line("")
	}
	if len(im.Orphans) > 0 {
		r.line(r.style(bold, "History that nothing goes on with:"))
		for _, o := range im.Orphans {
			r.mark(removed, "  ", orphan(o))
		}
		r.line("")
	}
	if im.Omitted > 0 {
		r.line(fmt.Sprintf("(%d more are not shown.)\n", im.Omitted))
	}
}

// schedule shows one timetable before and after.
func (r *planText) schedule(s planner.ScheduleImpact) {
	r.mark(scheduleSign(s), "  ", scheduleHead(s))
	if days := r.days[s.Address]; days != "" && len(s.After) > 0 {
		r.line("      because the days of " + addressText(days) + " change")
	}
	for _, text := range scheduleNotes(s) {
		r.line("      " + text)
	}
	switch {
	case len(s.Later) > 0:
		r.firesLater(s)
	case r.apart:
		r.firesApart(s)
	default:
		r.firesBeside(s)
	}
	if len(s.After) == 0 {
		r.line("      " + r.style(faint, "# "+noFires(s)))
	}
}

func (r *planText) firesBeside(s planner.ScheduleImpact) {
	width := fireWidth(s)
	for i := range max(len(s.Before), len(s.After)) {
		var row string
		if i < len(s.Before) {
			row = r.style(red, "-") + " " + fire(s.Before[i])
		}
		if i < len(s.After) {
			if len(s.Before) > 0 {
				row += strings.Repeat(" ", width-fireColumns(s, i)+3)
			}
			row += r.coming(s.After[i])
		}
		r.line("      " + row)
	}
}

// firesLater shows the first fires that differ, when the next ones do not.
func (r *planText) firesLater(s planner.ScheduleImpact) {
	r.line("      " + r.style(faint, fmt.Sprintf("# the next %d fires stay; those that differ first:", len(s.After))))
	for _, f := range s.Later {
		if f.Lost {
			r.line("      " + r.style(red, "-") + " " + fire(f.Fire))
		} else {
			r.line("      " + r.coming(f.Fire))
		}
	}
}

func (r *planText) firesApart(s planner.ScheduleImpact) {
	for _, f := range s.Before {
		r.line("      " + r.style(red, "-") + " " + fire(f))
	}
	for _, f := range s.After {
		r.line("      " + r.coming(f))
	}
}

// coming is a fire after the change, with what the clock does then.
func (r *planText) coming(f planner.Fire) string {
	text := r.style(green, "+") + " " + fire(f)
	if note := f.Clock.Describe(); note != "" {
		text += "  " + r.style(faint, "# "+note)
	}
	return text
}

func scheduleSign(s planner.ScheduleImpact) sign {
	switch {
	case len(s.Before) == 0 && len(s.After) > 0:
		return added
	case len(s.After) == 0 && len(s.Before) > 0:
		return removed
	}
	return altered
}

// scheduleHead says of which timetable and on which clock.
func scheduleHead(s planner.ScheduleImpact) string {
	text := addressText(s.Address)
	if s.Previous != "" && s.Previous != s.Address {
		text += " (was " + addressText(s.Previous) + ")"
	}
	clock := visible(s.Timezone)
	if s.TimezoneBefore != "" && s.TimezoneBefore != s.Timezone {
		clock = visible(s.TimezoneBefore) + " -> " + clock
	}
	return text + ", clock of " + clock
}

// scheduleNotes are sentences about a timetable, in the order of weight.
func scheduleNotes(s planner.ScheduleImpact) []string {
	var notes []string
	was, is := visible(s.WordsBefore), visible(s.WordsAfter)
	switch {
	case was == is:
	case was == "":
		notes = append(notes, is)
	case is == "":
		notes = append(notes, "was "+was)
	default:
		notes = append(notes, was+" -> "+is)
	}
	for _, i := range s.Passed {
		notes = append(notes, instants(i))
	}
	switch {
	case s.Cursor == nil:
	case s.Cursor.From == "":
		notes = append(notes, "is decided from "+s.Cursor.To+" on")
	default:
		notes = append(notes, "is decided anew from "+s.Cursor.To+" on, not from "+s.Cursor.From)
	}
	return notes
}

// instants says what becomes of some that have passed.
func instants(i planner.Instants) string {
	which := fmt.Sprintf("%d instants that have passed, %s to %s,", i.Count, i.First, i.Last)
	if i.Count == 1 {
		which = "1 instant that has passed, " + i.First + ","
	}
	text := which + " will be " + instantWord(i.What)
	if i.Reason != "" {
		text += " (" + visible(i.Reason) + ")"
	}
	if i.Was != "" {
		text += "; without this change: " + instantWord(i.Was)
	}
	return text
}

func instantWord(word string) string { return visible(word) }

func noFires(s planner.ScheduleImpact) string {
	switch s.Paused {
	case "declared":
		return "it fires no more: it is declared paused"
	case "override":
		return "it fires no more: an operator has paused it"
	case "":
		return "it fires no more"
	}
	return "it fires no more: paused (" + visible(s.Paused) + ")"
}

// fireColumns is how wide the fire before the change is in row i.
func fireColumns(s planner.ScheduleImpact, i int) int {
	if i >= len(s.Before) {
		return 0
	}
	return 2 + len(fire(s.Before[i]))
}

// fireWidth is how wide the column of fires before the change is.
func fireWidth(s planner.ScheduleImpact) int {
	width := 0
	for _, f := range s.Before {
		width = max(width, 2+len(fire(f)))
	}
	return width
}

func fire(f planner.Fire) string {
	if f.Local == f.UTC {
		return f.UTC
	}
	return f.Local + " = " + f.UTC
}

// execution says what becomes of one that is running or waiting.
func execution(e planner.ExecutionImpact) (sign, string) {
	text := fmt.Sprintf("%s of %s is %s", visible(e.ID), addressText(e.Flow), strings.ToLower(visible(e.State)))
	switch e.Fate {
	case planner.Finishes:
		return same, fmt.Sprintf("%s and finishes on revision %d", text, e.Revision)
	case planner.StartsNow:
		return altered, fmt.Sprintf("%s and will start at once, on revision %d", text, e.Revision)
	case planner.Starts:
		return same, fmt.Sprintf("%s and will run on revision %d", text, e.Revision)
	case planner.Held:
		return same, fmt.Sprintf("%s and will run on revision %d when its flow is resumed", text, e.Revision)
	case planner.Cancelled:
		return removed, text + " and will be cancelled, because its flow goes"
	}
	return same, text + ": " + visible(string(e.Fate))
}

func poolImpact(p planner.PoolImpact) string {
	if p.Gone {
		return fmt.Sprintf("%s goes, with %d of %s in use; nothing is taken away, and what is live by the old definition (%s) is not limited by it any more",
			addressText(p.Address), p.InUse, count(p.Before, "slot"), count(p.Users, "execution"))
	}
	return fmt.Sprintf("%s has %s and gets %d, but %d are in use; nothing is taken away, and nobody gets in until there is room",
		addressText(p.Address), count(p.Before, "slot"), p.After, p.InUse)
}

func orphan(o planner.Orphan) string {
	many := count(o.Executions, "execution")
	if o.More {
		many = fmt.Sprintf("more than %d executions", o.Executions)
	}
	return fmt.Sprintf("%s leaves %s; under the same name it would begin anew", addressText(o.Address), many)
}
