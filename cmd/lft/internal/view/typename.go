package view

import (
	"encoding/json"
	"strings"
)

// typeValue renders a type constraint as it is written in HCL.
func typeValue(data json.RawMessage) string {
	var name string
	if json.Unmarshal(data, &name) == nil {
		if name == "dynamic" {
			return "any"
		}
		return visible(name)
	}
	parts := listOf(data)
	if len(parts) < 2 {
		return visible(string(data))
	}
	outer := typeValue(parts[0])
	var fields []string
	switch members := objectOf(parts[1]); {
	case outer == "object" && members != nil:
		for _, n := range sortedKeys(members) {
			fields = append(fields, n+" = "+typeValue(members[n]))
		}
		return "object({" + strings.Join(fields, ", ") + "})"
	case outer == "tuple":
		for _, e := range listOf(parts[1]) {
			fields = append(fields, typeValue(e))
		}
		return "tuple([" + strings.Join(fields, ", ") + "])"
	}
	return outer + "(" + typeValue(parts[1]) + ")"
}
