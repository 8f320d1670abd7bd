package kernel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// ruleTwin is a row of Airflow's table as one reads it, over a word with a letter
// for each upstream: S, F, U, K as in the table, and - for one that is not finished.
// A cancelled one is an F. The first that holds counts.
type ruleTwin struct {
	run   func(ups string) bool
	other []settles
}

type settles struct {
	when func(ups string) bool
	to   record.JobState
}

func only(letters string) func(string) bool {
	return func(ups string) bool { return strings.Trim(ups, letters) == "" }
}

func some(letters string) func(string) bool {
	return func(ups string) bool { return strings.ContainsAny(ups, letters) }
}

func both(a, b func(string) bool) func(string) bool {
	return func(ups string) bool { return a(ups) && b(ups) }
}

func without(letters string) func(string) bool {
	return func(ups string) bool { return !strings.ContainsAny(ups, letters) }
}

var airflow = map[spec.Trigger]ruleTwin{
	spec.AllSuccess: {only("S"), []settles{{some("FU"), record.JobUpstreamFailed}, {some("K"), record.JobSkipped}}},
	spec.AllFailed:  {only("FU"), []settles{{some("SK"), record.JobSkipped}}},
	spec.AllDone:    {without("-"), nil},
	spec.AllDoneMinOneSuccess: {
		both(without("-K"), some("S")),
		[]settles{{some("K"), record.JobSkipped}, {without("-"), record.JobUpstreamFailed}},
	},
	spec.AllSkipped: {only("K"), []settles{{some("SFU"), record.JobSkipped}}},
	spec.OneSuccess: {some("S"), []settles{{only("K"), record.JobSkipped}, {without("-"), record.JobUpstreamFailed}}},
	spec.OneFailed:  {some("FU"), []settles{{without("-"), record.JobSkipped}}},
	spec.OneDone:    {some("SF"), []settles{{without("-"), record.JobSkipped}}},
	spec.NoneFailed: {only("SK"), []settles{{some("FU"), record.JobUpstreamFailed}}},
	spec.NoneFailedMinOneSuccess: {
		both(only("SK"), some("S")),
		[]settles{{some("FU"), record.JobUpstreamFailed}, {only("K"), record.JobSkipped}},
	},
	spec.NoneSkipped: {both(without("-"), without("K")), []settles{{some("K"), record.JobSkipped}}},
	spec.Always:      {func(string) bool { return true }, nil},
}

// verdictTwin is the slow twin of verdict.
func verdictTwin(rule spec.Trigger, ups string) record.JobState {
	row := airflow[rule]
	if ups == "" || row.run(ups) {
		return record.JobReady
	}
	for _, s := range row.other {
		if s.when(ups) {
			return s.to
		}
	}
	return record.JobWaiting
}

var letters = map[byte]record.JobState{
	'S': record.JobSucceeded, 'F': record.JobFailed, 'U': record.JobUpstreamFailed, 'K': record.JobSkipped, '-': record.JobActive,
}

// TestTriggers compares every rule with Airflow's table, over every combination of
// up to four upstreams.
func TestTriggers(t *testing.T) {
	if len(airflow) != len(allTriggers) {
		t.Fatal("a rule is missing")
	}
	words := []string{""}
	for from := 0; len(words[len(words)-1]) < 4; {
		to := len(words)
		for ; from < to; from++ {
			for _, letter := range "SFUK-" {
				words = append(words, words[from]+string(letter))
			}
		}
	}
	if len(words) != 1+5+25+125+625 {
		t.Fatalf("%d combinations", len(words))
	}
	for _, rule := range allTriggers {
		if !known(rule) {
			t.Errorf("%s is not known", rule)
		}
		for _, ups := range words {
			var told tally
			for i := range len(ups) {
				told.add(letters[ups[i]])
			}
			if got, want := verdict(rule, int32(len(ups)), told), verdictTwin(rule, ups); got != want {
				t.Errorf("%s over %q: got %s, want %s", rule, ups, got, want)
			}
			// Cancelled counts as failed.
			cancelled := tally{}
			for i := range len(ups) {
				state := letters[ups[i]]
				if state == record.JobFailed {
					state = record.JobCancelled
				}
				cancelled.add(state)
			}
			if cancelled != told {
				t.Errorf("%q: cancelled does not count as failed", ups)
			}
		}
	}
	if known("all_done_setup_success") {
		t.Error("a rule of setups is known")
	}
}

// TestSettledTogether: one failure upstream settles two jobs at once, one as
// upstream_failed, one as skipped. Whoever waits for both sees both.
func TestSettledTogether(t *testing.T) {
	w := newWorld(t, Limits{})
	w.adopt([]*spec.Flow{flow("f", []string{"r", "a: r", "b: r", "c: a b", "d: b a"},
		job("b", func(j *spec.Job) { j.Trigger = spec.AllSkipped }))})
	w.connect("one", 9)
	w.start("f", "x")
	w.fail("x", "r")
	w.want("x", "FAILED a=UPSTREAM_FAILED b=SKIPPED c=UPSTREAM_FAILED d=UPSTREAM_FAILED r=FAILED")
}

// twin executes a flow by looking at every job again and again, as a scheduler
// does that keeps no counters. It knows the documents, not the kernel.
type twin struct {
	flow    *spec.Flow
	states  map[string]record.JobState
	killed  map[string]bool
	stopped bool // the failure policy is in force
	cancel  bool // a person wants it ended
}

func newTwin(f *spec.Flow) *twin {
	w := &twin{flow: f, states: map[string]record.JobState{}, killed: map[string]bool{}}
	for _, j := range f.Jobs {
		w.states[j.Name] = record.JobWaiting
	}
	w.settle()
	return w
}

// needsSuccess tells the rules that a failure policy stops.
func needsSuccess(j *spec.Job) bool {
	return !slices.Contains([]spec.Trigger{spec.AllDone, spec.AllFailed, spec.OneFailed, spec.OneDone, spec.Always}, j.Trigger)
}

// mayRun tells whether a job may still start.
func (w *twin) mayRun(j *spec.Job) bool {
	return !(w.cancel && j.OnCancel != "run") && !(w.stopped && needsSuccess(j))
}

// settle judges all that wait, all by what is known before, until nothing changes.
func (w *twin) settle() {
	for changed := true; changed; {
		changed = false
		next := map[string]record.JobState{}
		for _, j := range w.flow.Jobs {
			if w.states[j.Name] != record.JobWaiting {
				continue
			}
			ups := ""
			for _, up := range j.Upstreams {
				switch w.states[up] {
				case record.JobSucceeded:
					ups += "S"
				case record.JobFailed, record.JobCancelled:
					ups += "F"
				case record.JobUpstreamFailed:
					ups += "U"
				case record.JobSkipped:
					ups += "K"
				default:
					ups += "-"
				}
			}
			rule := j.Trigger
			if rule == "" {
				rule = spec.AllSuccess
			}
			to := verdictTwin(rule, ups)
			if to == record.JobReady {
				to = record.JobActive // there is an agent for all
				if !w.mayRun(j) {
					to = record.JobCancelled
				}
			}
			next[j.Name] = to
		}
		for name, to := range next {
			changed = changed || to != record.JobWaiting
			w.states[name] = to
		}
	}
}

// end ends a job that runs.
func (w *twin) end(name string, ok bool) {
	at := slices.IndexFunc(w.flow.Jobs, func(j *spec.Job) bool { return j.Name == name })
	j := w.flow.Jobs[at]
	switch {
	case ok:
		w.states[name] = record.JobSucceeded
	case w.killed[name]:
		w.states[name] = record.JobCancelled
	default:
		w.states[name] = record.JobFailed
		if !j.AllowFailure && (w.flow.OnFailure == spec.FinishRunning || w.flow.OnFailure == spec.CancelRunning) && !w.stopped {
			w.stopped = true
			w.stop(needsSuccess, w.flow.OnFailure == spec.CancelRunning)
		}
	}
	w.settle()
}

// stop ends some jobs that have not started, and perhaps kills those that have.
func (w *twin) stop(which func(*spec.Job) bool, running bool) {
	for _, j := range w.flow.Jobs {
		switch state := w.states[j.Name]; {
		case !which(j) || state.Terminal():
		case state == record.JobActive && running:
			w.killed[j.Name] = true
		case state != record.JobActive:
			w.states[j.Name] = record.JobCancelled
		}
	}
}

func (w *twin) cancelled() {
	if !w.cancel {
		w.cancel = true
		w.stop(func(j *spec.Job) bool { return j.OnCancel != "run" }, true)
		w.settle()
	}
}

// verdict is the state of the whole.
func (w *twin) verdict() record.ExecutionState {
	failed, cancelled := false, false
	for _, j := range w.flow.Jobs {
		switch state := w.states[j.Name]; {
		case !state.Terminal():
			return record.Running
		case state == record.JobFailed && !j.AllowFailure:
			failed = true
		case state == record.JobCancelled:
			cancelled = true
		}
	}
	switch {
	case w.cancel && cancelled:
		return record.ExecutionCancelled
	case failed:
		return record.ExecutionFailed
	}
	return record.ExecutionSucceeded
}

func (w *twin) String() string {
	line := []string{string(w.verdict())}
	for _, j := range w.flow.Jobs {
		line = append(line, j.Name+"="+string(w.states[j.Name]))
	}
	return strings.Join(line, " ")
}

func drawFlow(t *rapid.T) *spec.Flow {
	f := flow("f", nil, func(f *spec.Flow) {
		f.OnFailure = rapid.SampledFrom([]spec.OnFailure{"", spec.FinishPossible, spec.FinishRunning, spec.CancelRunning}).Draw(t, "on_failure")
	})
	for i := range rapid.IntRange(1, 9).Draw(t, "jobs") {
		j := &spec.Job{Name: fmt.Sprintf("j%d", i), Type: "shell"}
		for up := range i {
			if rapid.IntRange(0, 2).Draw(t, "edge") > 0 && len(j.Upstreams) < 4 {
				j.Upstreams = append(j.Upstreams, fmt.Sprintf("j%d", up))
			}
		}
		j.Trigger = rapid.SampledFrom(append(allTriggers, "", "", "")).Draw(t, "trigger")
		j.AllowFailure = rapid.IntRange(0, 3).Draw(t, "allow_failure") == 0
		if rapid.IntRange(0, 3).Draw(t, "on_cancel") == 0 {
			j.OnCancel = "run"
		}
		f.Jobs = append(f.Jobs, j)
	}
	return f
}

// TestTriggersInGraphs compares the kernel with a scheduler that looks at every job
// again and again, on random flows: after each event both are at the same place.
func TestTriggersInGraphs(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := drawFlow(r)
		w := newWorld(t, Limits{})
		w.adopt([]*spec.Flow{f})
		w.connect("one", 99)
		w.start("f", "x")
		other := newTwin(f)
		compare := func(after string) {
			got, _, _ := strings.Cut(w.states("x"), "(")
			_, jobs, _ := strings.Cut(w.states("x"), " ")
			got, _, _ = strings.Cut(got, " ")
			if got+" "+jobs != other.String() {
				r.Fatalf("%s\n got %s %s\nwant %s", after, got, jobs, other)
			}
		}
		compare("start")
		for {
			var active []string
			for _, j := range f.Jobs {
				if other.states[j.Name] == record.JobActive {
					active = append(active, j.Name)
				}
			}
			if len(active) == 0 {
				break
			}
			if !other.cancel && rapid.IntRange(0, 9).Draw(r, "cancel") == 0 {
				w.step(Cancel{Execution: "x", By: "ann"})
				other.cancelled()
				compare("cancel")
				continue
			}
			name, ok := rapid.SampledFrom(active).Draw(r, "ends"), rapid.Bool().Draw(r, "well")
			if rapid.IntRange(0, 9).Draw(r, "restore") == 0 {
				var tokens []TokenState
				for _, name := range active {
					tokens = append(tokens, TokenState{w.attempt("x", name).Token, true})
				}
				w.restore()
				w.connect("one", 99, tokens...)
			}
			switch {
			case ok:
				w.report("x", name, nil)
			case other.killed[name]:
				w.report("x", name, killed)
			default:
				w.fail("x", name)
			}
			other.end(name, ok)
			compare(fmt.Sprintf("%s ends, %v", name, ok))
		}
	})
}
