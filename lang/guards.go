package lang

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/spec"
)

// reliance is an output that is taken for granted: by a job, or by an output of the
// flow. Whether it may be is known when the whole graph is.
type reliance struct {
	by, of *job
	shown  string
	at     hcl.Range
}

// checkReads refuses outputs that may not exist when they are read.
func (f *flow) checkReads() {
	if len(f.relies) == 0 {
		return
	}
	// A job may run although anything before it failed, but the outputs of a flow
	// are only asked for when the flow succeeded.
	running := f.endings(func(*job) bool { return true })
	var succeeded map[string]ending
	for _, r := range f.relies {
		if r.by.output {
			if succeeded == nil {
				succeeded = f.endings(func(j *job) bool { return j.spec.AllowFailure })
			}
			if !succeeded[r.of.spec.Name].none() {
				f.w.found.error(CodeUnguarded, f.addr, r.at, "The output may not exist", "The flow may succeed although job %q did not. Say what holds then: try(%s, OTHERWISE).", r.of.spec.Name, r.shown)
			}
			continue
		}
		names := r.by.spec.Upstreams
		before := make([]ending, len(names))
		for i, name := range names {
			before[i] = running[name]
		}
		if i := slices.Index(names, r.of.spec.Name); i < 0 || !certain(r.by.spec.Trigger, before, i) {
			f.w.found.error(CodeUnguarded, r.by.addr(), r.at, "The output may not exist", "With trigger = %q this job may run although that one did not succeed. Say what holds then: try(%s, OTHERWISE).", r.by.spec.Trigger, r.shown)
		}
	}
}

// endings says of each job, by name, how it may end. The jobs form no cycle.
func (f *flow) endings(mayFail func(*job) bool) map[string]ending {
	byName := make(map[string]*job, len(f.jobs))
	for _, j := range f.jobs {
		byName[j.spec.Name] = j
	}
	known := make(map[string]ending, len(f.jobs))
	// No recursion: a chain may be as long as a flow is large.
	for _, j := range f.jobs {
		stack := []*job{j}
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			if _, ok := known[top.spec.Name]; ok {
				stack = stack[:len(stack)-1]
				continue
			}
			before := make([]ending, 0, len(top.spec.Upstreams))
			for _, name := range top.spec.Upstreams {
				e, ok := known[name]
				if !ok {
					stack = append(stack, byName[name])
				}
				before = append(before, e)
			}
			if stack[len(stack)-1] != top {
				continue
			}
			known[top.spec.Name] = endings(top.spec.Trigger, before, ending{failed: mayFail(top), skipped: maySkip(top.spec.When)})
			stack = stack[:len(stack)-1]
		}
	}
	return known
}

func maySkip(when *spec.Value) bool {
	return when != nil && (when.Expr != "" || string(when.Literal) != "true")
}

// triggers are the rules, the default first.
func triggers() []string {
	return []string{
		string(spec.AllSuccess), string(spec.AllFailed), string(spec.AllDone), string(spec.AllDoneMinOneSuccess), string(spec.AllSkipped), string(spec.OneSuccess), string(spec.OneFailed),
		string(spec.OneDone), string(spec.NoneFailed), string(spec.NoneFailedMinOneSuccess), string(spec.NoneSkipped), string(spec.Always),
	}
}

// foreignTrigger says of a rule of Airflow that does not exist here what to write.
func foreignTrigger(word string) (advice string, ok bool) {
	switch word {
	case "all_done_setup_success":
		return "It belongs to Airflow's setup and teardown, which lft does not have. A job that cleans up takes trigger = \"all_done\" and on_cancel = \"run\".", true
	case "none_failed_or_skipped":
		return "Airflow calls it none_failed_min_one_success today.", true
	case "dummy":
		return "Airflow calls it always today.", true
	}
	return "", false
}

// trigger reads the rule of a job.
func trigger(r reader) spec.Trigger {
	if word, attr := r.text("trigger"); attr != nil {
		if advice, ok := foreignTrigger(word); ok {
			r.w.found.error(CodeUnsupported, r.addr, attr.Expr.Range(), "Unsupported trigger", "%q is not supported by this version of lft. %s", word, advice)
			return ""
		}
	}
	return spec.Trigger(r.choice("trigger", triggers()...))
}
