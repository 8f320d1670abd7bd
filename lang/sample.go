package lang

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// sampleRun is what run is in a console: the same every time.
func sampleRun(flow *spec.Flow) cty.Value {
	const at = "2026-01-02T00:00:00Z"
	return cty.ObjectVal(map[string]cty.Value{
		"id": cty.StringVal("sample"), "flow": cty.StringVal(string(flow.Address)), "schedule": cty.StringVal(""),
		"scheduled_for": cty.StringVal(at), "attempt": cty.NumberIntVal(1),
		"window": cty.ObjectVal(map[string]cty.Value{"start": cty.StringVal("2026-01-01T00:00:00Z"), "end": cty.StringVal(at)}),
	})
}

// samples are run, param and job of a flow. Parameters have their defaults where
// these are known; jobs, all but one of the name without, have succeeded, with an output of
// each type.
func samples(flow *spec.Flow, without string) (map[string]cty.Value, error) {
	params := map[string]cty.Value{}
	for _, p := range flow.Params {
		v, err := sampleParam(p)
		if err != nil {
			return nil, err
		}
		params[p.Name] = v
	}
	single := map[string]cty.Value{}
	keyed := map[string]map[string]cty.Value{}
	for _, j := range flow.Jobs {
		if j.Name == without {
			continue
		}
		v, err := sampleJob(j)
		if err != nil {
			return nil, err
		}
		name, key, _ := spec.SplitInstance(j.Name)
		if key == "" {
			single[name] = v
			continue
		}
		if keyed[name] == nil {
			keyed[name] = map[string]cty.Value{}
		}
		keyed[name][key] = v
	}
	for name, instances := range keyed {
		single[name] = cty.ObjectVal(instances)
	}
	return map[string]cty.Value{
		expr.RunRoot:   sampleRun(flow),
		expr.ParamRoot: cty.ObjectVal(params),
		expr.JobRoot:   cty.ObjectVal(single),
	}, nil
}

func sampleParam(p *spec.Param) (cty.Value, error) {
	ty, err := expr.DecodeType(p.Type)
	if err != nil {
		return cty.NilVal, err
	}
	if p.Default != nil && p.Default.Expr == "" {
		v, err := expr.Decode(p.Default.Literal)
		if err != nil {
			return cty.NilVal, err
		}
		return convert.Convert(v, ty)
	}
	return sampleOf(ty), nil
}

func sampleJob(j *spec.Job) (cty.Value, error) {
	ty, err := expr.OutputType(j.Outputs)
	if err != nil {
		return cty.NilVal, err
	}
	return cty.ObjectVal(map[string]cty.Value{expr.StatusMember: cty.StringVal("succeeded"), expr.OutputMember: sampleOf(ty)}), nil
}

// sampleOf is some value of a type, of one element where it may have many.
func sampleOf(ty cty.Type) cty.Value {
	switch {
	case ty == cty.Number:
		return cty.NumberIntVal(1)
	case ty == cty.Bool:
		return cty.True
	case ty.IsListType():
		return cty.ListVal([]cty.Value{sampleOf(ty.ElementType())})
	case ty.IsSetType():
		return cty.SetVal([]cty.Value{sampleOf(ty.ElementType())})
	case ty.IsMapType():
		return cty.MapVal(map[string]cty.Value{"key": sampleOf(ty.ElementType())})
	case ty.IsObjectType():
		members := map[string]cty.Value{}
		for name, member := range ty.AttributeTypes() {
			members[name] = sampleOf(member)
		}
		return cty.ObjectVal(members)
	case ty.IsTupleType():
		elements := make([]cty.Value, 0, ty.Length())
		for _, element := range ty.TupleElementTypes() {
			elements = append(elements, sampleOf(element))
		}
		return cty.TupleVal(elements)
	}
	return cty.StringVal("sample")
}

// instanceOf is what each.* means in a flow or job, nil without for_each.
func (c *Console) instanceOf(scope spec.Address) *eval.Each {
	w := c.loader.worker(newFindings(nil))
	for _, d := range c.loader.top.blocks[spec.FlowKind] {
		if d.name != scope.Flow().Name() {
			continue
		}
		all, _ := w.instances(scope, d.block.Body)
		_, key, _ := spec.SplitInstance(scope.Flow().Instance())
		for _, one := range all {
			if one.key != key {
				continue
			}
			if scope.Kind() != spec.JobKind {
				return one.each
			}
			w.each = one.each
			return c.jobInstance(w, d, scope, one.each)
		}
	}
	return nil
}

func (c *Console) jobInstance(w *worker, d declaration, scope spec.Address, outer *eval.Each) *eval.Each {
	name, key, _ := spec.SplitInstance(scope.Instance())
	for _, b := range d.block.Body.Blocks {
		if b.Type != "job" || len(b.Labels) != 2 || b.Labels[1] != name {
			continue
		}
		all, _ := w.instances(scope, b.Body)
		for _, one := range all {
			if one.key == key {
				return one.each
			}
		}
	}
	return outer
}
