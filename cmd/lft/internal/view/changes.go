package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// sign is a symbol of the legend.
type sign struct {
	text  string
	style style
}

var (
	added   = sign{"+", green}
	removed = sign{"-", red}
	altered = sign{"~", yellow}
	same    = sign{" ", ""}
)

// mark writes a line that begins with a sign, two columns left of its text.
func (r *planText) mark(s sign, pad, text string) {
	r.line(pad + r.style(s.style, s.text) + " " + text)
}

// note writes a comment at the column of the text.
func (r *planText) note(pad, text string) { r.line(pad + "  " + r.style(faint, "# "+text)) }

// usesOf says by address who uses what changes.
func usesOf(p *planner.Plan) map[spec.Address]planner.Use {
	uses := make(map[spec.Address]planner.Use, len(p.Uses))
	for _, u := range p.Uses {
		uses[u.Address] = u
	}
	return uses
}

// change shows one change of a plan: a comment that says what becomes of the
// object, then the object.
func (r *planText) change(c planner.Change, uses map[spec.Address]planner.Use) {
	const pad = "  "
	addr := c.Address()
	switch c := c.(type) {
	case planner.Create:
		r.headline(addr, "will be created", "", c.New.At)
		r.object(added, objectBlock(addr, c.New.Data), pad)
	case planner.Delete:
		r.headline(addr, "will be "+r.style(red, "destroyed"), deleteReason(c), spec.Position{})
		if c.Old.Data != nil {
			r.object(removed, objectBlock(addr, c.Old.Data), pad)
		} else {
			r.mark(removed, pad, header(addr))
		}
	case planner.Update:
		if list := r.trail.Follows(c); list != nil {
			r.followed(addr, list, c.New.At)
			break
		}
		r.headline(addr, "will be updated in-place", "", c.New.At)
		r.update(c, uses[addr], altered, pad)
	case planner.Move:
		r.move(c, uses[addr])
	}
	r.line("")
}

func (r *planText) move(c planner.Move, use planner.Use) {
	const pad = "  "
	if follows := r.trail.Follows(c); follows != nil || c.Old.Digest == c.New.Digest {
		r.headline(c.Old.Address, "has moved to "+r.style(bold, addressText(c.Address())), strings.Join(followed(follows), ", "), c.New.At)
		r.update(planner.Update{Old: c.Old, New: c.New}, use, same, pad)
		return
	}
	r.headline(c.Address(), "will be updated in-place", "moved from "+addressText(c.Old.Address), c.New.At)
	r.update(c.Update, use, altered, pad)
}

// followed is all there is to say about an object that mentions a moved one.
func (r *planText) followed(addr spec.Address, list []planner.Follow, at spec.Position) {
	for _, text := range followed(list) {
		r.headline(addr, text, "", at)
	}
}

// followed says which moved objects are meant by their new addresses, each once,
// however many jobs mention it.
func followed(list []planner.Follow) []string {
	var texts []string
	for _, f := range list {
		text := fmt.Sprintf("follows %s to %s", addressText(f.From), addressText(f.To))
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return texts
}

// headline is the comment above an object; reason and place are left out when
// there is none.
func (r *planText) headline(addr spec.Address, verb, reason string, at spec.Position) {
	r.line("  " + r.style(bold, "# "+addressText(addr)) + " " + verb)
	if reason != "" {
		r.line("  # (" + reason + ")")
	}
	if at.File != "" {
		r.line("  " + r.style(faint, "# ("+place(at)+")"))
	}
}

func place(at spec.Position) string { return fmt.Sprintf("%s:%d", visible(at.File), at.Line) }

// addressText is an address for a terminal: a key of it may hold anything.
func addressText(addr spec.Address) string { return visible(string(addr)) }

// header is the block's header as it would be written.
func header(addr spec.Address) string {
	if addr.Kind() == spec.JobKind {
		return "job " + quoteName(addr.Instance())
	}
	return addr.Kind() + " " + quoteName(addr.Instance())
}

// deleteReason says why an object goes, in Terraform's words.
func deleteReason(c planner.Delete) string {
	addr := addressText(c.Old.Address)
	_, key, _ := spec.SplitInstance(c.Old.Address.Instance())
	text := ""
	switch c.Reason {
	case planner.Undeclared:
		text = fmt.Sprintf("because %s is not in configuration", addr)
	case planner.NoModule:
		text = fmt.Sprintf("because %s is not in configuration", addressText(c.Old.Address.Module()))
	case planner.WrongRepetition:
		text = fmt.Sprintf("because %s %s does not use for_each", c.Old.Address.Kind(), quoteName(c.Old.Address.Name()))
		if key == "" {
			text = fmt.Sprintf("because %s %s uses for_each", c.Old.Address.Kind(), quoteName(c.Old.Address.Name()))
		}
	case planner.NoKey:
		text = fmt.Sprintf("because key [%s] is not in for_each map", visible(fmt.Sprintf("%q", key)))
	case planner.Disabled:
		text = fmt.Sprintf("because %s has enabled = false", addr)
	case planner.NoMoveTarget:
		text = fmt.Sprintf("because %s was moved to what is not in configuration", addr)
	}
	if c.Removed.File != "" {
		text = strings.TrimPrefix(text+"; removed block at "+place(c.Removed), "; ")
	}
	return text
}

// update shows an object by what differs in it. Attributes come first, then
// blocks, each with how many of them stay.
func (r *planText) update(u planner.Update, use planner.Use, s sign, pad string) {
	inner := pad + "    "
	r.mark(s, pad, header(u.Address())+" {")
	d := newDiffering(u.Address().Kind(), u.Attributes)
	attrs, elements := members(u.Address().Kind(), u.Old.Data)
	r.attributes(d, inner)
	r.hidden(inner, attrs-d.gone(), "unchanged attribute")
	r.blocks(d, inner)
	for _, j := range u.Jobs {
		r.gap()
		r.job(j, inner)
	}
	for _, f := range u.Files {
		r.gap()
		r.file(f, inner)
	}
	noun := "unchanged job"
	for _, j := range u.Jobs {
		if j.Before != nil {
			elements--
		}
	}
	for _, f := range u.Files {
		noun = "unchanged file"
		if f.Before != nil {
			elements--
		}
	}
	r.hidden(inner, elements, noun)
	r.edges(u.Edges, inner)
	r.usedBy(use, inner)
	r.line(pad + "  }")
}

// hidden says how much is not shown.
func (r *planText) hidden(pad string, n int, noun string) {
	if n > 0 {
		r.note(pad, "("+count(n, noun)+" hidden)")
	}
}

func (r *planText) job(j planner.JobChange, pad string) {
	follows := followed(r.trail.JobFollows(j))
	switch {
	case len(follows) > 0:
		r.note(pad, fmt.Sprintf("job %s %s", quoteName(j.Name), strings.Join(follows, ", ")))
	case j.Before == nil:
		r.object(added, newBlock("job", elementHeader("job", j.After), j.After), pad)
	case j.After == nil:
		r.object(removed, newBlock("job", elementHeader("job", j.Before), j.Before), pad)
	default:
		if j.Previous != "" {
			r.note(pad, fmt.Sprintf("job %s has moved to job %s", quoteName(j.Previous), quoteName(j.Name)))
		}
		inner := pad + "    "
		r.mark(altered, pad, elementHeader("job", j.After)+" {")
		d := newDiffering("job", j.Attributes)
		attrs, _ := members("job", j.Before)
		r.attributes(d, inner)
		r.hidden(inner, attrs-d.gone(), "unchanged attribute")
		r.blocks(d, inner)
		r.line(pad + "  }")
	}
}

func (r *planText) edges(e planner.Edges, pad string) {
	if len(e.Added)+len(e.Removed) == 0 {
		return
	}
	r.gap()
	r.note(pad, "edges:")
	for _, edge := range e.Added {
		r.mark(added, pad, visible(edge.From)+" → "+visible(edge.To))
	}
	for _, edge := range e.Removed {
		r.mark(removed, pad, visible(edge.From)+" → "+visible(edge.To))
	}
}

// maxUsers bounds who is named as a user of a changed object.
const maxUsers = 10

func (r *planText) usedBy(use planner.Use, pad string) {
	if text := users(use); text != "" {
		r.gap()
		r.note(pad, text)
	}
}

// users is who uses a changed object, in a sentence.
func users(use planner.Use) string {
	if len(use.By) == 0 {
		return ""
	}
	var names []string
	named := 0
	for rest := use.By; len(rest) > 0 && len(names) < maxUsers; {
		set := rest[0].Set()
		n := 1
		for n < len(rest) && rest[n].Set() == set {
			n++
		}
		name := addressText(rest[0])
		if n > 1 {
			name = fmt.Sprintf("%s (%d instances)", addressText(set), n)
		}
		names, named, rest = append(names, name), named+n, rest[n:]
	}
	text := "used by " + strings.Join(names, ", ")
	if more := len(use.By) - named + use.Omitted; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// hiddenMembers of a spec are never shown: they repeat what the header says, or
// say which values are masked.
var hiddenMembers = []string{"format", "name", "sensitive"}

// hiddenMember reports whether a difference says nothing by itself: the digest of a
// dependency is over its files, which are shown.
func hiddenMember(kind, name string) bool {
	return slices.Contains(hiddenMembers, name) || kind == spec.DependencyKind && name == "digest"
}

// members counts what an object has: attributes, with its blocks, and its jobs or
// files apart.
func members(kind string, data []byte) (attrs, elements int) {
	for name, value := range objectOf(data) {
		switch {
		case hiddenMember(kind, name) || kind == "job" && (name == "type" || name == "kind"):
		case name == "jobs" || kind == spec.DependencyKind && name == "files":
			elements = len(elementsOf(value))
		case kind == "job" && name == "args":
			attrs += len(objectOf(value))
		case isList(kind, name):
			attrs += len(elementsOf(value))
		default:
			attrs++
		}
	}
	return attrs, elements
}
