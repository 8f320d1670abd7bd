package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/planner"
)

// Plan shows a plan document. It looks at nothing else, so that a saved plan
// reads the same for ever.
func (t *Terminal) Plan(document []byte) error {
	p, err := planner.Decode(document)
	if err != nil {
		return err
	}
	r := &planText{style: t.Style, destroy: p.Mode == planner.Destroy}
	if len(p.Changes) == 0 {
		r.none(p)
	} else {
		r.legend(p.Changes)
		for _, c := range p.Changes {
			r.change(c)
		}
		r.impact(p.Impact)
		r.summary(p.Summary())
	}
	t.Printf("%s", r.b.String())
	return nil
}

// planText collects the text of a plan.
type planText struct {
	b       strings.Builder
	style   func(style, string) string
	destroy bool
}

func (r *planText) line(text string) { r.b.WriteString(text + "\n") }

func (r *planText) none(p *planner.Plan) {
	text := " What is deployed matches the configuration."
	switch {
	case p.Mode == planner.Destroy:
		text = " Nothing is deployed that could be destroyed."
	case p.Project.UID == "":
		text = " The configuration declares nothing, and nothing is deployed."
	}
	r.line(r.style(green, "No changes.") + text)
}

func (r *planText) legend(changes []planner.Change) {
	r.line("lft will perform these actions, as marked:")
	for _, entry := range []struct {
		sign sign
		text string
		uses func(planner.Change) bool
	}{
		{added, "create", is[planner.Create]},
		{altered, "update in-place", is[planner.Update]},
		{removed, "destroy", is[planner.Delete]},
	} {
		if slices.ContainsFunc(changes, entry.uses) {
			r.mark(entry.sign, "  ", entry.text)
		}
	}
	r.line("")
}

func is[C planner.Change](c planner.Change) bool {
	_, ok := c.(C)
	return ok
}

func (r *planText) summary(s planner.Summary) {
	r.line(fmt.Sprintf("%s %d to add, %d to change, %d to destroy.", r.style(bold, "Plan:"), s.Add, s.Change, s.Destroy))
}

// impact shows what the change does to what is scheduled and running.
func (r *planText) impact(im planner.Impact) {
	if len(im.Schedules) > 0 {
		r.line(r.style(bold, "Next fires:"))
		for _, s := range im.Schedules {
			r.fires(s)
		}
		r.line("")
	}
	if len(im.Executions) > 0 {
		r.line(r.style(bold, "Executions:"))
		for _, e := range im.Executions {
			r.execution(e)
		}
		r.line("")
	}
	if im.Omitted > 0 {
		r.line(fmt.Sprintf("(%d more are not shown.)\n", im.Omitted))
	}
}

func (r *planText) fires(s planner.ScheduleImpact) {
	mark := altered
	switch {
	case len(s.Before) == 0:
		mark = added
	case len(s.After) == 0:
		mark = removed
	}
	r.mark(mark, "  ", fmt.Sprintf("%s, clock of %s", s.Address, s.Timezone))
	for i := range max(len(s.Before), len(s.After)) {
		var row string
		if i < len(s.Before) {
			row = r.style(red, "-") + " " + fire(s.Before[i])
		}
		if i < len(s.After) {
			if row == "" {
				row = strings.Repeat(" ", fireWidth*min(len(s.Before), 1))
			}
			if len(s.Before) > 0 {
				row += "   "
			}
			row += r.style(green, "+") + " " + fire(s.After[i])
		}
		r.line("      " + row)
	}
	if len(s.After) == 0 {
		r.line("      " + r.style(faint, "# none any more"))
	}
}

const fireWidth = 2 + len("2006-01-02T15:04:05+07:00 = 2006-01-02T15:04:05Z")

func fire(f planner.Fire) string {
	if f.Local == f.UTC {
		return f.UTC
	}
	return f.Local + " = " + f.UTC
}

func (r *planText) execution(e planner.ExecutionImpact) {
	text := fmt.Sprintf("%s of %s is %s", e.ID, e.Flow, strings.ToLower(e.State))
	switch e.Fate {
	case planner.Finishes:
		r.mark(sign{" ", faint}, "  ", fmt.Sprintf("%s and finishes on revision %d", text, e.Revision))
	case planner.Starts:
		r.mark(sign{" ", faint}, "  ", fmt.Sprintf("%s and will run on revision %d", text, e.Revision))
	case planner.Cancelled:
		r.mark(removed, "  ", text+" and will be cancelled, because its flow goes")
	default:
		r.mark(sign{" ", faint}, "  ", text+": "+string(e.Fate))
	}
}

// Rule writes a line across the terminal.
func (t *Terminal) Rule() { t.Printf("%s\n", strings.Repeat("─", t.width)) }
