// Package flow is the job type that runs another flow of the project and waits
// for it. The kernel starts an execution of that flow, of the same revision, and
// ends the job with it; no agent, slot or pool is held meanwhile.
//
// Which flow, and what it is given, are references and values of the language
// (spec.Job.Flow and Params), not arguments of the type.
package flow

import (
	"encoding/json"
	"errors"

	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Type is the job type flow.
type Type struct{}

var _ providers.JobType = Type{}

// Schema implements providers.JobType.
func (Type) Schema() schema.JobType {
	return schema.JobType{
		Name:        "flow",
		Kind:        string(spec.KindFlow),
		Description: "Runs another flow of the project and waits for its end.",
	}
}

// Generate implements providers.JobType; there are no arguments of the type.
func (Type) Generate(json.RawMessage) (json.RawMessage, error) {
	return json.RawMessage(`{}`), nil
}

// Command implements providers.JobType; it is never asked.
func (Type) Command(json.RawMessage) (providers.Process, error) {
	return providers.Process{}, errors.New("a flow job has no process")
}
