package lang

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/spec"
)

// instance is one of the things a block with for_each declares, or the only one.
type instance struct {
	each    *eval.Each // nil without for_each, here or around
	key     string     // "" without for_each here
	enabled bool
}

// instances expands for_each and enabled, in the order of keys. false means that
// the block declares nothing that could be known.
func (w *worker) instances(addr spec.Address, body *hclsyntax.Body) ([]instance, bool) {
	outer := w.each
	defer func() { w.each = outer }()
	all := []instance{{each: outer, enabled: true}}
	if attr, ok := body.Attributes["for_each"]; ok {
		var known bool
		if all, known = w.expand(addr, attr); !known {
			return nil, false
		}
		w.repeat(int64(len(all) * (body.SrcRange.End.Byte - body.SrcRange.Start.Byte)))
	}
	attr, ok := body.Attributes["enabled"]
	if !ok {
		return all, true
	}
	for i := range all {
		w.each = all[i].each
		v, ok := w.plain(addr, attr.Expr, cty.Bool)
		if ok && !v.IsNull() {
			all[i].enabled = v.True()
		}
	}
	return all, true
}

func (w *worker) expand(addr spec.Address, attr *hclsyntax.Attribute) ([]instance, bool) {
	rng := attr.Expr.Range()
	v, ok := w.value(addr, attr.Expr, cty.DynamicPseudoType)
	if !ok {
		return nil, false
	}
	if v.IsMarked() { // of a map, only values may be sensitive
		w.refuseSensitive(addr, attr.Expr)
		return nil, false
	}
	if ref, ok := eval.AsReference(v); ok {
		return w.keysOf(addr, ref, rng)
	}
	ty := v.Type()
	switch {
	case v.IsNull():
		w.found.error(CodeValue, addr, rng, "Invalid for_each", "for_each is null. For no instances, give an empty map: {}.")
		return nil, false
	case ty.IsSetType() && ty.ElementType() != cty.String && v.LengthInt() > 0, !ty.IsMapType() && !ty.IsObjectType() && !ty.IsSetType():
		hint := ""
		if ty.IsTupleType() || ty.IsListType() || ty.IsSetType() {
			hint = " For a list of texts, write toset(…)."
		}
		w.found.error(CodeValue, addr, rng, "Invalid for_each", "for_each takes a map, or a set of strings, not %s.%s", ty.FriendlyName(), hint)
		return nil, false
	case v.LengthInt() > eval.MaxForEach:
		w.found.error(CodeLimit, addr, rng, "Too many instances", "for_each has %d elements, more than %d.", v.LengthInt(), eval.MaxForEach)
		return nil, false
	}
	all := make([]instance, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		k, element := it.Element()
		if ty.IsSetType() {
			k = element
		}
		key, fault := "", "is null"
		if !k.IsNull() {
			key = k.AsString()
			fault = keyFault(key)
		}
		if fault != "" {
			w.found.error(CodeName, addr, rng, "Invalid for_each key", "The key %q %s.", key, fault)
			continue
		}
		all = append(all, instance{each: &eval.Each{Key: cty.StringVal(key), Value: element, Outer: w.each}, key: key, enabled: true})
	}
	slices.SortFunc(all, func(a, b instance) int { return strings.Compare(a.key, b.key) })
	return all, true
}

// keyFault says what is wrong with a key: it becomes part of names that people
// read and type.
func keyFault(key string) string {
	if key == "" {
		return "is empty"
	}
	if len(key) > spec.MaxName {
		return fmt.Sprintf("is longer than %d bytes", spec.MaxName)
	}
	for _, r := range key {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("holds the invisible character U+%04X", r)
		}
	}
	return ""
}
