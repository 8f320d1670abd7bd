package view

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/planner"
)

// change shows one change of a plan: a comment that says what becomes of the
// object, then the object.
func (r *planText) change(c planner.Change) {
	addr := c.Address()
	header := addr.Kind() + " " + quoteName(addr.Instance())
	switch c := c.(type) {
	case planner.Create:
		r.headline(string(addr), "will be created", green)
		r.whole(sign{"+", green}, newBlock(addr.Kind(), header, c.New.Data), "  ")
	case planner.Delete:
		r.headline(string(addr), "will be destroyed", red)
		if !r.destroy {
			r.line("  # (because it is not in the configuration)")
		}
		r.mark(sign{"-", red}, "  ", header)
	case planner.Update:
		r.headline(string(addr), "will be updated in-place", yellow)
		r.update(c, header)
	case planner.Move:
		r.headline(string(c.Old.Address), "has moved to "+string(addr), yellow)
		if c.Old.Digest != c.New.Digest {
			r.update(c.Update, header)
		}
	}
	r.line("")
}

func (r *planText) headline(addr, verb string, s style) {
	r.line("  " + r.style(bold, "# "+addr) + " " + verbStyle(r, verb, s))
}

func verbStyle(r *planText, verb string, s style) string {
	if s == red {
		head, last, _ := strings.Cut(verb, "destroyed")
		return head + r.style(red, "destroyed") + last
	}
	return verb
}

type sign struct {
	text  string
	style style
}

// mark writes a line that begins with a sign, two columns left of its text.
func (r *planText) mark(s sign, pad, text string) {
	r.line(pad + r.style(s.style, s.text) + " " + text)
}

// whole shows an object of which everything comes.
func (r *planText) whole(s sign, b block, pad string) {
	if len(b.attrs)+len(b.blocks) == 0 {
		r.mark(s, pad, b.header+" {}")
		return
	}
	if len(b.blocks) == 0 && len(b.attrs) == 1 {
		if text := b.attrs[0].text(""); !strings.Contains(text, "\n") {
			r.mark(s, pad, b.header+" { "+b.attrs[0].name+" = "+text+" }")
			return
		}
	}
	r.mark(s, pad, b.header+" {")
	inner := pad + "    "
	width := 0
	for _, a := range b.attrs {
		width = max(width, len(a.name))
	}
	for _, a := range b.attrs {
		r.mark(s, inner, fmt.Sprintf("%-*s = %s", width, a.name, a.text(inner+"  ")))
	}
	for i, child := range b.blocks {
		if long := len(child.attrs)+len(child.blocks) > 1; i > 0 && long || i == 0 && len(b.attrs) > 0 {
			r.line("")
		}
		r.whole(s, child, inner)
	}
	r.line(pad + "  }")
}

var (
	added   = sign{"+", green}
	removed = sign{"-", red}
	altered = sign{"~", yellow}
)

func (r *planText) update(u planner.Update, header string) {
	r.mark(altered, "  ", header+" {")
	r.attributes(u.Address().Kind(), u.Attributes, "      ")
	for _, j := range u.Jobs {
		r.job(j)
	}
	r.edges(u.Edges)
	r.unchanged(u)
	r.line("    }")
}

func (r *planText) job(j planner.JobChange) {
	const pad = "      "
	switch {
	case j.Before == nil:
		r.whole(added, newBlock("job", elementHeader("job", j.After), j.After), pad)
	case j.After == nil:
		r.mark(removed, pad, elementHeader("job", j.Before))
	default:
		r.mark(altered, pad, elementHeader("job", j.After)+" {")
		r.attributes("job", j.Attributes, pad+"    ")
		r.line(pad + "  }")
	}
}

func (r *planText) edges(e planner.Edges) {
	if len(e.Added)+len(e.Removed) == 0 {
		return
	}
	r.line("      # edges:")
	for _, edge := range e.Added {
		r.mark(added, "      ", edge.From+" → "+edge.To)
	}
	for _, edge := range e.Removed {
		r.mark(removed, "      ", edge.From+" → "+edge.To)
	}
}

// unchanged says how much of the object is not shown.
func (r *planText) unchanged(u planner.Update) {
	attrs, jobs := members(u.Old.Data)
	for _, a := range u.Attributes {
		attrs = slices.DeleteFunc(attrs, func(name string) bool { return name == a.Path[0] })
	}
	for _, j := range u.Jobs {
		if j.Before != nil {
			jobs--
		}
	}
	var parts []string
	if len(attrs) > 0 {
		parts = append(parts, count(len(attrs), "unchanged attribute"))
	}
	if jobs > 0 {
		parts = append(parts, count(jobs, "unchanged job"))
	}
	if len(parts) > 0 {
		r.line("      " + r.style(faint, "# ("+strings.Join(parts, " and ")+" hidden)"))
	}
}

// members names what an object has, its jobs counted apart.
func members(data []byte) (attrs []string, jobs int) {
	all := map[string]json.RawMessage{}
	if json.Unmarshal(data, &all) != nil {
		return nil, 0
	}
	var list []json.RawMessage
	if json.Unmarshal(all["jobs"], &list) == nil {
		jobs = len(list)
	}
	for name := range all {
		if name != "jobs" && !slices.Contains(hidden, name) {
			attrs = append(attrs, name)
		}
	}
	return attrs, jobs
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// attributes shows differing attributes, aligned.
func (r *planText) attributes(kind string, list []planner.Attribute, pad string) {
	width := 0
	names := make([]string, len(list))
	for i, a := range list {
		names[i] = pathName(kind, a.Path)
		width = max(width, len(names[i]))
	}
	for i, a := range list {
		leaf, last := leafKind(kind, a.Path), a.Path[len(a.Path)-1]
		text := func(data json.RawMessage) string { return newAttr(leaf, last, data).text(pad + "  ") }
		head := fmt.Sprintf("%-*s = ", width, names[i])
		switch {
		case a.Before == nil && element(kind, a.Path):
			r.whole(added, newBlock(leaf, names[i], a.After), pad)
		case a.Before == nil:
			r.mark(added, pad, head+text(a.After))
		case a.After == nil && element(kind, a.Path):
			r.mark(removed, pad, names[i])
		case a.After == nil:
			r.mark(removed, pad, head+text(a.Before)+r.style(faint, " -> null"))
		default:
			if diff, ok := r.textDiff(a, pad+"  "); ok {
				r.mark(altered, pad, head+diff)
				continue
			}
			r.mark(altered, pad, head+text(a.Before)+r.style(yellow, " -> ")+text(a.After))
		}
	}
}

// pathName writes the path of an attribute the way the configuration has it.
func pathName(kind string, path []string) string {
	first := path[0]
	rest := path[1:]
	switch {
	case kind == "job" && first == "args" && len(rest) > 0:
		return strings.Join(rest, ".")
	case lists[first] != "" && len(rest) > 0:
		name := lists[first] + " " + quoteName(rest[0])
		if len(rest) > 1 {
			name += "." + strings.Join(rest[1:], ".")
		}
		return name
	}
	parts := slices.Clone(path)
	if to, ok := renamed[first]; ok {
		parts[0] = to
	}
	return strings.Join(parts, ".")
}

// leafKind is the kind of block the last member of a path stands in.
func leafKind(kind string, path []string) string {
	if to := lists[path[0]]; to != "" {
		return to
	}
	if len(path) > 1 {
		return ""
	}
	return kind
}

// element reports whether a path leads to a whole param or output, or to a block.
func element(kind string, path []string) bool {
	return lists[path[0]] != "" && len(path) == 2 || len(path) == 1 && slices.Contains(singles, path[0]) && kind != ""
}
