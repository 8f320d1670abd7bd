package lang

import (
	"cmp"
	"slices"

	"github.com/leifengta/lft/lang/spec"
)

const maxSlots = 1_000_000

func (l *loader) loadPools(w *worker, bundle *spec.Bundle) {
	l.pools = map[spec.Address]*spec.Pool{}
	voc, _ := l.voc.Block("pool")
	for _, d := range l.root.pools {
		addr := spec.PoolAddress(d.name, "")
		l.found.check(voc, d.block, nil, addr)
		all, _ := w.instances(addr, d.block.Body)
		for _, one := range all {
			if !one.enabled {
				continue
			}
			w.each = one.each
			addr := spec.PoolAddress(d.name, one.key)
			r := reader{w: w, addr: addr, voc: voc, body: d.block.Body}
			p := &spec.Pool{Address: addr, Slots: r.integer("slots", 0, maxSlots, 0), Shared: r.flag("shared")}
			l.pools[addr] = p
			bundle.Pools = append(bundle.Pools, p)
			bundle.Positions[addr] = position(d.block.TypeRange)
		}
		w.each = nil
	}
	slices.SortFunc(bundle.Pools, func(a, b *spec.Pool) int { return cmp.Compare(a.Address, b.Address) })
}
