package planner

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxDepth is how deep two values are compared member by member: each level reads
// what is below it anew.
const maxDepth = 32

// compare appends the differences between two canonical values. Objects are
// compared by member and lists of named things by name; anything else, a
// run-time expression too, differs as a whole.
func compare(path []string, before, after []byte, out []Attribute) []Attribute {
	if string(before) == string(after) {
		return out
	}
	if len(path) < maxDepth {
		if b, a, ok := split(before, after); ok {
			return compareMembers(path, b, a, out)
		}
	}
	return append(out, Attribute{Path: slices.Clone(path), Before: before, After: after})
}

func compareMembers(path []string, before, after map[string]json.RawMessage, out []Attribute) []Attribute {
	for _, name := range union(before, after) {
		out = compare(append(path, name), before[name], after[name], out)
	}
	return out
}

// split returns the members of two values that can be compared one by one.
func split(before, after []byte) (b, a map[string]json.RawMessage, ok bool) {
	for _, members := range []func([]byte) (map[string]json.RawMessage, error){object, named} {
		b, err := members(before)
		if err != nil {
			continue
		}
		if a, err := members(after); err == nil {
			return b, a, true
		}
	}
	return nil, nil, false
}

// object returns the members of a JSON object that is no run-time value.
func object(data []byte) (map[string]json.RawMessage, error) {
	if len(data) == 0 || data[0] != '{' || strings.HasPrefix(string(data[:min(len(data), 3)]), `{"$`) {
		return nil, fmt.Errorf("%.40q is no plain object", data)
	}
	members := map[string]json.RawMessage{}
	err := json.Unmarshal(data, &members)
	return members, err
}

// named returns the elements of a list of objects by their member "name". Of an
// absent list there are none.
func named(data []byte) (map[string]json.RawMessage, error) {
	elements := map[string]json.RawMessage{}
	if len(data) == 0 {
		return elements, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	for _, element := range list {
		var key struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(element, &key); err != nil {
			return nil, err
		}
		if _, doubled := elements[key.Name]; doubled || key.Name == "" {
			return nil, fmt.Errorf("the list has no element of its own named %q", key.Name)
		}
		elements[key.Name] = element
	}
	return elements, nil
}

func upstreams(job []byte) ([]string, error) {
	if job == nil {
		return nil, nil
	}
	var j struct {
		Upstreams []string `json:"upstreams"`
	}
	err := json.Unmarshal(job, &j)
	return j.Upstreams, err
}

// union returns the keys of both maps, sorted.
func union(a, b map[string]json.RawMessage) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}
