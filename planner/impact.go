package planner

import "github.com/leifengta/lft/lang/spec"

// Impact is what a change does to what is scheduled and running, as the engine
// itself works it out. It is part of the plan document.
type Impact struct {
	Schedules  []ScheduleImpact  `json:"schedules,omitempty"`  // by address
	Executions []ExecutionImpact `json:"executions,omitempty"` // cancelled ones first, then by flow and id
	// Omitted counts the executions and schedules beyond MaxImpact.
	Omitted int `json:"omitted,omitempty"`
	// Kinds are the effects a reviewer must have seen, sorted. Apply refuses
	// when one appears that the plan did not show.
	Kinds []Effect `json:"kinds,omitempty"`
}

// MaxImpact bounds each list of an Impact.
const MaxImpact = 200

// Effect is a kind of effect that takes something away from someone.
type Effect string

// The kinds.
const (
	CancelsQueued Effect = "cancels_queued" // executions in a queue end CANCELLED
)

// ScheduleImpact is a schedule whose next fires differ.
type ScheduleImpact struct {
	Address  spec.Address `json:"address"`
	Timezone string       `json:"timezone"`
	Before   []Fire       `json:"before,omitempty"`
	After    []Fire       `json:"after,omitempty"`
}

// Fire is an instant on two clocks, RFC 3339.
type Fire struct {
	Local string `json:"local"`
	UTC   string `json:"utc"`
}

// ExecutionImpact is a live execution of a flow that changes or goes.
type ExecutionImpact struct {
	ID       string       `json:"id"`
	Flow     spec.Address `json:"flow"`
	State    string       `json:"state"`
	Revision int64        `json:"revision"`
	Fate     Fate         `json:"fate"`
}

// Fate is what becomes of a live execution.
type Fate string

// The fates. Both of the first keep the revision they were created with.
const (
	Finishes  Fate = "finishes"  // it runs, and goes on
	Starts    Fate = "starts"    // it is queued, and will still start
	Cancelled Fate = "cancelled" // it is queued, and will not start
)

// Describe completes the sentence "the change …".
func (e Effect) Describe() string {
	if e == CancelsQueued {
		return "cancels executions that are queued"
	}
	return "has the effect " + string(e)
}
