package lang

import (
	"fmt"
	"testing"

	"github.com/leifengta/lft/lang/spec"
)

// The states of a job that others wait for.
const (
	pending = iota
	succeeded
	failed
	upstreamFailed
	skipped
)

// verdict is the table of triggers once more, in Airflow's words: what becomes of
// a job, or pending while that is open. A job that may run succeeds.
func verdict(trigger spec.Trigger, states []int) int {
	var n [5]int
	for _, s := range states {
		n[s]++
	}
	bad, all, done := n[failed]+n[upstreamFailed], len(states), n[pending] == 0
	pick := func(holds bool, state int) int {
		if holds {
			return state
		}
		return pending
	}
	first := func(verdicts ...int) int {
		for _, v := range verdicts {
			if v != pending {
				return v
			}
		}
		return pending
	}
	switch trigger {
	case spec.AllSuccess:
		return first(pick(bad > 0, upstreamFailed), pick(n[skipped] > 0, skipped), pick(n[succeeded] == all, succeeded))
	case spec.AllFailed:
		return first(pick(n[succeeded]+n[skipped] > 0, skipped), pick(bad == all, succeeded))
	case spec.AllDone:
		return pick(done, succeeded)
	case spec.AllDoneMinOneSuccess:
		return first(pick(n[skipped] > 0, skipped), pick(done && n[succeeded] == 0, upstreamFailed), pick(done, succeeded))
	case spec.AllSkipped:
		return first(pick(n[succeeded]+bad > 0, skipped), pick(n[skipped] == all, succeeded))
	case spec.OneSuccess:
		return first(pick(n[succeeded] > 0, succeeded), pick(n[skipped] == all, skipped), pick(done, upstreamFailed))
	case spec.OneFailed:
		return first(pick(bad > 0, succeeded), pick(done, skipped))
	case spec.OneDone:
		return first(pick(n[succeeded]+n[failed] > 0, succeeded), pick(done, skipped))
	case spec.NoneFailed:
		return first(pick(bad > 0, upstreamFailed), pick(done, succeeded))
	case spec.NoneFailedMinOneSuccess:
		return first(pick(bad > 0, upstreamFailed), pick(n[skipped] == all, skipped), pick(done, succeeded))
	case spec.NoneSkipped:
		return first(pick(n[skipped] > 0, skipped), pick(done, succeeded))
	case spec.Always:
		return succeeded
	}
	panic(trigger)
}

// TestEndings compares with all that can happen, for each trigger, up to three
// jobs before and every set of endings of each.
func TestEndings(t *testing.T) {
	for _, trigger := range rules() {
		for n := 1; n <= 3; n++ {
			sets := make([]int, n)
			for more := true; more; more = next(sets, 8) {
				before := make([]ending, n)
				for i, s := range sets {
					before[i] = ending{failed: s&1 != 0, upstreamFailed: s&2 != 0, skipped: s&4 != 0}
				}
				checkEndings(t, trigger, before)
				if t.Failed() {
					return
				}
			}
		}
	}
}

func checkEndings(t *testing.T, trigger spec.Trigger, before []ending) {
	t.Helper()
	want := ending{}
	relied := make([]bool, len(before))
	for i := range relied {
		relied[i] = true
	}
	ran := false
	states := make([]int, len(before))
	for more := true; more; more = next(states, 5) {
		if !happens(before, states) {
			continue
		}
		switch verdict(trigger, states) {
		case succeeded:
			ran = true
			for i, s := range states {
				relied[i] = relied[i] && s == succeeded
			}
		case skipped:
			want.skipped = true
		case upstreamFailed:
			want.upstreamFailed = true
		}
	}
	got := endings(trigger, before, ending{})
	if got != want {
		t.Errorf("%s after %+v: %+v, want %+v", trigger, before, got, want)
	}
	for i := range before {
		if got := certain(trigger, before, i); ran && got != relied[i] {
			t.Errorf("%s after %+v: job %d is certain: %v, want %v", trigger, before, i, got, relied[i])
		}
	}
}

func happens(before []ending, states []int) bool {
	for i, s := range states {
		e := before[i]
		if s == failed && !e.failed || s == upstreamFailed && !e.upstreamFailed || s == skipped && !e.skipped {
			return false
		}
	}
	return true
}

// next counts up in a base; false when it starts again.
func next(digits []int, base int) bool {
	for i := range digits {
		if digits[i]++; digits[i] < base {
			return true
		}
		digits[i] = 0
	}
	return false
}

func TestOwnEndings(t *testing.T) {
	for _, trigger := range append(rules(), "") {
		own := ending{failed: true, skipped: true}
		for _, before := range [][]ending{nil, {{}}, {{failed: true}, {skipped: true}}} {
			if got := endings(trigger, before, own); !got.failed || !got.skipped {
				t.Errorf("%s after %+v: %s lost its own endings", trigger, before, fmt.Sprint(got))
			}
		}
	}
}

func rules() []spec.Trigger {
	return []spec.Trigger{
		spec.AllSuccess, spec.AllFailed, spec.AllDone, spec.AllDoneMinOneSuccess, spec.AllSkipped, spec.OneSuccess, spec.OneFailed, spec.OneDone, spec.NoneFailed,
		spec.NoneFailedMinOneSuccess, spec.NoneSkipped, spec.Always,
	}
}
