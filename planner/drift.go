package planner

import (
	"encoding/json"

	"github.com/leifengta/lft/lang/spec"
)

// Drift is a deployed object that is not in force as it was declared: an operator
// has overridden a value, or its bytes are gone. Exactly one of both is set.
type Drift struct {
	Object   Previous
	Override *Override
	Lost     *Lost
}

// Override is what an operator has set. It lasts until the declared value
// changes, or until someone takes it back.
type Override struct {
	Field    string          `json:"field"`    // paused or slots
	Declared json.RawMessage `json:"declared"` // when it was overridden
	Value    json.RawMessage `json:"value"`    // in force
	Reason   string          `json:"reason,omitempty"`
	By       string          `json:"by"`
	At       string          `json:"at"` // RFC 3339
	// Ends: this very plan changes the declared value, which ends it.
	Ends bool `json:"ends,omitempty"`
}

// Lost is a dependency whose bytes are not in the bucket any more.
type Lost struct {
	Digest string `json:"digest"`
}

// Rename is a delete and a create that are nearly the same, so that a moved block
// was probably forgotten. From and To may be modules or whole for_each sets.
type Rename struct {
	From spec.Address `json:"from"`
	To   spec.Address `json:"to"`
}

// Block is the moved block that would keep the object.
func (r Rename) Block() string {
	return "moved {\n  from = " + string(r.From) + "\n  to   = " + string(r.To) + "\n}\n"
}
