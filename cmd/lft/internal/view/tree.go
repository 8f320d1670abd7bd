package view

import (
	"fmt"
	"strings"

	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// branch is a line of a tree with what hangs below it.
type branch struct {
	text  string
	below []*branch
}

// tree shows the changes where they are: modules hold objects, objects hold jobs
// and attributes.
func (r *planText) tree(p *planner.Plan) {
	if len(p.Changes) == 0 {
		r.consequences(p)
		r.none(p)
		return
	}
	root := &branch{text: r.style(bold, fmt.Sprintf("project %s", quoteName(p.Project.Name)))}
	modules := map[spec.Address]*branch{"": root}
	for _, c := range p.Changes {
		at := r.module(modules, c.Address().Module())
		at.below = append(at.below, r.branch(c))
	}
	r.line(root.text)
	r.branches(root.below, "")
	r.line("")
	r.consequences(p)
	r.summary(p)
}

// module is the branch of a module, made when it is met first, below the one
// around it.
func (r *planText) module(known map[spec.Address]*branch, addr spec.Address) *branch {
	if b, ok := known[addr]; ok {
		return b
	}
	b := &branch{text: r.style(bold, addressText(addr.Local()))}
	known[addr] = b
	outer := r.module(known, addr.Module())
	outer.below = append(outer.below, b)
	return b
}

func (r *planText) branch(c planner.Change) *branch {
	e := newEntry(c, r.trail)
	b := &branch{text: r.style(e.sign.style, e.sign.text) + " " + r.style(bold, addressText(c.Address().Local()))}
	if r.trail.Follows(c) != nil {
		b.text += "  " + r.style(faint, e.text)
		return b
	}
	var u planner.Update
	switch c := c.(type) {
	case planner.Create:
		b.below = r.createdJobs(c)
		if len(b.below) == 0 && e.text != "" {
			b.text += "  " + r.style(faint, e.text)
		}
		return b
	case planner.Delete:
		if e.text != "" {
			b.text += "  " + r.style(faint, e.text)
		}
		return b
	case planner.Update:
		u = c
	case planner.Move:
		b.text += "  " + r.style(faint, "moved from "+addressText(c.Old.Address))
		u = c.Update
	}
	for _, words := range attributeWords(c.Address().Kind(), u.Attributes) {
		b.below = append(b.below, r.leaf(altered, words, ""))
	}
	for _, j := range u.Jobs {
		b.below = append(b.below, r.jobBranch(j))
	}
	for _, f := range u.Files {
		b.below = append(b.below, r.leaf(fileSign(f), "file "+visible(f.Path), ""))
	}
	return b
}

func (r *planText) leaf(s sign, text, more string) *branch {
	b := &branch{text: r.style(s.style, s.text) + " " + text}
	if more != "" {
		b.text += "  " + r.style(faint, more)
	}
	return b
}

func (r *planText) createdJobs(c planner.Create) []*branch {
	var list []*branch
	for _, j := range elementsOf(objectOf(c.New.Data)["jobs"]) {
		list = append(list, r.leaf(added, "job "+visible(j.name), ""))
	}
	return list
}

func (r *planText) jobBranch(j planner.JobChange) *branch {
	if follows := followed(r.trail.JobFollows(j)); len(follows) > 0 {
		return r.leaf(sign{"→", cyan}, "job "+visible(j.Name), strings.Join(follows, ", "))
	}
	more := attributeNames("job", j.Attributes)
	if j.Previous != "" {
		more = "was " + visible(j.Previous) + " " + more
	}
	return r.leaf(jobSign(j), "job "+visible(j.Name), more)
}

func (r *planText) branches(list []*branch, pad string) {
	for i, b := range list {
		fork, below := "├── ", "│   "
		if i == len(list)-1 {
			fork, below = "└── ", "    "
		}
		r.line(pad + fork + b.text)
		r.branches(b.below, pad+below)
	}
}
