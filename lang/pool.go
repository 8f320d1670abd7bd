package lang

import (
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

const maxSlots = 1_000_000

func (w *worker) pool(d declaration, voc schema.Block, bundle *spec.Bundle) {
	w.decodeEach(d, voc, bundle, func(r reader) {
		p := &spec.Pool{Address: r.addr, Slots: r.integer("slots", 0, maxSlots, 0), Shared: r.flag("shared"), Protected: r.flag("protected")}
		p.Description, _ = r.text("description")
		p.Sensitive = r.at.secrets.pointers()
		w.pools[p.Address] = p
		bundle.Pools = append(bundle.Pools, p)
	})
}
