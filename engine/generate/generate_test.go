package generate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/generate"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
	"github.com/leifengta/lft/providers/builtin"
)

func value(text string) *spec.Value { return &spec.Value{Literal: json.RawMessage(text)} }

// shell is a job that runs true.
func shell(change func(*spec.Job)) *spec.Job {
	j := &spec.Job{Name: "j", Type: "shell", Args: map[string]*spec.Value{"command": value(`["true"]`)}}
	if change != nil {
		change(j)
	}
	return j
}

// asked is what a kernel asks about job 0 of a flow: attempt 2 of execution x, for
// an hour of a day in Shanghai.
func (h *house) asked(f *spec.Flow, params string) kernel.Prepare {
	f.Address = "flow.f"
	return kernel.Prepare{
		Key: kernel.JobKey{Execution: "x"}, N: 2, ProjectUID: "p", Revision: 1, Flow: "flow.f", FlowDigest: h.put(1, f),
		Zone: "Asia/Shanghai", ScheduledFor: 1_772_409_600_000_000, WindowStart: 1_772_406_000_000_000, WindowEnd: 1_772_409_600_500_000,
		Params: []byte(params),
	}
}

func (h *house) ask(t *testing.T, f *spec.Flow, params string) kernel.Prepared {
	t.Helper()
	return h.generator.Prepare(t.Context(), h.asked(f, params))
}

// TestTask is all that an agent is told of a job, to the letter.
func TestTask(t *testing.T) {
	grace := 3 * spec.Second
	f := &spec.Flow{
		Params: []*spec.Param{param("for-day", "string", nil), param("n", "number", expression("length(run.flow)")), param("none", "string", expression("null"))},
		Jobs: []*spec.Job{shell(func(j *spec.Job) {
			j.Timeout, j.KillGrace, j.RerunAfter = 5*spec.Second, &grace, 7*spec.Second
			j.Outputs = []*spec.Output{{Name: "rows", Type: spec.Type(`"number"`)}}
			j.Env = map[string]*spec.Value{
				"A": expression(`"${param.for-day}!"`), "NONE": expression("null"), "NUMBER": expression("param.n"),
				"LFT_JOB": value(`"mine"`), "LFT_PARAM_N": value(`"mine"`),
			}
		})},
	}
	got := newHouse().ask(t, f, `{"for-day":"monday"}`)
	task := taskOf(t, got)
	want := providers.Task{
		Type: "shell", Body: task.Body, Timeout: 5 * spec.Second, KillGrace: grace, RerunAfter: 7 * spec.Second, Outputs: f.Jobs[0].Outputs,
		Env: map[string]string{
			"A": "monday!", "NUMBER": "6", "LFT_PARAM_FOR_DAY": "monday", "LFT_PARAM_N": "6",
			"LFT_EXECUTION": "x", "LFT_FLOW": "flow.f", "LFT_JOB": "j", "LFT_ATTEMPT": "2",
			"LFT_SCHEDULED_FOR": "2026-03-02T08:00:00+08:00", "LFT_WINDOW_START": "2026-03-02T07:00:00+08:00", "LFT_WINDOW_END": "2026-03-02T08:00:00.5+08:00",
		},
	}
	if d := cmp.Diff(want, task); d != "" || got.N != 2 || got.Key.Execution != "x" {
		t.Errorf("answer to %v %d (-want +got):\n%s", got.Key, got.N, d)
	}
	if !strings.Contains(string(task.Body), `"true"`) {
		t.Errorf("body %s", task.Body)
	}
	// What is not written has its default.
	if task := taskOf(t, newHouse().ask(t, &spec.Flow{Jobs: []*spec.Job{shell(nil)}}, "")); task.KillGrace != spec.DefaultKillGrace || task.Timeout != 0 {
		t.Errorf("%+v", task)
	}
}

func TestWhen(t *testing.T) {
	for when, want := range map[string]struct{ skip, fault bool }{"1 < 2": {}, "1 > 2": {skip: true}, "null": {fault: true}, `"x"`: {fault: true}} {
		got := newHouse().ask(t, &spec.Flow{Jobs: []*spec.Job{shell(func(j *spec.Job) { j.When = expression(when) })}}, "")
		if got.Skip != want.skip || (got.Fault == record.ReasonExpression) != want.fault || (got.Task != nil) != (!want.skip && !want.fault) {
			t.Errorf("when %s: %+v", when, got)
		}
	}
}

func TestFaults(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	for text, tc := range map[string]struct {
		reason record.Reason
		params string
		flow   *spec.Flow
	}{
		"duration: is null, but the argument is required": {record.ReasonExpression, "", &spec.Flow{Jobs: []*spec.Job{{
			Name: "j", Type: "wait", Kind: spec.KindTimer, Args: map[string]*spec.Value{"duration": expression("null")},
		}}}},
		"neither command nor script is given": {record.ReasonGenerate, "", &spec.Flow{Jobs: []*spec.Job{shell(func(j *spec.Job) {
			j.Args["command"] = expression("null")
		})}}},
		`shell has no argument "nosuch"`: {record.ReasonGenerate, "", &spec.Flow{Jobs: []*spec.Job{shell(func(j *spec.Job) {
			j.Args["nosuch"] = value("1")
		})}}},
		`does not know the job type "nosuch"`: {record.ReasonGenerate, "", &spec.Flow{Jobs: []*spec.Job{shell(func(j *spec.Job) {
			j.Type = "nosuch"
		})}}},
		"param.day: no value was given and it has no default": {record.ReasonExpression, "{}", &spec.Flow{
			Params: []*spec.Param{param("day", "string", nil)}, Jobs: []*spec.Job{shell(nil)},
		}},
		"env.A: holds a zero byte": {record.ReasonExpression, "", &spec.Flow{Jobs: []*spec.Job{shell(func(j *spec.Job) {
			j.Env = map[string]*spec.Value{"A": value(`"a\u0000b"`)}
		})}}},
		"the environment is": {record.ReasonGenerate, "", &spec.Flow{Jobs: []*spec.Job{shell(func(j *spec.Job) {
			j.Env = map[string]*spec.Value{"A": value(`"` + long + `"`)}
		})}}},
		"the task is": {record.ReasonGenerate, "", &spec.Flow{Jobs: []*spec.Job{shell(func(j *spec.Job) {
			j.Args["command"] = value(`["true"` + strings.Repeat(`,"`+long[:100<<10]+`"`, 6) + `]`)
		})}}},
	} {
		got := newHouse().ask(t, tc.flow, tc.params)
		if got.Fault != tc.reason || got.Task != nil || !strings.Contains(got.Error, text) {
			t.Errorf("%s: %s %.200q", text, got.Fault, got.Error)
		}
	}
	h := newHouse()
	p := h.asked(&spec.Flow{Jobs: []*spec.Job{shell(nil)}}, "")
	p.Key.Number = 1
	if got := h.generator.Prepare(t.Context(), p); got.Fault != record.ReasonInternal || !strings.Contains(got.Error, "no job number 1") {
		t.Errorf("%+v", got)
	}
}

func TestOutputFaults(t *testing.T) {
	for text, tc := range map[string]struct {
		value  *spec.Value
		reason record.Reason
	}{
		"output.o: has no value": {nil, record.ReasonExpression},
		"the outputs are":        {value(`"` + strings.Repeat("x", record.MaxOutput) + `"`), record.ReasonBadOutput},
	} {
		h := newHouse()
		p := h.asked(&spec.Flow{Outputs: []*spec.FlowOutput{{Name: "o", Type: spec.Type(`"string"`), Value: tc.value}}, Jobs: []*spec.Job{shell(nil)}}, "")
		p.Outputs, p.Key.Number = true, kernel.OutputsNumber
		if got := h.generator.Prepare(t.Context(), p); got.Fault != tc.reason || got.Output != nil || !strings.Contains(got.Error, text) {
			t.Errorf("%+v, want %s", got, text)
		}
	}
}

// wild is a job type with a defect.
type wild struct{ providers.JobType }

func (wild) Schema() schema.JobType { return schema.JobType{Name: "wild"} }

func (wild) Generate(json.RawMessage) (json.RawMessage, error) { panic(strings.Repeat("é", 2000)) }

// TestDefect costs one job, and what is said of it fits into its message.
func TestDefect(t *testing.T) {
	h := newHouse()
	h.generator = generate.New(providers.Set{"wild": wild{builtin.Set()["noop"]}}, h.readSpecs, h.readObjects, nil)
	got := h.ask(t, &spec.Flow{Jobs: []*spec.Job{{Name: "j", Type: "wild"}}}, "")
	if got.Fault != record.ReasonInternal || !strings.HasPrefix(got.Error, "internal error: é") || len(got.Error) > record.MaxMessage ||
		strings.Trim(got.Error[len("internal error: "):], "é") != "" {
		t.Errorf("%s, %d bytes, %.80q", got.Fault, len(got.Error), got.Error)
	}
}

// TestFlowsAreKept: those used last, as many as fit, and none is asked for twice
// meanwhile.
func TestFlowsAreKept(t *testing.T) {
	h := newHouse()
	asked := map[string]int{}
	h.generator = generate.New(builtin.Set(), func(ctx context.Context, digests []string) (map[string][]byte, error) {
		asked[digests[0]]++
		return h.readSpecs(ctx, digests)
	}, h.readObjects, nil)
	big := func(i int) kernel.Prepare {
		return h.asked(&spec.Flow{Description: fmt.Sprint(i, strings.Repeat("x", 3<<20)), Jobs: []*spec.Job{shell(nil)}}, "")
	}
	var all []kernel.Prepare
	for i := range 7 {
		all = append(all, big(i))
		h.generator.Prepare(t.Context(), all[i])
		h.generator.Prepare(t.Context(), all[0]) // used all the time
	}
	for i, want := range []bool{true, false, false, true, true, true, true} {
		if got := h.generator.Quick(all[i]); got != want {
			t.Errorf("flow %d is kept: %v, want %v", i, got, want)
		}
	}
	if n := asked[all[0].FlowDigest]; n != 1 {
		t.Errorf("the flow that is always used was read %d times", n)
	}
	outputs := all[0]
	outputs.Outputs, outputs.Key.Number = true, kernel.OutputsNumber
	if !h.generator.Quick(outputs) {
		t.Error("the outputs of a flow that is kept are not quick")
	}
}

// TestSpecsOutOfReach are waited for; only the end of ctx ends that.
func TestSpecsOutOfReach(t *testing.T) {
	h := newHouse()
	ctx, cancel := context.WithCancel(t.Context())
	reads := 0
	h.generator = generate.New(builtin.Set(), func(context.Context, []string) (map[string][]byte, error) {
		if reads++; reads == 2 {
			cancel()
		}
		return nil, errors.New("no connection")
	}, h.readObjects, nil)
	got := h.generator.Prepare(ctx, h.asked(&spec.Flow{Jobs: []*spec.Job{shell(nil)}}, ""))
	if got.Fault != record.ReasonInternal || reads != 2 {
		t.Errorf("%+v after %d reads", got, reads)
	}
}
