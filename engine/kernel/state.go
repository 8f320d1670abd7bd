package kernel

import (
	"fmt"

	"github.com/leifengta/lft/engine/record"
)

// State is the kernel's memory. It is not safe for concurrent use. It only
// routes: what is decided is decided by its parts.
type State struct {
	limits Limits
	now    record.Time
	due    record.Time // of the last Tick: what was to be done by then is done
	serial uint64      // of the last Ready

	clock clock
	runs  runs
	queue queue
	fleet fleet
	wakes wakes

	overrides overrides
	lapsed    map[record.OverrideKey]bool // out of force here, but still in the rows

	stalled bool // dispatch stopped at a full Ready

	out      outbox
	prepares []Prepare

	moved func(from, to record.JobState) // tests watch the state table with it
}

// New returns an empty state: no project, no agent, nothing live.
func New(limits Limits) *State {
	return &State{
		limits: limits.withDefaults(),
		clock:  newClock(),
		runs:   newRuns(),
		queue:  newQueue(),
		fleet:  newFleet(),

		overrides: overrides{}, lapsed: map[record.OverrideKey]bool{},
	}
}

// Step takes one event in. at is the database's time, which never goes back.
// When it returns an error, the event is refused and the state untouched.
func (s *State) Step(at record.Time, ev Event) error {
	s.now = max(s.now, at)
	switch ev := ev.(type) {
	case Tick:
		s.due = s.now
		return nil
	case Adopt:
		return s.adopt(ev)
	case Start:
		return s.start(ev)
	case Cancel:
		return s.cancel(ev)
	case Prepared:
		s.prepared(ev)
		return nil
	case Register:
		return s.register(ev)
	case Reconcile:
		s.reconcile(ev)
		return nil
	case Reports:
		s.reports(ev)
		return nil
	case Operate:
		return s.operate(ev)
	case Override:
		return s.override(ev)
	case Bury:
		return s.bury(ev)
	default:
		return fmt.Errorf("%w: event %T", ErrInvalid, ev)
	}
}

// Prepares returns what has to be prepared since the last call. The answers
// may make more, so ask until there are none.
func (s *State) Prepares() []Prepare {
	s.work()
	list := s.prepares
	s.prepares = nil
	return list
}

// Ready returns all that follows since the last Ready, and false when nothing
// does. It bounds how much it returns: ask again after Advance.
func (s *State) Ready() (Ready, bool) {
	s.work()
	s.label()
	if s.out.empty() {
		return Ready{}, false
	}
	s.serial++
	ready := s.out.flush(s.overrides)
	ready.Serial = s.serial
	return ready, true
}

// Advance says that the Ready of this serial is durable. What has ended with it
// leaves memory.
func (s *State) Advance(serial uint64) {
	kept := s.runs.ended[:0]
	for _, x := range s.runs.ended {
		if x.serial > serial {
			kept = append(kept, x)
			continue
		}
		delete(s.runs.live, x.ID)
		for _, token := range x.tokens {
			delete(s.fleet.attempts, token)
		}
	}
	clear(s.runs.ended[len(kept):])
	s.runs.ended = kept
}

// NextWake is when a Tick is due, 0 for never. A time that has passed means
// that work is left over from a full Ready.
func (s *State) NextWake() record.Time {
	if s.backlog() {
		return s.now
	}
	if w, ok := s.wakes.first(); ok {
		return w.at
	}
	return 0
}

// work does what is due until the next Ready is full, then gives out what fits
// on the agents.
func (s *State) work() {
	s.propagate()
	for s.out.weight < s.limits.BatchRows {
		if !s.begin() && !s.wake() && !s.instant() && !s.quick() {
			break
		}
		s.propagate()
	}
	s.dispatch()
}

func (s *State) backlog() bool {
	if s.stalled || len(s.runs.starts) > 0 || len(s.runs.instants) > 0 || len(s.runs.quick) > 0 {
		return true
	}
	s.dropStale()
	w, ok := s.wakes.first()
	return ok && w.at <= s.due && !s.held(w)
}
