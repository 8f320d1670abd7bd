package record_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/leifengta/lft/engine/record"
)

// TestMoves walks every pair of states. The picture is written once more here,
// by hand, so that a change of the table is a change of two places.
func TestMoves(t *testing.T) {
	walk(t, "execution", record.ExecutionState.To, record.ExecutionState.Terminal, `
		QUEUED → RUNNING FAILED CANCELLED
		RUNNING → SUCCEEDED FAILED CANCELLED
		SUCCEEDED →
		FAILED →
		CANCELLED →`)
	walk(t, "job", record.JobState.To, record.JobState.Terminal, `
		WAITING → READY UPSTREAM_FAILED SKIPPED CANCELLED
		READY → ACTIVE SUCCEEDED FAILED SKIPPED CANCELLED
		ACTIVE → READY RETRY_WAIT SUCCEEDED FAILED CANCELLED
		RETRY_WAIT → READY CANCELLED
		SUCCEEDED →
		FAILED →
		UPSTREAM_FAILED →
		SKIPPED →
		CANCELLED →`)
	ended := func(s record.AttemptState) bool { return s == record.Ended }
	walk(t, "attempt", record.AttemptState.To, ended, `
		ORDERED → ORDERED RUNNING ENDED
		RUNNING → ENDED
		ENDED →`)
}

func walk[S ~string](t *testing.T, what string, to func(S, S) bool, terminal func(S) bool, picture string) {
	t.Helper()
	next := map[S][]S{}
	var all []S
	for line := range strings.Lines(strings.TrimSpace(picture)) {
		from, list, _ := strings.Cut(strings.TrimSpace(line), "→")
		state := S(strings.TrimSpace(from))
		all = append(all, state)
		for _, one := range strings.Fields(list) {
			next[state] = append(next[state], S(one))
		}
	}
	for _, from := range append(all, "UNKNOWN") {
		for _, s := range append(all, "UNKNOWN") {
			want := slices.Contains(next[from], s)
			if got := to(from, s); got != want {
				t.Errorf("%s: %s → %s is %v", what, from, s, got)
			}
		}
		if from != "UNKNOWN" && terminal(from) != (len(next[from]) == 0) {
			t.Errorf("%s: %s is terminal: %v", what, from, terminal(from))
		}
	}
}
