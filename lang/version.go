package lang

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// project reads the lft blocks of all folders. Their values are literals: they are
// needed before anything else is understood.
func (l *loader) project() string {
	voc, _ := l.voc.Block("lft")
	var project *hclsyntax.Attribute
	for _, name := range slices.Sorted(maps.Keys(l.folders)) {
		for _, d := range l.folders[name].blocks["lft"] {
			l.found.check(voc, d.block, nil, "")
			l.requiredVersion(d.block.Body)
			attr, ok := d.block.Body.Attributes["project"]
			switch {
			case !ok:
			case l.folders[name] == l.top.folder:
				project = attr
			default:
				l.found.error(CodeValue, "", attr.NameRange, "A module has no project", "project names what the project's own folder owns; a module is part of what uses it.")
			}
		}
	}
	return l.projectName(project)
}

func (l *loader) projectName(attr *hclsyntax.Attribute) string {
	if attr == nil {
		return DefaultProject
	}
	name, ok := l.literal(attr)
	if ok && l.found.name("project name", name, attr.Expr.Range(), "") {
		return name
	}
	return DefaultProject
}

func (l *loader) literal(attr *hclsyntax.Attribute) (string, bool) {
	if v, ok := constant(attr.Expr); ok && v.Type() == cty.String {
		return v.AsString(), true
	}
	l.found.error(CodeValue, "", attr.Expr.Range(), "A literal text is needed", "%s must be a text in quotes, without references: it is read before variables have values.", attr.Name)
	return "", false
}

func (l *loader) requiredVersion(body *hclsyntax.Body) {
	attr, ok := body.Attributes["required_version"]
	if !ok {
		return
	}
	text, ok := l.literal(attr)
	if !ok {
		return
	}
	var have version
	known := have.parse(strings.TrimPrefix(l.opt.Version, "v"))
	for constraint := range strings.SplitSeq(text, ",") {
		holds, err := satisfies(have, strings.TrimSpace(constraint))
		switch {
		case err != nil:
			l.found.error(CodeValue, "", attr.Expr.Range(), "Invalid version constraint", "%v.", err)
		case known && !holds:
			l.found.error(CodeVersion, "", attr.Expr.Range(), "Another version of lft is required", "This is lft %s, and the folder asks for %s.", l.opt.Version, text)
			return
		}
	}
}

// version is major, minor, patch; parts says how many were written.
type version struct {
	number [3]int
	parts  int
}

// parse reads 1, 1.2 or 1.2.3; what follows a dash or plus is not compared.
func (v *version) parse(text string) bool {
	*v = version{}
	text, _, _ = strings.Cut(text, "+")
	text, _, _ = strings.Cut(text, "-")
	fields := strings.Split(text, ".")
	if len(fields) > 3 {
		return false
	}
	for i, field := range fields {
		n, err := strconv.Atoi(field)
		if err != nil || n < 0 {
			return false
		}
		v.number[i] = n
	}
	v.parts = len(fields)
	return true
}

func (v version) compare(other version) int {
	return cmp.Or(cmp.Compare(v.number[0], other.number[0]), cmp.Compare(v.number[1], other.number[1]), cmp.Compare(v.number[2], other.number[2]))
}

// satisfies knows Terraform's operators.
func satisfies(have version, constraint string) (bool, error) {
	digits := strings.TrimLeft(constraint, "=!<>~")
	operator := constraint[:len(constraint)-len(digits)]
	var want version
	if !want.parse(strings.TrimSpace(digits)) {
		return false, fmt.Errorf("%q is no version constraint; write one like \">= 1.2\" or \"~> 1.2.0\"", constraint)
	}
	order := have.compare(want)
	switch operator {
	case "", "=":
		return order == 0, nil
	case "!=":
		return order != 0, nil
	case ">":
		return order > 0, nil
	case ">=":
		return order >= 0, nil
	case "<":
		return order < 0, nil
	case "<=":
		return order <= 0, nil
	case "~>":
		// The last number written may grow, those before it may not.
		for i := range want.parts - 1 {
			if have.number[i] != want.number[i] {
				return false, nil
			}
		}
		return order >= 0, nil
	}
	return false, fmt.Errorf("%q is no operator for versions; there are = != > >= < <= and ~>", operator)
}
