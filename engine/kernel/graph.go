package kernel

import (
	"errors"
	"fmt"
	"math"

	"github.com/leifengta/lft/engine/placement"
	"github.com/leifengta/lft/lang/dag"
	"github.com/leifengta/lft/lang/spec"
)

// Bounds of a flow. lang refuses more with a located message; here they keep a
// damaged row from eating the memory.
const (
	MaxJobs  = 20_000
	MaxEdges = 100_000
)

// Graph is a compiled flow: names, edges and the rules the kernel acts by, but
// no expressions and no arguments. It never changes and is shared by all
// executions of one flow digest.
type Graph struct {
	edges       *dag.Graph[string]
	jobs        []rule
	asks        []placement.Ask
	askKeys     []string // of asks
	pools       []spec.Address
	flows       []spec.Address // that jobs start
	outputs     bool           // it gives something to who starts it
	onFailure   spec.OnFailure
	concurrency spec.Concurrency // Max 0 = unlimited
}

// rule is how one job is to be treated.
type rule struct {
	kind         spec.Kind
	trigger      spec.Trigger
	when         bool // it has a condition
	allowFailure bool
	rerunLost    bool
	runOnCancel  bool
	exponential  bool
	attempts     int32
	priority     int16
	poolSlots    int32
	pool         int32 // index into Graph.pools, -1 = none
	flow         int32 // of kind flow: index into Graph.flows
	ask          int32 // index into Graph.asks
	delay        spec.Duration
	maxDelay     spec.Duration
	rerunAfter   spec.Duration
	timeout      spec.Duration // of kind flow; the keeper sees to a process's
}

// Len is the number of jobs.
func (g *Graph) Len() int { return len(g.jobs) }

// Name is the name of a job.
func (g *Graph) Name(job int32) string { return g.edges.Node(job) }

// Number finds a job by name.
func (g *Graph) Number(name string) (int32, bool) { return g.edges.Index(name) }

// Upstreams are the jobs a job waits for.
func (g *Graph) Upstreams(job int32) []int32 { return g.edges.In(job) }

// Downstreams are the jobs that wait for a job.
func (g *Graph) Downstreams(job int32) []int32 { return g.edges.Out(job) }

// Kind says who carries a job out.
func (g *Graph) Kind(job int32) spec.Kind { return g.jobs[job].kind }

// Pool is the pool a job takes slots of, "" for none, and how many.
func (g *Graph) Pool(job int32) (spec.Address, int32) {
	r := &g.jobs[job]
	if r.pool < 0 {
		return "", 0
	}
	return g.pools[r.pool], r.poolSlots
}

// Flow is the flow that a job of kind flow starts, "" for the others.
func (g *Graph) Flow(job int32) spec.Address {
	if g.jobs[job].kind != spec.KindFlow {
		return ""
	}
	return g.flows[g.jobs[job].flow]
}

// Ask is what a job wants of an agent.
func (g *Graph) Ask(job int32) placement.Ask { return g.asks[g.jobs[job].ask] }

// Trigger is a job's rule over its upstreams.
func (g *Graph) Trigger(job int32) spec.Trigger { return g.jobs[job].trigger }

// MaxAttempts is how often a job is tried in all.
func (g *Graph) MaxAttempts(job int32) int32 { return g.jobs[job].attempts }

// Concurrency is how many executions of the flow may run at once; Max 0 is no
// limit.
func (g *Graph) Concurrency() spec.Concurrency { return g.concurrency }

// Compile makes the graph of a flow. It fails on what lang would have refused:
// unknown upstreams, cycles, kinds and rules this version does not know.
func Compile(f *spec.Flow) (*Graph, error) {
	if len(f.Jobs) > MaxJobs {
		return nil, fmt.Errorf("%s has %d jobs, more than %d", f.Address, len(f.Jobs), MaxJobs)
	}
	edges, err := connect(f)
	if err != nil {
		return nil, err
	}
	g := &Graph{edges: edges, jobs: make([]rule, len(f.Jobs)), onFailure: f.OnFailure}
	switch g.onFailure {
	case "":
		g.onFailure = spec.FinishPossible
	case spec.FinishPossible, spec.FinishRunning, spec.CancelRunning:
	default:
		return nil, fmt.Errorf("%s: on_failure %q is not known to this version", f.Address, f.OnFailure)
	}
	if err := g.limit(f); err != nil {
		return nil, err
	}
	g.outputs = len(f.Outputs) > 0
	asks, pools, flows := map[string]int32{}, map[spec.Address]int32{}, map[spec.Address]int32{}
	for i, j := range f.Jobs {
		if g.jobs[i], err = compileJob(j); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Address.Job(j.Name), err)
		}
		g.jobs[i].ask = g.internAsk(asks, j.Placement)
		g.jobs[i].pool = intern(&g.pools, pools, j.Pool)
		g.jobs[i].flow = intern(&g.flows, flows, j.Flow)
	}
	return g, nil
}

func connect(f *spec.Flow) (*dag.Graph[string], error) {
	count := 0
	for _, j := range f.Jobs {
		count += len(j.Upstreams)
	}
	if count > MaxEdges {
		return nil, fmt.Errorf("%s has %d edges, more than %d", f.Address, count, MaxEdges)
	}
	b := dag.New[string](len(f.Jobs), count)
	for _, j := range f.Jobs {
		if _, added := b.Add(j.Name); !added {
			return nil, fmt.Errorf("%s is declared twice", f.Address.Job(j.Name))
		}
	}
	for _, j := range f.Jobs {
		for _, up := range j.Upstreams {
			if err := b.Connect(up, j.Name); err != nil {
				return nil, fmt.Errorf("%s: upstream %q: %w", f.Address.Job(j.Name), up, err)
			}
		}
	}
	g := b.Build()
	if _, ok := g.Order(); !ok {
		return nil, fmt.Errorf("%s has a cycle: %v", f.Address, g.Names(g.Cycle()))
	}
	return g, nil
}

func (g *Graph) limit(f *spec.Flow) error {
	c := f.Concurrency
	if c == nil {
		return nil
	}
	g.concurrency = spec.Concurrency{Max: c.Max, WhenFull: c.WhenFull, QueueMax: c.QueueMax}
	if c.Max < 1 || c.QueueMax < 0 {
		return fmt.Errorf("%s: concurrency of %d with a queue of %d makes no sense", f.Address, c.Max, c.QueueMax)
	}
	if c.QueueMax == 0 {
		g.concurrency.QueueMax = spec.DefaultQueueMax
	}
	switch c.WhenFull {
	case "":
		g.concurrency.WhenFull = spec.WhenFullQueue
	case spec.WhenFullQueue, spec.WhenFullSkip, spec.WhenFullReplace:
	default:
		return fmt.Errorf("%s: when_full %q is not known to this version", f.Address, c.WhenFull)
	}
	return nil
}

func compileJob(j *spec.Job) (rule, error) {
	r := rule{
		kind:         j.Kind,
		trigger:      j.Trigger,
		when:         j.When != nil,
		allowFailure: j.AllowFailure,
		rerunLost:    j.RerunWhenLost(),
		attempts:     1,
		priority:     int16(min(max(j.Priority, math.MinInt16), math.MaxInt16)),
		poolSlots:    int32(min(max(j.PoolSlots, 1), math.MaxInt32)),
		delay:        spec.DefaultRetryDelay,
		maxDelay:     spec.DefaultMaxDelay,
		rerunAfter:   max(j.RerunAfter, 0),
		timeout:      max(j.Timeout, 0),
	}
	if r.kind == "" {
		r.kind = spec.KindProcess
	}
	if r.trigger == "" {
		r.trigger = spec.AllSuccess
	}
	switch r.kind {
	case spec.KindProcess, spec.KindInstant, spec.KindTimer, spec.KindFlow:
	default:
		return r, fmt.Errorf("kind %q is not known to this version", j.Kind)
	}
	switch {
	case r.kind == spec.KindFlow && j.Flow == "":
		return r, errors.New("it names no flow to start")
	case r.kind != spec.KindFlow && j.Flow != "":
		return r, fmt.Errorf("a job of kind %s starts no flow", r.kind)
	}
	if !known(r.trigger) {
		return r, fmt.Errorf("trigger %q is not known to this version", j.Trigger)
	}
	switch j.OnCancel {
	case "":
	case "run":
		r.runOnCancel = true
	default:
		return r, fmt.Errorf("on_cancel %q is not known to this version", j.OnCancel)
	}
	return r, r.retry(j.Retry)
}

func (r *rule) retry(how *spec.Retry) error {
	if how == nil {
		return nil
	}
	switch how.Backoff {
	case "", "fixed":
	case "exponential":
		r.exponential = true
	default:
		return fmt.Errorf("backoff %q is not known to this version", how.Backoff)
	}
	r.attempts = int32(min(max(how.Attempts, 1), math.MaxInt32))
	if how.Delay != nil {
		r.delay = max(*how.Delay, 0)
	}
	if how.MaxDelay > 0 {
		r.maxDelay = how.MaxDelay
	}
	return nil
}

func (g *Graph) internAsk(seen map[string]int32, p *spec.Placement) int32 {
	ask := placement.Ask{Strategy: placement.RoundRobin}
	if p != nil {
		ask.Agent, ask.Labels = p.Agent, p.Labels
		if p.Strategy != "" {
			ask.Strategy = p.Strategy
		}
	}
	key := ask.Key()
	at, ok := seen[key]
	if !ok {
		at = int32(len(g.asks))
		seen[key] = at
		g.asks = append(g.asks, ask)
		g.askKeys = append(g.askKeys, key)
	}
	return at
}

// intern returns the place of an address in a list, -1 for none.
func intern(list *[]spec.Address, seen map[spec.Address]int32, a spec.Address) int32 {
	if a == "" {
		return -1
	}
	at, ok := seen[a]
	if !ok {
		at = int32(len(*list))
		seen[a] = at
		*list = append(*list, a)
	}
	return at
}
