package view

import (
	"fmt"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// fireJSON is one decided instant.
type fireJSON struct {
	Schedule  string  `json:"schedule"`
	Instant   *string `json:"instant"`
	Decision  string  `json:"decision"`
	Reason    *string `json:"reason"`
	Execution *string `json:"execution"`
	DecidedAt *string `json:"decided_at"`
}

// skippedJSON stands for count skipped instants from one to another, both
// included.
type skippedJSON struct {
	Schedule  string  `json:"schedule"`
	From      *string `json:"from"`
	To        *string `json:"to"`
	Count     int64   `json:"count"`
	Decision  string  `json:"decision"`
	Reason    *string `json:"reason"`
	DecidedAt *string `json:"decided_at"`
}

// Fires shows the decisions about a schedule's instants, newest first.
func Fires(t *Terminal, fires []*lftv1.Fire, asJSON bool) error {
	if asJSON {
		docs := make([]any, len(fires))
		for i, f := range fires {
			docs[i] = fireDocument(f)
		}
		return t.JSON(docs)
	}
	if len(fires) == 0 {
		t.Notef("no instant of this schedule has been decided yet\n")
		return nil
	}
	var tab table
	tab.head("INSTANT", "DECISION", "EXECUTION")
	for _, f := range fires {
		at := clockTime(f.GetInstant())
		if f.GetCount() > 0 {
			at = fmt.Sprintf("%s to %s, %d instants", clockTime(f.GetFrom()), clockTime(f.GetTo()), f.GetCount())
		}
		s := green
		if f.GetDecision() != "RUN" {
			s = yellow
		}
		tab.row(cell{text: at}, cell{f.GetDecision() + because(f.GetReason()), s}, cell{text: f.GetExecution()})
	}
	tab.show(t)
	return nil
}

func fireDocument(f *lftv1.Fire) any {
	if f.GetCount() > 0 {
		return skippedJSON{
			Schedule:  f.GetSchedule(),
			From:      instant(f.GetFrom()),
			To:        instant(f.GetTo()),
			Count:     f.GetCount(),
			Decision:  f.GetDecision(),
			Reason:    word(f.GetReason()),
			DecidedAt: instant(f.GetDecidedAt()),
		}
	}
	return fireJSON{
		Schedule:  f.GetSchedule(),
		Instant:   instant(f.GetInstant()),
		Decision:  f.GetDecision(),
		Reason:    word(f.GetReason()),
		Execution: word(f.GetExecution()),
		DecidedAt: instant(f.GetDecidedAt()),
	}
}
