package agent

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/agent/keeper"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// TestResult: what an exit record means, whatever else is in it.
func TestResult(t *testing.T) {
	declared, err := json.Marshal(providers.Task{Outputs: []*spec.Output{{Name: "text", Type: spec.Type(`"string"`)}}})
	if err != nil {
		t.Fatal(err)
	}
	long, err := json.Marshal(map[string]string{"text": strings.Repeat("x", record.MaxOutput)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		e    keeper.Ended
		task string
		want string // outcome, reason, exit code and output
	}{
		{"success", keeper.Ended{StartedAt: 1}, "", "succeeded  0 "},
		{"exit 1", keeper.Ended{StartedAt: 1, ExitCode: 1}, "", "failed exit 1 "},
		{"signal", keeper.Ended{StartedAt: 1, Signal: "SIGKILL"}, "", "failed signal - "},
		{"never started", keeper.Ended{Refused: "no such program"}, "", "rejected cannot_start - "},
		{"cancelled", keeper.Ended{StartedAt: 1, Cause: keeper.CauseCancelled, Signal: "SIGTERM"}, "", "cancelled cancelled - "},
		{"cancelled for a reason", keeper.Ended{StartedAt: 1, Cause: keeper.CauseCancelled, Why: "replaced"}, "", "cancelled replaced 0 "},
		{"cancelled before", keeper.Ended{Cause: keeper.CauseCancelled, Refused: "cancelled"}, "", "cancelled cancelled - "},
		{"timeout", keeper.Ended{StartedAt: 1, Cause: keeper.CauseTimeout, Signal: "SIGTERM"}, "", "timeout timeout - "},
		{"isolated", keeper.Ended{StartedAt: 1, Cause: keeper.CauseIsolated, Signal: "SIGTERM"}, "", "lost isolated - "},
		{"output", keeper.Ended{StartedAt: 1, Output: []byte(`{"text":"a"}`)}, string(declared), `succeeded  0 {"text":"a"}`},
		{"no output", keeper.Ended{StartedAt: 1}, string(declared), "failed bad_output 0 "},
		{"bad output", keeper.Ended{StartedAt: 1, BadOutput: "a folder"}, "", "failed bad_output 0 "},
		{"long output", keeper.Ended{StartedAt: 1, Output: long}, string(declared), "failed bad_output 0 "},
		{"output of a failure", keeper.Ended{StartedAt: 1, ExitCode: 2, BadOutput: "a folder"}, "", "failed exit 2 "},
	} {
		r := result(tc.e, []byte(tc.task))
		code := "-"
		if r.HasExit {
			code = strconv.Itoa(int(r.ExitCode))
		}
		if got := strings.Join([]string{r.Outcome, r.Reason, code, string(r.Output)}, " "); got != tc.want {
			t.Errorf("%s: %q, not %q (%s)", tc.name, got, tc.want, r.Message)
		}
	}
	r := result(keeper.Ended{StartedAt: 1, At: 2, Leftover: 3, Log: keeper.Log{Bytes: 9, SHA256: "s", Cut: 4}}, nil)
	want := brain.Result{
		StartedAt: 1, EndedAt: 2, Outcome: "succeeded", HasExit: true, Message: "3 processes outlived the main one and were ended",
		Log: brain.Log{Bytes: 9, SHA256: "s", State: string(record.LogCut), Cut: 4},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestStartOf: what a task says reaches the keeper, and its environment wins over the
// agent's, the type's over the task's.
func TestStartOf(t *testing.T) {
	t.Setenv("LANG", "agent")
	t.Setenv("TZ", "agent")
	a := &agent{c: Config{JobTypes: providers.Set{"fixed": fixed{}}}}
	task, err := json.Marshal(providers.Task{
		Type: "fixed", Timeout: 3 * spec.Second, KillGrace: 4 * spec.Second, RerunAfter: 5 * spec.Second,
		Env: map[string]string{"LANG": "task", "A": "task", "B": "task"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.start(brain.Start{Token: "t", Task: task})
	if err != nil {
		t.Fatal(err)
	}
	env := got.Env[:0:0]
	for _, line := range got.Env {
		if name, _, _ := strings.Cut(line, "="); name == "A" || name == "B" || name == "LANG" || name == "TZ" {
			env = append(env, line)
		}
	}
	got.Env = env
	want := keeper.Start{
		Token: "t", Argv: []string{"run"}, Env: []string{"A=type", "B=task", "LANG=task", "TZ=agent"}, Stdin: []byte("in"),
		Timeout: (3 * spec.Second).Std(), KillGrace: (4 * spec.Second).Std(), RerunAfter: (5 * spec.Second).Std(),
		Files: []keeper.File{{Name: "f", Mode: 0o700, Data: []byte("x")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// fixed is a job type with one process.
type fixed struct{ providers.JobType }

func (fixed) Command(json.RawMessage) (providers.Process, error) {
	return providers.Process{
		Argv: []string{"run"}, Env: map[string]string{"A": "type"}, Stdin: []byte("in"),
		Files: []providers.File{{Name: "f", Mode: 0o700, Data: []byte("x")}},
	}, nil
}

func TestClip(t *testing.T) {
	if got := clip("a\xffb"); got != "a?b" {
		t.Errorf("%q", got)
	}
	got := clip(strings.Repeat("長", record.MaxMessage))
	if len(got) > record.MaxMessage || len(got) < record.MaxMessage-8 || !utf8.ValidString(got) || !strings.HasSuffix(got, " …") {
		t.Errorf("%d bytes end with %q", len(got), got[len(got)-8:])
	}
}
