package planner

import "github.com/leifengta/lft/lang/spec"

// bare is an object's address without its for_each key.
func bare(a spec.Address) spec.Address {
	return spec.Address(a.Kind() + "." + a.Name()).In(a.Module())
}

func keyed(a spec.Address) bool { return a != bare(a) }

// declaration is what is known of the blocks of a wish, to say why an object goes.
type declaration struct {
	objects map[spec.Address]bool // bare addresses; true when they have keys
	modules map[spec.Address]bool // with keys, and all around them
}

func newDeclaration(declared []Declared) *declaration {
	d := &declaration{objects: map[spec.Address]bool{}, modules: map[spec.Address]bool{}}
	for i := range declared {
		a := declared[i].Address
		d.objects[bare(a)] = keyed(a)
		for m := a.Module(); m != ""; m = m.Module() {
			d.modules[m] = true
		}
	}
	return d
}

// reason says why what is deployed at an address is not declared.
func (d *declaration) reason(a spec.Address) Reason {
	if m := a.Module(); m != "" && !d.modules[m] {
		return NoModule
	}
	withKeys, declared := d.objects[bare(a)]
	switch {
	case declared && withKeys != keyed(a):
		return WrongRepetition
	case declared && withKeys:
		return NoKey
	default:
		return Undeclared
	}
}
