package lang

import (
	"slices"

	"github.com/leifengta/lft/lang/spec"
)

// ending says how a job may end other than by success. A job that was cancelled
// counts as failed, as for the triggers.
type ending struct {
	failed         bool
	upstreamFailed bool // not run, because one before it failed
	skipped        bool
}

func (e ending) none() bool { return e == ending{} }

// endings says how a job may end, of what is known about the jobs before it. own
// are the endings of its own making: a failed attempt, a false `when`. The answer
// may name an ending that never comes about, but leaves none out.
func endings(trigger spec.Trigger, before []ending, own ending) ending {
	if len(before) == 0 {
		return own
	}
	anyOf := func(f func(ending) bool) bool { return slices.ContainsFunc(before, f) }
	allOf := func(f func(ending) bool) bool { return !anyOf(func(e ending) bool { return !f(e) }) }
	bad := func(e ending) bool { return e.failed || e.upstreamFailed }
	skipped := func(e ending) bool { return e.skipped }
	switch trigger {
	case "", spec.AllSuccess:
		own.upstreamFailed = own.upstreamFailed || anyOf(bad)
		own.skipped = own.skipped || anyOf(skipped)
	case spec.AllDoneMinOneSuccess:
		own.upstreamFailed = own.upstreamFailed || allOf(bad)
		own.skipped = own.skipped || anyOf(skipped)
	case spec.AllFailed, spec.AllSkipped, spec.OneFailed:
		own.skipped = true // when all goes well
	case spec.OneSuccess:
		own.upstreamFailed = own.upstreamFailed || allOf(func(e ending) bool { return !e.none() }) && anyOf(bad)
		own.skipped = own.skipped || allOf(skipped)
	case spec.OneDone:
		own.skipped = own.skipped || allOf(func(e ending) bool { return e.skipped || e.upstreamFailed })
	case spec.NoneFailed:
		own.upstreamFailed = own.upstreamFailed || anyOf(bad)
	case spec.NoneFailedMinOneSuccess:
		own.upstreamFailed = own.upstreamFailed || anyOf(bad)
		own.skipped = own.skipped || allOf(skipped)
	case spec.NoneSkipped:
		own.skipped = own.skipped || anyOf(skipped)
	case spec.AllDone, spec.Always:
	}
	return own
}

// certain reports whether a job that runs can rely on the success of the i-th job
// before it.
func certain(trigger spec.Trigger, before []ending, i int) bool {
	switch at := before[i]; trigger {
	case "", spec.AllSuccess:
		return true
	case spec.OneSuccess:
		return len(before) == 1 // else it does not wait for the others
	case spec.NoneFailed:
		return !at.skipped
	case spec.NoneFailedMinOneSuccess:
		return !at.skipped || len(before) == 1
	case spec.NoneSkipped:
		return !at.failed && !at.upstreamFailed
	case spec.AllDoneMinOneSuccess:
		return !at.failed && !at.upstreamFailed || len(before) == 1
	case spec.AllDone:
		return at.none()
	case spec.OneDone:
		return len(before) == 1 && !at.failed
	case spec.AllFailed, spec.AllSkipped, spec.OneFailed, spec.Always:
	}
	return false
}
