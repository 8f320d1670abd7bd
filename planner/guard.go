package planner

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/leifengta/lft/lang/diag"
	"github.com/leifengta/lft/lang/spec"
)

// covers reports whether the address of a removed block means an object: it, its
// whole for_each set, or a module around it.
func covers(from, a spec.Address) bool {
	for at := a; at != ""; at = at.Module() {
		if from == at || from == at.Set() {
			return true
		}
	}
	return false
}

// guard says why each object goes, and refuses to let one go that is protected and
// that no removed block names.
func (w *Wish) guard(changes []Change, moved map[string]bool) diag.List {
	found := w.contradicted()
	var blocks *declaration
	for i, c := range changes {
		d, ok := c.(Delete)
		if !ok {
			continue
		}
		if blocks == nil {
			blocks = newDeclaration(w)
		}
		switch {
		case w.Mode == Destroy:
		case moved[d.Old.UID]:
			d.Reason = NoMoveTarget
		default:
			d.Reason = blocks.reason(d.Old.Address)
		}
		named := false
		for _, r := range w.Removed {
			if covers(r.From, d.Old.Address) {
				d.Removed, named = r.At, true
			}
		}
		changes[i] = d
		if !named && protected(d.Old.Data) {
			found = append(found, finding(diag.Error, CodeProtected, spec.Position{}, d.Old.Address, "Protected from being destroyed",
				fmt.Sprintf("%s was deployed with protected = true, and this plan would destroy it. Apply it with protected = false before, "+
					"or say that it shall go:\n\nremoved {\n  from = %s\n}", d.Old.Address, d.Old.Address)))
		}
	}
	return found
}

// protected reads the guard from a deployed spec.
func protected(data []byte) bool {
	if !bytes.Contains(data, []byte(`"protected":true`)) {
		return false
	}
	var s struct {
		Protected bool `json:"protected"`
	}
	return json.Unmarshal(data, &s) == nil && s.Protected
}

// contradicted finds removed blocks of what is still declared.
func (w *Wish) contradicted() diag.List {
	var found diag.List
	for _, r := range w.Removed {
		for i := range w.Declared {
			if d := &w.Declared[i]; covers(r.From, d.Address) {
				found = append(found, finding(diag.Error, CodeMove, r.At, d.Address, "What is removed is still declared", fmt.Sprintf(
					"This block says that %s is gone, but %s is still declared%s. Remove one of the two.", r.From, d.Address, where(d.At))))
				break
			}
		}
	}
	return found
}
