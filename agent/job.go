package agent

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/leifengta/lft/agent/brain"
	"github.com/leifengta/lft/agent/keeper"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/providers"
)

// inherited are the variables of the agent's own environment that a job gets;
// everything else it gets is in its task or made by the keeper.
const inherited = "PATH LANG LC_ALL LC_CTYPE TZ TMPDIR"

// start turns a task into what the keeper starts. An error is the job's.
func (a *agent) start(s brain.Start) (keeper.Start, error) {
	var task providers.Task
	if err := json.Unmarshal(s.Task, &task); err != nil {
		return keeper.Start{}, fmt.Errorf("the task cannot be read: %w", err)
	}
	jobType, ok := a.c.JobTypes[task.Type]
	if !ok {
		return keeper.Start{}, fmt.Errorf("this agent (%s) has no job type %q", a.c.Version, task.Type)
	}
	process, err := jobType.Command(task.Body)
	if err != nil {
		return keeper.Start{}, fmt.Errorf("job type %q: %w", task.Type, err)
	}
	out := keeper.Start{
		Token:      s.Token,
		Argv:       process.Argv,
		Env:        environment(task.Env, process.Env),
		Stdin:      process.Stdin,
		Timeout:    task.Timeout.Std(),
		KillGrace:  task.KillGrace.Std(),
		RerunAfter: task.RerunAfter.Std(),
	}
	if err := a.provide(&out, task.Dependencies); err != nil {
		return keeper.Start{}, err
	}
	for _, f := range process.Files {
		out.Files = append(out.Files, keeper.File{Name: f.Name, Mode: f.Mode, Data: f.Data})
	}
	return out, nil
}

// environment is what a job sees besides what the keeper adds; later maps win.
func environment(layers ...map[string]string) []string {
	all := map[string]string{}
	for name := range strings.FieldsSeq(inherited) {
		if v, ok := os.LookupEnv(name); ok {
			all[name] = v
		}
	}
	for _, l := range layers {
		maps.Copy(all, l)
	}
	out := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, name+"="+all[name])
	}
	return out
}

// rejected is the result of an attempt that could not be handed to the keeper.
func rejected(at brain.Time, reason record.Reason, err error) brain.Result {
	return brain.Result{
		EndedAt: at,
		Outcome: string(record.OutcomeRejected),
		Reason:  string(reason),
		Message: clip(err.Error()),
		Log:     brain.Log{State: string(record.LogEOF)},
	}
}

// result says what an exit record means for a task.
func result(e keeper.Ended, task []byte) brain.Result {
	r := brain.Result{
		StartedAt: brain.Time(e.StartedAt),
		EndedAt:   brain.Time(e.At),
		Signal:    e.Signal,
		Log: brain.Log{
			Bytes:  e.Log.Bytes,
			SHA256: e.Log.SHA256,
			State:  string(record.LogEOF),
			Cut:    e.Log.Cut,
		},
	}
	if e.Log.Cut > 0 {
		r.Log.State = string(record.LogCut)
	}
	if e.StartedAt != 0 && e.Signal == "" {
		r.HasExit = true
		r.ExitCode = int32(e.ExitCode)
	}
	outcome, reason, text := verdict(e)
	if outcome == record.OutcomeSucceeded {
		var err error
		if r.Output, err = outputs(e, task); err != nil {
			outcome, reason, text = record.OutcomeFailed, record.ReasonBadOutput, err.Error()
		}
	}
	if e.Leftover > 0 {
		text = strings.TrimPrefix(text+fmt.Sprintf("; %d processes outlived the main one and were ended", e.Leftover), "; ")
	}
	r.Outcome, r.Reason, r.Message = string(outcome), string(reason), clip(text)
	return r
}

// verdict judges how the processes ended, whatever they left behind.
func verdict(e keeper.Ended) (record.Outcome, record.Reason, string) {
	switch {
	case e.Cause == keeper.CauseCancelled:
		why := record.Reason(e.Why)
		if why == record.ReasonNone {
			why = record.ReasonCancelled
		}
		return record.OutcomeCancelled, why, ""
	case e.Refused != "":
		return record.OutcomeRejected, record.ReasonCannotStart, e.Refused
	case e.Cause == keeper.CauseTimeout:
		return record.OutcomeTimeout, record.ReasonTimeout, "ran longer than its timeout"
	case e.Cause == keeper.CauseIsolated:
		return record.OutcomeLost, record.ReasonIsolated, "no master answered for as long as rerun_after allows"
	case e.Signal != "":
		return record.OutcomeFailed, record.ReasonSignal, "ended by " + e.Signal
	case e.ExitCode != 0:
		return record.OutcomeFailed, record.ReasonExit, fmt.Sprintf("exit code %d", e.ExitCode)
	}
	return record.OutcomeSucceeded, record.ReasonNone, ""
}

// outputs checks what a job left at LFT_OUTPUT against what its task declares.
func outputs(e keeper.Ended, task []byte) (json.RawMessage, error) {
	if e.BadOutput != "" {
		return nil, fmt.Errorf("output file: %s", e.BadOutput)
	}
	var t providers.Task
	if len(task) > 0 {
		if err := json.Unmarshal(task, &t); err != nil {
			return nil, fmt.Errorf("the task cannot be read: %w", err)
		}
	}
	if len(t.Outputs) == 0 && e.Output == nil {
		return nil, nil
	}
	out, err := expr.Outputs(t.Outputs, e.Output)
	if err == nil && len(out) > record.MaxOutput {
		err = fmt.Errorf("outputs have %d bytes, more than %d", len(out), record.MaxOutput)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// clip keeps a message within its column.
func clip(text string) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= record.MaxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:record.MaxMessage-len(" …")], "") + " …"
}
