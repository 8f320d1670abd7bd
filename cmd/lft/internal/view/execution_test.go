package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func at(micros int64) *timestamppb.Timestamp { return timestamppb.New(time.UnixMicro(micros)) }

// plainTerminal is no terminal: what it gets is kept.
func plainTerminal() (t *Terminal, out, err *bytes.Buffer) {
	out, err = new(bytes.Buffer), new(bytes.Buffer)
	return NewTerminal(out, err, func(string) string { return "" }), out, err
}

var colour = regexp.MustCompile("\x1b\\[[0-9]*m")

func sample() *lftv1.GetExecutionResponse {
	return &lftv1.GetExecutionResponse{
		Execution: &lftv1.Execution{
			Id: "x", Flow: "flow.f", State: "FAILED", Revision: 3, Zone: "Asia/Shanghai", ScheduledFor: at(1_500_000),
			StartedAt: at(2_000_000), EndedAt: at(5_250_000), Params: `{"n":1}`,
		},
		Jobs: []*lftv1.Job{
			{Name: "a", State: "SUCCEEDED", StartedAt: at(2_000_000), EndedAt: at(2_012_345), Attempts: []*lftv1.Attempt{
				{Number: 1, State: "ENDED", Outcome: "succeeded", ExitCode: new(int32), Agent: "anna", StartedAt: at(2_000_001)},
			}},
			{Name: "b", State: "FAILED", StartedAt: at(2_000_000), EndedAt: at(5_000_000), Message: "ended by SIGKILL", Attempts: []*lftv1.Attempt{
				{Number: 1, State: "ENDED", Outcome: "failed", ExitCode: new(int32(7)), Agent: "anna"},
				{Number: 2, State: "ENDED", Outcome: "failed", Signal: "SIGKILL", Agent: "bert"},
			}},
			{Name: "c", State: "WAITING", Waiting: "upstream", WaitingArg: "b"},
			{Name: "d", State: "SKIPPED", Reason: "when"},
		},
	}
}

func TestStatusJSON(t *testing.T) {
	term, out, _ := plainTerminal()
	if err := Status(term, sample(), true, time.Time{}); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"id": "x", "state": "FAILED", "revision": 3.0, "scheduled_for": "1970-01-01T00:00:01.500000Z",
		"ended_at": "1970-01-01T00:00:05.250000Z", "created_at": nil, "reason": nil, "by": nil, "schedule": nil,
		"params": map[string]any{"n": 1.0},
	} {
		got, there := doc[key]
		if !there || !cmp.Equal(want, got) {
			t.Errorf("%s is %v, there %v; want %v", key, got, there, want)
		}
	}
	jobs := doc["jobs"].([]any)
	attempts := jobs[1].(map[string]any)["attempts"].([]any)
	for i, want := range []struct{ code, signal any }{{7.0, nil}, {nil, "SIGKILL"}} {
		a := attempts[i].(map[string]any)
		if a["exit_code"] != want.code || a["signal"] != want.signal {
			t.Errorf("attempt %d: exit code %v, signal %v", i, a["exit_code"], a["signal"])
		}
	}
	if got := jobs[0].(map[string]any)["attempts"].([]any)[0].(map[string]any)["exit_code"]; got != 0.0 {
		t.Errorf("exit code 0 is shown as %v", got)
	}
	waiting := jobs[2].(map[string]any)
	if waiting["waiting"] != "upstream" || waiting["output"] != nil || len(waiting["attempts"].([]any)) != 0 || waiting["upstreams"] == nil {
		t.Errorf("waiting job: %v", waiting)
	}
}

func TestStatusText(t *testing.T) {
	term, out, _ := plainTerminal()
	if err := Status(term, sample(), false, time.Time{}); err != nil {
		t.Fatal(err)
	}
	want := `x  flow.f  FAILED
for 1970-01-01 08:00:01 CST, revision 3 of project , ran 3.3s

JOB  STATE      TRIES  TOOK  AGENT
a    SUCCEEDED  1      12ms  anna
b    FAILED     2      3s    bert   failed by SIGKILL
c    WAITING                        waits: upstream b
d    SKIPPED                        when
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

// TestEmptyListsAreLists: a script iterates over them.
func TestEmptyListsAreLists(t *testing.T) {
	for name, show := range map[string]func(*Terminal) error{
		"runs":   func(t *Terminal) error { return Runs(t, nil, false, true, time.Time{}) },
		"fires":  func(t *Terminal) error { return Fires(t, nil, true) },
		"agents": func(t *Terminal) error { return Agents(t, nil, true, time.Time{}) },
	} {
		term, out, _ := plainTerminal()
		if err := show(term); err != nil || out.String() != "[]\n" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

// TestFiresJSON: an instant and a range are told apart by their members.
func TestFiresJSON(t *testing.T) {
	term, out, _ := plainTerminal()
	err := Fires(term, []*lftv1.Fire{
		{Schedule: "schedule.s", Instant: at(3_000_000), Decision: "RUN", Execution: "f1", DecidedAt: at(3_000_007)},
		{Schedule: "schedule.s", From: at(1_000_000), To: at(2_000_000), Count: 2, Decision: "SKIPPED", Reason: "misfire"},
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	var docs []map[string]any
	if err := json.Unmarshal(out.Bytes(), &docs); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"decided_at decision execution instant reason schedule",
		"count decided_at decision from reason schedule to",
	} {
		if got := strings.Join(slices.Sorted(maps.Keys(docs[i])), " "); got != want {
			t.Errorf("members of %d: %s", i, got)
		}
	}
	if docs[0]["instant"] != "1970-01-01T00:00:03.000000Z" || docs[0]["reason"] != nil || docs[1]["count"] != 2.0 {
		t.Errorf("fires %v", docs)
	}
}

// TestProgressTellsEachThingOnce on what is no terminal.
func TestProgressTellsEachThingOnce(t *testing.T) {
	term, out, errs := plainTerminal()
	p := NewProgress(term)
	res := sample()
	res.Execution.EndedAt = nil
	b := res.Jobs[1]
	b.State, b.Attempts[1].State, b.EndedAt = "ACTIVE", "RUNNING", nil
	for range 3 {
		p.Update(res, time.UnixMicro(6_000_000))
	}
	done := sample()
	p.Update(done, time.UnixMicro(6_000_000))
	p.Update(done, time.UnixMicro(6_000_000))
	want := `a SUCCEEDED (12ms)
b ACTIVE (attempt 2 on bert)
d SKIPPED (when)
b FAILED (3s; failed by SIGKILL)
`
	if diff := cmp.Diff(want, errs.String()); diff != "" || out.Len() > 0 {
		t.Errorf("told on stdout %q; on stderr (-want +got):\n%s", out, diff)
	}
	// What was over before anybody looked is in the report alone.
	errs.Reset()
	NewProgress(term).Update(done, time.UnixMicro(6_000_000))
	if errs.Len() > 0 {
		t.Errorf("told %q", errs)
	}
}

// TestProgressDrawsOverItself: what a drawing leaves on the screen is taken away
// by the next one, and never wider than the screen.
func TestProgressDrawsOverItself(t *testing.T) {
	term, out, _ := plainTerminal()
	term.outTTY, term.outColor, term.width = true, true, 30
	p := NewProgress(term)
	res := sample()
	res.Execution.EndedAt = nil
	for i := range 40 {
		res.Jobs = append(res.Jobs, &lftv1.Job{Name: strings.Repeat("long", 20), State: []string{"ACTIVE", "READY", "WAITING"}[i%3]})
	}
	p.Update(res, time.UnixMicro(6_000_000))
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) > maxDrawn+2 {
		t.Errorf("%d lines are drawn", len(lines))
	}
	for _, line := range lines {
		if plain := colour.ReplaceAllString(line, ""); len(plain) > 30 {
			t.Errorf("%d columns: %q", len(plain), line)
		}
	}
	out.Reset()
	p.Clear()
	if want := fmt.Sprintf("\x1b[%dA\r\x1b[J", len(lines)); out.String() != want {
		t.Errorf("cleared by %q, want %q", out, want)
	}
}
