package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/spec"
)

// child says which flow a job of kind flow starts, and with what.
func (b *build) child(ctx context.Context, answer *kernel.Prepared) error {
	object, err := b.gen.pinned.get(ctx, b.childPin())
	if err != nil {
		return err
	}
	flow, graph, err := b.gen.flows.compiled(ctx, object.Digest, spec.Address(object.Address))
	if err != nil {
		return err
	}
	if answer.Params, err = b.given(flow); err != nil {
		return err
	}
	// Not flow.Address: what was decoded is kept by digest, and flows may be alike.
	answer.Child = &kernel.FlowDef{UID: object.UID, Address: b.job.Flow, Digest: object.Digest, Graph: graph}
	return nil
}

// childPin is where the flow of the job is found.
func (b *build) childPin() pin { return pin{b.p.ProjectUID, b.p.Revision, string(b.job.Flow)} }

// given evaluates what a job gives to the parameters of a flow. One that is null
// counts as not given.
func (b *build) given(flow *spec.Flow) (json.RawMessage, error) {
	values := make(map[string]json.RawMessage, len(b.job.Params))
	for _, name := range slices.Sorted(maps.Keys(b.job.Params)) {
		at := slices.IndexFunc(flow.Params, func(p *spec.Param) bool { return p.Name == name })
		if at < 0 {
			return nil, badArguments("%s has no parameter %q", b.job.Flow, name)
		}
		if b.job.Params[name] == nil {
			continue // a null that was written down
		}
		v, err := expr.Eval(b.job.Params[name], flow.Params[at].Type, b.scope)
		if err != nil {
			return nil, badExpression("params."+name, err)
		}
		if string(v) != "null" {
			values[name] = v
		}
	}
	for _, p := range flow.Params {
		if values[p.Name] == nil && p.Default == nil {
			return nil, badArguments("%s needs the parameter %q", b.job.Flow, p.Name)
		}
	}
	params, err := json.Marshal(values)
	if err == nil && len(params) > record.MaxParams {
		err = badArguments("the parameters are %d bytes, more than %d", len(params), record.MaxParams)
	}
	return params, err
}

// outputs evaluates what a flow gives to the one that has started it.
func (b *build) outputs(answer *kernel.Prepared) error {
	values := make(map[string]json.RawMessage, len(b.flow.Outputs))
	for _, o := range b.flow.Outputs {
		if o.Value == nil {
			return badExpression("output."+o.Name, errors.New("has no value"))
		}
		v, err := expr.Eval(o.Value, o.Type, b.scope)
		if err != nil {
			return badExpression("output."+o.Name, err)
		}
		values[o.Name] = v
	}
	output, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("internal error: outputs: %w", err)
	}
	if len(output) > record.MaxOutput {
		return &fault{record.ReasonBadOutput, fmt.Errorf("the outputs are %d bytes, more than %d", len(output), record.MaxOutput)}
	}
	answer.Output = output
	return nil
}
