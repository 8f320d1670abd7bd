package expr

import (
	"encoding/json"
	"errors"

	"github.com/leifengta/lft/lang/spec"
)

// Scope is what an expression may look at while a job is prepared.
type Scope struct {
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

var errUnfinished = errors.New("lft: expressions are not evaluated yet")

// Eval evaluates a value within the bounds of this package and converts it to
// the wanted type. A nil type keeps the value as it is. Errors are for users.
func Eval(v *spec.Value, want spec.Type, s Scope) (json.RawMessage, error) {
	return nil, errUnfinished
}

// Outputs reads what a job left in its output file: key=value lines, or one
// JSON object. Nil data means that there was no file. Each declared output must
// be there, with its type, and nothing else.
func Outputs(declared []*spec.Output, data []byte) (json.RawMessage, error) {
	return nil, errUnfinished
}

// ConvertParam reads the text of a parameter on a command line as its type. A
// string is taken as it is; any other type but string is read as JSON.
func ConvertParam(t spec.Type, text string) (json.RawMessage, error) {
	return nil, errUnfinished
}

// Convert converts typed JSON to a declared type.
func Convert(t spec.Type, v json.RawMessage) (json.RawMessage, error) {
	return nil, errUnfinished
}
