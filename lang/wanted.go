package lang

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Wanted is a variable that nothing gives a value.
type Wanted struct {
	Name, Description string
	Sensitive         bool
}

// ask asks for what is missing.
func (l *loader) ask(w *worker, declared map[string]*variable) {
	if l.opt.Ask == nil || l.opt.Incomplete {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		v := declared[name]
		if v.broken || v.value != cty.NilVal || w.found.hasErrors() || l.broken.hasErrors() {
			continue
		}
		if text, ok := l.opt.Ask(Wanted{Name: name, Description: v.description, Sensitive: v.sensitive}); ok {
			v.fromText(w, "The answer", text)
		}
	}
}

// elsewhere tells of values for a variable that are not read, because they are
// written for another tool.
func (w *worker) elsewhere(name string) string {
	var found []string
	if foreign := "TF_VAR_" + name; slices.Contains(w.opt.Foreign, foreign) {
		found = append(found, foreign)
	}
	found = append(found, w.unreadFiles()...)
	if len(found) == 0 {
		return ""
	}
	if len(found) > maxShown {
		found = append(found[:maxShown], "…")
	}
	return fmt.Sprintf(" Not read: %s. lft reads lft.vars, *.auto.vars and LFT_VAR_%s.", strings.Join(found, ", "), name)
}

// unreadFiles are the files of the folder in which Terraform would look for
// variables.
func (l *loader) unreadFiles() []string {
	var found []string
	entries, _ := fs.ReadDir(l.mounts["."].fsys, ".") // a fault was reported when the folder was read
	for _, entry := range entries {
		file := strings.TrimSuffix(entry.Name(), ".json")
		if file == "terraform.tfvars" || file == "lft.tfvars" || strings.HasSuffix(file, ".auto.tfvars") {
			found = append(found, entry.Name())
		}
	}
	return found
}

// warnUnread tells of such files, because a default would win in silence. In a
// folder that is Terraform's as well they are its own.
func (l *loader) warnUnread(declared map[string]*variable) {
	theirs, _ := fs.Glob(l.mounts["."].fsys, "*.tf")
	if len(declared) == 0 || len(theirs) > 0 || l.opt.Incomplete || l.found.hasErrors() {
		return
	}
	for _, name := range l.unreadFiles() {
		given := slices.ContainsFunc(l.opt.Given, func(g Given) bool { return g.Data != nil && path.Clean(g.Name) == name })
		if !given {
			l.found.warn(CodeVariable, "", hcl.Range{}, "A file of variables is not read", "%s has a name that Terraform reads. lft reads lft.vars and *.auto.vars: rename it, or give it with -var-file=%s.", name, name)
		}
	}
}
