package view

import (
	"fmt"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// revisionJSON is a revision as history -json has it.
type revisionJSON struct {
	Number        int64   `json:"number"`
	Project       string  `json:"project"`
	EffectiveFrom *string `json:"effective_from"`
	Author        string  `json:"author"`
	Message       *string `json:"message"`
	Added         int32   `json:"added"`
	Changed       int32   `json:"changed"`
	Destroyed     int32   `json:"destroyed"`
	ApplyID       string  `json:"apply_id"`
	Digest        string  `json:"digest"`
}

// History shows revisions, newest first.
func History(t *Terminal, list []*lftv1.Revision, asJSON bool) error {
	if asJSON {
		out := make([]revisionJSON, 0, len(list))
		for _, r := range list {
			out = append(out, revisionJSON{
				Number: r.GetNumber(), Project: r.GetProject(), EffectiveFrom: instant(r.GetEffectiveFrom()),
				Author: r.GetAuthor(), Message: word(r.GetMessage()),
				Added: r.GetAdded(), Changed: r.GetChanged(), Destroyed: r.GetDestroyed(),
				ApplyID: r.GetApplyId(), Digest: r.GetDigest(),
			})
		}
		return t.JSON(out)
	}
	if len(list) == 0 {
		t.Notef("Nothing was ever applied.\n")
		return nil
	}
	var rows table
	rows.head("REVISION", "EFFECTIVE FROM", "BY", "CHANGES", "MESSAGE")
	for _, r := range list {
		rows.row(
			cell{text: fmt.Sprint(r.GetNumber())},
			cell{text: clockTime(r.GetEffectiveFrom())},
			cell{text: r.GetAuthor()},
			cell{text: fmt.Sprintf("+%d ~%d -%d", r.GetAdded(), r.GetChanged(), r.GetDestroyed())},
			cell{text: r.GetMessage()},
		)
	}
	rows.show(t)
	return nil
}
