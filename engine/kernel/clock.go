package kernel

import (
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// clock is the part that decides instants. Each instant of a schedule is
// decided once: the next one comes from the cursor, never from now.
type clock struct {
	projects map[string]*project
	held     []*schedule // due, but the gate of a restored database is closed
}

func newClock() clock { return clock{projects: map[string]*project{}} }

// schedule is a declared timetable and how far it has been decided.
type schedule struct {
	ScheduleDef
	// Paused is what holds; declared, what the revision says.
	declared bool
	project  *project
	cursor   record.Time // every instant at or before it is decided
	next     record.Time // first instant after the cursor, 0 for none
	gone     bool
	dirty    bool
}

// decision is what becomes of one instant, or of Count skipped ones in
// [from, to].
type decision struct {
	from, to record.Time
	count    int64
	run      bool
	reason   record.Reason
}

// decide says what becomes of every instant in (cursor, until], in order of
// time. An instant at most grace before now is on time.
func decide(def *ScheduleDef, cursor, until, now record.Time, limits *Limits) []decision {
	due := instants{def.Timetable}
	if def.Paused {
		return due.skip(nil, cursor, until, record.ReasonPaused)
	}
	edge := min(now-record.Time(limits.Grace), until+1) // the first instant that is on time
	onTime := due.list(max(edge-1, cursor), until)
	var decisions []decision
	var last record.Time
	first, missed := due.after(cursor)
	if missed = missed && first < edge; missed {
		last, _ = due.before(edge, cursor)
	}
	switch {
	case !missed:
	case def.Misfire == spec.MisfireSkip, def.Misfire != spec.MisfireAll && len(onTime) > 0:
		decisions = due.skip(decisions, cursor, last, record.ReasonMisfire)
	case def.Misfire == spec.MisfireAll:
		late := due.newest(last, cursor, limits.MisfireAll)
		if first := late[len(late)-1]; first-1 > cursor {
			decisions = due.skip(decisions, cursor, first-1, record.ReasonCap)
		}
		for i := len(late) - 1; i >= 0; i-- {
			decisions = append(decisions, run(late[i]))
		}
	default:
		decisions = append(due.skip(decisions, cursor, last-1, record.ReasonMisfire), run(last))
	}
	for _, instant := range onTime {
		decisions = append(decisions, run(instant))
	}
	return decisions
}

func run(instant record.Time) decision {
	return decision{from: instant, to: instant, count: 1, run: true}
}

// instants is a timetable in the kernel's time.
type instants struct{ cron.Timetable }

func (t instants) after(at record.Time) (record.Time, bool) {
	next, ok := t.Next(wall(at))
	return micros(next), ok
}

// before is the last instant before at that is after cursor.
func (t instants) before(at, cursor record.Time) (record.Time, bool) {
	last, ok := t.Prev(wall(at))
	return micros(last), ok && micros(last) > cursor
}

// list is every instant in (from, to].
func (t instants) list(from, to record.Time) []record.Time {
	var list []record.Time
	for {
		next, ok := t.after(from)
		if !ok || next > to {
			return list
		}
		list = append(list, next)
		from = next
	}
}

// newest is at most n instants after cursor, last first.
func (t instants) newest(last, cursor record.Time, n int) []record.Time {
	list := []record.Time{last}
	for len(list) < n {
		prev, ok := t.before(last, cursor)
		if !ok {
			break
		}
		list = append(list, prev)
		last = prev
	}
	return list
}

// skip appends one decision for all instants in (from, to].
func (t instants) skip(list []decision, from, to record.Time, reason record.Reason) []decision {
	first, ok := t.after(from)
	if !ok || first > to {
		return list
	}
	last, _ := t.before(to+1, from)
	count := t.CountBetween(wall(from), wall(to))
	return append(list, decision{from: first, to: last, count: count, reason: reason})
}

func wall(at record.Time) time.Time     { return time.UnixMicro(int64(at)).UTC() }
func micros(at time.Time) record.Time   { return record.Time(at.UnixMicro()) }
func (s *schedule) instants() instants  { return instants{s.Timetable} }
func (s *schedule) seek(at record.Time) { s.cursor = max(s.cursor, at) }

// fire decides every instant of a schedule that is due, and looks at it again
// when the next one is.
func (s *State) fire(sc *schedule) {
	if s.decide(sc, s.now) {
		s.out.head(sc.project)
	}
	s.plan(sc)
}

// decide decides every instant of a schedule up to a time, and reports whether
// there was one.
func (s *State) decide(sc *schedule, until record.Time) bool {
	decisions := decide(&sc.ScheduleDef, sc.cursor, until, s.now, &s.limits)
	for _, d := range decisions {
		s.decided(sc, d)
		sc.seek(d.to)
		s.out.cursor(sc)
	}
	return len(decisions) > 0
}

// plan finds a schedule's next instant.
func (s *State) plan(sc *schedule) {
	next, ok := sc.instants().after(sc.cursor)
	if !ok || s.limits.SchedulesOff {
		sc.next = 0
		return
	}
	if sc.next != next {
		sc.next = next
		s.wakes.push(wake{at: next, schedule: sc})
	}
}

func (s *State) decided(sc *schedule, d decision) {
	if d.count > 1 {
		s.out.weight++
		s.out.rows.Ranges = append(s.out.rows.Ranges, record.FireRange{
			ScheduleUID: sc.UID, Schedule: string(sc.Address), From: d.from, To: d.to,
			Count: d.count, Reason: d.reason, DecidedAt: s.now,
		})
		return
	}
	fire := record.Fire{
		ScheduleUID: sc.UID, Schedule: string(sc.Address), Instant: d.to,
		Decision: record.Skipped, Reason: d.reason, DecidedAt: s.now,
	}
	if d.run {
		id := record.FireID(sc.UID, d.to)
		if fire.Reason = s.fired(sc, id, d.to); fire.Reason == record.ReasonNone {
			fire.Decision, fire.Execution = record.Run, id
		}
	}
	s.out.weight++
	s.out.rows.Fires = append(s.out.rows.Fires, fire)
}

// fired admits the execution of an instant; a reason says that it may not be.
func (s *State) fired(sc *schedule, id string, instant record.Time) record.Reason {
	if _, live := s.runs.live[id]; live {
		return record.ReasonNone
	}
	def, ok := sc.project.flows[sc.Flow]
	if !ok {
		return record.ReasonFlowDeleted
	}
	x := s.newExecution(sc.project, def, id)
	x.Origin, x.ScheduleUID = record.OriginSchedule, sc.UID
	x.ScheduledFor, x.WindowStart, x.WindowEnd = instant, instant, instant
	if prev, ok := sc.instants().before(instant, -1); ok {
		x.WindowStart = prev
	}
	x.Zone, x.Params = sc.Zone, sc.Params
	whenFull := def.Graph.concurrency.WhenFull
	if sc.Overlap != "" {
		whenFull = sc.Overlap
	}
	return s.admit(x, whenFull)
}
