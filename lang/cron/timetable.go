package cron

import (
	"math"
	"time"
)

// Timetable is the set of instants of one schedule. It never changes and may
// be shared. The zero Timetable has no instant; get one from Compile.
//
// Instants lie on whole microseconds, from 1970 to the end of 2199, in UTC.
type Timetable struct {
	exprs      []*Expr
	every      interval
	zone       zone
	start, end int64       // microseconds; the first instant allowed, and the first that is not
	dates      []DateRange // allowed local dates, ascending and disjoint; nil: all
}

// interval is the instants offset + k·period, in microseconds.
type interval struct{ period, offset int64 }

const endMicros = endOfTime * microsPerSec

// clampMicros rounds down to microseconds, into the range that matters.
func clampMicros(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < 0:
		return -1
	case s >= endOfTime:
		return endMicros
	default:
		return t.UnixMicro()
	}
}

func instant(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// Location is the zone whose clock the timetable reads.
func (t Timetable) Location() *time.Location {
	if t.zone.loc == nil {
		return time.UTC
	}
	return t.zone.loc
}

// Next returns the first instant after the given one; it is false when there
// is none.
func (t Timetable) Next(after time.Time) (time.Time, bool) {
	next, ok := t.next(clampMicros(after))
	if !ok {
		return time.Time{}, false
	}
	return instant(next), true
}

// Upcoming returns the first n instants after the given one, or fewer when
// there are no more.
func (t Timetable) Upcoming(after time.Time, n int) []time.Time {
	var list []time.Time
	for len(list) < n {
		next, ok := t.Next(after)
		if !ok {
			break
		}
		list = append(list, next)
		after = next
	}
	return list
}

// Prev returns the last instant before the given one; it is false when there
// is none.
func (t Timetable) Prev(before time.Time) (time.Time, bool) {
	high := clampMicros(before)
	if s := before.Unix(); s >= 0 && s < endOfTime && before.Nanosecond()%1000 != 0 {
		high++ // rounded down: the microsecond itself still counts
	}
	var low int64
	step := int64(microsPerSec)
	for {
		// Look back further and further until some instant lies before.
		from := max(high-step, -1)
		next, ok := t.next(from)
		if ok && next < high {
			low = next
			break
		}
		if from == -1 {
			return time.Time{}, false
		}
		step *= 2
	}
	// low is an instant; the wanted one lies in [low, high).
	for {
		next, ok := t.next(low)
		if !ok || next >= high {
			return instant(low), true
		}
		low = next
		mid := low + (high-low)/2
		if next, ok = t.next(mid); ok && next < high {
			low = next
		} else {
			high = mid + 1
		}
	}
}

// CountBetween returns how many instants lie after from, up to and including
// to. The work depends on the length of the time, not on the number of
// instants, unless several expressions have to be merged.
func (t Timetable) CountBetween(from, to time.Time) int64 {
	a, b := max(clampMicros(from), t.start-1), min(clampMicros(to), t.end-1)
	if t.every.period == 0 && len(t.exprs) != 1 {
		return t.walk(a, b)
	}
	count := int64(0)
	for span := range t.spans(a, b) {
		if t.every.period != 0 {
			count += t.every.upTo(span.to) - t.every.upTo(span.from)
		} else {
			count += t.exprs[0].count(t.zone, floorDiv(span.from, microsPerSec), floorDiv(span.to, microsPerSec))
		}
	}
	return count
}

func (t Timetable) walk(from, to int64) int64 {
	count := int64(0)
	for {
		next, ok := t.next(from)
		if !ok || next > to {
			return count
		}
		count++
		from = next
	}
}

// next works in microseconds.
func (t Timetable) next(after int64) (int64, bool) {
	after = max(after, t.start-1)
	for {
		next, ok := t.anyDate(after)
		if !ok || next >= t.end {
			return 0, false
		}
		if t.allows(next) {
			return next, true
		}
		if after, ok = t.skipDates(next); !ok {
			return 0, false
		}
	}
}

// anyDate returns the first instant after the given one, whatever the calendar
// and the bounds say.
func (t Timetable) anyDate(after int64) (int64, bool) {
	if t.every.period != 0 {
		return t.every.next(after)
	}
	first, found := int64(0), false
	for _, e := range t.exprs {
		next, ok := e.next(t.zone, floorDiv(after, microsPerSec))
		if ok && (!found || next < first) {
			first, found = next, true
		}
	}
	return first * microsPerSec, found
}

// allows says whether the calendar lets an instant fire.
func (t Timetable) allows(micros int64) bool {
	if t.dates == nil {
		return true
	}
	s := floorDiv(micros, microsPerSec)
	date := Date(floorDiv(s+t.zone.segment(s).offset, secondsPerDay))
	i := seek(t.dates, date)
	return i < len(t.dates) && t.dates[i].First <= date
}

// skipDates returns a time at or after an instant that is not allowed, up to
// which nothing else is either; it is false when nothing is allowed any more.
func (t Timetable) skipDates(micros int64) (int64, bool) {
	s := floorDiv(micros, microsPerSec)
	seg := t.zone.segment(s)
	i := seek(t.dates, Date(floorDiv(s+seg.offset, secondsPerDay)))
	// Dates only rise inside a segment; at its end the clock may go back to an
	// allowed date, so no jump goes further.
	target := seg.end
	if i < len(t.dates) {
		target = min(target, t.zone.reach(s, int64(t.dates[i].First)*secondsPerDay))
	} else if len(t.dates) == 0 || seg.end == math.MaxInt64 ||
		seg.end-slack > int64(t.dates[i-1].Last+1)*secondsPerDay {
		return 0, false
	}
	return max(micros, target*microsPerSec-1), true
}

// span is the instants after from, up to and including to, in microseconds.
type span struct{ from, to int64 }

// spans yields the parts of (from, to] that the calendar allows.
func (t Timetable) spans(from, to int64) func(func(span) bool) {
	return func(yield func(span) bool) {
		if t.dates == nil {
			if from < to {
				yield(span{from, to})
			}
			return
		}
		for from < to {
			seg := t.zone.segment(floorDiv(from+1, microsPerSec))
			end := to
			if seg.end != math.MaxInt64 {
				end = min(end, seg.end*microsPerSec-1)
			}
			if !t.spansOfSegment(span{from, end}, seg.offset, yield) {
				return
			}
			from = end
		}
	}
}

func (t Timetable) spansOfSegment(s span, offset int64, yield func(span) bool) bool {
	first := Date(floorDiv(floorDiv(s.from+1, microsPerSec)+offset, secondsPerDay))
	for _, r := range t.dates[seek(t.dates, first):] {
		part := span{
			max(s.from, (int64(r.First)*secondsPerDay-offset)*microsPerSec-1),
			min(s.to, (int64(r.Last+1)*secondsPerDay-offset)*microsPerSec-1),
		}
		if part.from >= s.to {
			return true
		}
		if part.from < part.to && !yield(part) {
			return false
		}
	}
	return true
}

func (i interval) next(after int64) (int64, bool) {
	next := i.offset + i.upTo(max(after, -1))*i.period
	return next, next < endMicros
}

// upTo returns how many instants lie in [0, micros].
func (i interval) upTo(micros int64) int64 {
	return floorDiv(min(micros, endMicros-1)-i.offset, i.period) + 1
}
