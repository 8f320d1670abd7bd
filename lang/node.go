package lang

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// node is a nested block: one of the source, or one that a dynamic block made of
// its content. The trees are HCL's own, whichever syntax a file is written in.
type node struct {
	*hclsyntax.Block

	each *eval.Each // the scope it brings along; nil = that of what is around it
}

// dynamicBlock is the word for blocks that are made by a for_each.
const dynamicBlock = "dynamic"

// maxMade bounds the blocks that dynamic blocks make in all.
const maxMade = 200_000

// blocks returns the blocks of a kind in the body of another, as they stand there
// and as dynamic blocks make them. Each is to be decoded within its scope.
func (w *worker) blocks(addr spec.Address, voc schema.Block, body *hclsyntax.Body, kind string) []node {
	var nodes []node
	for _, b := range body.Blocks {
		switch {
		case b.Type == kind:
			nodes = append(nodes, node{Block: b})
		case b.Type == dynamicBlock && len(b.Labels) == 1 && b.Labels[0] == kind:
			inner, _ := voc.Block(kind)
			nodes = append(nodes, w.expandDynamic(addr, inner, b)...)
		}
	}
	return nodes
}

// only returns the one block of a kind that may stand in a body.
func (w *worker) only(addr spec.Address, voc schema.Block, body *hclsyntax.Body, kind string) (node, bool) {
	if body == nil {
		return node{}, false
	}
	nodes := w.blocks(addr, voc, body, kind)
	if len(nodes) == 0 {
		return node{}, false
	}
	if len(nodes) > 1 && slices.ContainsFunc(nodes, func(n node) bool { return n.each != nil }) {
		w.found.error(CodeDuplicate, addr, nodes[1].TypeRange, "Declared twice", "%s has one %s block, and there are %d.", voc.Name, kind, len(nodes))
	}
	return nodes[0], true
}

// expandDynamic makes a block of the content for each element of for_each.
func (w *worker) expandDynamic(addr spec.Address, kind schema.Block, b *hclsyntax.Block) []node {
	forEach, ok := b.Body.Attributes["for_each"]
	content := block(b.Body, "content")
	if !ok || content == nil {
		return nil // reported with the words of the block
	}
	v, ok := w.value(addr, forEach.Expr, cty.DynamicPseudoType)
	if !ok {
		return nil
	}
	if v.IsMarked() {
		w.refuseSensitive(addr, forEach.Expr)
		return nil
	}
	switch {
	case v.IsNull() || !v.CanIterateElements():
		w.found.error(CodeValue, addr, forEach.Expr.Range(), "Invalid for_each", "The for_each of a dynamic block takes a list, a set, a map or an object, not %s. For no blocks, give an empty one: [].", friendly(v))
		return nil
	case v.LengthInt() > eval.MaxForEach || w.made.Add(int64(v.LengthInt())) > maxMade:
		w.found.error(CodeLimit, addr, forEach.Expr.Range(), "Too many blocks", "A dynamic block makes at most %d blocks, and all together at most %d.", eval.MaxForEach, maxMade)
		return nil
	}
	iterator := kind.Name
	if attr, ok := b.Body.Attributes["iterator"]; ok {
		iterator = hcl.ExprAsKeyword(attr.Expr)
	}
	var nodes []node
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		each := &eval.Each{Name: iterator, Key: key, Value: element, Outer: w.each}
		if made, ok := w.makeBlock(addr, kind, b, content, each); ok {
			nodes = append(nodes, node{Block: made, each: each})
		}
	}
	return nodes
}

func friendly(v cty.Value) string {
	if v.IsNull() {
		return "null"
	}
	return v.Type().FriendlyName()
}

// makeBlock gives the content the labels of one element.
func (w *worker) makeBlock(addr spec.Address, kind schema.Block, b, content *hclsyntax.Block, each *eval.Each) (*hclsyntax.Block, bool) {
	made := &hclsyntax.Block{
		Type: kind.Name, Body: content.Body, TypeRange: b.TypeRange, OpenBraceRange: content.OpenBraceRange, CloseBraceRange: content.CloseBraceRange,
	}
	defer w.within(each)()
	if attr, ok := b.Body.Attributes["labels"]; ok {
		v, ok := w.plain(addr, attr.Expr, cty.List(cty.String))
		if !ok || v.IsNull() {
			return nil, false
		}
		for i, label := range v.AsValueSlice() {
			if label.IsNull() {
				w.found.error(CodeValue, addr, attr.Expr.Range(), "Invalid label", "A label is null.")
				return nil, false
			}
			at := attr.Expr.Range()
			if list, ok := attr.Expr.(*hclsyntax.TupleConsExpr); ok {
				at = list.Exprs[i].Range()
			}
			made.Labels, made.LabelRanges = append(made.Labels, label.AsString()), append(made.LabelRanges, at)
		}
	}
	return made, w.found.labels(kind, made, addr)
}

// checkDynamic looks at the words of a dynamic block, and of its content.
func (f *findings) checkDynamic(voc schema.Block, b *hclsyntax.Block, addr spec.Address) {
	dynamic := schema.Dynamic()
	if len(b.Labels) != 1 {
		f.error(CodeMissing, addr, b.DefRange(), "Wrong labels", "dynamic is written dynamic \"KIND\" { … }, with the kind of the blocks it makes; their own labels are given by labels = [\"…\"].")
		return
	}
	kind, ok := voc.Block(b.Labels[0])
	if !ok {
		names := make([]string, 0, len(voc.Blocks))
		for _, inner := range voc.Blocks {
			names = append(names, inner.Name)
		}
		f.error(CodeUnknown, addr, b.LabelRanges[0], "Unknown block", "There is no block %q in %s, so none can be made.%s", b.Labels[0], voc.Name, eval.DidYouMean(b.Labels[0], names))
		return
	}
	dynamic.Blocks = []schema.Block{{Name: "content", Open: true}}
	f.check(dynamic, b, nil, addr)
	if attr, ok := b.Body.Attributes["iterator"]; ok && hcl.ExprAsKeyword(attr.Expr) == "" {
		f.error(CodeValue, addr, attr.Expr.Range(), "Not a name", "iterator is a name without quotes: iterator = item.")
	}
	content := block(b.Body, "content")
	_, labels := b.Body.Attributes["labels"]
	switch {
	case content == nil:
		f.error(CodeMissing, addr, b.DefRange(), "Missing block", "dynamic needs a block content { … }: what is in each block it makes.")
	case len(kind.Labels) > 0 && !labels:
		f.error(CodeMissing, addr, b.DefRange(), "Missing attribute", "%s has labels (%s), so dynamic needs labels = [ … ].", kind.Name, list(kind.Labels))
	case !kind.Open:
		f.check(kind, content, nil, addr)
	}
}
