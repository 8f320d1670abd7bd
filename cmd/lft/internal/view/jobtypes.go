package view

import (
	"github.com/leifengta/lft/lang/schema"
)

// JobTypes shows the job types, with what each takes when attributes is true.
func JobTypes(t *Terminal, list []schema.JobType, attributes, asJSON bool) error {
	if asJSON {
		return t.JSON(struct {
			FormatVersion string           `json:"format_version"`
			JobTypes      []schema.JobType `json:"job_types"`
		}{"1.0", list})
	}
	for i, jobType := range list {
		if !attributes {
			t.Printf("%-10s %s\n", jobType.Name, jobType.Description)
			continue
		}
		if i > 0 {
			t.Printf("\n")
		}
		t.Printf("%s\n", t.Style(bold, "job \""+jobType.Name+"\" \"NAME\" {"))
		if jobType.Description != "" {
			t.Printf("  %s\n", t.Style(faint, "# "+jobType.Description))
		}
		var rows table
		for _, a := range jobType.Attributes {
			text := a.Description
			if a.Required {
				text = "required; " + text
			}
			rows.row(cell{text: "  " + a.Name}, cell{text: "= " + typeValue(a.Type)}, cell{text: "# " + text, style: faint})
		}
		rows.show(t)
		t.Printf("}\n")
	}
	return nil
}
