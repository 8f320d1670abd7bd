package planner

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

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

// SetDrift tells the plan what is not in force as it was declared, and finds out
// which overrides the plan itself ends. One of a value that is declared anew since
// is over, although no master may have noticed yet.
func (p *Plan) SetDrift(list []Drift) {
	comes := map[string]Change{}
	for _, c := range p.Changes {
		if old, ok := Going(c); ok {
			comes[old.UID] = c
		}
	}
	p.Drift = slices.DeleteFunc(slices.Clone(list), func(d Drift) bool {
		return d.Override != nil && declaredValue(d.Object.Data, d.Override.Field) != string(d.Override.Declared)
	})
	for i := range p.Drift {
		d := &p.Drift[i]
		if c, changes := comes[d.Object.UID]; changes && d.Override != nil {
			o := *d.Override
			now, stays := Coming(c)
			o.Ends = !stays || declaredValue(now.Data, o.Field) != string(o.Declared)
			d.Override = &o
		}
	}
	slices.SortFunc(p.Drift, func(a, b Drift) int {
		return cmp.Or(strings.Compare(string(a.Object.Address), string(b.Object.Address)), strings.Compare(a.field(), b.field()))
	})
}

func (d *Drift) field() string {
	if d.Override == nil {
		return ""
	}
	return d.Override.Field
}

// declaredValue is what a spec says of a field that can be overridden. A field
// that it does not have is false: nothing else has a default there.
func declaredValue(data []byte, field string) string {
	members := map[string]json.RawMessage{}
	if json.Unmarshal(data, &members) != nil || members[field] == nil {
		return "false"
	}
	return string(members[field])
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
