package planner

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// mention is an object that a spec names, and the job that does, "" for the
// object itself.
type mention struct {
	job     string
	address spec.Address
}

// mentionMarks are in every spec that mentions anything.
var mentionMarks = [][]byte{[]byte(`"pool":"`), []byte(`"uses":["`), []byte(`"flow":"`), []byte(`"calendar":"`)}

// mentioned returns what a spec names, in the order in which it stands there.
func mentioned(data []byte) []mention {
	if !slices.ContainsFunc(mentionMarks, func(mark []byte) bool { return bytes.Contains(data, mark) }) {
		return nil
	}
	var s struct {
		Flow     spec.Address `json:"flow"`
		Calendar spec.Address `json:"calendar"`
		Jobs     []struct {
			Name string         `json:"name"`
			Flow spec.Address   `json:"flow"`
			Pool spec.Address   `json:"pool"`
			Uses []spec.Address `json:"uses"`
		} `json:"jobs"`
	}
	if json.Unmarshal(data, &s) != nil {
		return nil
	}
	var list []mention
	add := func(job string, addresses ...spec.Address) {
		for _, a := range addresses {
			if a != "" {
				list = append(list, mention{job, a})
			}
		}
	}
	add("", s.Flow, s.Calendar)
	for _, j := range s.Jobs {
		add(j.Name, j.Flow, j.Pool)
		add(j.Name, j.Uses...)
	}
	return list
}

// reads are the deployed objects that changes rely on and that stay as they are.
func reads(changes []Change, deployed []Object) []Object {
	changed := map[spec.Address]bool{}
	for _, c := range changes {
		if old, ok := Going(c); ok {
			changed[old.Address] = true
		}
	}
	var list []Object
	seen := map[spec.Address]bool{}
	for _, c := range changes {
		now, ok := Coming(c)
		if !ok {
			continue
		}
		for _, m := range mentioned(now.Data) {
			if seen[m.address] || changed[m.address] {
				continue
			}
			seen[m.address] = true
			if o := objectAt(deployed, m.address); o != nil {
				list = append(list, *o)
			}
		}
	}
	slices.SortFunc(list, func(a, b Object) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return list
}

func objectAt(list []Object, a spec.Address) *Object {
	i, ok := slices.BinarySearchFunc(list, a, func(o Object, a spec.Address) int { return strings.Compare(string(o.Address), string(a)) })
	if !ok {
		return nil
	}
	return &list[i]
}

// uses says who uses what changes: jobs, flows and schedules, as they are declared
// now. A change that only moves or creates is nobody's surprise.
func uses(changes []Change, declared []Declared) []Use {
	users := map[spec.Address]*Use{}
	trail := newTrail(changes)
	for _, c := range changes {
		_, was := Going(c)
		_, is := Coming(c)
		if a := c.Address(); was && is && !trail.quiet(c) && slices.Contains(usable, a.Kind()) {
			users[a] = &Use{Address: a}
		}
	}
	if len(users) == 0 {
		return nil
	}
	for i := range declared {
		d := &declared[i]
		for _, m := range mentioned(d.Data) {
			if u := users[m.address]; u != nil {
				u.add(d.Address, m.job)
			}
		}
	}
	var list []Use
	for _, u := range users {
		if len(u.By) > 0 {
			slices.SortFunc(u.By, func(a, b spec.Address) int { return strings.Compare(string(a), string(b)) })
			u.By = slices.Compact(u.By)
			u.Omitted = max(0, len(u.By)-MaxUsers)
			u.By = u.By[:len(u.By)-u.Omitted]
			list = append(list, *u)
		}
	}
	slices.SortFunc(list, func(a, b Use) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return list
}

// usable are the kinds that others use.
var usable = []string{spec.PoolKind, spec.CalendarKind, spec.DependencyKind, spec.FlowKind}

func (u *Use) add(by spec.Address, job string) {
	if job != "" {
		by = by.Job(job)
	}
	u.By = append(u.By, by)
}
