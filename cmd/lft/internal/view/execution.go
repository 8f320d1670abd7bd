package view

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// executionJSON is an execution as `runs -json` and `status -json` show it.
type executionJSON struct {
	ID              string          `json:"id"`
	Project         string          `json:"project"`
	Flow            string          `json:"flow"`
	State           string          `json:"state"`
	Reason          *string         `json:"reason"`
	Origin          string          `json:"origin"`
	Schedule        *string         `json:"schedule"`
	ScheduledFor    *string         `json:"scheduled_for"`
	Revision        int64           `json:"revision"`
	Params          json.RawMessage `json:"params"`
	By              *string         `json:"by"`
	CancelRequested bool            `json:"cancel_requested"`
	CancelBy        *string         `json:"cancel_by"`
	CreatedAt       *string         `json:"created_at"`
	StartedAt       *string         `json:"started_at"`
	EndedAt         *string         `json:"ended_at"`
	Parent          *string         `json:"parent"` // the execution that started it as a sub-flow
	ParentJob       *string         `json:"parent_job"`
	ParentAttempt   *int32          `json:"parent_attempt"`
}

type statusJSON struct {
	executionJSON
	Jobs []jobJSON `json:"jobs"`
}

type jobJSON struct {
	Name       string          `json:"name"`
	Type       *string         `json:"type"`
	State      string          `json:"state"`
	Waiting    *string         `json:"waiting"`
	WaitingArg *string         `json:"waiting_arg"`
	Reason     *string         `json:"reason"`
	Message    *string         `json:"message"`
	Upstreams  []string        `json:"upstreams"`
	Output     json.RawMessage `json:"output"`
	NextAt     *string         `json:"next_at"`
	StartedAt  *string         `json:"started_at"`
	EndedAt    *string         `json:"ended_at"`
	Attempts   []attemptJSON   `json:"attempts"`
}

type attemptJSON struct {
	Number    int32   `json:"number"`
	State     string  `json:"state"`
	Outcome   *string `json:"outcome"`
	ExitCode  *int32  `json:"exit_code"` // null when signalled
	Signal    *string `json:"signal"`    // by name
	Reason    *string `json:"reason"`
	Message   *string `json:"message"`
	Agent     *string `json:"agent"`
	OrderedAt *string `json:"ordered_at"`
	StartedAt *string `json:"started_at"`
	EndedAt   *string `json:"ended_at"`
	LogBytes  int64   `json:"log_bytes"`
	LogState  *string `json:"log_state"`
	Child     *string `json:"child"` // the execution a sub-flow's attempt started
}

func executionDocument(e *lftv1.Execution) executionJSON {
	doc := executionJSON{
		ID:              e.GetId(),
		Project:         e.GetProject(),
		Flow:            e.GetFlow(),
		State:           e.GetState(),
		Reason:          word(e.GetReason()),
		Origin:          e.GetOrigin(),
		Schedule:        word(e.GetSchedule()),
		ScheduledFor:    instant(e.GetScheduledFor()),
		Revision:        e.GetRevision(),
		Params:          document(e.GetParams()),
		By:              word(e.GetBy()),
		CancelRequested: e.GetCancelRequested(),
		CancelBy:        word(e.GetCancelBy()),
		CreatedAt:       instant(e.GetCreatedAt()),
		StartedAt:       instant(e.GetStartedAt()),
		EndedAt:         instant(e.GetEndedAt()),
		Parent:          word(e.GetParent()),
		ParentJob:       word(e.GetParentJob()),
	}
	if n := e.GetParentAttempt(); n > 0 {
		doc.ParentAttempt = &n
	}
	return doc
}

func jobDocument(j *lftv1.Job) jobJSON {
	doc := jobJSON{
		Name:       j.GetName(),
		Type:       word(j.GetType()),
		State:      j.GetState(),
		Waiting:    word(j.GetWaiting()),
		WaitingArg: word(j.GetWaitingArg()),
		Reason:     word(j.GetReason()),
		Message:    word(j.GetMessage()),
		Upstreams:  append([]string{}, j.GetUpstreams()...), // [] and not null
		Output:     document(j.GetOutput()),
		NextAt:     instant(j.GetNextAt()),
		StartedAt:  instant(j.GetStartedAt()),
		EndedAt:    instant(j.GetEndedAt()),
		Attempts:   []attemptJSON{},
	}
	for _, a := range j.GetAttempts() {
		doc.Attempts = append(doc.Attempts, attemptJSON{
			Number:    a.GetNumber(),
			State:     a.GetState(),
			Outcome:   word(a.GetOutcome()),
			ExitCode:  a.ExitCode,
			Signal:    word(a.GetSignal()),
			Reason:    word(a.GetReason()),
			Message:   word(a.GetMessage()),
			Agent:     word(a.GetAgent()),
			OrderedAt: instant(a.GetOrderedAt()),
			StartedAt: instant(a.GetStartedAt()),
			EndedAt:   instant(a.GetEndedAt()),
			LogBytes:  a.GetLogBytes(),
			LogState:  word(a.GetLogState()),
			Child:     word(a.GetChild()),
		})
	}
	return doc
}

// Status shows one execution with its jobs.
func Status(t *Terminal, res *lftv1.GetExecutionResponse, asJSON bool, now time.Time) error {
	if asJSON {
		doc := statusJSON{executionJSON: executionDocument(res.GetExecution()), Jobs: []jobJSON{}}
		for _, j := range res.GetJobs() {
			doc.Jobs = append(doc.Jobs, jobDocument(j))
		}
		return t.JSON(doc)
	}
	e := res.GetExecution()
	t.Printf("%s  %s  %s%s\n", e.GetId(), e.GetFlow(), t.Style(stateStyle(e.GetState()), e.GetState()), because(e.GetReason()))
	t.Printf("for %s, revision %d of project %s%s\n", logicalTime(e), e.GetRevision(), e.GetProject(), ran(e, now))
	if e.GetParent() != "" {
		t.Printf("started by attempt %d of job %s in execution %s\n", e.GetParentAttempt(), e.GetParentJob(), e.GetParent())
	}
	t.Printf("\n")
	jobTable(res.GetJobs(), now).show(t)
	return nil
}

// logicalTime is shown in the zone that the flow's people think in.
func logicalTime(e *lftv1.Execution) string {
	at := e.GetScheduledFor().AsTime()
	zone, err := time.LoadLocation(e.GetZone())
	if err != nil {
		zone = time.UTC
	}
	return at.In(zone).Format("2006-01-02 15:04:05 MST")
}

func ran(e *lftv1.Execution, now time.Time) string {
	switch {
	case e.GetStartedAt() == nil:
		return ""
	case e.GetEndedAt() == nil:
		return ", runs since " + took(e.GetStartedAt(), nil, now)
	default:
		return ", ran " + took(e.GetStartedAt(), e.GetEndedAt(), now)
	}
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

func jobTable(jobs []*lftv1.Job, now time.Time) *table {
	var tab table
	tab.head("JOB", "STATE", "TRIES", "TOOK", "AGENT", "")
	for _, j := range jobs {
		agent, tries := "", ""
		if n := len(j.GetAttempts()); n > 0 {
			last := j.GetAttempts()[n-1]
			agent = cmp.Or(last.GetAgent(), last.GetChild())
			tries = fmt.Sprint(n)
		}
		tab.row(
			cell{text: j.GetName()},
			cell{j.GetState(), stateStyle(j.GetState())},
			cell{text: tries},
			cell{text: took(j.GetStartedAt(), j.GetEndedAt(), now)},
			cell{text: agent},
			cell{jobNote(j), faint},
		)
	}
	return &tab
}

// jobNote says in a few words why a job is as it is.
func jobNote(j *lftv1.Job) string {
	var parts []string
	if w := j.GetWaiting(); w != "" && w != "child" { // that stands in a column of its own
		parts = append(parts, strings.TrimSpace("waits: "+strings.ReplaceAll(w, "_", " ")+" "+j.GetWaitingArg()))
	}
	if n := len(j.GetAttempts()); n > 0 && j.GetState() != "SUCCEEDED" {
		parts = append(parts, outcomeNote(j.GetAttempts()[n-1]))
	} else if j.GetReason() != "" {
		parts = append(parts, strings.ReplaceAll(j.GetReason(), "_", " "))
	}
	m, _, _ := strings.Cut(j.GetMessage(), "\n")
	if said := strings.HasPrefix(m, "exit code ") || strings.HasPrefix(m, "ended by "); m != "" && !said {
		parts = append(parts, m)
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}

// outcomeNote words how an attempt ended: exit 3, SIGKILL, timeout.
func outcomeNote(a *lftv1.Attempt) string {
	switch {
	case a.GetState() != "ENDED", a.GetOutcome() == "succeeded":
		return ""
	case a.GetSignal() != "":
		return a.GetOutcome() + " by " + a.GetSignal()
	case a.GetOutcome() == "failed" && a.ExitCode != nil && a.GetExitCode() != 0:
		return fmt.Sprintf("exit %d", a.GetExitCode())
	case a.GetReason() != "" && a.GetReason() != a.GetOutcome():
		return a.GetOutcome() + ": " + strings.ReplaceAll(a.GetReason(), "_", " ")
	default:
		return a.GetOutcome()
	}
}

// stateStyle colours the states of executions, jobs and agents.
func stateStyle(state string) style {
	switch state {
	case "SUCCEEDED":
		return green
	case "FAILED", "UPSTREAM_FAILED", "DEAD", "UNREACHABLE", "QUARANTINED":
		return red
	case "CANCELLED", "RETRY_WAIT", "SUSPECT":
		return yellow
	case "RUNNING", "ACTIVE":
		return cyan
	default:
		return ""
	}
}
