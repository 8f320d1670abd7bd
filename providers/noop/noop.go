// Package noop is the job type that does nothing: a place where edges meet, or
// a job that only has a condition. The kernel settles it by itself.
package noop

import (
	"encoding/json"
	"errors"

	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Type is the job type noop.
type Type struct{}

var _ providers.JobType = Type{}

// Schema implements providers.JobType.
func (Type) Schema() schema.JobType {
	return schema.JobType{
		Name:        "noop",
		Kind:        string(spec.KindInstant),
		Description: "Does nothing, at once.",
	}
}

// Generate implements providers.JobType.
func (Type) Generate(json.RawMessage) (json.RawMessage, error) {
	return json.RawMessage(`{}`), nil
}

// Command implements providers.JobType; it is never asked.
func (Type) Command(json.RawMessage) (providers.Process, error) {
	return providers.Process{}, errors.New("a noop job has no process")
}
