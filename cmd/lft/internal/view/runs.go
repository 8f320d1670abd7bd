package view

import (
	"time"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// Runs shows executions, newest first; more says that there are older ones.
func Runs(t *Terminal, executions []*lftv1.Execution, more, asJSON bool, now time.Time) error {
	if more {
		defer t.Notef("there are older ones: -limit shows more than these %d\n", len(executions))
	}
	if asJSON {
		docs := make([]executionJSON, len(executions))
		for i, e := range executions {
			docs[i] = executionDocument(e)
		}
		return t.JSON(docs)
	}
	if len(executions) == 0 {
		t.Notef("no executions yet; lft run flow.NAME starts one\n")
		return nil
	}
	var tab table
	tab.head("ID", "FLOW", "STATE", "FOR", "TOOK", "BY")
	for _, e := range executions {
		by := e.GetSchedule()
		if by == "" {
			by = e.GetBy()
		}
		tab.row(
			cell{text: e.GetId()},
			cell{text: e.GetFlow()},
			cell{e.GetState() + because(e.GetReason()), stateStyle(e.GetState())},
			cell{text: logicalTime(e)},
			cell{text: took(e.GetStartedAt(), e.GetEndedAt(), now)},
			cell{by, faint},
		)
	}
	tab.show(t)
	return nil
}
