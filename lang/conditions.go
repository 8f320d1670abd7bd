package lang

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/expr"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

// require reports an error where the condition of a rule is false, in the words
// of whoever wrote the rule.
func (w *worker) require(code string, addr spec.Address, rule *hclsyntax.Block, summary string) {
	if message, holds, known := w.test(addr, rule); known && !holds {
		x := rule.Body.Attributes["condition"].Expr
		w.withValues(x, func() { w.found.error(code, addr, x.Range(), summary, "%s", message) })
	}
}

// requireAll applies the preconditions that stand in a block.
func (w *worker) requireAll(addr spec.Address, voc schema.Block, body *hclsyntax.Body) {
	for _, b := range w.blocks(addr, voc, body, "precondition") {
		leave := w.within(b.each)
		w.require(CodePrecondition, addr, b.Block, "A precondition does not hold")
		leave()
	}
}

// test evaluates a rule, and its message when the condition is false. Faults of
// the rule itself are reported; then nothing is known.
func (w *worker) test(addr spec.Address, rule *hclsyntax.Block) (message string, holds, known bool) {
	condition, written := rule.Body.Attributes["condition"]
	if !written {
		return "", false, false // reported as missing
	}
	v, known := w.value(addr, condition.Expr, cty.Bool)
	if !known {
		return "", false, false
	}
	v, _ = expr.Reveal(v) // that a rule is broken is said anyway
	if v.IsNull() {
		w.found.error(CodeExpression, addr, condition.Expr.Range(), "Invalid condition", "A condition is true or false, and this is null.")
		return "", false, false
	}
	if v.True() {
		return "", true, true
	}
	return w.message(addr, rule), false, true
}

func (w *worker) message(addr spec.Address, rule *hclsyntax.Block) string {
	const none = "The condition is false."
	attr, written := rule.Body.Attributes["error_message"]
	if !written {
		return none
	}
	v, ok := w.value(addr, attr.Expr, cty.String)
	if !ok {
		return none
	}
	v, hidden := expr.Reveal(v)
	switch {
	case hidden:
		return "The message is not shown, because it mentions a sensitive value. Leave that out, or write nonsensitive(…) around what may be shown."
	case v.IsNull() || v.AsString() == "":
		return none
	}
	return v.AsString()
}

// check evaluates a check block. What does not hold is a warning: a check tells,
// and stops nothing.
func (w *worker) check(d declaration, voc schema.Block, bundle *spec.Bundle) {
	addr := w.addressOf(d)
	asserts := w.blocks(addr, voc, d.block.Body, "assert")
	for _, b := range asserts {
		leave := w.within(b.each)
		message, holds, known := w.test(addr, b.Block)
		leave()
		if !known {
			continue
		}
		if !holds {
			x := b.Body.Attributes["condition"].Expr
			w.withValues(x, func() { w.found.warn(CodeCheck, addr, x.Range(), "A check does not hold", "%s", message) })
		}
		name := strings.TrimPrefix(string(addr), "check.")
		bundle.Checks = append(bundle.Checks, spec.Check{Name: name, Passed: holds, Message: message, At: position(b.TypeRange)})
	}
	if len(asserts) == 0 && block(d.block.Body, dynamicBlock) == nil {
		w.found.error(CodeMissing, addr, d.block.DefRange(), "A check without assert", "check %q asserts nothing. Write assert { condition = …, error_message = … } in it.", d.name)
	}
}
