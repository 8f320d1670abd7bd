package cron

import "math/bits"

// horizon is the first wall that is not looked at any more; no zone can show it
// before the last instant.
const horizon = endOfTime + slack

// nextWall returns the first matching wall at or after w.
func (e *Expr) nextWall(w int64) (int64, bool) {
	if e.never || w >= horizon {
		return 0, false
	}
	day := floorDiv(w, secondsPerDay)
	year, month, dom := dateOf(day)
	first := day - int64(dom) + 1
	mask := e.monthMask(year, month) >> dom << dom
	if mask&(1<<dom) != 0 {
		if clock, ok := e.nextClock(int(w - day*secondsPerDay)); ok {
			return day*secondsPerDay + int64(clock), true
		}
		mask &^= 1 << dom
	}
	for mask == 0 {
		first += int64(daysIn(year, month))
		if month++; month > 12 {
			month, year = 1, year+1
		}
		if year > lastYear+1 {
			return 0, false
		}
		mask = e.monthMask(year, month)
	}
	clock, _ := e.nextClock(0)
	return (first+int64(bits.TrailingZeros32(mask))-1)*secondsPerDay + int64(clock), true
}

// monthMask returns the matching days of a month, bit d for day d.
func (e *Expr) monthMask(year, month int) uint32 {
	if e.months&(1<<month) == 0 {
		return 0
	}
	if !e.anyYear && (year < firstYear || year > lastYear || !e.years.has(year-firstYear)) {
		return 0
	}
	return e.days.mask(year, month)
}

// nextClock returns the first matching second of the day at or after s.
func (e *Expr) nextClock(s int) (int, bool) {
	h, m, sec := s/3600, s/60%60, s%60
	hours, minutes, seconds := e.hours>>h<<h, e.minutes>>m<<m, e.seconds>>sec<<sec
	if hours&(1<<h) != 0 {
		if minutes&(1<<m) != 0 && seconds != 0 {
			return h*3600 + m*60 + bits.TrailingZeros64(seconds), true
		}
		if minutes &^= 1 << m; minutes != 0 {
			return h*3600 + bits.TrailingZeros64(minutes)*60 + bits.TrailingZeros64(e.seconds), true
		}
		hours &^= 1 << h
	}
	if hours == 0 {
		return 0, false
	}
	return bits.TrailingZeros32(hours)*3600 + bits.TrailingZeros64(e.minutes)*60 + bits.TrailingZeros64(e.seconds), true
}

// countWalls returns how many walls in [a, b) match.
func (e *Expr) countWalls(a, b int64) int64 {
	b = min(b, horizon)
	if e.never || a >= b {
		return 0
	}
	firstDay, lastDay := floorDiv(a, secondsPerDay), floorDiv(b, secondsPerDay)
	begun := int64(e.countClock(int(a - firstDay*secondsPerDay)))
	ended := int64(e.countClock(int(b - lastDay*secondsPerDay)))
	count := e.countDays(firstDay, lastDay) * int64(e.countClock(secondsPerDay))
	if e.countDays(firstDay, firstDay+1) != 0 {
		count -= begun
	}
	if e.countDays(lastDay, lastDay+1) != 0 {
		count += ended
	}
	return count
}

// countDays returns how many days in [from, to) match.
func (e *Expr) countDays(from, to int64) int64 {
	count := int64(0)
	for from < to {
		year, month, dom := dateOf(from)
		left := int64(daysIn(year, month) - dom + 1)
		mask := e.monthMask(year, month) >> dom
		if left > to-from {
			left = to - from
			mask &= 1<<left - 1
		}
		count += int64(bits.OnesCount32(mask))
		from += left
	}
	return count
}

// countClock returns how many seconds of the day before s match.
func (e *Expr) countClock(s int) int {
	h, m, sec := s/3600, s/60%60, s%60
	perMinute := bits.OnesCount64(e.seconds)
	perHour := bits.OnesCount64(e.minutes) * perMinute
	count := bits.OnesCount32(e.hours&(1<<h-1)) * perHour
	if h < 24 && e.hours&(1<<h) != 0 {
		count += bits.OnesCount64(e.minutes&(1<<m-1)) * perMinute
		if e.minutes&(1<<m) != 0 {
			count += bits.OnesCount64(e.seconds & (1<<sec - 1))
		}
	}
	return count
}
