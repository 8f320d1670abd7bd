// Package schema is the vocabulary of blocks and job types: which attributes
// exist, their types, and whether a run-time expression may stand there.
//
// A job type's schema is all that lang, the plan and documentation know of it.
// The package holds values only; it never evaluates or validates by itself, and
// it is the only place where an attribute of a block is declared.
package schema

import "encoding/json"

// Attribute is one argument of a block.
type Attribute struct {
	Name        string          `json:"name"`
	Type        json.RawMessage `json:"type"` // a cty type in JSON
	Required    bool            `json:"required,omitempty"`
	RunTime     bool            `json:"run_time,omitempty"` // a run-time expression may stand here
	Sensitive   bool            `json:"sensitive,omitempty"`
	Description string          `json:"description,omitempty"`
}

// JobType describes one type of job: its arguments and who carries it out.
type JobType struct {
	Name        string      `json:"name"`
	Kind        string      `json:"kind"` // a spec.Kind: process, instant, timer, flow
	Description string      `json:"description,omitempty"`
	Attributes  []Attribute `json:"attributes,omitempty"` // sorted by name
}

// Attribute returns the named attribute.
func (t JobType) Attribute(name string) (Attribute, bool) {
	for _, a := range t.Attributes {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}
