package jsonsyntax

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/format"
	"github.com/leifengta/lft/lang/schema"
)

// File is a document read.
type File struct {
	Body *hclsyntax.Body // nil when it is no JSON, or none of this form
	// Native is the document with each expression in native syntax, at its place. A
	// line break in an expression is only a space.
	Native []byte
}

// Parse reads a document against the vocabulary of what it holds. literal is for
// files whose strings are no templates.
func Parse(src []byte, name string, voc schema.Block, literal bool) (File, hcl.Diagnostics) {
	s := &scanner{src: src, name: name, pos: hcl.InitialPos, native: &native{src: src}}
	root, fault := s.document()
	if fault != nil {
		return File{}, hcl.Diagnostics{fault}
	}
	b := &builder{name: name, native: s.native, literal: literal}
	body := b.body(voc, root)
	if b.diags.HasErrors() {
		body = nil
	}
	return File{Body: body, Native: s.native.bytes()}, b.diags
}

// builder makes trees of values. It goes on after a fault.
type builder struct {
	name    string
	native  *native
	literal bool
	diags   hcl.Diagnostics
}

func (b *builder) rng(from, to hcl.Pos) hcl.Range {
	return hcl.Range{Filename: b.name, Start: from, End: to}
}

func (b *builder) fault(rng hcl.Range, summary, detail string, args ...any) {
	b.diags = append(b.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &rng})
}

// objects are what stands for blocks: one object, or an array of them.
func (b *builder) objects(v value, what string) []value {
	switch v.kind {
	case nullValue:
		return nil
	case objectValue:
		return []value{v}
	case arrayValue:
		var all []value
		for _, element := range v.elements {
			all = append(all, b.objects(element, what)...)
		}
		return all
	case boolValue, numberValue, stringValue:
	}
	b.fault(b.rng(v.from, v.to), "Not an object", "%s is an object, or an array of objects, not %s.", what, v.kind)
	return nil
}

// body sorts members into blocks and attributes. The file itself has blocks only.
func (b *builder) body(voc schema.Block, v value) *hclsyntax.Body {
	body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: b.rng(v.from, v.to), EndRange: b.rng(v.to, v.to)}
	what := "A file"
	if voc.Name != "" {
		what = "A block of kind " + voc.Name
	}
	for _, object := range b.objects(v, what) {
		for _, m := range object.members {
			kind, isBlock := voc.Block(m.name)
			switch {
			case m.name == comment:
			case isBlock:
				b.blocks(body, kind, m, m.value, nil, nil)
			case m.name == "dynamic" && len(voc.Blocks) > 0 && voc.Name != "":
				b.dynamic(body, voc, m)
			case voc.Name == "" && !voc.Open:
				// The decoder knows what it might have been.
				body.Blocks = append(body.Blocks, b.block(m.name, b.rng(m.from, m.to), nil, nil, voc, value{from: m.value.from, to: m.value.to}))
			default:
				b.attribute(body, voc, m)
			}
		}
	}
	return body
}

func (b *builder) attribute(body *hclsyntax.Body, voc schema.Block, m member) {
	rng := b.rng(m.from, m.to)
	if before, ok := body.Attributes[m.name]; ok {
		b.fault(rng, "Given twice", "%q is already given at line %d.", m.name, before.NameRange.Start.Line)
		return
	}
	declared, known := voc.Attribute(m.name)
	x := b.expression(m.value, known && declared.Type == nil)
	body.Attributes[m.name] = &hclsyntax.Attribute{Name: m.name, Expr: x, SrcRange: b.rng(m.from, m.value.to), NameRange: rng, EqualsRange: b.rng(m.to, m.value.from)}
}

// blocks goes down the labels, then makes a block of each object. A block's place
// is that of its last label: one word may stand for many blocks.
func (b *builder) blocks(body *hclsyntax.Body, kind schema.Block, at member, v value, labels []string, ranges []hcl.Range) {
	if len(labels) == len(kind.Labels) {
		for _, object := range b.objects(v, "A block of kind "+kind.Name) {
			body.Blocks = append(body.Blocks, b.block(kind.Name, b.rng(at.from, at.to), slices.Clone(labels), slices.Clone(ranges), kind, object))
		}
		return
	}
	for _, object := range b.objects(v, fmt.Sprintf("What holds the %s of %s", kind.Labels[len(labels)], kind.Name)) {
		for _, m := range object.members {
			if m.name != comment {
				b.blocks(body, kind, m, m.value, append(labels, m.name), append(ranges, b.rng(m.from, m.to)))
			}
		}
	}
}

func (b *builder) block(name string, at hcl.Range, labels []string, ranges []hcl.Range, voc schema.Block, v value) *hclsyntax.Block {
	end := v.to
	end.Byte, end.Column = max(0, end.Byte-1), max(1, end.Column-1)
	block := &hclsyntax.Block{Type: name, Labels: labels, LabelRanges: ranges, TypeRange: at, OpenBraceRange: b.rng(v.from, v.from), CloseBraceRange: b.rng(end, v.to)}
	block.Body = b.body(voc, v)
	return block
}

// dynamic blocks are labelled with a kind, and their content is of that kind.
func (b *builder) dynamic(body *hclsyntax.Body, voc schema.Block, m member) {
	for _, object := range b.objects(m.value, "What holds the kind of dynamic") {
		for _, inner := range object.members {
			if inner.name == comment {
				continue
			}
			content, _ := voc.Block(inner.name)
			content.Name, content.Labels = "content", nil
			kind := schema.Dynamic()
			kind.Blocks = []schema.Block{content}
			b.blocks(body, kind, inner, inner.value, []string{inner.name}, []hcl.Range{b.rng(inner.from, inner.to)})
		}
	}
}

// expression makes the tree of a value. In a static place a string is code.
func (b *builder) expression(v value, static bool) hclsyntax.Expression {
	rng := b.rng(v.from, v.to)
	switch v.kind {
	case boolValue:
		return &hclsyntax.LiteralValueExpr{Val: cty.BoolVal(v.yes), SrcRange: rng}
	case numberValue:
		return b.number(v, rng)
	case stringValue:
		x := b.text(v, rng, static)
		if wrap, ok := x.(*hclsyntax.TemplateWrapExpr); ok {
			return wrap.Wrapped // "${x}" is x, whatever its type
		}
		return x
	case arrayValue:
		x := &hclsyntax.TupleConsExpr{SrcRange: rng, OpenRange: b.rng(v.from, v.from)}
		for _, element := range v.elements {
			x.Exprs = append(x.Exprs, b.expression(element, static))
		}
		return x
	case objectValue:
		x := &hclsyntax.ObjectConsExpr{SrcRange: rng, OpenRange: b.rng(v.from, v.from)}
		for _, m := range v.members {
			name := value{kind: stringValue, from: m.from, to: m.to, text: m.name}
			key := &hclsyntax.ObjectConsKeyExpr{Wrapped: b.text(name, b.rng(m.from, m.to), false)}
			x.Items = append(x.Items, hclsyntax.ObjectConsItem{KeyExpr: key, ValueExpr: b.expression(m.value, false)})
		}
		return x
	case nullValue:
	}
	return &hclsyntax.LiteralValueExpr{Val: cty.NullVal(cty.DynamicPseudoType), SrcRange: rng}
}

// maxNumber bounds the text of a number, whose digits are all kept.
const maxNumber = 1000

func (b *builder) number(v value, rng hcl.Range) hclsyntax.Expression {
	n, err := cty.ParseNumberVal(v.text[:min(len(v.text), maxNumber)])
	if err != nil || len(v.text) > maxNumber {
		b.fault(rng, "Invalid number", "The number cannot be read: it is too long, or too large.")
		n = cty.UnknownVal(cty.Number)
	}
	return &hclsyntax.LiteralValueExpr{Val: n, SrcRange: rng}
}

func (b *builder) text(v value, rng hcl.Range, static bool) hclsyntax.Expression {
	template := isTemplate(v.text) && !b.literal
	if !template && !static {
		literal := &hclsyntax.LiteralValueExpr{Val: cty.StringVal(v.text), SrcRange: b.rng(inner(v))}
		return &hclsyntax.TemplateExpr{Parts: []hclsyntax.Expression{literal}, SrcRange: rng}
	}
	from, to := v.from, v.to
	if !template {
		if v.text != string(b.native.src[from.Byte+1:to.Byte-1]) {
			b.native.code(from.Byte, to.Byte, v.text)
		}
		from, to = inner(v)
	}
	src := b.native.bytes()[from.Byte:to.Byte]
	if b.deep(src) {
		b.diags = append(b.diags, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "Nested too deep", Subject: &rng, Extra: Limit{},
			Detail: fmt.Sprintf("Brackets, quotes and interpolations may nest %d deep.", format.File().Levels),
		})
		return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: rng}
	}
	x, diags := hclsyntax.ParseExpression(src, b.name, from)
	b.diags = append(b.diags, diags...)
	if t, ok := x.(*hclsyntax.TemplateExpr); ok && template {
		t.SrcRange = rng // the native text may be shorter
	}
	return x
}

// deep keeps from the parser what it would recurse into without end.
func (b *builder) deep(src []byte) bool {
	if format.File().Shallow(src) {
		return false
	}
	// Faults of scanning are reported by the parser, in its own words.
	tokens, _ := hclsyntax.LexExpression(src, b.name, hcl.InitialPos)
	_, deep := format.File().Check(tokens, false)
	return deep
}

// inner is the place of a text without its quotes.
func inner(v value) (from, to hcl.Pos) {
	from, to = v.from, v.to
	from.Byte++
	from.Column++
	to.Byte--
	to.Column--
	return from, to
}
