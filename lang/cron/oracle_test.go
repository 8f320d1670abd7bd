package cron

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// plan is a cron expression as sets of numbers. The oracle never reads the text that the package parses: it walks
// minute by minute over the clock of the zone and asks the sets.
type plan struct {
	minutes, hours, doms, months, dows []int // nil: *
	step                               int   // of the hour when hours is nil, 0: *
}

func (p plan) String() string {
	hours := list(p.hours)
	if p.hours == nil && p.step > 1 {
		hours = fmt.Sprintf("*/%d", p.step)
	}
	return strings.Join([]string{list(p.minutes), hours, list(p.doms), list(p.months), list(p.dows)}, " ")
}

func list(set []int) string {
	if set == nil {
		return "*"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(set), "[]"), " ", ",")
}

func in(set []int, v int) bool { return set == nil || slices.Contains(set, v) }

// at reports whether the clock reading matches; t carries it as if it were UTC.
func (p plan) at(t time.Time) bool {
	dom, dow := in(p.doms, t.Day()), in(p.dows, int(t.Weekday()))
	day := dom && dow
	if p.doms != nil && p.dows != nil {
		day = dom || dow
	}
	step := max(p.step, 1)
	return day && in(p.minutes, t.Minute()) && in(p.hours, t.Hour()) && t.Hour()%step == 0 && in(p.months, int(t.Month()))
}

// wall returns the reading of the local clock as if it were UTC.
func wall(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// fires lists what must fire in (from, to]: with a wild hour, each minute whose reading matches; with fixed hours,
// each minute at which some matching reading is shown or passed that no earlier minute had shown or passed.
func (p plan) fires(loc *time.Location, from, to time.Time) []time.Time {
	var out []time.Time
	high := wall(from.Add(-49*time.Hour), loc)
	for t := from.Add(-49 * time.Hour); !t.After(to); t = t.Add(time.Minute) {
		w := wall(t, loc)
		fire := p.hours == nil && p.at(w)
		if p.hours != nil {
			for ; high.Before(w); high = high.Add(time.Minute) {
				fire = p.at(high.Add(time.Minute)) || fire
			}
		}
		if fire && t.After(from) {
			out = append(out, t)
		}
	}
	return out
}

func got(tt Timetable, from, to time.Time) []time.Time {
	var out []time.Time
	for t, ok := tt.Next(from); ok && !t.After(to); t, ok = tt.Next(t) {
		out = append(out, t)
		if len(out) > 1 && !out[len(out)-2].Before(t) {
			panic(fmt.Sprintf("%s does not come after %s", t, out[len(out)-2]))
		}
	}
	return out
}

func check(t interface{ Fatalf(string, ...any) }, p plan, zone string, from, to time.Time) {
	tt, err := Compile(Spec{Crons: []string{p.String()}, Timezone: zone})
	if err != nil {
		t.Fatalf("%s: %v", p, err)
	}
	want, have := p.fires(tt.Location(), from, to), got(tt, from, to)
	if !slices.EqualFunc(have, want, time.Time.Equal) {
		t.Fatalf("%s in %s, %s … %s:\n got %s\nwant %s", p, zone, from, to, have, want)
	}
	if n := tt.CountBetween(from, to); n != int64(len(want)) {
		t.Fatalf("%s in %s, %s … %s: counted %d of %d", p, zone, from, to, n, len(want))
	}
}

// around are the fixed and wild hours that meet a transition of any zone.
var around = []plan{
	{minutes: []int{0, 30}, hours: []int{0, 1, 2, 3, 23}},
	{minutes: []int{15, 45}},
	{minutes: []int{7}, step: 2},
}

// TestTransitions looks at two days round each change of the clock of each zone.
func TestTransitions(t *testing.T) {
	from, to := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	if testing.Short() {
		from = to.AddDate(-1, 0, 0)
	}
	var zz zones
	changes, seen := 0, map[string]bool{}
	for _, name := range Zones() {
		loc, err := zz.load(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := range transitions(loc, from, to) {
			// Many zones share their rules; one clock is looked at once.
			key := wall(at.Add(-time.Second), loc).String() + wall(at, loc).String()
			if seen[key] {
				continue
			}
			seen[key] = true
			changes++
			for _, p := range around {
				check(t, p, name, at.Add(-48*time.Hour), at.Add(48*time.Hour))
				check(t, p, name, at.Add(20*time.Minute), at.Add(3*time.Hour)) // while the clock repeats itself
			}
		}
	}
	if changes < 40 {
		t.Fatalf("only %d transitions: is the zone data there?", changes)
	}
}

// transitions yields where the clock changes; bounds at which it does not are looked at as well.
func transitions(loc *time.Location, from, to time.Time) func(func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		for {
			_, end := from.In(loc).ZoneBounds()
			switch {
			case end.IsZero() || end.After(to):
				return
			case !end.After(from): // 31 December of a leap year: see zone.segment
				from = from.Add(24 * time.Hour)
			case !yield(end.UTC().Truncate(time.Minute)):
				return
			default:
				from = end
			}
		}
	}
}

// TestLeapYearEnd meets the bound that package time puts before the last day of a leap year.
func TestLeapYearEnd(t *testing.T) {
	from := time.Date(2024, 12, 29, 0, 0, 0, 0, time.UTC)
	for _, p := range around {
		check(t, p, "Africa/Cairo", from, from.AddDate(0, 0, 6))
	}
}

// TestHardZones looks at whole months of zones with odd changes: half an hour, a skipped day, a change at midnight,
// two hours, the Ramadan.
func TestHardZones(t *testing.T) {
	for _, tc := range []struct {
		zone string
		day  string
	}{
		{"America/New_York", "2014-03-09"},
		{"America/New_York", "2014-11-02"},
		{"Europe/Berlin", "2026-03-29"},
		{"America/Sao_Paulo", "2018-11-04"},
		{"America/Sao_Paulo", "2019-02-17"},
		{"Australia/Lord_Howe", "2025-04-06"},
		{"Australia/Lord_Howe", "2025-10-05"},
		{"Pacific/Apia", "2011-12-30"},
		{"Africa/Casablanca", "2024-03-10"},
		{"Africa/Casablanca", "2024-04-14"},
		{"Antarctica/Troll", "2024-03-31"},
		{"America/Santiago", "2022-09-11"},
		{"Africa/Cairo", "2023-04-28"},
		{"Asia/Gaza", "2023-04-29"},
		{"Asia/Shanghai", "2024-01-01"},
		{"Asia/Pyongyang", "2015-08-15"},
	} {
		day, err := time.Parse(time.DateOnly, tc.day)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range append(around, plan{minutes: []int{0}, hours: []int{0}, dows: []int{1, 5}, doms: []int{13, 30}}) {
			check(t, p, tc.zone, day.AddDate(0, 0, -8), day.AddDate(0, 0, 8))
		}
	}
}

// TestWholeYears walks through years of zones that have it all.
func TestWholeYears(t *testing.T) {
	for zone, year := range map[string]int{
		"America/New_York": 2026, "Europe/Berlin": 2024, "America/Sao_Paulo": 2018, "Australia/Lord_Howe": 2025, "Pacific/Apia": 2011, "Africa/Casablanca": 2024,
		"Antarctica/Troll": 2024, "America/Santiago": 2022, "Africa/Cairo": 2023, "Asia/Gaza": 2023, "Asia/Shanghai": 2024,
	} {
		from := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		check(t, around[0], zone, from, from.AddDate(1, 0, 0))
		check(t, plan{minutes: []int{30}, step: 3}, zone, from, from.AddDate(1, 0, 0))
	}
}

// TestQuartzDays compares the day rules of Quartz with their definitions.
func TestQuartzDays(t *testing.T) {
	last := func(d time.Time) int { return d.AddDate(0, 0, 1-d.Day()).AddDate(0, 1, -1).Day() }
	weekend := func(d time.Time) bool { return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday }
	// nearest reports whether d is the weekday of its month nearest to the given day.
	nearest := func(d time.Time, day int) bool {
		if day > last(d) {
			return false
		}
		wanted := d.AddDate(0, 0, day-d.Day())
		for _, shift := range []int{0, -1, 1, -2, 2} {
			if c := wanted.AddDate(0, 0, shift); c.Month() == d.Month() && !weekend(c) {
				return c.Equal(d)
			}
		}
		return false
	}
	for days, is := range map[string]func(d time.Time) bool{
		"L * ?":         func(d time.Time) bool { return d.Day() == last(d) },
		"L-3 * ?":       func(d time.Time) bool { return d.Day() == last(d)-3 },
		"L-30 * ?":      func(d time.Time) bool { return d.Day() == last(d)-30 },
		"LW * ?":        func(d time.Time) bool { return nearest(d, last(d)) },
		"1W * ?":        func(d time.Time) bool { return nearest(d, 1) },
		"15W * ?":       func(d time.Time) bool { return nearest(d, 15) },
		"31W * ?":       func(d time.Time) bool { return nearest(d, 31) },
		"? * 6L":        func(d time.Time) bool { return d.Weekday() == time.Friday && d.Day() > last(d)-7 },
		"? * SUNL":      func(d time.Time) bool { return d.Weekday() == time.Sunday && d.Day() > last(d)-7 },
		"? * 2#1":       func(d time.Time) bool { return d.Weekday() == time.Monday && d.Day() <= 7 },
		"? * FRI#5":     func(d time.Time) bool { return d.Weekday() == time.Friday && d.Day() > 28 },
		"? * 1":         func(d time.Time) bool { return d.Weekday() == time.Sunday },
		"? * SAT-MON":   func(d time.Time) bool { return weekend(d) || d.Weekday() == time.Monday },
		"? 2/5 2-6":     func(d time.Time) bool { return (int(d.Month())-2)%5 == 0 && d.Month() > 1 && !weekend(d) },
		"1,29 2 ?":      func(d time.Time) bool { return d.Month() == 2 && (d.Day() == 1 || d.Day() == 29) },
		"3/7 JAN-MAR ?": func(d time.Time) bool { return d.Month() <= 3 && d.Day() >= 3 && (d.Day()-3)%7 == 0 },
	} {
		for _, zone := range []string{"UTC", "Asia/Shanghai", "Pacific/Apia", "Europe/Berlin"} {
			tt, err := Compile(Spec{Crons: []string{"7 30 12 " + days}, Timezone: zone})
			if err != nil {
				t.Errorf("%s: %v", days, err)
				break
			}
			from, to := time.Date(2008, 1, 1, 0, 0, 0, 0, tt.Location()), time.Date(2034, 1, 1, 0, 0, 0, 0, tt.Location())
			var want []time.Time
			for d := time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2034; d = d.AddDate(0, 0, 1) {
				skipped := zone == "Pacific/Apia" && d.Format(time.DateOnly) == "2011-12-30"
				if is(d) && !skipped {
					want = append(want, time.Date(d.Year(), d.Month(), d.Day(), 12, 30, 7, 0, tt.Location()))
				}
			}
			have := got(tt, from, to)
			if skippedDay := func(f time.Time) bool {
				return zone == "Pacific/Apia" && f.In(tt.Location()).Format("2006-01-02 15") == "2011-12-31 00"
			}; slices.ContainsFunc(have, skippedDay) {
				have = slices.DeleteFunc(have, skippedDay) // a day that the clock skips fires at its end
			}
			if !slices.EqualFunc(have, want, time.Time.Equal) {
				t.Errorf("%s in %s: %d times, want %d", days, zone, len(have), len(want))
			}
		}
	}
}

func TestRandomPlans(t *testing.T) {
	hard := []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Santiago", "Antarctica/Troll"}
	set := func(r *rapid.T, name string, lo, hi int) []int {
		if rapid.Bool().Draw(r, name+" wild") {
			return nil
		}
		s := rapid.SliceOfNDistinct(rapid.IntRange(lo, hi), 1, 4, rapid.ID[int]).Draw(r, name)
		slices.Sort(s)
		return s
	}
	rapid.Check(t, func(r *rapid.T) {
		p := plan{
			minutes: set(r, "minutes", 0, 59), hours: set(r, "hours", 0, 23), doms: set(r, "doms", 1, 31),
			months: set(r, "months", 1, 12), dows: set(r, "dows", 0, 6), step: rapid.IntRange(0, 5).Draw(r, "step"),
		}
		if p.hours != nil {
			p.step = 0
		}
		from := time.Unix(rapid.Int64Range(1_200_000_000, 1_900_000_000).Draw(r, "from"), 0).UTC().Truncate(time.Minute)
		check(r, p, rapid.SampledFrom(hard).Draw(r, "zone"), from, from.Add(96*time.Hour))
	})
}

// TestFirstAt compares it with the minutes round transitions of hard zones.
func TestFirstAt(t *testing.T) {
	for name, day := range map[string]string{
		"America/Sao_Paulo": "2018-11-04", "America/New_York": "2026-11-01", "Australia/Lord_Howe": "2026-10-04", "Pacific/Apia": "2011-12-30", "Europe/Dublin": "1996-03-31", "Asia/Pyongyang": "2018-05-05",
	} {
		loc, err := LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		from, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		from = from.AddDate(0, 0, -1)
		want := from.AddDate(0, 0, -2)
		for w := from; w.Before(from.AddDate(0, 0, 3)); w = w.Add(15 * time.Minute) {
			for wall(want, loc).Before(w) {
				want = want.Add(time.Minute)
			}
			if got := FirstAt(w, loc); !got.Equal(want) || got.Location() != loc {
				t.Errorf("%s at %s: got %s, want %s", w.Format(time.DateTime), name, got, want)
			}
		}
	}
}
