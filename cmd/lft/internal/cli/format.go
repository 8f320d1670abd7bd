package cli

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	"github.com/leifengta/lft/planner"
)

// formFlags say how a plan is shown.
func formFlags() []cli.Flag {
	return []cli.Flag{
		jsonFlag(),
		conciseFlag(),
		&cli.StringFlag{Name: "format", Usage: "text (the default), concise, tree, markdown or json"},
	}
}

func conciseFlag() cli.Flag {
	return &cli.BoolFlag{Name: "concise", Usage: "show a line an object"}
}

// form is the form that is asked for; JSON has none of the view's.
func form(cmd *cli.Command) (form view.PlanForm, asJSON bool, err error) {
	format := cmd.String("format")
	if cmd.Bool("json") {
		if format != "" && format != "json" || cmd.Bool("concise") {
			return "", false, errors.New("-json and another format are both given")
		}
		return "", true, nil
	}
	if cmd.Bool("concise") {
		if format != "" && format != string(view.PlanConcise) {
			return "", false, errors.New("-concise and another -format are both given")
		}
		return view.PlanConcise, false, nil
	}
	forms := []string{string(view.PlanText), string(view.PlanConcise), string(view.PlanTree), string(view.PlanMarkdown), "json"}
	switch format {
	case "", "text":
		return view.PlanText, false, nil
	case "json":
		return "", true, nil
	case "concise", "tree", "markdown":
		return view.PlanForm(format), false, nil
	}
	return "", false, unknown("format", format, forms, "there are "+strings.Join(forms, ", "))
}

// showPlan writes a plan in the form that is asked for. Nobody sees sensitive
// values.
func (a *app) showPlan(cmd *cli.Command, p *planner.Plan) error {
	form, asJSON, err := form(cmd)
	if err != nil {
		return err
	}
	if asJSON {
		document, err := planner.Encode(p.Mask())
		a.term.Printf("%s", document)
		return err
	}
	document, err := planner.Encode(p)
	if err != nil {
		return err
	}
	return a.term.Plan(document, form)
}
