package lang

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// after makes edges without data.
func (j *job) after() {
	attr, ok := j.block.Body.Attributes["after"]
	if !ok || isNull(attr.Expr) {
		return
	}
	w := j.flow.w
	members, ok := attr.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		w.found.error(CodeValue, j.addr(), attr.Expr.Range(), "Not a list of jobs", "after is a list: after = [job.a, job.b].")
		return
	}
	for _, x := range members.Exprs {
		t, ok := w.jobTarget(j.addr(), x)
		if !ok {
			continue
		}
		g, ok := j.group(t.name, x.Range())
		if !ok {
			continue
		}
		targets, ok := j.targets(g, t, x.Range())
		if !ok {
			continue
		}
		for _, upstream := range targets {
			j.edge(upstream, t, x.Range())
		}
	}
}

func (j *job) group(name string, rng hcl.Range) (*group, bool) {
	g, ok := j.flow.groups[name]
	if !ok {
		names := slices.Sorted(maps.Keys(j.flow.groups))
		dash := eval.Dash(name, func(n string) bool { _, ok := j.flow.groups[n]; return ok })
		j.flow.w.found.error(CodeReference, j.addr(), rng, "Unknown job", "The flow has no job %q.%s%s", name, eval.DidYouMean(name, names), dash)
	}
	return g, ok
}

// targets are the jobs a reference names: one, or all instances. A job that is
// not enabled is nil.
func (j *job) targets(g *group, t target, rng hcl.Range) ([]*job, bool) {
	w := j.flow.w
	if !t.keyed {
		all := make([]*job, 0, len(g.jobs))
		for _, key := range slices.Sorted(maps.Keys(g.jobs)) {
			all = append(all, g.jobs[key])
		}
		return all, true
	}
	if !g.keyed {
		w.found.error(CodeReference, j.addr(), rng, "The job has no instances", "job %q has no for_each; write job.%s.", t.name, t.name)
		return nil, false
	}
	one, ok := g.jobs[t.key]
	if !ok {
		keys := slices.Sorted(maps.Keys(g.jobs))
		w.found.error(CodeReference, j.addr(), rng, "Unknown instance", "job %q has no instance %q.%s", t.name, t.key, eval.DidYouMean(t.key, keys))
	}
	return []*job{one}, ok
}

// edge makes j wait for an upstream; one that is not enabled is left out, and
// that is shown.
func (j *job) edge(upstream *job, t target, rng hcl.Range) {
	if upstream == nil {
		j.flow.w.found.warn(CodeDisabled, j.addr(), rng, "The job is not enabled", "job.%s is not enabled; %s does not wait for it.", spec.Instance(t.name, t.key), j.addr())
		return
	}
	j.upstreams[upstream.spec.Name] = struct{}{}
}

// mention checks a reference to another job and makes its edges.
func (j *job) mention(m eval.Mention, source string) bool {
	w, rng := j.flow.w, m.Traversal.SourceRange()
	name, ok := m.Attr(1)
	if !ok {
		w.found.error(CodeReference, j.addr(), rng, "Invalid reference", "A job is written job.NAME.")
		return false
	}
	g, ok := j.group(name, rng)
	if !ok {
		return false
	}
	t, rest, ok := j.split(m, name)
	if !ok {
		return false
	}
	targets, ok := j.targets(g, t, rng)
	if !ok {
		return false
	}
	if g.keyed && !t.keyed && len(rest) > 0 && m.Key == nil {
		w.found.error(CodeReference, j.addr(), rng, "Which instance?", "job %q has for_each: write job.%s[\"KEY\"].%s.", name, name, stepName(rest[0]))
		return false
	}
	for _, upstream := range targets {
		if !j.reads(upstream, t, m, rest, source) {
			return false
		}
		j.edge(upstream, t, rng)
	}
	return true
}

// split separates job.NAME["key"] from what follows it. A key computed from
// run-time values stands for all instances.
func (j *job) split(m eval.Mention, name string) (target, hcl.Traversal, bool) {
	t, rest := target{name: name}, m.Traversal[2:]
	if m.Key != nil {
		if len(rest) > 0 || j.flow.w.find(m.Key).RunTime {
			return t, append(slices.Clone(rest), m.Rest...), true
		}
		v, ok := j.flow.w.plain(j.addr(), m.Key, cty.String)
		if !ok || v.IsNull() {
			return t, nil, false
		}
		t.key, t.keyed = v.AsString(), true
		return t, m.Rest, true
	}
	if len(rest) > 0 {
		if step, ok := rest[0].(hcl.TraverseIndex); ok && step.Key.Type() == cty.String {
			t.key, t.keyed = step.Key.AsString(), true
			rest = rest[1:]
		}
	}
	return t, rest, true
}

// reads checks what is read of an upstream.
func (j *job) reads(upstream *job, t target, m eval.Mention, rest hcl.Traversal, source string) bool {
	w, rng := j.flow.w, m.Traversal.SourceRange()
	shown := "job." + spec.Instance(t.name, t.key)
	if upstream == nil {
		if m.Guarded {
			return true
		}
		w.found.error(CodeReference, j.addr(), rng, "The job is not enabled", "%s is not enabled, so it has no status and no output. Guard the reference: try(%s…, OTHERWISE).", shown, shown)
		return false
	}
	if len(rest) == 0 {
		// The whole job, or all instances, to be taken apart by a loop.
		if strings.Contains(source, expr.OutputMember) {
			j.reliesOn(upstream, m, shown+".output.…")
		}
		return true
	}
	switch stepName(rest[0]) {
	case expr.StatusMember:
		return true
	case expr.OutputMember:
	default:
		w.found.error(CodeReference, j.addr(), rest.SourceRange(), "Unknown member", "A job has output and status, not %q.%s", stepName(rest[0]), eval.DidYouMean(stepName(rest[0]), []string{expr.OutputMember, expr.StatusMember}))
		return false
	}
	if len(rest) == 1 || upstream.unknownChild() {
		return true
	}
	output := stepName(rest[1])
	if _, ok := upstream.outputs[output]; !ok {
		names := slices.Sorted(maps.Keys(upstream.outputs))
		hint := eval.DidYouMean(output, names)
		if hint == "" {
			hint = fmt.Sprintf(" Declare it there: output %q { type = string }.", output)
			if upstream.starts != nil {
				hint = fmt.Sprintf(" Declare it in %s: output %q { type = string, value = … }.", upstream.spec.Flow, output)
			}
		}
		dash := eval.Dash(output, func(n string) bool { _, ok := upstream.outputs[n]; return ok })
		w.found.error(CodeReference, j.addr(), rng, "Unknown output", "%s declares no output %q.%s%s", shown, output, hint, dash)
		return false
	}
	j.reliesOn(upstream, m, shown+".output."+output)
	return true
}

// reliesOn notes that j takes an output for granted.
func (j *job) reliesOn(upstream *job, m eval.Mention, shown string) {
	if !m.Guarded && (j.output || j.spec.Trigger != "") {
		j.relies = append(j.relies, reliance{by: j, of: upstream, shown: shown, at: m.Traversal.SourceRange()})
	}
}

func stepName(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			return step.Key.AsString()
		}
	}
	return ""
}
