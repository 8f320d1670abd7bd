// Package generate turns a Prepare of the kernel into its Prepared: it evaluates
// the expressions of one attempt and lets the job type make the task.
//
// It promises to answer always: what a user wrote wrongly, or a defect, is a
// fault in the answer that fails that job alone. Equal input gives an equal
// task. It never reads a clock, never decides whether a job runs other than by
// its `when`, and keeps a bounded number of decoded flows.
package generate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Specs finds canonical JSON by digest; what does not exist is not in the
// answer.
type Specs func(ctx context.Context, digests []string) (map[string][]byte, error)

// Generator makes tasks. It may be used from many goroutines.
type Generator struct {
	set     providers.Set
	flows   *flows
	pinned  pinned
	sources sources
	zones   zones
}

// New returns a Generator of the given job types.
func New(set providers.Set, specs Specs, objects Objects, bytes Sources) *Generator {
	return &Generator{set: set, flows: newFlows(specs), pinned: pinned{objects: objects}, sources: sources{find: bytes}}
}

// Quick reports whether Prepare needs no I/O for p.
func (g *Generator) Quick(p kernel.Prepare) bool {
	flow := g.flows.recall(p.FlowDigest)
	if flow == nil || p.Key.Number < 0 || int(p.Key.Number) >= len(flow.Jobs) {
		return flow != nil
	}
	b := build{gen: g, p: p, flow: flow, job: flow.Jobs[p.Key.Number]}
	if b.job.Kind != spec.KindFlow {
		return b.known()
	}
	object, ok := g.pinned.recall(b.childPin())
	return ok && g.flows.has(object.Digest)
}

// Prepare answers p. While the specs are out of reach it waits; only when ctx
// has ended it gives up, with an answer that is not to be used.
func (g *Generator) Prepare(ctx context.Context, p kernel.Prepare) kernel.Prepared {
	answer := kernel.Prepared{Key: p.Key, N: p.N}
	flow, err := g.flows.get(ctx, p.FlowDigest, spec.Address(p.Flow))
	if err == nil {
		err = g.guarded(ctx, p, flow, &answer)
	}
	if err != nil {
		answer = kernel.Prepared{Key: p.Key, N: p.N, Fault: record.ReasonInternal, Error: record.Cut(err.Error(), record.MaxMessage)}
		if f, ok := errors.AsType[*fault](err); ok {
			answer.Fault = f.reason
		}
	}
	return answer
}

// guarded is the last guard: a defect in an expression or a job type costs one
// job, not the master.
func (g *Generator) guarded(ctx context.Context, p kernel.Prepare, flow *spec.Flow, answer *kernel.Prepared) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v\n%s", r, debug.Stack())
		}
	}()
	b := &build{gen: g, p: p, flow: flow}
	if p.Outputs {
		if err := b.look(); err != nil {
			return err
		}
		return b.outputs(answer)
	}
	if p.Key.Number < 0 || int(p.Key.Number) >= len(flow.Jobs) {
		return fmt.Errorf("internal error: %s has no job number %d", flow.Address, p.Key.Number)
	}
	b.job = flow.Jobs[p.Key.Number]
	return b.into(ctx, answer)
}

// fault is an error with the reason it gives to the job.
type fault struct {
	reason record.Reason
	err    error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

func badExpression(where string, err error) error {
	return &fault{record.ReasonExpression, fmt.Errorf("%s: %w", where, err)}
}

func badArguments(format string, args ...any) error {
	return &fault{record.ReasonGenerate, fmt.Errorf(format, args...)}
}

// build is the work on one attempt.
type build struct {
	gen   *Generator
	p     kernel.Prepare
	flow  *spec.Flow
	job   *spec.Job // nil for the flow's outputs
	scope expr.Scope
}

var boolean = spec.Type(`"bool"`)

func (b *build) into(ctx context.Context, answer *kernel.Prepared) error {
	if err := b.look(); err != nil {
		return err
	}
	if b.job.When != nil {
		v, err := expr.Eval(b.job.When, boolean, b.scope)
		if err != nil {
			return badExpression("when", err)
		}
		switch string(v) {
		case "true":
		case "false":
			answer.Skip = true
			return nil
		default:
			return badExpression("when", fmt.Errorf("is %s, not true or false", v))
		}
	}
	switch b.job.Kind {
	case spec.KindInstant:
		return nil
	case spec.KindTimer:
		return b.wait(answer)
	case spec.KindFlow:
		return b.child(ctx, answer)
	case spec.KindProcess, "":
		return b.task(ctx, answer)
	default:
		return badArguments("jobs of kind %s cannot be run by this version", b.job.Kind)
	}
}

// body evaluates the arguments and lets the job type make its part of the task.
func (b *build) body() (json.RawMessage, error) {
	jobType, ok := b.gen.set[b.job.Type]
	if !ok {
		return nil, badArguments("this master does not know the job type %q", b.job.Type)
	}
	args, err := b.arguments(jobType.Schema())
	if err != nil {
		return nil, err
	}
	body, err := jobType.Generate(args)
	if err != nil {
		return nil, badArguments("%s: %w", b.job.Type, err)
	}
	return body, nil
}

// arguments are the evaluated ones, as one object; null ones are left out.
func (b *build) arguments(s schema.JobType) (json.RawMessage, error) {
	args := make(map[string]json.RawMessage, len(b.job.Args))
	for name, value := range b.job.Args {
		attribute, ok := s.Attribute(name)
		if !ok {
			return nil, badArguments("%s has no argument %q in this version", b.job.Type, name)
		}
		v, err := expr.Eval(value, attribute.Type, b.scope)
		if err != nil {
			return nil, badExpression(name, err)
		}
		if string(v) != "null" {
			args[name] = v
		} else if attribute.Required {
			return nil, badExpression(name, errors.New("is null, but the argument is required"))
		}
	}
	return json.Marshal(args)
}

// wait asks the job type of a timer for its span.
func (b *build) wait(answer *kernel.Prepared) error {
	body, err := b.body()
	if err != nil {
		return err
	}
	var timer providers.Timer
	if err := json.Unmarshal(body, &timer); err != nil {
		return badArguments("%s: %w", b.job.Type, err)
	}
	answer.Wait = timer.Wait
	return nil
}

func (b *build) task(ctx context.Context, answer *kernel.Prepared) error {
	body, err := b.body()
	if err != nil {
		return err
	}
	dependencies, err := b.dependencies(ctx)
	if err != nil {
		return err
	}
	env, err := b.environment()
	if err != nil {
		return err
	}
	grace := spec.DefaultKillGrace
	if b.job.KillGrace != nil {
		grace = *b.job.KillGrace
	}
	task, err := json.Marshal(providers.Task{
		Type:       b.job.Type,
		Body:       body,
		Env:        env,
		Outputs:    b.job.Outputs,
		Timeout:    b.job.Timeout,
		KillGrace:  grace,
		RerunAfter: b.job.RerunAfter,

		Dependencies: dependencies,
	})
	if err != nil {
		return fmt.Errorf("internal error: task: %w", err)
	}
	if len(task) > record.MaxTask {
		return badArguments("the task is %d bytes, more than %d", len(task), record.MaxTask)
	}
	answer.Task = task
	return nil
}
