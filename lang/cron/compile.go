package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Spec is a timetable as it is written: either Crons or Every, the rest is
// optional.
type Spec struct {
	Crons    []string
	Every    time.Duration // at least a second, in whole microseconds
	Offset   time.Duration // shifts Every; less than Every
	Timezone string        // IANA name; "" is UTC
	// Start and End are RFC 3339, or a local time without offset, or a local
	// date. Start is the first instant allowed. A time as End is the first that
	// is not; a date as End is the last day on which something fires.
	Start, End string
	// Include and Exclude are dates or ranges of dates: see Calendar and
	// ParseDateRange.
	Include, Exclude []string
}

// Bounds of a Spec.
const (
	maxCrons = 100
	maxDates = 10_000
	minEvery = time.Second
	maxEvery = 100 * 366 * 24 * time.Hour
)

// Compile turns a Spec into its Timetable. All flaws are reported at once, as
// SpecErrors. Whoever compiles many uses one Compiler for all.
func Compile(spec Spec) (Timetable, error) { return new(Compiler).Compile(spec) }

// Compiler compiles Specs and lets equal expressions and zones share memory.
// The zero Compiler is ready. It is not safe for concurrent use.
type Compiler struct {
	zones zones
	exprs map[string]*Expr
}

// Compile is the method behind the function Compile.
func (c *Compiler) Compile(spec Spec) (Timetable, error) {
	var errs SpecErrors
	note := func(attribute string, index int, err error) {
		if err != nil {
			errs = append(errs, &SpecError{attribute, index, err})
		}
	}
	t := Timetable{end: endMicros}
	t.exprs = c.expressions(spec, note)
	if spec.Every != 0 || spec.Offset != 0 {
		t.every = readEvery(spec, note)
	}
	loc, err := c.zones.load(spec.Timezone)
	note("timezone", 0, err)
	if err == nil {
		t.zone = zone{loc}
		readBounds(&t, spec, note)
	}
	calendar := Calendar{Include: readDates("include", spec.Include, note), Exclude: readDates("exclude", spec.Exclude, note)}
	if len(errs) > 0 {
		return Timetable{}, errs
	}
	t.dates = calendar.allowed()
	return t, nil
}

// noteFunc collects a flaw; a nil error is none.
type noteFunc func(attribute string, index int, err error)

func (c *Compiler) expressions(spec Spec, note noteFunc) []*Expr {
	switch {
	case len(spec.Crons) == 0 && spec.Every == 0:
		note("cron", 0, errors.New("nothing says when to fire; write cron or every"))
		return nil
	case len(spec.Crons) > 0 && spec.Every != 0:
		note("every", 0, errors.New("cron and every exclude each other; keep one"))
	case len(spec.Crons) > maxCrons:
		note("cron", maxCrons, fmt.Errorf("the list has %d expressions, more than %d", len(spec.Crons), maxCrons))
		return nil
	}
	if c.exprs == nil {
		c.exprs = make(map[string]*Expr)
	}
	exprs := make([]*Expr, 0, len(spec.Crons))
	for i, text := range spec.Crons {
		e := c.exprs[text]
		if e == nil {
			var err error
			if e, err = Parse(text); err != nil {
				note("cron", i, err)
				continue
			}
			// The key must not keep the whole source of a file alive.
			c.exprs[strings.Clone(text)] = e
		}
		exprs = append(exprs, e)
	}
	return exprs
}

func readEvery(spec Spec, note noteFunc) interval {
	switch {
	case spec.Every == 0:
		note("offset", 0, errors.New("it shifts every, which is missing"))
	case spec.Every < minEvery || spec.Every > maxEvery:
		note("every", 0, fmt.Errorf("%v is not between %v and 100 years", spec.Every, minEvery))
	case spec.Every%time.Microsecond != 0:
		note("every", 0, fmt.Errorf("%v is not a whole number of microseconds", spec.Every))
	case spec.Offset < 0 || spec.Offset >= spec.Every:
		note("offset", 0, fmt.Errorf("%v is not between 0s and every (%v)", spec.Offset, spec.Every))
	case spec.Offset%time.Microsecond != 0:
		note("offset", 0, fmt.Errorf("%v is not a whole number of microseconds", spec.Offset))
	}
	return interval{spec.Every.Microseconds(), spec.Offset.Microseconds()}
}

// readBounds needs the zone of the timetable.
func readBounds(t *Timetable, spec Spec, note noteFunc) {
	if spec.Start != "" {
		start, err := readTime(spec.Start, t.zone, 0)
		note("start", 0, err)
		t.start = start
	}
	if spec.End == "" {
		return
	}
	end, err := readTime(spec.End, t.zone, 1)
	if err == nil && end <= t.start {
		err = fmt.Errorf("%s is not after the start", spec.End)
	}
	note("end", 0, err)
	t.end = end
}

// readTime returns microseconds. A date without a clock time is its midnight,
// some days later.
func readTime(s string, z zone, days int) (int64, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return max(0, clampMicros(t)), nil
	}
	if d, err := ParseDate(s); err == nil {
		return z.local((int64(d) + int64(days)) * secondsPerDay), nil
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return z.local(t.Unix()), nil
		}
	}
	return 0, fmt.Errorf("%q is not a time; write 2026-12-24T18:00:00Z, 2026-12-24T18:00 for the local clock, or 2026-12-24", s)
}

func readDates(attribute string, list []string, note noteFunc) []DateRange {
	if len(list) > maxDates {
		note(attribute, maxDates, fmt.Errorf("the list has %d entries, more than %d", len(list), maxDates))
		return nil
	}
	ranges := make([]DateRange, 0, len(list))
	for i, text := range list {
		r, err := ParseDateRange(text)
		note(attribute, i, err)
		ranges = append(ranges, r)
	}
	return ranges
}

// local returns the first instant at which the clock shows w or later, in
// microseconds.
func (z zone) local(w int64) int64 {
	return min(max(0, z.reach(-slack, w)), endOfTime) * microsPerSec
}
