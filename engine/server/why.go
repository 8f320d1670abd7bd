package server

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// Present is what holds at this moment, on any server.
type Present interface {
	// Now is the database's clock.
	Now(ctx context.Context) (record.Time, error)
	// Agents are all known ones, by name.
	Agents(ctx context.Context) ([]record.Agent, error)
	// AgentUse counts live attempts by agent uid.
	AgentUse(ctx context.Context) (map[string]int32, error)
	// PoolHolders are the live attempts that hold slots of a pool, oldest first.
	PoolHolders(ctx context.Context, poolUID string) ([]record.Holder, error)
	// LiveExecutions are those of a flow that have not ended, oldest first.
	LiveExecutions(ctx context.Context, flowUID string) ([]record.Execution, error)
}

// Why reads a bounded snapshot of rows and lets the kernel explain it.
func (s *runs) Why(ctx context.Context, req *lftv1.WhyRequest) (*lftv1.WhyResponse, error) {
	e, err := s.execution(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	flow, err := s.flows.of(ctx, s.deps.Definitions, e.FlowDigest, spec.Address(e.Flow))
	if err != nil {
		return nil, err
	}
	number := slices.IndexFunc(flow.Jobs, func(j *spec.Job) bool { return j.Name == req.GetJob() })
	if number < 0 {
		return nil, noJob(e.ID, req.GetJob(), flow)
	}
	in, err := s.snapshot(ctx, e, flow, int32(number))
	if err != nil {
		return nil, err
	}
	why := kernel.Explain(in)
	return &lftv1.WhyResponse{
		Job:     req.GetJob(),
		State:   string(cmp.Or(in.Job.State, record.JobWaiting)),
		Code:    why.Code,
		Summary: why.Summary,
		Facts:   why.Facts,
		At:      stamp(in.At),
	}, nil
}

func noJob(execution, name string, flow *spec.Flow) error {
	names := make([]string, len(flow.Jobs))
	for i, j := range flow.Jobs {
		names[i] = j.Name
	}
	return notFound("execution %s has no job %q%s", execution, name, instead("jobs", names))
}

func (s *runs) snapshot(ctx context.Context, e record.Execution, flow *spec.Flow, number int32) (kernel.WhyInput, error) {
	graph, err := kernel.Compile(flow)
	if err != nil {
		return kernel.WhyInput{}, err
	}
	in := kernel.WhyInput{Graph: graph, Execution: e, Number: number, Uses: flow.Jobs[number].Uses}
	for _, fill := range []func(context.Context, *kernel.WhyInput, *spec.Flow) error{
		s.fillJobs, s.fillFamily, s.fillFleet, s.fillOverrides, s.fillPool, s.fillQueue, s.fillMaster,
	} {
		if err := fill(ctx, &in, flow); err != nil {
			return kernel.WhyInput{}, err
		}
	}
	return in, nil
}

func (s *runs) fillJobs(ctx context.Context, in *kernel.WhyInput, _ *spec.Flow) error {
	upstreams := in.Graph.Upstreams(in.Number)
	jobs, err := s.deps.History.Jobs(ctx, in.Execution.ID, append([]int32{in.Number}, upstreams...)...)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Number == in.Number {
			in.Job = j
		} else {
			in.Upstreams = append(in.Upstreams, j)
		}
	}
	a, found, err := s.attemptOf(ctx, in.Execution.ID, in.Number, 0)
	if found {
		in.Attempt = &a
	}
	return err
}

// fillFamily takes the executions above and below: what the job has started, and
// the job that has started its execution.
func (s *runs) fillFamily(ctx context.Context, in *kernel.WhyInput, _ *spec.Flow) (err error) {
	if in.ParentJob, err = s.parentJob(ctx, &in.Execution); err != nil {
		return err
	}
	if in.Attempt == nil || in.Attempt.Child() == "" {
		return nil
	}
	child, found, err := s.deps.History.Execution(ctx, in.Attempt.Child())
	if found {
		in.Child = &child
	}
	return err
}

// fillOverrides takes what an operator has done to the flow.
func (s *runs) fillOverrides(ctx context.Context, in *kernel.WhyInput, _ *spec.Flow) error {
	o, found, err := s.overrideOf(ctx, in.Execution.ProjectUID, in.Execution.FlowUID, record.FieldPaused)
	if found && o.Value == "true" {
		in.Paused = &o
	}
	return err
}

func (s *runs) overrideOf(ctx context.Context, project, object string, field record.OverrideField) (record.Override, bool, error) {
	rows, err := s.deps.Overrides.Overrides(ctx, project)
	for _, o := range rows {
		if o.ObjectUID == object && o.Field == field {
			return o, true, err
		}
	}
	return record.Override{}, false, err
}

func (s *runs) fillFleet(ctx context.Context, in *kernel.WhyInput, _ *spec.Flow) (err error) {
	if in.Agents, err = s.deps.Present.Agents(ctx); err != nil {
		return err
	}
	if in.Use, err = s.deps.Present.AgentUse(ctx); err != nil {
		return err
	}
	in.At, err = s.deps.Present.Now(ctx)
	return err
}

// fillPool takes the pool as the newest revision has it, which is what limits.
func (s *runs) fillPool(ctx context.Context, in *kernel.WhyInput, flow *spec.Flow) error {
	address := flow.Jobs[in.Number].Pool
	if address == "" {
		return nil
	}
	heads, err := s.deps.Definitions.Projects(ctx)
	if err != nil {
		return err
	}
	// A shared pool of another project counts only where the own one has none.
	slices.SortStableFunc(heads, func(a, b record.Project) int {
		return cmp.Compare(rank(a, in.Execution.ProjectUID), rank(b, in.Execution.ProjectUID))
	})
	for _, head := range heads {
		object, found, err := s.poolAt(ctx, head, &in.Execution, address)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		pool, err := s.pool(ctx, object)
		if err != nil {
			return err
		}
		if head.UID != in.Execution.ProjectUID && !pool.Shared {
			continue
		}
		o, found, err := s.overrideOf(ctx, head.UID, object.UID, record.FieldSlots)
		if err != nil {
			return err
		}
		in.Pool = kernel.PoolUse{Address: object.Address, Slots: pool.Slots}
		if slots, err := strconv.Atoi(o.Value); found && err == nil {
			in.Pool.Slots, in.Pool.Resized = slots, &o
		}
		in.Pool.Holders, err = s.deps.Present.PoolHolders(ctx, object.UID)
		return err
	}
	return nil
}

// poolAt finds the pool that an execution means by an address: of its own project,
// whatever its revision called so.
func (s *runs) poolAt(ctx context.Context, head record.Project, x *record.Execution, address spec.Address) (record.Object, bool, error) {
	if head.UID != x.ProjectUID || head.Revision == x.Revision {
		return s.objectAt(ctx, head, address)
	}
	was, err := s.deps.Definitions.Objects(ctx, head.UID, x.Revision)
	if err != nil {
		return record.Object{}, false, err
	}
	now, err := s.objects.of(ctx, s.deps.Definitions, head)
	if err != nil {
		return record.Object{}, false, err
	}
	if at := slices.IndexFunc(was, func(o record.Object) bool { return o.Address == string(address) }); at >= 0 {
		if at = slices.IndexFunc(now, func(o record.Object) bool { return o.UID == was[at].UID }); at >= 0 {
			return now[at], true, nil
		}
	}
	return s.objectAt(ctx, head, address)
}

func rank(p record.Project, own string) int {
	if p.UID == own {
		return 0
	}
	return 1
}

func (s *runs) pool(ctx context.Context, o record.Object) (*spec.Pool, error) {
	specs, err := s.deps.Definitions.Specs(ctx, []string{o.Digest})
	if err != nil {
		return nil, err
	}
	return spec.DecodePool(specs[o.Digest], spec.Address(o.Address))
}

// fillQueue takes the other executions of the flow, and how many of them run at once
// by the newest revision, or by their own when that has the flow no more.
func (s *runs) fillQueue(ctx context.Context, in *kernel.WhyInput, _ *spec.Flow) error {
	if in.Execution.State != record.Queued {
		return nil
	}
	live, err := s.deps.Present.LiveExecutions(ctx, in.Execution.FlowUID)
	if err != nil {
		return err
	}
	before := true // they come oldest first
	for _, e := range live {
		switch {
		case e.State == record.Running:
			in.Running = append(in.Running, e)
		case e.ID == in.Execution.ID:
			before = false
		case before:
			in.Ahead++
		}
	}
	in.Limit = in.Graph.Concurrency().Max
	newest, err := s.newest(ctx, in.Execution.ProjectUID, in.Execution.FlowUID)
	if err == nil && newest != nil {
		in.Limit = 0
		if newest.Concurrency != nil {
			in.Limit = newest.Concurrency.Max
		}
	}
	return err
}

// newest is a flow as the newest revision of its project has it, nil when that has it
// no more.
func (s *runs) newest(ctx context.Context, projectUID, flowUID string) (*spec.Flow, error) {
	heads, err := s.deps.Definitions.Projects(ctx)
	if err != nil {
		return nil, err
	}
	for _, head := range heads {
		if head.UID != projectUID {
			continue
		}
		objects, err := s.objects.of(ctx, s.deps.Definitions, head)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			if o.UID == flowUID {
				return s.flows.of(ctx, s.deps.Definitions, o.Digest, spec.Address(o.Address))
			}
		}
	}
	return nil, nil
}

// fillMaster looks whether anybody acts.
func (s *runs) fillMaster(ctx context.Context, in *kernel.WhyInput, _ *spec.Flow) error {
	leader, err := s.deps.Leader(ctx)
	in.Masterless = leader.Address == "" && !leader.Self
	return err
}

// objectAt finds an object of a project's newest revision.
func (s *runs) objectAt(ctx context.Context, head record.Project, a spec.Address) (record.Object, bool, error) {
	objects, err := s.objects.of(ctx, s.deps.Definitions, head)
	if err != nil {
		return record.Object{}, false, err
	}
	at, found := slices.BinarySearchFunc(objects, string(a), func(o record.Object, a string) int { return strings.Compare(o.Address, a) })
	if !found {
		return record.Object{}, false, nil
	}
	return objects[at], true, nil
}
