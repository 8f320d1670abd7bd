package lang

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// capture holds the config-time values of one expression, and of each no more
// than is mentioned: a change elsewhere in a large local value is no change of
// this job. They are seen through JSON, as the master will see them.
type capture struct {
	s       *runTime
	roots   map[string]*branch
	decoded map[string]cty.Value // by root, after vars
	// sensitive: a part of what is captured must be masked, and so all of it.
	sensitive bool
}

// branch is a value taken whole, or the members of it that are mentioned.
type branch struct {
	whole   cty.Value // NilVal: only the members
	members map[string]*branch
}

func (b *branch) member(name string) *branch {
	if b.members == nil {
		b.members = map[string]*branch{}
	}
	m, ok := b.members[name]
	if !ok {
		m = &branch{}
		b.members[name] = m
	}
	return m
}

// add takes what is mentioned.
func (c *capture) add(m eval.Mention) bool {
	w, t := c.s.w, m.Traversal
	v, used, err := w.resolve(t)
	if err != nil {
		w.found.fault(c.s.addr, err)
		return false
	}
	at, ok := c.roots[t.RootName()], true
	if at == nil {
		at = &branch{}
		c.roots[t.RootName()] = at
	}
	used = min(used, len(t))
	for _, step := range t[1:used] {
		at = at.member(stepName(step))
	}
	for _, step := range c.steps(m, used) {
		next, there, err := descend(c.unmark(v), step)
		if err != nil {
			w.found.fault(c.s.addr, err)
			return false
		}
		if !there {
			break
		}
		v, at = next, at.member(stepName(step))
	}
	if ref, ok := eval.AsReference(v); ok {
		w.found.error(CodeReference, c.s.addr, t.SourceRange(), "Invalid reference", "A %s is no value that a job can be given; %s.", ref.Kind, useOf(ref))
		return false
	}
	if !v.IsWhollyKnown() {
		return false // a fault was reported where it is made
	}
	whole, marks := expr.Unmark(v)
	at.whole = whole
	c.sensitive = c.sensitive || expr.Secret(marks)
	for _, used := range usedBy(marks) {
		ok = w.use(c.s.addr, c.s.at.job, used, t.SourceRange()) && ok
	}
	return ok
}

// useOf says what can be done with a reference in a job.
func useOf(ref eval.Reference) string {
	if ref.Kind == spec.DependencyKind {
		return fmt.Sprintf("write %s.%s for where its files are", ref.Address(), eval.PathMember)
	}
	return fmt.Sprintf("it can only be named where a %s is asked for", ref.Kind)
}

// steps are those that follow the first ones: no more is taken of a collection
// than what stands under a computed key, when that is known now.
func (c *capture) steps(m eval.Mention, used int) hcl.Traversal {
	steps := m.Traversal[used:]
	if m.Key == nil || c.s.w.find(m.Key).RunTime {
		return steps
	}
	key, err := c.s.w.evaluator.Eval(m.Key, cty.DynamicPseudoType)
	if err != nil {
		return steps // the evaluator says what is wrong
	}
	if key = c.unmark(key); !key.IsKnown() || key.IsNull() || key.Type() != cty.String {
		return steps
	}
	return slices.Concat(steps, hcl.Traversal{hcl.TraverseIndex{Key: key, SrcRange: m.Key.Range()}}, m.Rest)
}

// unmark notes the marks of what is gone through.
func (c *capture) unmark(v cty.Value) cty.Value {
	v, marks := v.Unmark()
	c.sensitive = c.sensitive || expr.Secret(marks)
	return v
}

// descend takes a step by name, into a reference too. What is not there is left
// to the evaluator to complain about.
func descend(v cty.Value, step hcl.Traverser) (next cty.Value, ok bool, err *expr.Error) {
	name := stepName(step)
	if name == "" || v.IsNull() || !v.IsKnown() {
		return v, false, nil
	}
	if ref, isReference := eval.AsReference(v); isReference {
		if index, isIndex := step.(hcl.TraverseIndex); isIndex {
			next, err = ref.Step(index.Key, index.SrcRange)
		} else {
			next, err = ref.Attribute(name, step.SourceRange())
		}
		return next, err == nil, err
	}
	switch ty := v.Type(); {
	case ty.IsObjectType() && ty.HasAttribute(name):
		return v.GetAttr(name), true, nil
	case ty.IsMapType():
		key := cty.StringVal(name)
		if v.HasIndex(key).True() {
			return v.Index(key), true, nil
		}
	}
	return v, false, nil
}

func (b *branch) encode() (json.RawMessage, error) {
	if b.whole != cty.NilVal {
		return expr.Encode(b.whole)
	}
	members := make(map[string]json.RawMessage, len(b.members))
	for _, name := range slices.Sorted(maps.Keys(b.members)) {
		data, err := b.members[name].encode()
		if err != nil {
			return nil, err
		}
		members[name] = data
	}
	return json.Marshal(members)
}

// vars is the form kept in a spec: one object for each root.
func (c *capture) vars(rng hcl.Range) (map[string]json.RawMessage, bool) {
	if len(c.roots) == 0 {
		return nil, true
	}
	size := 0
	vars := make(map[string]json.RawMessage, len(c.roots))
	c.decoded = make(map[string]cty.Value, len(c.roots))
	for _, root := range slices.Sorted(maps.Keys(c.roots)) {
		data, err := c.roots[root].encode()
		if err == nil {
			c.decoded[root], err = expr.Decode(data)
		}
		if err != nil {
			c.tooLarge(rng, fmt.Sprintf("what it mentions of %s.* cannot be kept: %v", root, err))
			return nil, false
		}
		vars[root] = data
		size += len(data)
	}
	if size > expr.MaxValue {
		c.tooLarge(rng, fmt.Sprintf("what it mentions has %d bytes in all, more than %d", size, expr.MaxValue))
		return nil, false
	}
	return vars, true
}

func (c *capture) tooLarge(rng hcl.Range, what string) {
	c.s.w.found.error(CodeLimit, c.s.addr, rng, "The value is too large", "It is only known when the job runs, and %s.", what)
}

// resolve gives unknown values of the types that there will be. All mentions
// were checked before.
func (c *capture) resolve(t hcl.Traversal) (cty.Value, int, *expr.Error) {
	if c.s.w.each.Hides(t.RootName()) {
		return c.decoded[t.RootName()], 1, nil
	}
	name, _ := eval.Mention{Traversal: t}.Attr(1)
	switch root := t.RootName(); root {
	case expr.RunRoot:
		return cty.UnknownVal(expr.RunType()).RefineNotNull(), 1, nil
	case expr.ParamRoot:
		return cty.UnknownVal(c.s.flow.params[name]), 2, nil
	case expr.JobRoot:
		return c.s.flow.groups[name].planned(), 2, nil
	default:
		return c.decoded[root], 1, nil
	}
}
