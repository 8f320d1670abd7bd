package sim

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// micros is a time or a span on the world's clock.
type micros int64

const (
	ms     micros = 1000
	second        = 1000 * ms
)

// The length of a run: faults for stormy, then all is left alone for at most
// calmed.
const (
	stormy = 150 * second
	calmed = 1200 * second
)

// world is all there is. Everything happens in events, one at a time.
type world struct {
	rng   *rand.Rand
	fault Fault
	now   micros
	heap  []event
	seq   uint64
	steps int
	calm  bool
	err   error
	trace uint64 // of everything committed
	log   func(string)

	store   *store
	masters []*master
	hosts   []*host
	people  *people
	depot   *depot
	truth   *truth
}

type event struct {
	at  micros
	seq uint64
	do  func()
}

// Result is what a seed led to.
type Result struct {
	Seed      uint64
	Steps     int
	Trace     uint64 // equal histories have equal traces
	Violation error
	// What the run has seen, so that a test can tell that it saw enough.
	Commits, Terms, Forks, Fires, Executions int
	Children, Overrides                      int
	Applied, Collected                       int // of packs
}

// Run lives through one seed. log, if not nil, gets a line for each thing worth
// knowing.
func Run(seed uint64, fault Fault, log func(string)) Result {
	w := build(seed, fault, log)
	w.run(stormy)
	w.heal()
	for w.err == nil && w.now < stormy+calmed && !w.done() {
		w.run(w.now + 5*second)
	}
	if w.err == nil {
		w.truth.final()
	}
	return Result{
		Seed: seed, Steps: w.steps, Trace: w.trace, Violation: w.err,
		Commits: w.store.commits, Terms: int(w.store.takeovers), Forks: w.truth.total,
		Fires: len(w.store.rows.fires), Executions: len(w.store.rows.executions),
		Children: w.truth.births, Overrides: w.truth.orders,
		Applied: w.depot.applied, Collected: w.depot.collected,
	}
}

// build makes the world of a seed.
func build(seed uint64, fault Fault, log func(string)) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 0x1f7)), fault: fault, log: log}
	w.truth = newTruth(w)
	w.store = newStore(w)
	for i := range 2 {
		w.masters = append(w.masters, newMaster(w, fmt.Sprintf("m%d", i)))
	}
	for i := range 2 + w.rng.IntN(2) {
		w.hosts = append(w.hosts, newHost(w, fmt.Sprintf("h%d", i)))
	}
	w.people = newPeople(w)
	w.depot = newDepot(w, seed)
	return w
}

// run lets events happen until a time, or the first violation.
func (w *world) run(until micros) {
	for w.err == nil && len(w.heap) > 0 && w.heap[0].at <= until {
		e := w.heap[0]
		w.pop()
		w.now = max(w.now, e.at)
		w.steps++
		if w.steps > 3_000_000 {
			w.fail("the world does not come to rest")
			return
		}
		e.do()
	}
	w.now = max(w.now, until)
}

// after plans an event.
func (w *world) after(d micros, do func()) {
	w.seq++
	w.heap = append(w.heap, event{w.now + max(d, 0), w.seq, do})
	for i := len(w.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !w.before(i, parent) {
			return
		}
		w.heap[i], w.heap[parent] = w.heap[parent], w.heap[i]
		i = parent
	}
}

func (w *world) before(i, j int) bool {
	a, b := &w.heap[i], &w.heap[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (w *world) pop() {
	last := len(w.heap) - 1
	w.heap[0] = w.heap[last]
	w.heap[last] = event{}
	w.heap = w.heap[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return
		}
		if child+1 < last && w.before(child+1, child) {
			child++
		}
		if !w.before(child, i) {
			return
		}
		w.heap[i], w.heap[child] = w.heap[child], w.heap[i]
		i = child
	}
}

// chance is true now and then, and never when all is left alone.
func (w *world) chance(percent float64) bool {
	return w.rng.Float64()*100 < percent && !w.calm
}

// span is a random span in [lo, hi).
func (w *world) span(lo, hi micros) micros { return lo + micros(w.rng.Int64N(int64(hi-lo))) }

// every does something again and again, at random intervals, as long as the
// storm lasts.
func (w *world) every(lo, hi micros, do func()) {
	w.after(w.span(lo, hi), func() {
		if w.calm {
			return
		}
		do()
		w.every(lo, hi, do)
	})
}

func (w *world) note(format string, args ...any) {
	if w.log != nil {
		w.log(fmt.Sprintf("%9.3f ", float64(w.now)/1e6) + fmt.Sprintf(format, args...))
	}
}

// mark adds something to the trace.
func (w *world) mark(text string) {
	h := fnv.New64a()
	fmt.Fprint(h, w.trace, w.now, text)
	w.trace = h.Sum64()
}

// errViolation is in every violation.
var errViolation = errors.New("violation")

// fail notes the first violation; the run ends with it.
func (w *world) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf("%w at %.3f s: "+format, append([]any{errViolation, float64(w.now) / 1e6}, args...)...)
		w.note("%v", w.err)
	}
}

// heal ends the storm: what is dead comes back or is given up, and nothing else
// goes wrong.
func (w *world) heal() {
	w.note("calm")
	w.calm = true
	w.store.down = false
	for _, m := range w.masters {
		m.heal()
	}
	for _, h := range w.hosts {
		h.heal()
	}
	w.people.heal()
}

// done tells that all has ended.
func (w *world) done() bool {
	if len(w.people.asked) > 0 || len(w.store.revisions[w.store.head()-1].Schedules) > 0 {
		return false
	}
	for id := range w.store.rows.executions {
		if !w.store.rows.finished[id] {
			return false
		}
	}
	return w.store.adopted() && len(w.truth.live) == 0
}
