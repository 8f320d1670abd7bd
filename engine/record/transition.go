package record

import "slices"

// The tables below are the whole truth about which state may follow which.
// Whatever is not in them never happens, in any row of any batch; because a
// batch shows only the last state of a row, a store sees their closure.

// executionMoves lists the successors of each state of a FlowExecution.
var executionMoves = map[ExecutionState][]ExecutionState{
	Queued:             {Running, ExecutionCancelled, ExecutionFailed},
	Running:            {ExecutionSucceeded, ExecutionFailed, ExecutionCancelled},
	ExecutionSucceeded: nil,
	ExecutionFailed:    nil,
	ExecutionCancelled: nil,
}

// A job goes back to READY only when its attempt provably never started.
var jobMoves = map[JobState][]JobState{
	JobWaiting:        {JobReady, JobUpstreamFailed, JobSkipped, JobCancelled},
	JobReady:          {JobActive, JobSucceeded, JobFailed, JobSkipped, JobCancelled},
	JobActive:         {JobReady, JobRetryWait, JobSucceeded, JobFailed, JobCancelled},
	JobRetryWait:      {JobReady, JobCancelled},
	JobSucceeded:      nil,
	JobFailed:         nil,
	JobUpstreamFailed: nil,
	JobSkipped:        nil,
	JobCancelled:      nil,
}

// An order that provably was never obeyed is given again, to any agent: the
// same state, the same token.
var attemptMoves = map[AttemptState][]AttemptState{
	Ordered:        {Ordered, AttemptRunning, Ended},
	AttemptRunning: {Ended},
	Ended:          nil,
}

// To reports whether a FlowExecution may go from one state to the other.
func (s ExecutionState) To(next ExecutionState) bool { return slices.Contains(executionMoves[s], next) }

// To reports whether a JobExecution may go from one state to the other.
func (s JobState) To(next JobState) bool { return slices.Contains(jobMoves[s], next) }

// To reports whether an attempt may go from one state to the other.
func (s AttemptState) To(next AttemptState) bool { return slices.Contains(attemptMoves[s], next) }
