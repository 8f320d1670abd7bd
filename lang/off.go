package lang

import (
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// off are the objects that blocks do not declare, although the blocks are there.
func (l *loader) off() map[spec.Address]spec.Off {
	list := map[spec.Address]spec.Off{}
	for addr, s := range l.sets {
		if len(s.enabled) == 0 {
			list[addr] = spec.OffEmpty
		}
		for key, enabled := range s.enabled {
			if !enabled {
				list[addr+spec.Address(strings.TrimPrefix(spec.Instance("x", key), "x"))] = spec.OffDisabled
			}
		}
	}
	return list
}
