package expr

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/spec"
)

// Scope is what an expression may look at while a job is prepared.
type Scope struct {
	// Flow gives parameters and outputs their declared types; without it their
	// types are those of their JSON.
	Flow   *spec.Flow
	Run    Run
	Params map[string]json.RawMessage // evaluated parameters by name
	// Jobs are the upstreams by Job.Name, for_each key included (x["k"]). A job
	// that is not in here is not known to the expression.
	Jobs map[string]Job
}

// Run is what expressions see as run.*. Times are RFC 3339 in the zone of the
// schedule.
type Run struct {
	ID           string // run.id
	Flow         string // run.flow, an address
	Schedule     string // run.schedule, an address; "" = started by hand
	ScheduledFor string // run.scheduled_for
	WindowStart  string // run.window.start
	WindowEnd    string // run.window.end
	Attempt      int    // run.attempt
}

// Job is what expressions see as job.NAME.*.
type Job struct {
	Status string          // job.NAME.status: a record.JobState in lower case
	Output json.RawMessage // job.NAME.output: an object, or nil when it has none
}

// Eval evaluates a value within the bounds of this package and converts it to
// the wanted type. A nil type keeps the value as it is. A null is returned as
// null whatever the type. Errors are for users.
func Eval(v *spec.Value, want spec.Type, s Scope) (json.RawMessage, error) {
	if v.Expr == "" {
		if want == nil || string(v.Literal) == "null" {
			return v.Literal, nil
		}
		return convertJSON(want, v.Literal, Limits{Steps: MaxSteps, Size: spec.MaxSize, Types: spec.MaxSize})
	}
	ty, err := DecodeType(want)
	if err != nil {
		return nil, err
	}
	x, fault := Parse(v.Expr)
	if fault != nil {
		return nil, inSource(v.Expr, fault)
	}
	scope := runScope{scope: s, vars: v.Vars}
	value, fault := NewEvaluator(RunTime(), runTime, scope.resolve).Eval(x, ty)
	if fault != nil {
		return nil, inSource(v.Expr, fault)
	}
	return Encode(value)
}

// inSource adds the piece of source that is at fault.
func inSource(source string, err *Error) error {
	const longest = 60
	piece := source
	if from, to := err.Range.Start.Byte, err.Range.End.Byte; from < to && to <= len(source) {
		piece = source[from:to]
	}
	piece, _, cut := strings.Cut(strings.TrimSpace(piece), "\n")
	if len(piece) > longest {
		piece, cut = strings.ToValidUTF8(piece[:longest], ""), true
	}
	if cut {
		piece += "…"
	}
	return fmt.Errorf("%s: %w", piece, err)
}

// RunType is the type of run.
func RunType() cty.Type {
	return cty.Object(map[string]cty.Type{
		"id": cty.String, "flow": cty.String, "schedule": cty.String, "scheduled_for": cty.String, "attempt": cty.Number,
		"window": cty.Object(map[string]cty.Type{"start": cty.String, "end": cty.String}),
	})
}

func (r Run) value() cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"id": cty.StringVal(r.ID), "flow": cty.StringVal(r.Flow), "schedule": cty.StringVal(r.Schedule),
		"scheduled_for": cty.StringVal(r.ScheduledFor), "attempt": cty.NumberIntVal(int64(r.Attempt)),
		"window": cty.ObjectVal(map[string]cty.Value{"start": cty.StringVal(r.WindowStart), "end": cty.StringVal(r.WindowEnd)}),
	})
}
