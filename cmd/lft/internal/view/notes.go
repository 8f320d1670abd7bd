package view

import (
	"fmt"
	"strings"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// drift shows what is not in force as it was declared, before all else, as
// Terraform does.
func (r *planText) drift(p *planner.Plan) {
	if len(p.Drift) == 0 {
		return
	}
	r.line(r.style(bold, "Note: ") + "Objects have changed outside of the folder\n")
	for _, line := range wrap("An operator has overridden what was applied, or bytes were lost. An override lasts until the declared value changes or "+
		"somebody takes it back:", r.columns()) {
		r.line(line)
	}
	r.line("")
	for _, d := range p.Drift {
		r.drifted(d, endedBy(p, d))
		r.line("")
	}
	if p.Mode != planner.RefreshOnly {
		r.line(strings.Repeat("─", r.columns()) + "\n")
	}
}

func (r *planText) columns() int {
	if r.width == 0 {
		return plainWidth
	}
	return r.width
}

// endedBy says by what a plan ends an override, "" when it does not.
func endedBy(p *planner.Plan, d planner.Drift) string {
	if d.Override == nil || !d.Override.Ends {
		return ""
	}
	for _, c := range p.Changes {
		if gone, ok := c.(planner.Delete); ok && gone.Old.UID == d.Object.UID {
			return "this plan ends it: it destroys the object"
		}
	}
	return "this plan ends it: it changes the declared value"
}

func (r *planText) drifted(d planner.Drift, ended string) {
	addr := d.Object.Address
	r.line("  " + r.style(bold, "# "+addressText(addr)) + " has changed")
	if d.Lost != nil {
		r.line("  # (its bytes are not in the bucket any more: " + visible(d.Lost.Digest) + ")")
		r.mark(altered, "  ", header(addr))
		return
	}
	o := d.Override
	r.line("  # (" + overrideWords(o) + ")")
	if ended != "" {
		r.line("  # (" + ended + ")")
	}
	r.mark(altered, "  ", header(addr)+" {")
	a := newAttr(addr.Kind(), o.Field, nil)
	r.transition(a.with(o.Declared), a.with(o.Value), a.name+" = ", "      ")
	attrs, _ := members(addr.Kind(), d.Object.Data)
	if objectOf(d.Object.Data)[o.Field] != nil {
		attrs--
	}
	r.hidden("      ", attrs, "unchanged attribute")
	r.line("    }")
}

// overrideWords is who, when and why.
func overrideWords(o *planner.Override) string {
	text := fmt.Sprintf("by %s at %s", visible(o.By), visible(o.At))
	if o.Reason != "" {
		text += ": " + visible(o.Reason)
	}
	return text
}

// outputs shows what a project publishes, behind the summary that does not count
// it.
func (r *planText) outputs(list []planner.Change) {
	if len(list) == 0 {
		return
	}
	r.line("\nChanges to Outputs:")
	width := 0
	for _, c := range list {
		width = max(width, columns(c.Address().Name()))
	}
	for _, c := range list {
		before, after := outputValues(c)
		head := padTo(c.Address().Name(), width) + " = "
		m := differingValue(c.Address().Name(), before, after)
		if string(before) == string(after) && !masked(after) {
			r.mark(altered, "  ", head+scalarOr(after)+r.style(faint, " # described or marked otherwise"))
			continue
		}
		r.attribute(spec.OutputKind, m, head, "  ")
	}
}

// outputValues are the values of an output before and after a change, nil where
// there is none.
func outputValues(c planner.Change) (before, after []byte) {
	if old, ok := planner.Going(c); ok {
		before = objectOf(old.Data)["value"]
	}
	if now, ok := planner.Coming(c); ok {
		after = objectOf(now.Data)["value"]
	}
	return before, after
}

func scalarOr(data []byte) string {
	if text, ok := scalar(data); ok {
		return text
	}
	return "(the same value)"
}

// renames are moved blocks that were probably forgotten.
func (r *planText) renames(list []planner.Rename) {
	if len(list) == 0 {
		return
	}
	r.line(r.style(bold, "Was something renamed?") + " These are destroyed and created, and nearly the same. To keep their history:\n")
	for _, n := range list {
		for line := range strings.Lines(n.Block()) {
			r.line("    " + visible(strings.TrimSuffix(line, "\n")))
		}
		r.line("")
	}
}

// checks are conditions of the folder that do not hold.
func (r *planText) checks(list []planner.Check) {
	for _, c := range list {
		for _, problem := range c.Problems {
			r.warning(planner.Warning{Code: "check", Summary: "Check block assertion failed", Detail: problem, Address: spec.Address("check." + c.Name), At: planner.PlaceOf(c.At)}, 0)
		}
	}
}

// warnings shows those that are alike once, with how many more there are.
func (r *planText) warnings(list []planner.Warning) {
	for _, w := range consolidated(list) {
		r.warning(w.Warning, w.more)
	}
}

// alike is a warning with how many others say the same of other places.
type alike struct {
	planner.Warning
	more int
}

// likeness is equal for warnings that say the same of other places.
func likeness(w planner.Warning) string { return w.Code + "\x00" + w.Summary }

func consolidated(list []planner.Warning) []alike {
	var out []alike
	at := map[string]int{}
	for _, w := range list {
		key := likeness(w)
		if i, seen := at[key]; seen {
			out[i].more++
			continue
		}
		at[key] = len(out)
		out = append(out, alike{Warning: w})
	}
	return out
}

func (r *planText) warning(w planner.Warning, more int) {
	title := visible(w.Summary)
	r.line("\n" + r.style(yellow, "Warning: ") + r.style(bold, title) + warningCode(w))
	r.line("")
	if w.Address != "" {
		r.line("  with " + addressText(w.Address) + ",")
	}
	if w.At != nil {
		r.line(fmt.Sprintf("  on %s line %d", visible(w.At.File), w.At.Line))
	}
	if w.Address != "" || w.At != nil {
		r.line("")
	}
	for _, line := range wrap(visible(w.Detail), r.columns()) {
		r.line(line)
	}
	if more > 0 {
		r.line(fmt.Sprintf("\n(and %s elsewhere)", count(more, "more similar warning")))
	}
}

func warningCode(w planner.Warning) string {
	if w.Code == "" {
		return ""
	}
	return " [" + visible(w.Code) + "]"
}
