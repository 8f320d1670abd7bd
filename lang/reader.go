package lang

import (
	"math/big"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// reader reads the attributes of one block. Where the block has none of a name,
// the one below counts: that of a flow's defaults. A null is as if nothing were
// written, and hides what is below.
type reader struct {
	w     *worker
	addr  spec.Address
	voc   schema.Block
	body  *hclsyntax.Body // may be nil
	below *hclsyntax.Body // may be nil
	at    spot            // where its attributes land
	// each and belowEach are the scopes the bodies bring along, see node.
	each, belowEach *eval.Each
}

// scope is that of the body in which an attribute was found.
func (r reader) scope(attr *hclsyntax.Attribute) *eval.Each {
	if r.body != nil && r.body.Attributes[attr.Name] == attr {
		return r.each
	}
	return r.belowEach
}

func (r reader) find(name string) *hclsyntax.Attribute {
	for _, body := range [...]*hclsyntax.Body{r.body, r.below} {
		if body == nil {
			continue
		}
		if attr, ok := body.Attributes[name]; ok {
			return attr
		}
	}
	return nil
}

// value returns false when there is nothing, or nothing usable.
func (r reader) value(name string) (cty.Value, *hclsyntax.Attribute, bool) {
	attr := r.find(name)
	if attr == nil {
		return cty.NilVal, nil, false
	}
	declared, _ := r.voc.Attribute(name)
	want, err := expr.DecodeType(declared.Type)
	if err != nil {
		want = cty.DynamicPseudoType
	}
	if each := r.scope(attr); each != nil {
		defer r.w.within(each)()
	}
	v, ok := r.w.value(r.addr, attr.Expr, want)
	if ok {
		v, ok = r.w.reveal(r.addr, attr.Expr, v, r.at.in(name))
	}
	return v, attr, ok && !v.IsNull()
}

func (r reader) text(name string) (string, *hclsyntax.Attribute) {
	v, attr, ok := r.value(name)
	if !ok {
		return "", attr
	}
	return v.AsString(), attr
}

// choice reads one of a few words; the first is the default and is read as "".
func (r reader) choice(name string, words ...string) string {
	s, attr := r.text(name)
	switch i := slices.Index(words, s); {
	case s == "" && attr == nil, i == 0:
		return ""
	case i > 0:
		return s
	case s != "":
		r.w.found.error(CodeValue, r.addr, attr.Expr.Range(), "Unknown word", "%s is one of %s, not %s.%s", name, list(words), r.quoted(name, "%q", s), r.meant(name, s, words))
	}
	return ""
}

// quoted is the value of an attribute in a message.
func (r reader) quoted(name, format string, value any) string {
	return r.at.in(name).quoted(format, value)
}

func (r reader) meant(name, s string, words []string) string {
	if r.at.in(name).kept() {
		return ""
	}
	return eval.DidYouMean(s, words)
}

func list(words []string) string {
	if len(words) > 0 && words[0] == "" {
		words = words[1:]
	}
	text := ""
	for i, word := range words {
		switch {
		case i > 0 && i == len(words)-1:
			text += " and "
		case i > 0:
			text += ", "
		}
		text += `"` + word + `"`
	}
	return text
}

// duration returns nil when nothing is written. least is the shortest that makes
// sense.
func (r reader) duration(name string, least spec.Duration) *spec.Duration {
	s, attr := r.text(name)
	if attr == nil || s == "" && !r.written(attr) {
		return nil
	}
	d, err := spec.ParseDuration(s)
	if err == nil && d >= least {
		return &d
	}
	if err != nil {
		r.w.found.error(CodeValue, r.addr, attr.Expr.Range(), "Invalid duration", "%s: %s.", name, r.quoted(name, "%v", err))
	} else {
		r.w.found.error(CodeValue, r.addr, attr.Expr.Range(), "Invalid duration", "%s is at least %s, not %s.", name, least, r.quoted(name, "%v", d))
	}
	return nil
}

// written tells an empty text from a null or a fault.
func (r reader) written(attr *hclsyntax.Attribute) bool {
	v, ok := constant(attr.Expr)
	return ok && v.Type() == cty.String
}

// span is duration for fields where 0 means that nothing is written.
func (r reader) span(name string, least spec.Duration) spec.Duration {
	if d := r.duration(name, least); d != nil {
		return *d
	}
	return 0
}

func (r reader) integer(name string, low, high, otherwise int) int {
	v, attr, ok := r.value(name)
	if !ok {
		return otherwise
	}
	n, accuracy := v.AsBigFloat().Int64()
	if accuracy != big.Exact || n < int64(low) || n > int64(high) {
		r.w.found.error(CodeValue, r.addr, attr.Expr.Range(), "Number out of range", "%s is a whole number from %d to %d, not %s.", name, low, high, r.quoted(name, "%s", v.AsBigFloat().Text('g', 20)))
		return otherwise
	}
	return int(n)
}

func (r reader) flag(name string) bool {
	v, _, ok := r.value(name)
	return ok && v.True()
}

// block returns the only block of a type, or nil.
func block(body *hclsyntax.Body, kind string) *hclsyntax.Block {
	for _, b := range body.Blocks {
		if b.Type == kind {
			return b
		}
	}
	return nil
}

// bodyOf is the body of a block that may not be there.
func bodyOf(b *hclsyntax.Block) *hclsyntax.Body {
	if b == nil {
		return nil
	}
	return b.Body
}
