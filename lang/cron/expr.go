package cron

import (
	"math/bits"
	"time"
)

// Expr is one parsed expression. It never changes and may be shared.
type Expr struct {
	text             string
	quartz           bool
	seconds, minutes uint64 // bit n: n
	hours            uint32 // bit n: n
	wild             bool   // hour written with a wildcard: elapsed time
	days             dayRule
	months           uint16 // bit n: n, from 1
	anyYear          bool
	years            yearSet
	never            bool
}

// yearSet has bit n for the year firstYear+n.
type yearSet [4]uint64

func (s *yearSet) add(n int)      { s[n/64] |= 1 << (n % 64) }
func (s *yearSet) has(n int) bool { return s[n/64]&(1<<(n%64)) != 0 }

// String returns the expression as it was written, without space around it.
func (e *Expr) String() string { return e.text }

// Never says that no date matches, now or in the past, such as 30 February.
func (e *Expr) Never() bool { return e.never }

// Next returns the first instant after the given one, in UTC; it is false when
// there is none before the year 2200. loc is the zone whose clock is read.
func (e *Expr) Next(after time.Time, loc *time.Location) (time.Time, bool) {
	t, ok := e.next(zone{loc}, floorDiv(clampMicros(after), microsPerSec))
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(t, 0).UTC(), true
}

// dayRule says which days of a month match. Days of the week count from
// Sunday = 0.
type dayRule struct {
	dom         uint32   // bit d: day d
	last        uint32   // bit n: n days before the last day
	nearest     uint32   // bit d: weekday nearest to day d
	lastNearest uint32   // bit n: weekday nearest to n days before the last
	dow         uint8    // bit w: every weekday w
	lastDow     uint8    // bit w: the last w of the month
	nth         [6]uint8 // nth[n], bit w: the n-th w of the month, n from 1
	either      bool     // a day that matches one of the two fields counts
}

const (
	allDom   = 1<<32 - 2
	allDow   = 1<<7 - 1
	weekly   = 1 | 1<<7 | 1<<14 | 1<<21 | 1<<28
	saturday = 6
	sunday   = 0
)

// mask returns the matching days of a month, bit d for day d.
func (r *dayRule) mask(year, month int) uint32 {
	length := daysIn(year, month)
	whole := uint32(1<<(length+1) - 2)
	dom, dow := r.dom&whole, whole
	if r.last|r.nearest|r.lastNearest != 0 || r.dow != allDow {
		first := weekdayOf(dayOf(year, month, 1))
		dom |= r.specialDom(first, length)
		dow = r.dowMask(first, length) & whole
	}
	if r.either {
		return dom | dow
	}
	return dom & dow
}

func (r *dayRule) specialDom(first, length int) uint32 {
	var days uint32
	for n := range each(r.last) {
		if n < length {
			days |= 1 << (length - n)
		}
	}
	for d := range each(r.nearest) {
		if d <= length {
			days |= 1 << nearestWeekday(d, first, length)
		}
	}
	for n := range each(r.lastNearest) {
		if n < length {
			days |= 1 << nearestWeekday(length-n, first, length)
		}
	}
	return days
}

// nearestWeekday moves day d off the weekend, but never out of the month.
func nearestWeekday(d, first, length int) int {
	switch (first + d - 1) % 7 {
	case saturday:
		if d == 1 {
			return 3
		}
		return d - 1
	case sunday:
		if d == length {
			return d - 2
		}
		return d + 1
	}
	return d
}

func (r *dayRule) dowMask(first, length int) uint32 {
	if r.dow == allDow {
		return allDom
	}
	var days uint32
	for w := range 7 {
		d := 1 + (w-first+7)%7 // first w of the month
		if r.dow&(1<<w) != 0 {
			days |= weekly << d
		}
		if r.lastDow&(1<<w) != 0 {
			days |= 1 << (d + (length-d)/7*7)
		}
		for n := 1; n <= 5; n++ {
			if r.nth[n]&(1<<w) != 0 && d+7*(n-1) <= length {
				days |= 1 << (d + 7*(n-1))
			}
		}
	}
	return days
}

// each yields the numbers of the set bits, ascending.
func each(set uint32) func(func(int) bool) {
	return func(yield func(int) bool) {
		for ; set != 0; set &= set - 1 {
			if !yield(bits.TrailingZeros32(set)) {
				return
			}
		}
	}
}
