package kernel

import (
	"github.com/leifengta/lft/engine/record"
)

// WhyInput is the rows that tell why a job does not run, read at one moment.
// They are bounded by the job's upstreams and the fleet.
type WhyInput struct {
	At        record.Time
	Graph     *Graph // of the execution's flow digest
	Execution record.Execution
	// Job is the row asked about; its zero value in a queued execution, which
	// has no job rows yet. Number says which one is meant.
	Job       record.Job
	Number    int32
	Upstreams []record.Job    // rows of its direct upstreams
	Attempt   *record.Attempt // the last one, nil for none
	Agents    []record.Agent
	Use       map[string]int32 // live attempts by agent uid
	Pool      PoolUse          // of the job's pool; the zero value without one
	Running   int              // running executions of the flow
	Ahead     int              // queued ones that come before this one
}

// PoolUse is a pool's limit and how much of it is taken.
type PoolUse struct {
	Address string
	Slots   int
	Used    int
}

// Why explains one job at one moment.
type Why struct {
	Code    string   // a waiting class, or the reason of a settled job
	Summary string   // one sentence
	Facts   []string // numbers behind it
}

// Explain says why a job is where it is. It is pure: equal rows, equal words.
func Explain(WhyInput) Why { return Why{} }
