package sim

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/leifengta/lft/engine/record"
)

// depot is the bucket with the packs of dependencies, the rows that tell of them,
// and a project that is applied again and again, each time with one of a few
// packs. People hold, upload and apply; whoever acts as master collects. Leases
// are far too short here, deletes come late, and everybody dies between any two
// steps: what keeps the bytes of a revision is the order of the steps alone.
//
// It has a stream of chance of its own, so that the rest of a seed's history does
// not depend on it.
type depot struct {
	w   *world
	rng *rand.Rand

	rows    map[packKey]*packRow
	objects map[packKey]bool // in the bucket
	held    map[string]int   // digests that open applies hold, by how many

	revisions []string // the pack of each
	adopted   int      // revisions that the master acts on
	pins      map[int]int

	uploads, runs      int
	applied, collected int
}

type packKey struct{ digest, upload string }

type packRow struct {
	state record.BlobState
	until micros
}

// keptPacks is how many revisions are kept.
const keptPacks = 2

func newDepot(w *world, seed uint64) *depot {
	d := &depot{
		w: w, rng: rand.New(rand.NewPCG(seed, 0xb10b)),
		rows: map[packKey]*packRow{}, objects: map[packKey]bool{}, held: map[string]int{}, pins: map[int]int{},
	}
	for range 2 {
		d.every(second, 8*second, d.wish)
	}
	d.every(second, 5*second, func() {
		for _, m := range w.masters {
			if m.acting {
				d.collect(m)
			}
		}
	})
	d.every(second/2, 10*second, func() { d.adopted = len(d.revisions) })
	d.every(second, 6*second, d.run)
	return d
}

func (d *depot) span(lo, hi micros) micros { return lo + micros(d.rng.Int64N(int64(hi-lo))) }

func (d *depot) every(lo, hi micros, do func()) {
	d.w.after(d.span(lo, hi), func() {
		if !d.w.calm {
			do()
			d.every(lo, hi, do)
		}
	})
}

// step is what somebody does next, if nothing kills him before.
func (d *depot) step(do func()) {
	if d.rng.IntN(12) > 0 {
		d.w.after(d.span(0, 2*second), do)
	}
}

func (d *depot) lease() micros { return d.w.now + d.span(0, 6*second) }

// present finds a pack that may be relied on.
func (d *depot) present(digest string) *packRow {
	for _, key := range d.keys() {
		if r := d.rows[key]; key.digest == digest && r.state == record.BlobPresent {
			return r
		}
	}
	return nil
}

func (d *depot) keys() []packKey {
	keys := make([]packKey, 0, len(d.rows))
	for key := range d.rows {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b packKey) int {
		return cmp.Or(cmp.Compare(a.digest, b.digest), cmp.Compare(a.upload, b.upload))
	})
	return keys
}

// wish is somebody who wants a revision with one of the packs.
func (d *depot) wish() { d.hold(fmt.Sprint("d", d.rng.IntN(5))) }

func (d *depot) hold(digest string) {
	if r := d.present(digest); r != nil {
		r.until = max(r.until, d.lease())
		d.step(func() { d.apply(digest) })
		return
	}
	d.uploads++
	key := packKey{digest, fmt.Sprint(d.uploads)}
	if d.w.fault == OneName {
		key.upload = ""
	}
	d.rows[key] = &packRow{record.BlobUploading, d.lease()}
	d.step(func() {
		d.objects[key] = true
		d.step(func() { d.uploaded(key) })
	})
}

func (d *depot) uploaded(key packKey) {
	r := d.rows[key]
	if r == nil || r.state != record.BlobUploading {
		return // given up meanwhile
	}
	if other := d.present(key.digest); other != nil {
		r.state = record.BlobDoomed
		other.until = max(other.until, d.lease())
	} else {
		r.state, r.until = record.BlobPresent, d.lease()
	}
	d.step(func() { d.apply(key.digest) })
}

// apply is one transaction: it holds the pack from its look at it to its end.
func (d *depot) apply(digest string) {
	if d.present(digest) == nil && d.w.fault != SkipHold {
		d.hold(digest) // refused; the person tries again
		return
	}
	if d.w.fault != SkipHold {
		d.held[digest]++
	}
	commit := d.rng.IntN(6) > 0
	d.w.after(d.span(0, 2*second), func() {
		if d.w.fault != SkipHold {
			d.held[digest]--
		}
		if commit {
			d.applied++
			d.revisions = append(d.revisions, digest)
			d.judge("applied")
		}
	})
}

// run is an execution, pinned to the adopted revision while it lives.
func (d *depot) run() {
	if d.adopted == 0 {
		return
	}
	d.runs++
	id := d.runs
	d.pins[id] = d.adopted
	d.w.after(d.span(0, 30*second), func() { delete(d.pins, id) })
}

// relied lists the packs that must be there.
func (d *depot) relied() map[string]bool {
	out := map[string]bool{}
	for n := max(1, len(d.revisions)+1-keptPacks); n <= len(d.revisions); n++ {
		out[d.revisions[n-1]] = true
	}
	for n := max(1, d.adopted); n <= len(d.revisions); n++ {
		out[d.revisions[n-1]] = true
	}
	for _, n := range d.pins {
		out[d.revisions[n-1]] = true
	}
	return out
}

// free lists what may be collected.
func (d *depot) free() (keys []packKey) {
	relied := d.relied()
	for _, key := range d.keys() {
		r := d.rows[key]
		if r.state != record.BlobDoomed && r.until < d.w.now && (r.state == record.BlobUploading || !relied[key.digest]) {
			keys = append(keys, key)
		}
	}
	return keys
}

// collect is one round of a master: look, then mark in a transaction of its own,
// then delete and drop, each a while later; a frozen master does it when it thaws.
func (d *depot) collect(m *master) {
	found := d.free()
	m.after(d.span(0, second), func() {
		again := d.free()
		for _, key := range found {
			r := d.rows[key]
			if r == nil || d.held[key.digest] > 0 && d.w.fault != SkipRecheck {
				continue
			}
			if slices.Contains(again, key) || d.w.fault == SkipRecheck {
				r.state = record.BlobDoomed
			}
		}
		for _, key := range d.keys() {
			if d.rows[key].state == record.BlobDoomed {
				m.after(d.span(0, 2*second), func() { d.remove(m, key) })
			}
		}
	})
}

func (d *depot) remove(m *master, key packKey) {
	delete(d.objects, key)
	d.collected++
	d.judge("collected")
	m.after(d.span(0, second), func() {
		if r := d.rows[key]; r != nil && r.state == record.BlobDoomed {
			delete(d.rows, key)
		}
	})
}

// judge demands the bytes of everything that is relied on.
func (d *depot) judge(when string) {
	for _, digest := range slices.Sorted(maps.Keys(d.relied())) {
		there := false
		for _, key := range d.keys() {
			there = there || key.digest == digest && d.rows[key].state == record.BlobPresent && d.objects[key]
		}
		if !there {
			d.w.fail("%s: the bytes of %s are not there, and a revision relies on them", when, digest)
		}
	}
}
