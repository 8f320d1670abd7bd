package expr

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/spec"
)

// Roots of run-time values. A value that mentions one of the first three is a
// run-time value.
const (
	RunRoot   = "run"
	ParamRoot = "param"
	JobRoot   = "job"
)

// Members of a job in expressions.
const (
	OutputMember = "output"
	StatusMember = "status"
)

// runScope decodes what is mentioned, when it is mentioned.
type runScope struct {
	scope Scope
	vars  map[string]json.RawMessage
	seen  map[string]cty.Value
}

func (s *runScope) resolve(t hcl.Traversal) (cty.Value, int, *Error) {
	switch root := t.RootName(); root {
	case RunRoot:
		return s.scope.Run.value(), 1, nil
	case ParamRoot:
		return s.param(t)
	case JobRoot:
		return s.job(t)
	default:
		data, ok := s.vars[root]
		if !ok {
			return cty.DynamicVal, 1, &Error{Range: t.SourceRange(), Summary: "Unknown name", Detail: fmt.Sprintf("There is nothing called %q when a job runs.", root)}
		}
		v, err := s.decode(root, data, cty.DynamicPseudoType)
		if err != nil {
			return v, 1, &Error{Range: t.SourceRange(), Summary: "Unusable value", Detail: sentence(err)}
		}
		return v, 1, nil
	}
}

// decode remembers values by their place, for expressions that mention them often.
func (s *runScope) decode(place string, data json.RawMessage, ty cty.Type) (cty.Value, error) {
	if v, ok := s.seen[place]; ok {
		return v, nil
	}
	v, err := decodeJSON(data, ty, RunTime())
	if err != nil {
		return cty.DynamicVal, err
	}
	if s.seen == nil {
		s.seen = map[string]cty.Value{}
	}
	s.seen[place] = v
	return v, nil
}

func (s *runScope) param(t hcl.Traversal) (cty.Value, int, *Error) {
	name, ok := attribute(t, 1)
	if !ok {
		return cty.DynamicVal, 1, &Error{Range: t.SourceRange(), Summary: "Invalid reference", Detail: "A parameter is written param.NAME."}
	}
	data, ok := s.scope.Params[name]
	if !ok {
		return cty.DynamicVal, 2, &Error{Range: t.SourceRange(), Summary: "Unknown parameter", Detail: fmt.Sprintf("The flow has no parameter %q.", name)}
	}
	ty := cty.DynamicPseudoType
	if s.scope.Flow != nil {
		if i, ok := slices.BinarySearchFunc(s.scope.Flow.Params, name, func(p *spec.Param, name string) int { return strings.Compare(p.Name, name) }); ok {
			declared, err := DecodeType(s.scope.Flow.Params[i].Type)
			if err != nil {
				return cty.DynamicVal, 2, &Error{Range: t.SourceRange(), Summary: "Unusable parameter", Detail: sentence(err)}
			}
			ty = declared
		}
	}
	v, err := s.decode("param "+name, data, ty)
	if err != nil {
		return v, 2, &Error{Range: t.SourceRange(), Summary: "Unusable parameter", Detail: sentence(err)}
	}
	return v, 2, nil
}

// job resolves job.NAME, job.NAME["key"], or all instances of job.NAME by key.
func (s *runScope) job(t hcl.Traversal) (cty.Value, int, *Error) {
	name, ok := attribute(t, 1)
	if !ok {
		return cty.DynamicVal, 1, &Error{Range: t.SourceRange(), Summary: "Invalid reference", Detail: "A job is written job.NAME."}
	}
	if job, ok := s.scope.Jobs[name]; ok {
		v, err := s.jobValue(t, name, job)
		return v, 2, err
	}
	if key, ok := index(t, 2); ok {
		instance := spec.Instance(name, key)
		job, ok := s.scope.Jobs[instance]
		if !ok {
			return cty.DynamicVal, 3, unknownJob(t, instance)
		}
		v, err := s.jobValue(t, instance, job)
		return v, 3, err
	}
	instances := map[string]cty.Value{}
	for instance, job := range s.scope.Jobs {
		base, key, ok := spec.SplitInstance(instance)
		if !ok || base != name {
			continue
		}
		v, err := s.jobValue(t, instance, job)
		if err != nil {
			return v, 2, err
		}
		instances[key] = v
	}
	if len(instances) == 0 {
		return cty.DynamicVal, 2, unknownJob(t, name)
	}
	v := cty.ObjectVal(instances)
	if Size(v, MaxValue) > MaxValue {
		return cty.DynamicVal, 2, tooLarge(t.SourceRange(), MaxValue)
	}
	return v, 2, nil
}

func unknownJob(t hcl.Traversal, name string) *Error {
	return &Error{Range: t.SourceRange(), Summary: "Unknown job", Detail: fmt.Sprintf("Job %q is not among the jobs that come before this one.", name)}
}

func (s *runScope) jobValue(t hcl.Traversal, name string, job Job) (cty.Value, *Error) {
	output := cty.EmptyObjectVal
	if len(job.Output) > 0 && string(job.Output) != "null" {
		ty, err := s.outputType(name)
		if err == nil {
			output, err = s.decode("job "+name, job.Output, ty)
		}
		if err != nil {
			return cty.DynamicVal, &Error{Range: t.SourceRange(), Summary: "Unusable output", Detail: sentence(err)}
		}
	}
	return cty.ObjectVal(map[string]cty.Value{StatusMember: cty.StringVal(job.Status), OutputMember: output}), nil
}

func (s *runScope) outputType(name string) (cty.Type, error) {
	if s.scope.Flow == nil {
		return cty.DynamicPseudoType, nil
	}
	i, ok := slices.BinarySearchFunc(s.scope.Flow.Jobs, name, func(j *spec.Job, name string) int { return strings.Compare(j.Name, name) })
	if !ok {
		return cty.DynamicPseudoType, nil
	}
	return OutputType(s.scope.Flow.Jobs[i].Outputs)
}

// OutputType is the type of job.NAME.output.
func OutputType(declared []*spec.Output) (cty.Type, error) {
	types := make(map[string]cty.Type, len(declared))
	for _, o := range declared {
		ty, err := DecodeType(o.Type)
		if err != nil {
			return cty.NilType, err
		}
		types[o.Name] = ty
	}
	return cty.Object(types), nil
}

func attribute(t hcl.Traversal, i int) (string, bool) {
	if len(t) <= i {
		return "", false
	}
	step, ok := t[i].(hcl.TraverseAttr)
	return step.Name, ok
}

func index(t hcl.Traversal, i int) (string, bool) {
	if len(t) <= i {
		return "", false
	}
	step, ok := t[i].(hcl.TraverseIndex)
	if !ok || !step.Key.IsKnown() || step.Key.IsNull() || step.Key.Type() != cty.String {
		return "", false
	}
	return step.Key.AsString(), true
}
