package sim

// Fault is a bug planted into a shell or the store.
type Fault string

// The faults.
const (
	None Fault = ""

	// Of the store.
	PlainRead   Fault = "the epoch is read without a lock"
	NoFence     Fault = "the epoch is not compared"
	SkipHeads   Fault = "heads are not read again"
	EarlyEffect Fault = "effective_from is read before the head is locked"
	HalfBatch   Fault = "a batch is written in two transactions"
	StaleLoad   Fault = "a new master reads a replica that lags"
	ForgetOrder Fault = "attempts that are ordered do not belong to the live set"

	ForgetChildren  Fault = "executions that others have started do not belong to the live set"
	RestartChildren Fault = "jobs that have started an execution are read as ready"
	LoseCancel      Fault = "the cancel of an execution that another has started is not written"
	LoseOverrides   Fault = "overrides go with the revision they were made in"
	ForgetOverrides Fault = "overrides are not restored"

	// Of apply and collection.
	SkipRecheck Fault = "packs are collected as they were found, without a second look"
	SkipHold    Fault = "an apply does not hold the packs it relies on"
	OneName     Fault = "a pack is put where another one is being deleted"

	// Of the master's shell.
	ReleaseEarly     Fault = "orders and acks leave before the commit"
	AckEarly         Fault = "results are acknowledged when they arrive"
	AdvanceOnUnknown Fault = "an unknown commit counts as done"
	NextFromNow      Fault = "cursors start at the time of the restore"
	ForgetCursor     Fault = "cursors are not restored"
	GuessDeath       Fault = "a silent agent's attempts count as lost"
	IgnoreSession    Fault = "messages of old sessions count"
	KeepSessions     Fault = "sessions survive a reload"
	KeepEpoch        Fault = "a master does not rise above the epoch agents have seen"
	SkipBury         Fault = "a poisoned execution is tried again and again"

	// Of the agent's shell.
	SkipJournal      Fault = "the journal is not written"
	SkipSync         Fault = "the journal is not synced"
	ObeyLower        Fault = "a lower epoch is obeyed"
	ForgetEpoch      Fault = "the highest epoch is not kept"
	UnsyncedSequence Fault = "a master hears of records that are not on disk"
	SkipSweep        Fault = "a dead keeper's jobs are not swept"
	ForgetTokens     Fault = "reconcile names no token"
)

// Faults lists all of them.
func Faults() []Fault {
	return []Fault{
		PlainRead, NoFence, SkipHeads, EarlyEffect, HalfBatch, StaleLoad, ForgetOrder,
		ForgetChildren, RestartChildren, LoseCancel, LoseOverrides, ForgetOverrides,
		SkipRecheck, SkipHold, OneName,
		ReleaseEarly, AckEarly, AdvanceOnUnknown, NextFromNow, ForgetCursor, GuessDeath, IgnoreSession, KeepSessions,
		KeepEpoch, SkipBury,
		SkipJournal, SkipSync, ObeyLower, ForgetEpoch, UnsyncedSequence, SkipSweep, ForgetTokens,
	}
}
