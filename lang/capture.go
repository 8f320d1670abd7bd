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
)

// capture holds the config-time values of one expression, and of each no more
// than is mentioned: a change elsewhere in a large local value is no change of
// this job. They are seen through JSON, as the master will see them.
type capture struct {
	s       *runTime
	roots   map[string]*branch
	decoded map[string]cty.Value // by root, after vars
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
	t := m.Traversal
	v, used, err := c.s.w.module.config.Resolve(t, c.s.w.each)
	if err != nil {
		c.s.w.found.fault(c.s.addr, err)
		return false
	}
	if !v.IsWhollyKnown() {
		return false // a fault was reported where it is made
	}
	at, ok := c.roots[t.RootName()]
	if !ok {
		at = &branch{}
		c.roots[t.RootName()] = at
	}
	for _, step := range t[1:min(used, len(t))] {
		at = at.member(stepName(step))
	}
	for _, step := range t[used:] {
		next, ok := descend(v, stepName(step))
		if !ok {
			break
		}
		v, at = next, at.member(stepName(step))
	}
	if m.Key != nil && len(t) >= used {
		v, at = c.chosen(m, v, at)
	}
	at.whole = v
	return true
}

// chosen takes no more of a collection than what stands under a computed key
// that is known now.
func (c *capture) chosen(m eval.Mention, v cty.Value, at *branch) (cty.Value, *branch) {
	if c.s.w.find(m.Key).RunTime {
		return v, at
	}
	key, err := c.s.w.evaluator.Eval(m.Key, cty.DynamicPseudoType)
	if err != nil || !key.IsWhollyKnown() || key.IsNull() || key.Type() != cty.String {
		return v, at // the evaluator says what is wrong
	}
	next, ok := descend(v, key.AsString())
	if !ok {
		return v, at
	}
	v, at = next, at.member(key.AsString())
	for _, step := range m.Rest {
		if next, ok = descend(v, stepName(step)); !ok {
			break
		}
		v, at = next, at.member(stepName(step))
	}
	return v, at
}

// descend takes a step by name. What is not there is left to the evaluator to
// complain about.
func descend(v cty.Value, name string) (cty.Value, bool) {
	if name == "" || v.IsNull() {
		return v, false
	}
	switch ty := v.Type(); {
	case ty.IsObjectType() && ty.HasAttribute(name):
		return v.GetAttr(name), true
	case ty.IsMapType():
		key := cty.StringVal(name)
		if v.HasIndex(key).True() {
			return v.Index(key), true
		}
	}
	return v, false
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
