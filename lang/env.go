package lang

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/spec"
)

// env merges the environment of the flow's defaults with the job's own, key by
// key; a null takes a key away.
func (j *job) env(shared reader) map[string]*spec.Value {
	merged := map[string]*spec.Value{}
	for _, body := range [...]*hclsyntax.Body{shared.below, shared.body} {
		if body == nil {
			continue
		}
		attr, ok := body.Attributes["env"]
		if !ok {
			continue
		}
		if isNull(attr.Expr) {
			clear(merged)
			continue
		}
		leave := j.flow.w.within(shared.scope(attr))
		j.scope("env").entries(attr.Expr, func(name string, rng hcl.Range, x hclsyntax.Expression) {
			if !j.envName(name, rng) {
				return
			}
			delete(merged, name)
			if v := j.scope("env", name).value(x, cty.String, true); v != nil {
				merged[name] = v
			}
		})
		leave()
	}
	if len(merged) == 0 {
		return nil
	}
	return merged
}

// envName refuses what is no name in an environment, and the names that are
// lft's own.
func (j *job) envName(name string, rng hcl.Range) bool {
	valid := name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == "" && (name[0] < '0' || name[0] > '9')
	switch {
	case !valid:
		j.flow.w.found.error(CodeName, j.addr(), rng, "Invalid name", "%q is no name of an environment variable: letters, digits and _ only, no digit first.", name)
	case strings.HasPrefix(name, "LFT_"):
		j.flow.w.found.error(CodeCollision, j.addr(), rng, "A name of lft's own", "%q: names that start with LFT_ are set by lft.", name)
	default:
		return true
	}
	return false
}

// entries walks an object whose values may be known only when a job runs, so
// that each stands for itself. Any other expression must be known now.
func (s *runTime) entries(x hclsyntax.Expression, each func(name string, rng hcl.Range, x hclsyntax.Expression)) {
	if object, ok := x.(*hclsyntax.ObjectConsExpr); ok {
		seen := map[string]struct{}{}
		for _, item := range object.Items {
			name, ok := s.key(item.KeyExpr)
			if !ok {
				continue
			}
			if _, ok := seen[name]; ok {
				s.w.found.error(CodeDuplicate, s.addr, item.KeyExpr.Range(), "Given twice", "%q is already given in this map.", name)
				continue
			}
			seen[name] = struct{}{}
			each(name, item.KeyExpr.Range(), item.ValueExpr)
		}
		return
	}
	if found := s.w.find(x); found.RunTime {
		s.w.found.error(CodeRunTime, s.addr, x.Range(), "The names must be known now", "Write { NAME = VALUE, … }: values may be known only when the job runs, but not the names.")
		return
	}
	v, ok := s.w.value(s.addr, x, cty.DynamicPseudoType)
	if !ok || v.IsNull() {
		return
	}
	if v.IsMarked() {
		// The names are part of the secret.
		if v, ok = s.w.reveal(s.addr, x, v, s.at); !ok {
			return
		}
	}
	if ty := v.Type(); !ty.IsObjectType() && !ty.IsMapType() {
		s.w.found.error(CodeValue, s.addr, x.Range(), "Not a map", "A map is needed: { NAME = VALUE, … }.")
		return
	}
	for it := v.ElementIterator(); it.Next(); {
		name, value := it.Element()
		each(name.AsString(), x.Range(), &hclsyntax.LiteralValueExpr{Val: value, SrcRange: x.Range()})
	}
}

func (s *runTime) key(x hclsyntax.Expression) (string, bool) {
	if key, ok := x.(*hclsyntax.ObjectConsKeyExpr); ok && !key.ForceNonLiteral {
		if name := hcl.ExprAsKeyword(key.Wrapped); name != "" {
			return name, true
		}
		x = key.Wrapped
	}
	v, ok := s.w.plain(s.addr, x, cty.String)
	if !ok || v.IsNull() {
		return "", false
	}
	return v.AsString(), true
}
