package lang

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// check looks at the words of a block, once for all its instances. more are the
// attributes of a job's type.
func (f *findings) check(voc schema.Block, block *hclsyntax.Block, more []schema.Attribute, addr spec.Address) {
	for _, attr := range attributes(block.Body) {
		_, known := voc.Attribute(attr.Name)
		if !known && !slices.ContainsFunc(more, func(a schema.Attribute) bool { return a.Name == attr.Name }) {
			f.unknownAttribute(voc, more, attr, addr)
		}
	}
	for _, a := range voc.Attributes {
		if _, ok := block.Body.Attributes[a.Name]; a.Required && !ok {
			f.error(CodeMissing, addr, block.DefRange(), "Missing attribute", "%s needs %q.", voc.Name, a.Name)
		}
	}
	seen := map[string]*hclsyntax.Block{}
	for _, inner := range block.Body.Blocks {
		kind, ok := voc.Block(inner.Type)
		if !ok && inner.Type == dynamicBlock && len(voc.Blocks) > 0 && !voc.Early {
			f.checkDynamic(voc, inner, addr)
			continue
		}
		if !ok {
			if slices.ContainsFunc(more, func(a schema.Attribute) bool { return a.Name == inner.Type }) {
				f.error(CodeUnknown, addr, inner.TypeRange, "Unknown block", "%q is an attribute, not a block: write %s = { … }.", inner.Type, inner.Type)
				continue
			}
			f.unknownBlock(voc, inner, addr)
			continue
		}
		if !f.labels(kind, inner, addr) {
			continue
		}
		if before, ok := seen[inner.Type]; ok && len(kind.Labels) == 0 && !kind.Repeated {
			f.error(CodeDuplicate, addr, inner.TypeRange, "Declared twice", "%s has one %s block, and it is at line %d.", voc.Name, inner.Type, before.TypeRange.Start.Line)
			continue
		}
		seen[inner.Type] = inner
		if !kind.Open {
			f.check(kind, inner, nil, addr)
		}
	}
}

// labels checks their number and form.
func (f *findings) labels(kind schema.Block, block *hclsyntax.Block, addr spec.Address) bool {
	if len(block.Labels) != len(kind.Labels) {
		want := "takes no label"
		if len(kind.Labels) > 0 {
			want = fmt.Sprintf("is written %s \"%s\" { … }", kind.Name, strings.Join(kind.Labels, `" "`))
		}
		f.error(CodeMissing, addr, block.DefRange(), "Wrong labels", "%s %s.", kind.Name, want)
		return false
	}
	ok := true
	for i, label := range block.Labels {
		ok = f.name(kind.Name+" "+kind.Labels[i], label, block.LabelRanges[i], addr) && ok
	}
	return ok
}

func (f *findings) name(what, name string, rng hcl.Range, addr spec.Address) bool {
	if spec.ValidName(name) {
		return true
	}
	f.error(CodeName, addr, rng, "Invalid name", "%q is no %s: a name starts with a lower-case letter, followed by lower-case letters, digits, _ or -, at most %d in all.", name, what, spec.MaxName)
	return false
}

func (f *findings) unknownBlock(voc schema.Block, block *hclsyntax.Block, addr spec.Address) {
	names := make([]string, 0, len(voc.Blocks))
	for _, b := range voc.Blocks {
		names = append(names, b.Name)
	}
	where := "in " + voc.Name
	if voc.Name == "" {
		where = "at the top level of a file"
	}
	_, isAttribute := voc.Attribute(block.Type)
	switch {
	case block.Type == dynamicBlock:
		f.error(CodeUnknown, addr, block.TypeRange, "Unknown block", "dynamic makes blocks inside of flows, jobs and the like; it cannot stand %s. To make several objects, give one for_each.", where)
	case voc.IsLater(block.Type):
		f.error(CodeUnsupported, addr, block.TypeRange, "Unsupported block", "%q is not supported by this version of lft.%s", block.Type, instead(voc, block.Type, nil))
	case isAttribute:
		f.error(CodeUnknown, addr, block.TypeRange, "Unknown block", "%q is an attribute, not a block: write %s = { … }.", block.Type, block.Type)
	default:
		f.error(CodeUnknown, addr, block.TypeRange, "Unknown block", "There is no block %q %s.%s", block.Type, where, instead(voc, block.Type, names))
	}
}

func (f *findings) unknownAttribute(voc schema.Block, more []schema.Attribute, attr *hclsyntax.Attribute, addr spec.Address) {
	names := make([]string, 0, len(voc.Attributes)+len(more))
	for _, a := range slices.Concat(voc.Attributes, more) {
		names = append(names, a.Name)
	}
	_, isBlock := voc.Block(attr.Name)
	switch {
	case voc.IsLater(attr.Name):
		f.error(CodeUnsupported, addr, attr.NameRange, "Unsupported attribute", "%q is not supported by this version of lft.%s", attr.Name, instead(voc, attr.Name, nil))
	case isBlock:
		f.error(CodeUnknown, addr, attr.NameRange, "Unknown attribute", "%q is a block, not an attribute: write %s { … } without an equals sign.", attr.Name, attr.Name)
	default:
		f.error(CodeUnknown, addr, attr.NameRange, "Unknown attribute", "There is no attribute %q in %s.%s", attr.Name, voc.Name, instead(voc, attr.Name, names))
	}
}

// instead leads on from an unknown word: one of another tool, or a slip. It begins
// with a space, or is empty.
func instead(voc schema.Block, word string, names []string) string {
	if text := voc.Instead(word); text != "" {
		return " " + text
	}
	return eval.DidYouMean(word, names)
}
