// Package wait is the job type that lets a duration pass. The kernel keeps the
// time; no agent, slot or pool is held meanwhile, and a new master goes on where
// the last one was.
package wait

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Type is the job type wait.
type Type struct{}

var _ providers.JobType = Type{}

// Longest is the longest wait: a slip such as "10000h" is refused.
const Longest = 366 * 24 * 3600 * spec.Second

// Schema implements providers.JobType.
func (Type) Schema() schema.JobType {
	return schema.JobType{
		Name:        "wait",
		Kind:        string(spec.KindTimer),
		Description: "Lets a duration pass.",
		Attributes: []schema.Attribute{{
			Name:        "duration",
			Type:        json.RawMessage(`"string"`),
			Required:    true,
			RunTime:     true,
			Description: "How long, such as \"90s\" or \"1h30m\", counted from the start of the job.",
		}},
	}
}

// Generate implements providers.JobType.
func (Type) Generate(args json.RawMessage) (json.RawMessage, error) {
	var a struct {
		Duration *string `json:"duration"`
	}
	if err := json.Unmarshal(args, &a); err != nil {
		return nil, fmt.Errorf("arguments: %w", err)
	}
	if a.Duration == nil {
		return nil, errors.New("duration is missing")
	}
	d, err := spec.ParseDuration(*a.Duration)
	if err != nil {
		return nil, fmt.Errorf("duration: %w", err)
	}
	if d > Longest {
		return nil, fmt.Errorf("duration: %q is longer than %s", *a.Duration, Longest)
	}
	return json.Marshal(providers.Timer{Wait: d})
}

// Command implements providers.JobType; it is never asked.
func (Type) Command(json.RawMessage) (providers.Process, error) {
	return providers.Process{}, errors.New("a wait job has no process")
}
