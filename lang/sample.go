package lang

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// sampleRun is what run is in a console: the same every time.
func sampleRun(flow *spec.Flow) expr.Run {
	const at = "2026-01-02T00:00:00Z"
	return expr.Run{ID: "sample", Flow: string(flow.Address), ScheduledFor: at, WindowStart: "2026-01-01T00:00:00Z", WindowEnd: at, Attempt: 1}
}

// samples are run, param and job of a flow. Parameters have their defaults where
// these are known; jobs, all but one of the name without, have succeeded, with an output of
// each type.
func samples(flow *spec.Flow, without string) (map[string]cty.Value, error) {
	params := map[string]cty.Value{}
	for _, p := range flow.Params {
		v, err := sampleParam(flow, p)
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
	run, err := sampleValue(flow, &spec.Value{Expr: expr.RunRoot}, nil)
	if err != nil {
		return nil, err
	}
	return map[string]cty.Value{
		expr.RunRoot:   run,
		expr.ParamRoot: cty.ObjectVal(params),
		expr.JobRoot:   cty.ObjectVal(single),
	}, nil
}

// sampleParam is a parameter's default, also one that is computed from run, or
// some value of its type.
func sampleParam(flow *spec.Flow, p *spec.Param) (cty.Value, error) {
	ty, err := expr.DecodeType(p.Type)
	if err != nil {
		return cty.NilVal, err
	}
	if p.Default == nil {
		return sampleOf(ty), nil
	}
	v, err := sampleValue(flow, p.Default, p.Type)
	if err != nil {
		return sampleOf(ty), nil //nolint:nilerr // the sample run does not suit it
	}
	return convert.Convert(v, ty)
}

// sampleValue evaluates what mentions nothing but run.
func sampleValue(flow *spec.Flow, v *spec.Value, ty spec.Type) (cty.Value, error) {
	data, err := expr.Eval(v, ty, expr.Scope{Run: sampleRun(flow)})
	if err != nil {
		return cty.NilVal, err
	}
	return expr.Decode(data)
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
	flow := scope.Flow()
	for _, d := range c.module.blocks[spec.FlowKind] {
		if d.name != flow.Name() {
			continue
		}
		w.enter(c.module, nil)
		each := w.instanceNamed(flow, flow.Instance(), d.block.Body)
		if scope.Kind() != spec.JobKind {
			return each
		}
		for _, b := range d.block.Body.Blocks {
			if b.Type == "job" && len(b.Labels) == 2 && b.Labels[1] == scope.Name() {
				w.enter(c.module, each)
				return w.instanceNamed(scope, scope.Instance(), b.Body)
			}
		}
	}
	return nil
}

// instanceNamed is the scope of the instance with the key of a name.
func (w *worker) instanceNamed(addr spec.Address, name string, body *hclsyntax.Body) *eval.Each {
	_, key, _ := spec.SplitInstance(name)
	all, _ := w.instances(addr, body)
	for _, one := range all {
		if one.key == key {
			return one.each
		}
	}
	return w.each
}
