package view

import lftv1 "github.com/leifengta/lft/engine/api/lft/v1"

type whyJSON struct {
	ID      string   `json:"id"`
	Job     string   `json:"job"`
	State   string   `json:"state"`
	Code    *string  `json:"code"`
	Summary string   `json:"summary"`
	Facts   []string `json:"facts"`
	At      *string  `json:"at"`
}

// Why shows why a job of an execution is not running.
func Why(t *Terminal, id string, w *lftv1.WhyResponse, asJSON bool) error {
	if asJSON {
		return t.JSON(whyJSON{
			ID:      id,
			Job:     w.GetJob(),
			State:   w.GetState(),
			Code:    word(w.GetCode()),
			Summary: w.GetSummary(),
			Facts:   append([]string{}, w.GetFacts()...), // [] and not null
			At:      instant(w.GetAt()),
		})
	}
	t.Printf("%s  %s%s\n%s\n", w.GetJob(), t.Style(stateStyle(w.GetState()), w.GetState()), because(w.GetCode()), w.GetSummary())
	for _, fact := range w.GetFacts() {
		t.Printf("  %s\n", fact)
	}
	t.Printf("%s\n", t.Style(faint, "as of "+clockTime(w.GetAt())))
	return nil
}
