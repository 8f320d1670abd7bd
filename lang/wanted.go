package lang

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

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
	entries, _ := fs.ReadDir(w.mounts["."].fsys, ".") // a fault was reported when the folder was read
	for _, entry := range entries {
		file := strings.TrimSuffix(entry.Name(), ".json")
		if file == "terraform.tfvars" || strings.HasSuffix(file, ".auto.tfvars") {
			found = append(found, entry.Name())
		}
	}
	if len(found) == 0 {
		return ""
	}
	if len(found) > maxShown {
		found = append(found[:maxShown], "…")
	}
	return fmt.Sprintf(" Not read: %s. lft reads lft.vars, *.auto.vars and LFT_VAR_%s.", strings.Join(found, ", "), name)
}
