package cron

// A wall is a reading of a local clock: seconds since 1970-01-01 00:00 as if
// no zone existed. A day is a wall divided by secondsPerDay.

const (
	secondsPerDay = 24 * 60 * 60
	microsPerSec  = 1_000_000
	firstYear     = 1970 // no instant before it; the years that a year field can name
	lastYear      = 2199
	endOfTime     = 84006 * secondsPerDay // 2200-01-01, the first second that is no instant
)

// dayOf returns the day number of a date of the proleptic Gregorian calendar.
// March counts as the first month here, so that the leap day ends the year.
func dayOf(year, month, dom int) int64 {
	y, m := int64(year), int64(month)
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + int64(dom) - 1
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468
}

// dateOf is the inverse of dayOf.
func dateOf(day int64) (year, month, dom int) {
	day += 719468
	era := floorDiv(day, 146097)
	doe := day - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dom = int(doy - (153*mp+2)/5 + 1)
	month = int(mp + 3)
	year = int(yoe + era*400)
	if month > 12 {
		month, year = month-12, year+1
	}
	return year, month, dom
}

// weekdayOf returns 0 for Sunday; 1970-01-01 was a Thursday.
func weekdayOf(day int64) int { return int(floorMod(day+4, 7)) }

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int64) int64 { return a - floorDiv(a, b)*b }
