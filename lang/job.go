package lang

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// jobType is a schema with its types read.
type jobType struct {
	schema schema.JobType
	types  []cty.Type // of schema.Attributes
}

func newJobType(t schema.JobType) *jobType {
	if t.Kind == string(spec.KindFlow) {
		t.Attributes = slices.Concat(t.Attributes, schema.ChildAttributes())
	}
	made := &jobType{schema: t, types: make([]cty.Type, len(t.Attributes))}
	for i, a := range t.Attributes {
		ty, err := expr.DecodeType(a.Type)
		if err != nil {
			panic(fmt.Sprintf("job type %s: attribute %s: %v", t.Name, a.Name, err))
		}
		made.types[i] = ty
	}
	return made
}

// job is an instance of a job while it is decoded.
type job struct {
	flow    *flow
	block   *hclsyntax.Block
	voc     schema.Block
	jobType *jobType // nil: unknown
	each    *eval.Each
	outputs map[string]cty.Type
	spec    *spec.Job
	starts  *contract // of the flow it starts; nil: none, or not known
	relies  []reliance
	output  bool // it stands for an output of the flow

	upstreams map[string]struct{}
}

func (j *job) addr() spec.Address {
	if j.output {
		return j.flow.addr
	}
	return j.flow.addr.Job(j.spec.Name)
}

// unknownChild tells that a fault in the flow it starts was or will be reported.
func (j *job) unknownChild() bool {
	return j.starts == nil && j.jobType != nil && j.jobType.schema.Kind == string(spec.KindFlow)
}

// Bounds of a job.
const (
	maxAttempts = 1000
	maxPriority = 1000
	maxRepeated = 200 // bytes of a text that a finding repeats
)

func (j *job) decode() {
	w, s := j.flow.w, j.spec
	outer := w.each
	w.each = j.each
	defer func() { w.each = outer }()
	j.upstreams = map[string]struct{}{}
	own := reader{w: w, addr: j.addr(), voc: j.voc, body: j.block.Body, at: j.at()}
	shared := own
	shared.below, shared.belowEach = bodyOf(j.flow.defaults.Block), j.flow.defaults.each
	w.requireAll(j.addr(), j.voc, j.block.Body)
	s.Trigger = trigger(own)
	s.AllowFailure = shared.flag("allow_failure")
	s.Priority = shared.integer("priority", -maxPriority, maxPriority, 0)
	s.OnCancel = shared.choice("on_cancel", "", "run")
	s.Retry = j.retry(shared)
	if j.jobType != nil && j.jobType.schema.Kind != string(spec.KindProcess) {
		s.Kind = spec.Kind(j.jobType.schema.Kind)
	}
	if s.Kind == "" {
		j.process(shared)
	} else {
		j.refuseProcess()
	}
	j.after()
	if attr := own.find("when"); attr != nil {
		s.When = j.scope("when").value(attr.Expr, cty.Bool, true)
	}
	if s.Kind == spec.KindFlow {
		j.childParams()
	} else {
		j.arguments()
	}
	s.Upstreams = slices.Sorted(maps.Keys(j.upstreams))
	j.flow.edges += len(s.Upstreams)
	j.flow.relies = append(j.flow.relies, j.relies...)
}

// process reads what only a job with a process has.
func (j *job) process(shared reader) {
	s := j.spec
	s.Timeout = shared.span("timeout", 1)
	if grace := shared.duration("kill_grace", 0); grace != nil && *grace != spec.DefaultKillGrace {
		s.KillGrace = grace
	}
	s.RerunAfter = shared.span("rerun_after", spec.Second)
	s.OnLost = spec.OnLost(shared.choice("on_lost", "", string(spec.LostRerun), string(spec.LostFail)))
	j.readUses()
	s.Env = j.env(shared)
	s.Placement = j.placement(shared)
	j.pool(shared)
}

// refuseProcess: what would have no effect is not accepted.
func (j *job) refuseProcess() {
	w := j.flow.w
	for _, name := range []string{"env", "kill_grace", "on_lost", "pool", "pool_slots", "rerun_after", "timeout", "uses"} {
		if attr, ok := j.block.Body.Attributes[name]; ok {
			w.found.error(CodeValue, j.addr(), attr.NameRange, "No effect", "A job of type %q has no process, so %q has no effect.", j.spec.Type, name)
		}
	}
	for _, b := range j.block.Body.Blocks {
		if b.Type == "placement" || b.Type == "output" {
			w.found.error(CodeValue, j.addr(), b.TypeRange, "No effect", "A job of type %q has no process, so %q has no effect.", j.spec.Type, b.Type)
		}
	}
}

// inner is a reader of a nested block, over that of the flow's defaults; false
// when there is neither.
func (j *job) inner(shared reader, kind string) (reader, bool) {
	voc, _ := j.voc.Block(kind)
	own, _ := shared.w.only(j.addr(), j.voc, j.block.Body, kind)
	leave := shared.w.within(shared.belowEach)
	below, _ := shared.w.only(j.addr(), j.voc, shared.below, kind)
	leave()
	r := reader{w: shared.w, addr: shared.addr, voc: voc, body: bodyOf(own.Block), each: own.each, below: bodyOf(below.Block), belowEach: cmp.Or(below.each, shared.belowEach), at: shared.at.in(kind)}
	return r, r.body != nil || r.below != nil
}

func (j *job) retry(shared reader) *spec.Retry {
	r, ok := j.inner(shared, "retry")
	if !ok {
		return nil
	}
	retry := &spec.Retry{Attempts: r.integer("attempts", 1, maxAttempts, 1), Delay: r.duration("delay", 0), Backoff: r.choice("backoff", "fixed", "exponential"), MaxDelay: r.span("max_delay", 1)}
	if retry.Attempts == 1 {
		return nil // nothing else says anything then
	}
	delay, most := spec.DefaultRetryDelay, spec.DefaultMaxDelay
	if retry.Delay != nil {
		delay = *retry.Delay
	}
	if retry.MaxDelay != 0 {
		most = retry.MaxDelay
	}
	if delay > most {
		attr := r.find("delay")
		if attr == nil {
			attr = r.find("max_delay")
		}
		j.flow.w.found.error(CodeValue, j.addr(), attr.Expr.Range(), "Invalid delay", "delay (%s) is longer than max_delay (%s).", r.quoted("delay", "%v", delay), r.quoted("max_delay", "%v", most))
	}
	if delay == spec.DefaultRetryDelay {
		retry.Delay = nil
	}
	if most == spec.DefaultMaxDelay {
		retry.MaxDelay = 0
	}
	return retry
}

func (j *job) placement(shared reader) *spec.Placement {
	r, ok := j.inner(shared, "placement")
	if !ok {
		return nil
	}
	p := &spec.Placement{Strategy: r.choice("strategy", "round_robin", "least_loaded", "pinned"), Labels: labels(r)}
	p.Agent, _ = r.text("agent")
	switch at := r.find("agent"); {
	case p.Strategy == "pinned" && p.Agent == "":
		j.flow.w.found.error(CodeMissing, j.addr(), r.find("strategy").Expr.Range(), "Missing agent", "strategy = \"pinned\" needs agent = \"NAME\".")
	case p.Strategy != "pinned" && p.Agent != "":
		j.flow.w.found.error(CodeValue, j.addr(), at.NameRange, "No effect", "agent goes with strategy = \"pinned\".")
	}
	if p.Strategy == "" && len(p.Labels) == 0 && p.Agent == "" {
		return nil
	}
	return p
}

// labels merges maps by key; a null takes a key away.
func labels(r reader) map[string]string {
	merged := map[string]string{}
	for _, body := range [...]*hclsyntax.Body{r.below, r.body} {
		layer := reader{w: r.w, addr: r.addr, voc: r.voc, body: body, each: r.each, at: r.at}
		if body == r.below {
			layer.each = r.belowEach
		}
		v, _, ok := layer.value("labels")
		if !ok {
			if attr := layer.find("labels"); attr != nil && isNull(attr.Expr) {
				clear(merged)
			}
			continue
		}
		for key, label := range v.AsValueMap() {
			if label.IsNull() {
				delete(merged, key)
				continue
			}
			merged[key] = label.AsString()
		}
	}
	if len(merged) == 0 {
		return nil
	}
	return merged
}

func (j *job) pool(shared reader) {
	w := j.flow.w
	if attr := shared.find("pool"); attr != nil && !isNull(attr.Expr) {
		defer w.within(shared.scope(attr))()
		if addr, ok := w.object(j.addr(), spec.PoolKind, attr.Expr); ok {
			j.spec.Pool = addr
		}
	}
	slots := shared.integer("pool_slots", 1, maxSlots, 1)
	if slots > 1 {
		j.spec.PoolSlots = slots
	}
	pool, ok := w.pools[j.spec.Pool]
	switch attr := shared.find("pool_slots"); {
	case ok && slots > pool.Slots && pool.Slots > 0:
		at := shared.find("pool").Expr.Range()
		if attr != nil {
			at = attr.Expr.Range()
		}
		w.found.error(CodeValue, j.addr(), at, "The job could never run", "It asks for %d slots of %s, which has %d.", slots, j.spec.Pool, pool.Slots)
	case j.spec.Pool == "" && slots > 1 && shared.find("pool") == nil:
		w.found.error(CodeValue, j.addr(), attr.NameRange, "No effect", "pool_slots goes with pool.")
	}
}

// arguments reads what the job's type declares.
func (j *job) arguments() {
	s := j.spec
	if j.jobType == nil {
		return
	}
	for i, a := range j.jobType.schema.Attributes {
		attr, ok := j.block.Body.Attributes[a.Name]
		if !ok {
			if a.Required {
				j.flow.w.found.error(CodeMissing, j.addr(), j.block.DefRange(), "Missing attribute", "A job of type %q needs %q.", s.Type, a.Name)
			}
			continue
		}
		if j.textForList(attr, j.jobType.types[i]) {
			continue
		}
		v := j.scope("args", a.Name).value(attr.Expr, j.jobType.types[i], a.RunTime)
		if v == nil {
			if a.Required && isNull(attr.Expr) {
				j.flow.w.found.error(CodeMissing, j.addr(), attr.NameRange, "Missing attribute", "A job of type %q needs %q, and it is null.", s.Type, a.Name)
			}
			continue
		}
		if s.Args == nil {
			s.Args = map[string]*spec.Value{}
		}
		if s.Args[a.Name] = v; a.Sensitive {
			j.at().in("args", a.Name).keep()
		}
	}
}

// textForList refuses a text where a list of texts is wanted, and shows what to
// write: one who writes a command line as a text wants a shell to read it.
func (j *job) textForList(attr *hclsyntax.Attribute, want cty.Type) bool {
	x, ok := attr.Expr.(*hclsyntax.TemplateExpr)
	if !ok || !want.Equals(cty.List(cty.String)) {
		return false
	}
	text := j.flow.file.slice(x.Range())
	if strings.HasPrefix(text, "<<") || strings.Contains(text, "\n") || len(text) > maxRepeated {
		text = `"…"`
	}
	detail := fmt.Sprintf("List of string required, but have string. Write each text by itself, in brackets: %s = [\"…\", \"…\"]", attr.Name)
	if attr.Name == "command" {
		detail = fmt.Sprintf("A program and its arguments are a list of string, but have string. For a shell to read it, write: command = [\"/bin/sh\", \"-c\", %s]", text)
		_, scripted := j.jobType.schema.Attribute("script")
		if _, fixed := constant(x); scripted && fixed { // a script takes no run-time values
			detail += fmt.Sprintf(", or: script = %s", text)
		}
	}
	j.flow.w.found.error(CodeExpression, j.addr(), x.Range(), "Unsuitable value", "%s.", detail)
	return true
}

// scope is where a value of the job stands; names lead there in its spec.
func (j *job) scope(names ...string) *runTime {
	return &runTime{w: j.flow.w, addr: j.addr(), file: j.flow.file, flow: j.flow, job: j, at: j.at().in(names...)}
}

func (j *job) at() spot {
	at := j.flow.at.in("jobs", j.spec.Name)
	at.job = j
	return at
}
