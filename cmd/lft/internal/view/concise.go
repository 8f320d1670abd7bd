package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// entry is a change in one line: what becomes of which object, and what of it
// differs.
type entry struct {
	sign sign
	addr spec.Address
	text string
}

func newEntry(c planner.Change, trail planner.Trail) entry {
	addr := c.Address()
	moved, follows := sign{"→", cyan}, strings.Join(followed(trail.Follows(c)), ", ")
	switch c := c.(type) {
	case planner.Create:
		return entry{added, addr, contents(addr, c.New.Data)}
	case planner.Delete:
		return entry{removed, addr, deleteReason(c)}
	case planner.Update:
		if follows != "" {
			return entry{moved, addr, follows}
		}
		return entry{altered, addr, differences(c, trail)}
	case planner.Move:
		text := "moved from " + addressText(c.Old.Address)
		if c.Old.Digest == c.New.Digest {
			return entry{moved, addr, text}
		}
		if follows != "" {
			return entry{moved, addr, text + "; " + follows}
		}
		return entry{altered, addr, text + "; " + differences(c.Update, trail)}
	}
	return entry{same, addr, ""}
}

// contents says how much there is in an object.
func contents(addr spec.Address, data []byte) string {
	if addr.Kind() == spec.OutputKind {
		if text, ok := scalar(objectOf(data)["value"]); ok {
			return text
		}
		return ""
	}
	_, elements := members(addr.Kind(), data)
	switch {
	case addr.Kind() == spec.FlowKind:
		return count(elements, "job")
	case addr.Kind() == spec.DependencyKind:
		return count(elements, "file")
	}
	return ""
}

// maxNames bounds each list of names in a line.
const maxNames = 8

// differences names what differs in an object: attributes, jobs, files.
func differences(u planner.Update, trail planner.Trail) string {
	if u.Address().Kind() == spec.OutputKind {
		before, after := outputValues(u)
		old, oneLine := scalar(before)
		now, alsoOne := scalar(after)
		switch {
		case masked(after):
			return sensitiveText
		case oneLine && alsoOne:
			return old + " -> " + now
		}
	}
	var parts []string
	if words := attributeWords(u.Address().Kind(), u.Attributes); len(words) > 0 {
		parts = append(parts, atMost(words, maxNames))
	}
	var jobs, files []string
	for _, j := range u.Jobs {
		if trail.JobFollows(j) == nil {
			jobs = append(jobs, jobName(j))
		}
	}
	for _, f := range u.Files {
		files = append(files, fileSign(f).text+visible(f.Path))
	}
	if len(jobs) > 0 {
		parts = append(parts, "jobs "+atMost(jobs, maxNames))
	}
	if len(files) > 0 {
		parts = append(parts, "files "+atMost(files, maxNames))
	}
	return strings.Join(parts, "; ")
}

func attributeNames(kind string, list []planner.Attribute) string {
	var names []string
	for _, m := range newDiffering(kind, list).below {
		names = append(names, attrName(kind, m.name))
	}
	return atMost(names, maxNames)
}

// attributeWords names what differs of an object, with its value before and after
// where that takes few words.
func attributeWords(kind string, list []planner.Attribute) []string {
	var words []string
	for _, m := range newDiffering(kind, list).below {
		words = append(words, m.words(kind))
	}
	return words
}

// maxWords bounds the values of one attribute in a line of several, in bytes.
const maxWords = 80

func (d *differing) words(kind string) string {
	name := attrName(kind, d.name)
	if d.leaf == nil || d.block() || masked(d.leaf.Before) || masked(d.leaf.After) {
		return name
	}
	a := newAttr(kind, d.name, nil)
	old, oneLine := a.with(d.leaf.Before).short()
	now, alsoOne := a.with(d.leaf.After).short()
	if !oneLine || !alsoOne || len(old)+len(now) > maxWords {
		return name
	}
	return name + " = " + old + " -> " + now
}

func jobSign(j planner.JobChange) sign {
	switch {
	case j.Before == nil:
		return added
	case j.After == nil:
		return removed
	}
	return altered
}

func jobName(j planner.JobChange) string {
	name := jobSign(j).text + visible(j.Name)
	if j.Previous != "" {
		name += " (was " + visible(j.Previous) + ")"
	}
	return name
}

func fileSign(f planner.FileChange) sign {
	switch {
	case f.Before == nil:
		return added
	case f.After == nil:
		return removed
	}
	return altered
}

func atMost(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// concise is a line an object, and a line a consequence.
func (r *planText) concise(p *planner.Plan) {
	if len(p.Changes) == 0 {
		r.consequences(p)
		r.none(p)
		return
	}
	width := 0
	for _, c := range p.Changes {
		width = max(width, columns(addressText(c.Address())))
	}
	width = min(width, maxAddress)
	for _, c := range p.Changes {
		e := newEntry(c, r.trail)
		r.mark(e.sign, "", padTo(addressText(e.addr), width)+"  "+r.style(faint, e.text))
	}
	r.line("")
	r.consequences(p)
	r.summary(p)
}

// maxAddress is the widest address that the others are aligned to.
const maxAddress = 50

// consequences is the impact, with what else a reviewer must know, a line each.
func (r *planText) consequences(p *planner.Plan) {
	list := slices.Concat(consequences(p), outside(p))
	for _, text := range list {
		r.mark(sign{"!", yellow}, "", text)
	}
	if len(list) > 0 {
		r.line("")
	}
}

// outside says in sentences what has changed outside of the folder, and is left so.
func outside(p *planner.Plan) []string {
	var list []string
	for _, d := range p.Drift {
		if d.Override == nil || !d.Override.Ends {
			list = append(list, driftSentence(d))
		}
	}
	return list
}

// consequences says in sentences what a plan does beside its changes.
func consequences(p *planner.Plan) []string {
	var list []string
	fates, flows := map[planner.Fate]int{}, map[planner.Fate][]string{}
	for _, e := range p.Impact.Executions {
		fates[e.Fate]++
		if name := addressText(e.Flow); !slices.Contains(flows[e.Fate], name) {
			flows[e.Fate] = append(flows[e.Fate], name)
		}
	}
	for _, f := range []struct {
		fate       planner.Fate
		noun, text string
	}{
		{planner.Cancelled, "queued execution", "will be cancelled"},
		{planner.StartsNow, "queued execution", "will start at once, by the old definition"},
		{planner.Starts, "queued execution", "will still run, by the old definition"},
		{planner.Held, "queued execution", "will run by the old definition when the flow is resumed"},
		{planner.Finishes, "running execution", "will finish by the old definition"},
	} {
		if n := fates[f.fate]; n > 0 {
			list = append(list, fmt.Sprintf("%s %s: %s", count(n, f.noun), f.text, atMost(flows[f.fate], maxNames)))
		}
	}
	for _, s := range p.Impact.Schedules {
		list = append(list, scheduleSentence(s))
	}
	for _, pool := range p.Impact.Pools {
		list = append(list, poolImpact(pool))
	}
	for _, d := range p.Drift {
		if d.Override != nil && d.Override.Ends {
			list = append(list, driftSentence(d)+"; "+endedBy(p, d))
		}
	}
	for _, o := range p.Impact.Orphans {
		list = append(list, orphan(o))
	}
	if p.Impact.Omitted > 0 {
		list = append(list, fmt.Sprintf("%d more consequences are not listed", p.Impact.Omitted))
	}
	for _, n := range p.Renames {
		list = append(list, fmt.Sprintf("%s and %s are nearly the same: a moved block would keep the history", addressText(n.From), addressText(n.To)))
	}
	for _, c := range p.Checks {
		for _, problem := range c.Problems {
			list = append(list, fmt.Sprintf("check %q failed: %s", c.Name, visible(oneLine(problem))))
		}
	}
	return append(list, warningSentences(p.Warnings)...)
}

// warningSentences is a sentence a warning. Of those that are alike, only the first
// ones are told.
func warningSentences(warnings []planner.Warning) []string {
	var list []string
	told := map[string]int{}
	for _, w := range warnings {
		if told[likeness(w)]++; told[likeness(w)] <= maxNames {
			list = append(list, warningSentence(w))
		}
	}
	for _, w := range consolidated(warnings) {
		if left := told[likeness(w.Warning)] - maxNames; left > 0 {
			list = append(list, fmt.Sprintf("warning: %s (%s)", visible(oneLine(w.Summary)), count(left, "more similar warning")))
		}
	}
	return list
}

// warningSentence says of what a warning is, and where that stands.
func warningSentence(w planner.Warning) string {
	text := "warning: " + visible(oneLine(w.Summary))
	if w.Address != "" {
		text += ", " + addressText(w.Address)
	}
	if w.At != nil {
		text += fmt.Sprintf(" (%s:%d)", visible(w.At.File), w.At.Line)
	}
	if w.Detail != "" {
		text += ": " + visible(oneLine(w.Detail))
	}
	return text
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func driftSentence(d planner.Drift) string {
	addr := addressText(d.Object.Address)
	if d.Lost != nil {
		return "the bytes of " + addr + " are not in the bucket any more"
	}
	a := newAttr(d.Object.Address.Kind(), d.Override.Field, nil)
	old, _ := a.with(d.Override.Declared).short()
	now, _ := a.with(d.Override.Value).short()
	return fmt.Sprintf("%s was changed outside of the folder %s: %s = %s -> %s", addr, visible(oneLine(overrideWords(d.Override))), a.name, old, now)
}

// scheduleSentence names the first fire that differs.
func scheduleSentence(s planner.ScheduleImpact) string {
	if len(s.After) == 0 {
		text := addressText(s.Address) + ": " + noFires(s)
		if s.WordsBefore != "" {
			text += "; it did " + visible(s.WordsBefore)
		}
		return passed(text, s)
	}
	text := scheduleHead(s) + ": "
	switch {
	case slices.Equal(s.Before, s.After):
		text += "fires as before, next at " + fire(s.After[0])
	case len(s.Before) == 0:
		text += "fires next at " + fire(s.After[0])
	default:
		text += fmt.Sprintf("next fire %s -> %s", fire(s.Before[0]), fire(s.After[0]))
	}
	return passed(text, s)
}

// passed adds what becomes of instants that have passed.
func passed(text string, s planner.ScheduleImpact) string {
	for _, i := range s.Passed {
		text += "; " + instants(i)
	}
	return text
}
