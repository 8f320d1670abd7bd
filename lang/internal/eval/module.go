package eval

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
)

// Module is what a module block is to the expressions around it: the object of
// its outputs, or with for_each an object of such by key. Outputs are filled as
// they become known; until then they are unknown.
type Module struct {
	Keyed     bool
	Broken    bool                            // its instances are not known, which was reported
	Outputs   []string                        // names, sorted
	Instances map[string]map[string]cty.Value // by key ("" without for_each), then by output
}

// module resolves module.NAME, module.NAME["key"] and an output of either.
func (s *Scope) module(t hcl.Traversal) (cty.Value, int, *expr.Error) {
	name, ok := Mention{Traversal: t}.Attr(1)
	if !ok {
		return cty.DynamicVal, 1, fault(t, "Invalid reference", "An output of a module is written module.NAME.OUTPUT.")
	}
	m, ok := s.Modules[name]
	switch {
	case !ok:
		return cty.DynamicVal, 2, fault(t, "Unknown module", "There is no module %q.%s%s", name, DidYouMean(name, slices.Sorted(maps.Keys(s.Modules))),
			Dash(name, func(n string) bool { _, ok := s.Modules[n]; return ok }))
	case m.Broken:
		return cty.DynamicVal, len(t), nil
	case !m.Keyed:
		outputs, ok := m.Instances[""]
		if !ok {
			return cty.DynamicVal, 2, fault(t, "The module is not enabled", "module.%s is not enabled, so it has no outputs. Guard the reference: try(module.%s…, OTHERWISE).", name, name)
		}
		return m.outputs(t, name, 2, outputs)
	}
	if len(t) > 2 {
		step, ok := t[2].(hcl.TraverseIndex)
		if !ok {
			return cty.DynamicVal, 2, fault(t, "Which instance?", "module %q has for_each: write module.%s[\"KEY\"].", name, name)
		}
		if !step.Key.IsNull() && step.Key.Type() == cty.String {
			key := step.Key.AsString()
			outputs, ok := m.Instances[key]
			if !ok {
				return cty.DynamicVal, 3, fault(t, "Unknown instance", "module %q has no instance %q.%s", name, key, DidYouMean(key, slices.Sorted(maps.Keys(m.Instances))))
			}
			return m.outputs(t, spec.Instance(name, key), 3, outputs)
		}
	}
	all := make(map[string]cty.Value, len(m.Instances))
	for key, outputs := range m.Instances {
		all[key] = cty.ObjectVal(outputs)
	}
	return cty.ObjectVal(all), 2, nil
}

// outputs takes one output, where step i of the reference names one, or all.
func (m *Module) outputs(t hcl.Traversal, name string, i int, outputs map[string]cty.Value) (cty.Value, int, *expr.Error) {
	output, ok := Mention{Traversal: t}.Attr(i)
	if !ok {
		return cty.ObjectVal(outputs), i, nil
	}
	v, ok := outputs[output]
	if !ok {
		hint := DidYouMean(output, m.Outputs)
		if hint == "" {
			hint = " Declare it there: output \"" + output + "\" { value = … }."
		}
		return cty.DynamicVal, i + 1, fault(t, "Unknown output", "module.%s has no output %q.%s", name, output, hint)
	}
	return v, i + 1, nil
}
