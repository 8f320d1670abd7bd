package planner

import "github.com/leifengta/lft/lang/spec"

func keyed(a spec.Address) bool { return a != a.Set() }

// declaration is what is known of the blocks of a wish, to say why an object goes.
type declaration struct {
	objects map[spec.Address]bool // by the address of the set; true when they have keys
	modules map[spec.Address]bool // with keys, and all around them
	off     map[spec.Address]spec.Off
}

func newDeclaration(w *Wish) *declaration {
	d := &declaration{objects: map[spec.Address]bool{}, modules: map[spec.Address]bool{}, off: w.Off}
	add := func(a spec.Address, keyed bool) {
		d.objects[a.Set()] = keyed
		for m := a.Module(); m != ""; m = m.Module() {
			d.modules[m] = true
		}
	}
	for i := range w.Declared {
		add(w.Declared[i].Address, keyed(w.Declared[i].Address))
	}
	for a, off := range w.Off {
		add(a, off == spec.OffEmpty || keyed(a))
	}
	return d
}

// reason says why what is deployed at an address is not declared.
func (d *declaration) reason(a spec.Address) Reason {
	if m := a.Module(); m != "" && !d.modules[m] {
		return NoModule
	}
	withKeys, declared := d.objects[a.Set()]
	switch {
	case d.off[a] == spec.OffDisabled:
		return Disabled
	case declared && withKeys != keyed(a):
		return WrongRepetition
	case declared && withKeys:
		return NoKey
	default:
		return Undeclared
	}
}
