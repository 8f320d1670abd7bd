package lang

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/internal/eval"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// output looks at an output block again, when its value is known: those of the
// project are published. A null is not.
func (w *worker) output(d declaration, voc schema.Block, bundle *spec.Bundle) {
	r := reader{w: w, addr: w.addressOf(d), voc: voc, body: d.block.Body}
	o := &spec.ProjectOutput{Address: r.addr}
	o.Description, _ = r.text("description")
	hidden := r.flag("sensitive")
	w.requireAll(r.addr, voc, d.block.Body)
	attr := r.find("value")
	if attr == nil || w.module != w.top {
		return
	}
	v := w.module.config.Outputs[d.name]
	if v == cty.NilVal || !v.IsWhollyKnown() || v.IsNull() {
		return // a fault was reported, or there is nothing
	}
	at := spot{}
	if hidden {
		at.secrets = &secrets{}
	} else if expr.IsSensitive(v) {
		w.found.error(CodeSensitive, r.addr, attr.Expr.Range(), "The output is sensitive",
			"The value is sensitive, or was computed from one that is. Say that it is meant to be published: sensitive = true. If it is no secret, write nonsensitive(…).")
		return
	}
	v, ok := w.reveal(r.addr, attr.Expr, v, at)
	if !ok {
		return
	}
	data, err := expr.Encode(eval.ReferencesAsText(v))
	if err != nil {
		w.found.error(CodeValue, r.addr, attr.Expr.Range(), "Unsuitable value", "%v.", err)
		return
	}
	if o.Value = data; hidden {
		o.Sensitive = []string{""}
	}
	bundle.Outputs = append(bundle.Outputs, o)
	bundle.Positions[r.addr] = position(d.block.TypeRange)
}
