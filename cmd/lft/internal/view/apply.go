package view

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// PlanHint says what may follow a plan that has changes.
func (t *Terminal) PlanHint(out string, automated bool) {
	if out == "" && automated {
		return
	}
	t.Printf("\n")
	t.Rule()
	if out == "" {
		t.Printf("\nThe plan was not saved (-out=FILE), so \"lft apply\" will plan again and may find something else.\n")
		return
	}
	t.Printf("\nSaved the plan to: %s\n", out)
	if !automated {
		t.Printf("\nTo perform exactly these actions, run:\n    lft apply %q\n", out)
	}
}

// AskApply asks whether a plan may be carried out.
func (t *Terminal) AskApply(project string, destroy bool) {
	question := fmt.Sprintf("Do you want to perform these actions in project %q?", project)
	text := "  lft will perform the actions described above.\n  Only 'yes' will be accepted to approve."
	if destroy {
		question = fmt.Sprintf("Do you really want to destroy everything in project %q?", project)
		text = "  lft will remove all that is shown above. What runs will finish; what waits in a queue will not start.\n" +
			"  There is no undo. Only 'yes' will be accepted to confirm."
	}
	t.Printf("\n%s\n%s\n\n  %s ", t.Style(bold, question), text, t.Style(bold, "Enter a value:"))
}

// AskVariable asks for the value of a variable.
func (t *Terminal) AskVariable(name, description string) {
	t.Printf("%s\n", t.Style(bold, "var."+visible(name)))
	for line := range strings.Lines(description) {
		t.Printf("  %s\n", visible(strings.TrimRight(line, "\r\n")))
	}
	t.Printf("\n  %s ", t.Style(bold, "Enter a value:"))
}

// ImpactNow shows what a saved plan does by now, when that is no longer what it
// has shown.
func (t *Terminal) ImpactNow(impact planner.Impact) {
	r := &planText{style: t.Style}
	r.line("What is running has changed since the plan was made.")
	if len(impact.Executions) == 0 {
		r.line("Nothing that runs is concerned any more.")
	}
	r.impact(planner.Impact{Executions: impact.Executions, Omitted: impact.Omitted})
	t.Printf("%s\n", r.b.String())
}

// Applied is what an apply has done.
type Applied struct {
	Project       string
	Destroy       bool
	Summary       planner.Summary
	Revision      int64
	EffectiveFrom *timestamppb.Timestamp // nil when there was nothing to do
	ApplyID       string
	Outputs       []*spec.ProjectOutput // of what is deployed now; shown as text only
}

// Show says it as text or JSON.
func (a Applied) Show(t *Terminal, asJSON bool) error {
	if asJSON {
		return t.JSON(struct {
			Project       string          `json:"project"`
			Revision      int64           `json:"revision"`
			EffectiveFrom *string         `json:"effective_from"`
			ApplyID       *string         `json:"apply_id"`
			Changes       planner.Summary `json:"changes"`
		}{a.Project, a.Revision, instant(a.EffectiveFrom), word(a.ApplyID), a.Summary})
	}
	head, body := "Apply complete!", fmt.Sprintf("Resources: %d added, %d changed, %d destroyed.", a.Summary.Add, a.Summary.Change, a.Summary.Destroy)
	if a.Destroy {
		head, body = "Destroy complete!", fmt.Sprintf("Resources: %d destroyed.", a.Summary.Destroy)
	}
	if a.EffectiveFrom != nil {
		body += fmt.Sprintf(" This is revision %d.", a.Revision)
	}
	t.Printf("\n%s %s\n", t.Style(green, head), body)
	if len(a.Outputs) == 0 {
		return nil
	}
	t.Printf("\n%s\n\n", t.Style(bold, "Outputs:"))
	return Outputs(t, a.Outputs, false)
}
