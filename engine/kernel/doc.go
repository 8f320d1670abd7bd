// Package kernel is the heart of lft: a pure state machine that runs DAGs.
//
// Events go in by Step; all that follows comes out as one Ready, whose rows the
// shell commits in one fenced transaction before anything else leaves. Parts:
// clock (schedules and fires), run (DAG, retries, failure policies), queue
// (pools, slots, fairness) and fleet (agents, sessions, tokens).
//
// It promises that attempt n+1 of a job exists only with proof that n ended or
// never started, that each theoretical instant of a schedule is decided once,
// from its cursor, and that the work of a Step is proportional to what happened,
// never to what waits. It never does I/O, reads a clock, uses randomness, logs,
// or depends on the order of a map.
package kernel
