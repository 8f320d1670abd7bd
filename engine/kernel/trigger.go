package kernel

import (
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// tally counts the settled upstreams of a job by how they ended. A cancelled
// one counts as failed.
type tally struct {
	succeeded, failed, upstreamFailed, skipped int32
}

func (t *tally) add(state record.JobState) {
	switch state {
	case record.JobSucceeded:
		t.succeeded++
	case record.JobFailed, record.JobCancelled:
		t.failed++
	case record.JobUpstreamFailed:
		t.upstreamFailed++
	case record.JobSkipped:
		t.skipped++
	case record.JobWaiting, record.JobReady, record.JobActive, record.JobRetryWait:
	}
}

func (t tally) settled() int32 { return t.succeeded + t.failed + t.upstreamFailed + t.skipped }

func known(rule spec.Trigger) bool {
	switch rule {
	case spec.AllSuccess, spec.AllFailed, spec.AllDone, spec.AllDoneMinOneSuccess, spec.AllSkipped, spec.OneSuccess,
		spec.OneFailed, spec.OneDone, spec.NoneFailed, spec.NoneFailedMinOneSuccess, spec.NoneSkipped, spec.Always:
		return true
	}
	return false
}

// survivesFailure tells the rules that a flow's failure policy does not stop.
func survivesFailure(rule spec.Trigger) bool {
	switch rule {
	case spec.AllDone, spec.AllFailed, spec.OneFailed, spec.OneDone, spec.Always:
		return true
	case spec.AllSuccess, spec.AllDoneMinOneSuccess, spec.AllSkipped, spec.OneSuccess, spec.NoneFailed,
		spec.NoneFailedMinOneSuccess, spec.NoneSkipped:
	}
	return false
}

// The verdict on a job that waits, in the words of its next state: WAITING is
// to wait on, READY is to run, any other is to settle so. The table is
// Airflow's; a job without upstreams is always ready.
func verdict(rule spec.Trigger, upstreams int32, t tally) record.JobState {
	if upstreams == 0 {
		return record.JobReady
	}
	bad := t.failed + t.upstreamFailed
	done := t.settled() == upstreams
	switch rule {
	case spec.AllSuccess:
		return first(
			when(bad > 0, record.JobUpstreamFailed),
			when(t.skipped > 0, record.JobSkipped),
			when(done, record.JobReady))
	case spec.AllFailed:
		return first(when(t.succeeded+t.skipped > 0, record.JobSkipped), when(done, record.JobReady))
	case spec.AllDone:
		return first(when(done, record.JobReady))
	case spec.AllDoneMinOneSuccess:
		return first(
			when(t.skipped > 0, record.JobSkipped),
			when(done && t.succeeded == 0, record.JobUpstreamFailed),
			when(done, record.JobReady))
	case spec.AllSkipped:
		return first(when(t.succeeded+bad > 0, record.JobSkipped), when(done, record.JobReady))
	case spec.OneSuccess:
		return first(
			when(t.succeeded > 0, record.JobReady),
			when(done && t.skipped == upstreams, record.JobSkipped),
			when(done, record.JobUpstreamFailed))
	case spec.OneFailed:
		return first(when(bad > 0, record.JobReady), when(done, record.JobSkipped))
	case spec.OneDone:
		return first(when(t.succeeded+t.failed > 0, record.JobReady), when(done, record.JobSkipped))
	case spec.NoneFailed:
		return first(when(bad > 0, record.JobUpstreamFailed), when(done, record.JobReady))
	case spec.NoneFailedMinOneSuccess:
		return first(
			when(bad > 0, record.JobUpstreamFailed),
			when(done && t.skipped == upstreams, record.JobSkipped),
			when(done, record.JobReady))
	case spec.NoneSkipped:
		return first(when(t.skipped > 0, record.JobSkipped), when(done, record.JobReady))
	case spec.Always:
		return record.JobReady
	}
	return record.JobWaiting
}

func when(holds bool, state record.JobState) record.JobState {
	if holds {
		return state
	}
	return ""
}

func first(states ...record.JobState) record.JobState {
	for _, s := range states {
		if s != "" {
			return s
		}
	}
	return record.JobWaiting
}
