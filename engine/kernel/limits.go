package kernel

import "github.com/leifengta/lft/lang/spec"

// Limits are the constants of a State. The zero value means the defaults.
type Limits struct {
	// BatchRows is how many rows a Ready holds before the rest has to wait for
	// the next one. An execution starts whole, so it may be exceeded by one.
	BatchRows int
	// SchedulesOff keeps every schedule from being decided, and cursors and
	// adopted revisions as they are in the store.
	SchedulesOff bool
	// Grace is how late an instant may be and still count as on time.
	Grace spec.Duration
	// MisfireAll bounds how many missed instants misfire = all runs.
	MisfireAll int
	// Suspect and Unreachable are how long an agent is silent before it gets
	// no more work, and before its attempts count as silent.
	Suspect, Unreachable spec.Duration
	// RerunMargin is added to rerun_after before the master acts on it.
	RerunMargin spec.Duration
}

// The defaults.
const (
	DefaultBatchRows   = 4096
	DefaultGrace       = 60 * spec.Second
	DefaultMisfireAll  = 100
	DefaultSuspect     = 10 * spec.Second
	DefaultUnreachable = 30 * spec.Second
	DefaultRerunMargin = 30 * spec.Second
)

func (l Limits) withDefaults() Limits {
	l.BatchRows = or(l.BatchRows, DefaultBatchRows)
	l.Grace = or(l.Grace, DefaultGrace)
	l.MisfireAll = or(l.MisfireAll, DefaultMisfireAll)
	l.Suspect = or(l.Suspect, DefaultSuspect)
	l.Unreachable = or(l.Unreachable, DefaultUnreachable)
	l.RerunMargin = or(l.RerunMargin, DefaultRerunMargin)
	return l
}

func or[N int | spec.Duration](n, otherwise N) N {
	if n > 0 {
		return n
	}
	return otherwise
}
