package expr

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/leifengta/lft/lang/cron"
)

// Functions on times beyond Terraform's: what the windows of a run are made of.
// All take and give RFC 3339. The offset of a result is that of the zone, where
// one is given, else of the argument. Each loads zone data, which is paid for as
// if it were a value of zoneCost bytes.
const zoneCost = 60 << 10

var (
	timestampParam = function.Parameter{Name: "timestamp", Type: cty.String, Description: "An RFC 3339 time, such as 2026-03-29T02:30:00+02:00."}
	unitParam      = function.Parameter{Name: "unit", Type: cty.String, Description: "second, minute, hour, day, week, month, quarter or year; a plural is understood."}
	zonesParam     = function.Parameter{Name: "zone", Type: cty.String, Description: "An IANA time zone; without one, the offset of the time holds."}
)

func zoned([]cty.Value, int) (int, error) { return zoneCost, nil }

// zonedIfGiven is the bound of functions whose zone is optional, behind n others.
func zonedIfGiven(n int) func([]cty.Value, int) (int, error) {
	return func(args []cty.Value, size int) (int, error) {
		if len(args) > n {
			return zoneCost, nil
		}
		return constant(args, size)
	}
}

var cronNext = function.New(&function.Spec{
	Description: "The first time after a timestamp at which a cron expression fires, in a time zone. It is null when it never fires again.",
	Params: []function.Parameter{
		{Name: "cron", Type: cty.String, Description: "Five fields, or Quartz' six or seven."},
		timestampParam,
	},
	VarParam: &zonesParam,
	Type:     function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		t, err := timeOf(args, 1)
		if err != nil {
			return cty.NilVal, err
		}
		loc, err := zoneOf(args, 2, time.UTC)
		if err != nil {
			return cty.NilVal, err
		}
		timetable, err := cron.Compile(cron.Spec{Crons: []string{args[0].AsString()}, Timezone: loc.String()})
		if err != nil {
			return cty.NilVal, function.NewArgError(0, flaw(err))
		}
		next, ok := timetable.Next(t)
		if !ok {
			return cty.NullVal(cty.String), nil
		}
		return cty.StringVal(next.In(loc).Format(time.RFC3339)), nil
	},
})

// flaw is what is wrong with the expression, without the attribute's name.
func flaw(err error) error {
	var flaws cron.SpecErrors
	if errors.As(err, &flaws) && len(flaws) > 0 {
		return flaws[0].Err
	}
	return err
}

var inZone = function.New(&function.Spec{
	Description: "The same moment as a clock in a time zone shows it.",
	Params:      []function.Parameter{timestampParam, {Name: "zone", Type: cty.String, Description: "An IANA time zone."}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return onTime(args, 1, func(t time.Time) (time.Time, error) { return t, nil })
	},
})

var dateAdd = function.New(&function.Spec{
	Description: "A time some units later, or earlier. Days and longer units follow the calendar of the zone: a day later has the same hour, or the end of a gap that holds it, and a month after 31 January is the end of February.",
	Params:      []function.Parameter{timestampParam, {Name: "amount", Type: cty.Number, Description: "A whole number, negative for earlier."}, unitParam},
	VarParam:    &zonesParam,
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		const most = 1_000_000_000
		n, exact := args[1].AsBigFloat().Int64()
		if exact != 0 || n < -most || n > most {
			return cty.NilVal, function.NewArgErrorf(1, "it must be a whole number of at most %d", most)
		}
		return onTime(args, 3, func(t time.Time) (time.Time, error) {
			later, err := addUnits(t, int(n), args[2].AsString())
			return later, argument(2, err)
		})
	},
})

var dateTrunc = function.New(&function.Spec{
	Description: "The start of the unit that a time lies in. Weeks start on Monday.",
	Params:      []function.Parameter{timestampParam, unitParam},
	VarParam:    &zonesParam,
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return onTime(args, 2, func(t time.Time) (time.Time, error) {
			start, err := startOf(t, args[1].AsString())
			return start, argument(1, err)
		})
	},
})

// onTime changes the timestamp args[0] in the zone args[zone], if there is one.
func onTime(args []cty.Value, zone int, change func(time.Time) (time.Time, error)) (cty.Value, error) {
	t, err := timeOf(args, 0)
	if err != nil {
		return cty.NilVal, err
	}
	loc, err := zoneOf(args, zone, t.Location())
	if err != nil {
		return cty.NilVal, err
	}
	t, err = change(t.In(loc))
	if err != nil {
		return cty.NilVal, err
	}
	if t.Year() < 0 || t.Year() > 9999 {
		return cty.NilVal, errors.New("the time would lie outside of the years 0 to 9999")
	}
	return cty.StringVal(t.Format(time.RFC3339Nano)), nil
}

func timeOf(args []cty.Value, i int) (time.Time, error) {
	// Parse would take an offset for the zone of the machine where that has it.
	t, err := time.ParseInLocation(time.RFC3339, args[i].AsString(), time.UTC)
	if err != nil {
		return t, function.NewArgErrorf(i, "it is not a time such as 2006-01-02T15:04:05Z")
	}
	return t, nil
}

func zoneOf(args []cty.Value, i int, otherwise *time.Location) (*time.Location, error) {
	switch {
	case len(args) <= i:
		return otherwise, nil
	case len(args) > i+1:
		return nil, function.NewArgErrorf(i+1, "there is one time zone")
	}
	loc, err := cron.LoadZone(args[i].AsString())
	return loc, argument(i, err)
}

// argument blames an argument for an error, if there is one.
func argument(i int, err error) error {
	if err == nil {
		return nil
	}
	return function.NewArgError(i, err)
}

// clock is what a clock in the zone of t shows, as a time in UTC.
func clock(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// addUnits follows the clock for days and longer units, and finds what it does
// not show as schedules do.
func addUnits(t time.Time, n int, unit string) (time.Time, error) {
	wall := clock(t)
	switch strings.TrimSuffix(unit, "s") {
	case "second":
		return t.Add(time.Duration(n) * time.Second), nil
	case "minute":
		return t.Add(time.Duration(n) * time.Minute), overflow(n, time.Minute)
	case "hour":
		return t.Add(time.Duration(n) * time.Hour), overflow(n, time.Hour)
	case "day":
		wall = wall.AddDate(0, 0, n)
	case "week":
		wall = wall.AddDate(0, 0, 7*n)
	case "month":
		wall = addMonths(wall, n)
	case "quarter":
		wall = addMonths(wall, 3*n)
	case "year":
		wall = addMonths(wall, 12*n)
	default:
		return t, unknownUnit(unit)
	}
	if n == 0 {
		return t, nil // which may be the second pass
	}
	return cron.FirstAt(wall, t.Location()), nil
}

// overflow refuses what a time.Duration cannot hold.
func overflow(n int, unit time.Duration) error {
	const most = 1<<63 - 1
	if n > most/int(unit) || -n > most/int(unit) {
		return errors.New("the amount is more than 292 years of it; use a longer unit")
	}
	return nil
}

// addMonths keeps the day, or takes the last one of a shorter month.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return time.Date(first.Year(), first.Month(), min(t.Day(), last), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
}

func startOf(t time.Time, unit string) (time.Time, error) {
	year, month, day := t.Date()
	midnight := func(year int, month time.Month, day int) (time.Time, error) {
		return cron.FirstAt(time.Date(year, month, day, 0, 0, 0, 0, time.UTC), t.Location()), nil
	}
	// An hour may be shown twice: what has passed of it is taken away, but no more
	// than since the clock was changed, which may be within it.
	passed := time.Duration(t.Nanosecond())
	switch strings.TrimSuffix(unit, "s") {
	case "second":
		return t.Add(-passed), nil
	case "minute":
		return t.Add(-passed - time.Duration(t.Second())*time.Second), nil
	case "hour":
		start := t.Add(-passed - time.Duration(t.Second())*time.Second - time.Duration(t.Minute())*time.Minute)
		if changed, _ := t.ZoneBounds(); start.Before(changed) {
			start = changed
		}
		return start, nil
	case "day":
		return midnight(year, month, day)
	case "week":
		return midnight(year, month, day-(int(t.Weekday())+6)%7)
	case "month":
		return midnight(year, month, 1)
	case "quarter":
		return midnight(year, month-(month-1)%3, 1)
	case "year":
		return midnight(year, 1, 1)
	}
	return t, unknownUnit(unit)
}

func unknownUnit(unit string) error {
	return fmt.Errorf("%q is no unit of time: write second, minute, hour, day, week, month, quarter or year", unit)
}
