package record

// ExecutionState is the state of a FlowExecution.
type ExecutionState string

// The states; the last three are terminal.
const (
	Queued             ExecutionState = "QUEUED"
	Running            ExecutionState = "RUNNING"
	ExecutionSucceeded ExecutionState = "SUCCEEDED"
	ExecutionFailed    ExecutionState = "FAILED"
	ExecutionCancelled ExecutionState = "CANCELLED"
)

// JobState is the state of a JobExecution.
type JobState string

// The states; the last five are terminal.
const (
	JobWaiting        JobState = "WAITING"
	JobReady          JobState = "READY"
	JobActive         JobState = "ACTIVE"
	JobRetryWait      JobState = "RETRY_WAIT"
	JobSucceeded      JobState = "SUCCEEDED"
	JobFailed         JobState = "FAILED"
	JobUpstreamFailed JobState = "UPSTREAM_FAILED"
	JobSkipped        JobState = "SKIPPED"
	JobCancelled      JobState = "CANCELLED"
)

// AttemptState is the state of an attempt.
type AttemptState string

// The states.
const (
	Ordered        AttemptState = "ORDERED"
	AttemptRunning AttemptState = "RUNNING"
	Ended          AttemptState = "ENDED"
)

// Outcome is how an attempt ended.
type Outcome string

// The outcomes.
const (
	OutcomeSucceeded Outcome = "succeeded"
	OutcomeFailed    Outcome = "failed" // by exit code, signal or bad output
	OutcomeTimeout   Outcome = "timeout"
	OutcomeCancelled Outcome = "cancelled"
	OutcomeLost      Outcome = "lost"
	OutcomeRejected  Outcome = "rejected" // the agent could not start it
	OutcomeInternal  Outcome = "internal"
)

// Origin is what asked for an execution.
type Origin string

// The origins.
const (
	OriginManual   Origin = "manual"
	OriginSchedule Origin = "schedule"
	OriginFlow     Origin = "flow"
)

// Decision is what was decided for an instant.
type Decision string

// The decisions.
const (
	Run     Decision = "RUN"
	Skipped Decision = "SKIPPED"
)

// AgentState is what the master thinks of an agent.
type AgentState string

// The states.
const (
	AgentActive      AgentState = "ACTIVE"
	AgentSuspect     AgentState = "SUSPECT"
	AgentUnreachable AgentState = "UNREACHABLE"
	AgentQuarantined AgentState = "QUARANTINED"
	AgentDead        AgentState = "DEAD" // declared by an operator
)

// LogState says whether a log is whole.
type LogState string

// The states.
const (
	LogEOF  LogState = "eof"
	LogCut  LogState = "cut"
	LogLost LogState = "agent_lost"
)

// OverrideField is what of an object can be overridden.
type OverrideField string

// The fields.
const (
	FieldPaused OverrideField = "paused" // of a schedule or a flow: true, false
	FieldSlots  OverrideField = "slots"  // of a pool: a number
)

// Terminal reports whether the state never changes again.
func (s ExecutionState) Terminal() bool {
	return s == ExecutionSucceeded || s == ExecutionFailed || s == ExecutionCancelled
}

// Terminal reports whether the state never changes again.
func (s JobState) Terminal() bool {
	switch s {
	case JobSucceeded, JobFailed, JobUpstreamFailed, JobSkipped, JobCancelled:
		return true
	case JobWaiting, JobReady, JobActive, JobRetryWait:
	}
	return false
}

// Reason is a stable code that explains a state, a decision or an outcome.
type Reason string

// The reasons.
const (
	ReasonNone            Reason = ""
	ReasonMisfire         Reason = "misfire"           // SKIPPED: passed while nobody could act
	ReasonPaused          Reason = "paused"            // SKIPPED: the schedule was paused
	ReasonFull            Reason = "concurrency_full"  // SKIPPED: when_full = skip
	ReasonQueueFull       Reason = "queue_full"        // SKIPPED: queue_max reached
	ReasonCap             Reason = "cap"               // SKIPPED: beyond the bound of misfire = all
	ReasonReplaced        Reason = "replaced"          // CANCELLED: when_full = replace
	ReasonFlowDeleted     Reason = "flow_deleted"      // CANCELLED in the queue, or SKIPPED
	ReasonCancelled       Reason = "cancelled"         // a person's cancel
	ReasonPolicy          Reason = "on_failure"        // the flow's failure policy ended it
	ReasonUpstream        Reason = "upstream"          // its trigger rule can no longer hold
	ReasonWhen            Reason = "when"              // SKIPPED: its condition is false
	ReasonExpression      Reason = "bad_expression"    // FAILED: could not be evaluated
	ReasonGenerate        Reason = "bad_arguments"     // FAILED: the job type refused them
	ReasonExit            Reason = "exit"              // exit code not zero
	ReasonSignal          Reason = "signal"            // ended by a signal
	ReasonTimeout         Reason = "timeout"           //
	ReasonBadOutput       Reason = "bad_output"        // undeclared, missing or wrong output
	ReasonDependency      Reason = "dependency"        // a dependency could not be made ready
	ReasonCannotStart     Reason = "cannot_start"      // no such program, no permission
	ReasonKeeperLost      Reason = "keeper_lost"       // its keeper died, and it with it
	ReasonHostRestarted   Reason = "host_restarted"    // boot id or namespace changed
	ReasonJournalLost     Reason = "journal_lacks"     // the agent's journal never held it
	ReasonDeclaredDead    Reason = "declared_dead"     // an operator said so
	ReasonIsolated        Reason = "isolated"          // rerun_after ran out
	ReasonChild           Reason = "child_failed"      // the execution a job has started failed
	ReasonChildLost       Reason = "child_lost"        // that execution is not there any more
	ReasonParent          Reason = "parent"            // CANCELLED: with the job that started it
	ReasonNesting         Reason = "nesting"           // too many flows start one another
	ReasonInternal        Reason = "internal"          // a defect; see the dead letter
	ReasonDuplicateID     Reason = "duplicate_machine" // QUARANTINED: uid seen on another machine
	ReasonJournalReversed Reason = "journal_reversed"  // QUARANTINED: sequence went back
	ReasonAlternating     Reason = "alternating"       // QUARANTINED: two sessions take turns
	ReasonDeclines        Reason = "declines_work"     // of an agent, by its own word: it is being stopped, or cannot write its journal
)

// Waiting is the class of reasons why a job does not run yet.
type Waiting string

// The classes.
const (
	WaitingNone      Waiting = ""
	WaitingUpstream  Waiting = "upstream"     // arg: an unsettled upstream
	WaitingPool      Waiting = "pool"         // arg: the pool's address
	WaitingAgent     Waiting = "no_agent"     // no agent matches; arg: what is asked for
	WaitingSlot      Waiting = "slot"         // every matching agent is full
	WaitingRetry     Waiting = "retry"        // next attempt at NextAt
	WaitingTimer     Waiting = "timer"        // kind timer, until NextAt
	WaitingReconcile Waiting = "reconcile"    // arg: the agent that has not answered yet
	WaitingSilent    Waiting = "agent_silent" // its agent is unreachable; arg: the agent
	WaitingPrepare   Waiting = "prepare"      // expressions are being evaluated
	WaitingChild     Waiting = "child"        // kind flow; arg: the execution it has started
)
