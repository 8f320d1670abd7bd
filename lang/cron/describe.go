package cron

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Describe says in words when the timetable fires, with its zone, bounds and
// calendar.
func (t Timetable) Describe() string {
	var parts []string
	for _, e := range t.exprs {
		parts = append(parts, e.Describe())
	}
	text := strings.Join(parts, "; and ")
	if t.every.period != 0 {
		text = "every " + duration(t.every.period)
		if t.every.offset != 0 {
			text += ", shifted by " + duration(t.every.offset)
		}
	}
	if len(t.exprs) > 0 {
		text += " (" + t.Location().String() + ")"
	}
	if t.start > 0 {
		text += ", from " + t.local(t.start)
	}
	if t.end < endMicros {
		text += ", before " + t.local(t.end)
	}
	if t.dates != nil {
		text += ", on the dates that the calendar allows"
	}
	return text
}

func (t Timetable) local(micros int64) string {
	return instant(micros).In(t.Location()).Format("2006-01-02 15:04:05 -07:00")
}

func duration(micros int64) string {
	d := time.Duration(micros) * time.Microsecond
	switch {
	case d%(24*time.Hour) == 0:
		return plural(int(d/(24*time.Hour)), "day")
	case d%time.Hour == 0:
		return plural(int(d/time.Hour), "hour")
	case d%time.Minute == 0:
		return plural(int(d/time.Minute), "minute")
	case d%time.Second == 0:
		return plural(int(d/time.Second), "second")
	}
	return d.String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Describe says in words when the expression matches.
func (e *Expr) Describe() string {
	if e.never {
		return "never: no month has such a day"
	}
	text, everyDay := e.clock()
	if days := e.days.describe(); days != "" {
		text += " " + days
	} else if everyDay {
		text += " every day"
	}
	if e.months != allMonths {
		text += " in " + words(uint64(e.months), 12, monthWord)
	}
	if !e.anyYear {
		text += " in " + e.yearWords()
	}
	return text
}

const (
	allMonths  = 1<<13 - 2
	allHours   = 1<<24 - 1
	allMinutes = 1<<60 - 1
	maxClocks  = 6 // times of the day that are spelt out
)

// clock describes the time of the day; everyDay says that the text wants to be
// told on which days.
func (e *Expr) clock() (text string, everyDay bool) {
	oneSecond := bits.OnesCount64(e.seconds) == 1
	if oneSecond && bits.OnesCount32(e.hours)*bits.OnesCount64(e.minutes) <= maxClocks {
		return "at " + e.clocks(), true
	}
	var parts []string
	if e.seconds != 1 {
		seconds := unit(e.seconds, 60, "second")
		if e.minutes == allMinutes && strings.HasPrefix(seconds, "at ") {
			seconds += " of every minute"
		}
		parts = append(parts, seconds)
	}
	onTheHour := e.minutes == 1 && e.seconds == 1
	if !onTheHour && (e.minutes != allMinutes || len(parts) == 0) {
		parts = append(parts, unit(e.minutes, 60, "minute"))
	}
	switch hours := unit(uint64(e.hours), 24, "hour"); {
	case e.hours == allHours && len(parts) > 0:
		if strings.HasPrefix(parts[len(parts)-1], "at minute") {
			parts = append(parts, "of every hour")
		}
	case len(parts) == 0:
		parts = append(parts, hours)
	case bits.OnesCount32(e.hours) == 1:
		parts = append(parts, "of "+strings.TrimPrefix(hours, "at "))
	case !strings.HasPrefix(hours, "every"):
		parts = append(parts, "of the hours "+words(uint64(e.hours), 24, number))
	default:
		parts = append(parts, "of "+hours)
	}
	return strings.Join(parts, " "), false
}

func (e *Expr) clocks() string {
	var list []string
	second := bits.TrailingZeros64(e.seconds)
	for h := range each(e.hours) {
		for m := range 60 {
			if e.minutes&(1<<m) == 0 {
				continue
			}
			clock := fmt.Sprintf("%02d:%02d", h, m)
			if second != 0 {
				clock += fmt.Sprintf(":%02d", second)
			}
			list = append(list, clock)
		}
	}
	return join(list)
}

// unit describes a set of seconds, minutes or hours out of n.
func unit(set uint64, n int, noun string) string {
	count, first := bits.OnesCount64(set), bits.TrailingZeros64(set)
	if count == n {
		return "every " + noun
	}
	if step := stepOf(set, n); step > 0 {
		text := fmt.Sprintf("every %d %ss", step, noun)
		if first != 0 {
			text += fmt.Sprintf(" from %s %d", noun, first)
		}
		return text
	}
	if count == 1 {
		return fmt.Sprintf("at %s %d", noun, first)
	}
	return fmt.Sprintf("at %ss %s", noun, words(set, n-1, number))
}

// stepOf returns the step of a set of at least three equidistant numbers that
// goes on to the end of the range [0, n), else 0.
func stepOf(set uint64, n int) int {
	first := bits.TrailingZeros64(set)
	rest := set &^ (1 << first)
	if bits.OnesCount64(set) < 3 {
		return 0
	}
	step := bits.TrailingZeros64(rest) - first
	want := uint64(0)
	for v := first; v < n; v += step {
		want |= 1 << v
	}
	if step < 2 || want != set {
		return 0
	}
	return step
}

// describe is empty for a rule that restricts nothing.
func (r *dayRule) describe() string {
	dom, dow := r.domWords(), r.dowWords()
	switch {
	case dom == "" || dow == "":
		return dom + dow
	case r.either:
		return dom + " or " + dow
	case bits.OnesCount8(r.dow) == 1:
		return dom + ", if that is a " + strings.TrimPrefix(dow, "on ")
	default:
		return dom + ", if that is one of the days " + strings.TrimPrefix(dow, "on ")
	}
}

func (r *dayRule) domWords() string {
	if r.dom == allDom {
		return ""
	}
	var list []string
	if r.dom != 0 {
		noun := "day "
		if bits.OnesCount32(r.dom) > 1 {
			noun = "days "
		}
		list = append(list, noun+words(uint64(r.dom), 31, number))
	}
	for d := range each(r.nearest) {
		list = append(list, fmt.Sprintf("the weekday nearest to day %d", d))
	}
	for n := range each(r.last) {
		list = append(list, beforeLast(n, "day"))
	}
	for n := range each(r.lastNearest) {
		if n == 0 {
			list = append(list, "the last weekday")
		} else {
			list = append(list, "the weekday nearest to "+beforeLast(n, "day"))
		}
	}
	return "on " + join(list) + " of the month"
}

func beforeLast(n int, noun string) string {
	if n == 0 {
		return "the last " + noun
	}
	return fmt.Sprintf("the %s %d before the last", noun, n)
}

func (r *dayRule) dowWords() string {
	if r.dow == allDow {
		return ""
	}
	var list []string
	if r.dow != 0 {
		// Weeks read from Monday: Sunday moves behind Saturday.
		week := uint64(r.dow)&^1 | uint64(r.dow&1)<<7
		list = append(list, words(week, 7, weekdayWord))
	}
	for w := range each(uint32(r.lastDow)) {
		list = append(list, "the last "+weekdayWord(w)+" of the month")
	}
	for n, set := range r.nth {
		for w := range each(uint32(set)) {
			list = append(list, "the "+ordinal(n)+" "+weekdayWord(w)+" of the month")
		}
	}
	return "on " + join(list)
}

func (e *Expr) yearWords() string {
	var list []string
	for n := 0; n <= lastYear-firstYear; n++ {
		if !e.years.has(n) {
			continue
		}
		first := n
		for n < lastYear-firstYear && e.years.has(n+1) {
			n++
		}
		if n == first {
			list = append(list, number(firstYear+n))
		} else {
			list = append(list, fmt.Sprintf("%d to %d", firstYear+first, firstYear+n))
		}
	}
	return join(list)
}

func number(n int) string { return fmt.Sprint(n) }

func ordinal(n int) string {
	return [...]string{"", "first", "second", "third", "fourth", "fifth"}[n]
}

func weekdayWord(w int) string { return time.Weekday(w % 7).String() }
func monthWord(m int) string   { return time.Month(m).String() }

// words lists the members of a set up to hi, three and more in a row as a range.
func words(set uint64, hi int, word func(int) string) string {
	var list []string
	for v := 0; v <= hi; v++ {
		if set&(1<<v) == 0 {
			continue
		}
		last := v
		for last < hi && set&(1<<(last+1)) != 0 {
			last++
		}
		if last-v >= 2 {
			list = append(list, word(v)+" to "+word(last))
			v = last
			continue
		}
		list = append(list, word(v))
	}
	return join(list)
}

func join(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
