package planner

import (
	"encoding/json"
	"slices"

	"github.com/leifengta/lft/lang/spec"
)

// Trail leads from the old addresses of what a plan moves to the new ones.
type Trail map[spec.Address]spec.Address

// Trail is that of the plan's moves.
func (p *Plan) Trail() Trail { return newTrail(p.Changes) }

func newTrail(changes []Change) Trail {
	t := Trail{}
	for _, c := range changes {
		if m, ok := c.(Move); ok {
			t[m.Old.Address] = m.New.Address
		}
	}
	return t
}

// Follow is a mention of an object that moves: by Job, or by the object itself.
type Follow struct {
	Job  string       `json:"job,omitempty"`
	From spec.Address `json:"from"`
	To   spec.Address `json:"to"`
}

// Follows lists what a change mentions by a new address, when that is all it does
// to the contents of its object: it is a consequence of moves and does nothing by
// itself. Nil says that it does more, or has no such mention.
func (t Trail) Follows(c Change) []Follow {
	var u Update
	switch c := c.(type) {
	case Update:
		u = c
	case Move:
		u = c.Update
	case Create, Delete:
		return nil
	}
	if len(t) == 0 || len(u.Files) > 0 {
		return nil
	}
	list, ok := t.attributes("", u.Attributes, nil)
	if !ok {
		return nil
	}
	for _, j := range u.Jobs {
		more := t.JobFollows(j)
		if more == nil {
			return nil
		}
		list = append(list, more...)
	}
	return list
}

// JobFollows is Follows of one job, whatever else becomes of its flow.
func (t Trail) JobFollows(j JobChange) []Follow {
	if len(t) == 0 || j.Before == nil || j.After == nil || j.Previous != "" {
		return nil
	}
	list, ok := t.attributes(j.Name, j.Attributes, nil)
	if !ok {
		return nil
	}
	return list
}

// attributes appends the mentions among what differs, and reports whether there is
// nothing else.
func (t Trail) attributes(job string, differ []Attribute, list []Follow) ([]Follow, bool) {
	for _, a := range differ {
		if len(a.Path) != 1 || !slices.Contains(mentionNames, a.Path[0]) {
			return nil, false
		}
		before, after := addresses(a.Before), addresses(a.After)
		if len(before) != len(after) || len(before) == 0 {
			return nil, false
		}
		for i, from := range before {
			to, moved := t[from]
			if !moved {
				continue
			}
			if from.Kind() == spec.DependencyKind && from.DependencyName() != to.DependencyName() {
				return nil, false // it lies elsewhere in the job's directory
			}
			before[i] = to
			list = append(list, Follow{job, from, to})
		}
		slices.Sort(before)
		slices.Sort(after)
		if !slices.Equal(before, after) {
			return nil, false
		}
	}
	return list, true
}

// mentionNames are the members of specs that hold addresses; see mentioned.
var mentionNames = []string{"flow", "calendar", "pool", "uses"}

// addresses reads one or a list of them; of anything else there are none.
func addresses(data []byte) []spec.Address {
	var list []spec.Address
	if json.Unmarshal(data, &list) == nil {
		return list
	}
	var one spec.Address
	if json.Unmarshal(data, &one) != nil {
		return nil
	}
	return []spec.Address{one}
}

// quiet reports whether a change leaves what its object does as it is: a pure move,
// or what only follows one.
func (t Trail) quiet(c Change) bool {
	if m, ok := c.(Move); ok && m.Old.Digest == m.New.Digest {
		return true
	}
	return t.Follows(c) != nil
}
