package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// PlanForm is how a plan is shown.
type PlanForm string

// The forms.
const (
	PlanText     PlanForm = "text"     // every attribute that differs
	PlanConcise  PlanForm = "concise"  // a line an object
	PlanTree     PlanForm = "tree"     // modules, objects and jobs as a tree
	PlanMarkdown PlanForm = "markdown" // for a pull request
)

// Plan shows a plan document. It looks at nothing else, so that a saved plan
// reads the same for ever. Sensitive values are masked.
func (t *Terminal) Plan(document []byte, form PlanForm) error {
	p, err := planner.Decode(document)
	if err != nil {
		return err
	}
	p = p.Mask()
	r := &planText{style: t.Style, width: t.width, trail: p.Trail(), days: changingDays(p)}
	switch form {
	case PlanMarkdown:
		t.Printf("%s", markdown(p))
		return nil
	case PlanConcise:
		r.concise(p)
	case PlanTree:
		r.tree(p)
	case PlanText:
		r.text(p)
	}
	t.Printf("%s", r.b.String())
	return nil
}

// planText collects the text of a plan.
type planText struct {
	b     strings.Builder
	style func(style, string) string
	width int
	// apart puts the fires before a change above those after it, not beside them.
	apart bool
	trail planner.Trail                 // of the plan's moves
	days  map[spec.Address]spec.Address // calendars that change, by the schedules that go by them
}

// changingDays are the calendars that a plan changes, by the schedules that go by
// them.
func changingDays(p *planner.Plan) map[spec.Address]spec.Address {
	days := map[spec.Address]spec.Address{}
	for _, u := range p.Uses {
		if u.Address.Kind() == spec.CalendarKind {
			for _, by := range u.By {
				days[by] = u.Address
			}
		}
	}
	return days
}

func (r *planText) line(text string) { r.b.WriteString(strings.TrimRight(text, " ") + "\n") }

// gap parts what follows from what stands before it in the same block.
func (r *planText) gap() {
	if !strings.HasSuffix(r.b.String(), "{\n") {
		r.line("")
	}
}

// text is the plan in Terraform's layout and order.
func (r *planText) text(p *planner.Plan) {
	r.drift(p)
	changes, outputs := apart(p.Changes)
	if len(p.Changes) == 0 {
		r.none(p)
	} else {
		if len(changes) > 0 {
			r.legend(p, changes)
		}
		uses := usesOf(p)
		for _, c := range changes {
			r.change(c, uses)
		}
		r.renames(p.Renames)
		r.impact(p.Impact)
		r.summary(p)
		r.outputs(outputs)
	}
	r.checks(p.Checks)
	r.warnings(p.Warnings)
}

// apart separates outputs, which Terraform shows and counts by themselves.
func apart(all []planner.Change) (changes, outputs []planner.Change) {
	for _, c := range all {
		if c.Address().Kind() == spec.OutputKind {
			outputs = append(outputs, c)
		} else {
			changes = append(changes, c)
		}
	}
	return changes, outputs
}

func (r *planText) none(p *planner.Plan) {
	text := " What is deployed matches the configuration."
	switch {
	case p.Compared != nil:
		text = fmt.Sprintf(" %s and %s are the same.", visible(p.Compared.From), visible(p.Compared.To))
	case p.Mode == planner.RefreshOnly && len(p.Drift) > 0:
		return // the drift was all there is to say
	case p.Mode == planner.RefreshOnly:
		text = " Nothing is overridden, and nothing is lost: what is in force is what was applied."
	case p.Mode == planner.Destroy:
		text = " Nothing is deployed that could be destroyed."
	case p.Project.UID == "":
		text = " The configuration declares nothing, and nothing is deployed."
	case !p.Complete():
		text = " What was looked at matches the configuration."
	}
	r.line(r.style(bold, r.style(green, "No changes.")) + text)
}

func (r *planText) legend(p *planner.Plan, changes []planner.Change) {
	const rule = "Actions are indicated with the following symbols:"
	first := true
	for _, entry := range []struct {
		sign sign
		text string
		uses func(planner.Change) bool
	}{
		{added, "create", is[planner.Create]},
		{altered, "update in-place", r.changesInPlace},
		{removed, "destroy", is[planner.Delete]},
	} {
		if !slices.ContainsFunc(changes, entry.uses) {
			continue
		}
		if first {
			r.line(rule)
			first = false
		}
		r.mark(entry.sign, "  ", entry.text)
	}
	if !first {
		r.line("")
	}
	if p.Compared != nil {
		r.line(fmt.Sprintf("From %s to %s:", visible(p.Compared.From), visible(p.Compared.To)))
	} else {
		r.line("lft will perform the following actions:")
	}
	r.line("")
}

func is[C planner.Change](c planner.Change) bool {
	_, ok := c.(C)
	return ok
}

func (r *planText) changesInPlace(c planner.Change) bool {
	switch c := c.(type) {
	case planner.Update:
		return r.trail.Follows(c) == nil
	case planner.Move:
		return c.Old.Digest != c.New.Digest && r.trail.Follows(c) == nil
	case planner.Create, planner.Delete:
	}
	return false
}

func (r *planText) summary(p *planner.Plan) {
	s := p.Summary()
	head := "Plan:"
	if p.Compared != nil {
		r.line(fmt.Sprintf("%s %d added, %d changed, %d destroyed.", r.style(bold, "Difference:"), s.Add, s.Change, s.Destroy))
		return
	}
	r.line(fmt.Sprintf("%s %d to add, %d to change, %d to destroy.", r.style(bold, head), s.Add, s.Change, s.Destroy))
}

// Rule writes a line across the terminal.
func (t *Terminal) Rule() { t.Printf("%s\n", strings.Repeat("─", t.width)) }
