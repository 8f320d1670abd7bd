package cron

import (
	"math"
	"time"
)

// slack is more than any two zone offsets ever differ by: walls at or after an
// instant t lie above t-slack, walls before it below t+slack.
const slack = 48 * 60 * 60

// zone maps walls to instants. Instants are seconds since the Unix epoch.
type zone struct{ loc *time.Location }

// segment is a stretch [start, end) of instants with one offset.
type segment struct{ start, end, offset int64 }

func (z zone) segment(t int64) segment {
	local := time.Unix(t, 0).In(z.loc)
	_, offset := local.Zone()
	start, end := local.ZoneBounds()
	s := segment{math.MinInt64, math.MaxInt64, int64(offset)}
	if !start.IsZero() {
		s.start = start.Unix()
	}
	if !end.IsZero() {
		s.end = end.Unix()
	}
	if s.end <= t {
		// Where a rule makes the offset, package time also cuts at each end of a
		// year, but counts 365 days to it: on 31 December of a leap year the
		// bound lies behind t. What is left of the year is one stretch.
		s.end = floorDiv(t, secondsPerDay)*secondsPerDay + secondsPerDay
	}
	s.start = z.startAfter(s.start, t)
	return s
}

// startAfter moves the start of the segment of t behind changes of the clock up
// to t. After the last change that the zone lists, package time takes the start
// from the rule for the future, which may lie before that change.
func (z zone) startAfter(start, t int64) int64 {
	for start != math.MinInt64 {
		_, end := time.Unix(start, 0).In(z.loc).ZoneBounds()
		if end.IsZero() || end.Unix() > t || end.Unix() <= start {
			break
		}
		start = end.Unix()
	}
	return start
}

// highWater returns the latest wall that was shown at or before t. It is later
// than the wall at t while the clock repeats itself.
func (z zone) highWater(t int64) int64 {
	s := z.segment(t)
	high := t + s.offset
	for s.start != math.MinInt64 && s.start > t-slack {
		s = z.segment(s.start - 1)
		high = max(high, s.end+s.offset-1)
	}
	return high
}

// reach returns the first instant at or after t at which the clock shows w or
// a later wall.
func (z zone) reach(t, w int64) int64 {
	t = max(t, w-slack)
	for {
		s := z.segment(t)
		if t+s.offset >= w {
			return t
		}
		if w-s.offset < s.end {
			return w - s.offset
		}
		t = s.end
	}
}

// FirstAt returns the first instant at which the clock of a zone shows what wall
// shows in UTC, or a later time: the end of the gap where the clock leaps over it,
// and the first pass where it shows it twice.
func FirstAt(wall time.Time, loc *time.Location) time.Time {
	w := wall.Unix()
	z := zone{loc}
	t := z.reach(w-slack, w)
	if t+z.segment(t).offset > w {
		return time.Unix(t, 0).In(loc)
	}
	return time.Unix(t, int64(wall.Nanosecond())).In(loc)
}

// next returns the first instant after t.
func (e *Expr) next(z zone, t int64) (int64, bool) {
	t = max(t, -1)
	if t >= endOfTime {
		return 0, false
	}
	next, ok := int64(0), false
	if e.wild {
		next, ok = e.nextElapsed(z, t+1)
	} else if w, some := e.nextWall(z.highWater(t) + 1); some {
		next, ok = z.reach(t+1, w), true
	}
	return next, ok && next < endOfTime
}

// nextElapsed returns the first instant at or after t whose wall matches.
func (e *Expr) nextElapsed(z zone, t int64) (int64, bool) {
	for {
		s := z.segment(t)
		if w, ok := e.nextWall(t + s.offset); ok && w-s.offset < s.end {
			return w - s.offset, true
		}
		if s.end == math.MaxInt64 {
			return 0, false
		}
		// The next segments may show walls again, but none below end-slack.
		w, ok := e.nextWall(s.end - slack)
		if !ok {
			return 0, false
		}
		t = max(s.end, w-slack)
	}
}

// count returns how many instants lie in (from, to].
func (e *Expr) count(z zone, from, to int64) int64 {
	from, to = max(from, -1), min(to, endOfTime-1)
	if from >= to || e.never {
		return 0
	}
	if !e.wild {
		return e.countFixed(z, from, to)
	}
	count := int64(0)
	for t := from + 1; t <= to; {
		s := z.segment(t)
		end := min(s.end, to+1)
		count += e.countWalls(t+s.offset, end+s.offset)
		t = end
	}
	return count
}

// countFixed counts the walls that become reached, and those of one gap once.
func (e *Expr) countFixed(z zone, from, to int64) int64 {
	count := e.countWalls(z.highWater(from)+1, z.highWater(to)+1)
	for s := z.segment(from); s.end <= to; {
		gap := z.highWater(s.end-1) + 1
		s = z.segment(s.end)
		if shown := s.start + s.offset; shown > gap {
			count -= max(0, e.countWalls(gap, shown+1)-1)
		}
	}
	return count
}
