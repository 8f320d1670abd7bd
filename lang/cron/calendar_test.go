package cron

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// dates is a calendar as the oracle sees it: a set of days, written as text.
type dates map[string]bool

// drawDates returns ranges in no order, some of them over one another, near a day,
// and the same as a set.
func drawDates(r *rapid.T, what string, near time.Time) (list []string, set dates) {
	set = dates{}
	for range rapid.IntRange(0, 5).Draw(r, what) {
		first := near.AddDate(0, 0, rapid.IntRange(-12, 12).Draw(r, "first"))
		length := rapid.IntRange(0, 4).Draw(r, "length")
		for i := range length + 1 {
			set[first.AddDate(0, 0, i).Format(time.DateOnly)] = true
		}
		text := first.Format(time.DateOnly)
		if length > 0 || rapid.Bool().Draw(r, "as a range") {
			text += ".." + first.AddDate(0, 0, length).Format(time.DateOnly)
		}
		list = append(list, text)
	}
	return list, set
}

// TestCalendars compares timetables with a calendar with a walk over the same
// timetable without one, which asks for each instant on which day its clock is.
func TestCalendars(t *testing.T) {
	hard := []struct{ zone, day string }{
		{"UTC", "2026-03-02"},
		{"Asia/Shanghai", "2026-10-01"},
		{"Europe/Berlin", "2026-03-29"},
		{"America/New_York", "2014-11-02"},
		{"America/Sao_Paulo", "2018-11-04"}, // midnight does not exist
		{"America/Sao_Paulo", "2019-02-16"}, // midnight comes twice
		{"Australia/Lord_Howe", "2025-04-06"},
		{"Pacific/Apia", "2011-12-30"}, // the day does not exist
		{"Pacific/Kwajalein", "1993-08-21"},
		{"America/Juneau", "1970-01-20"},
	}
	rapid.Check(t, func(r *rapid.T) {
		place := rapid.SampledFrom(hard).Draw(r, "place")
		day, err := time.Parse(time.DateOnly, place.day)
		if err != nil {
			t.Fatal(err)
		}
		s := Spec{Timezone: place.zone}
		if rapid.Bool().Draw(r, "every") {
			s.Every = time.Duration(rapid.Int64Range(20, 2000).Draw(r, "minutes")) * time.Minute
		} else {
			s.Crons = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
				"0 0 * * *", "30 * * * *", "59 23 * * *", "0 */7 * * *", "0 2 * * 1-5", "15 0 1 * *", "0 0 12 LW * ?",
			}), 1, 3, rapid.ID[string]).Draw(r, "crons")
		}
		plain := mustCompile(r, s)
		var include, exclude dates
		s.Include, include = drawDates(r, "include", day)
		s.Exclude, exclude = drawDates(r, "exclude", day)
		tt := mustCompile(r, s)

		from := day.AddDate(0, 0, -15).Add(time.Duration(rapid.IntRange(0, 86_400).Draw(r, "second")) * time.Second)
		to := from.AddDate(0, 0, 30)
		var want []time.Time
		for _, at := range got(plain, from, to) {
			date := at.In(plain.Location()).Format(time.DateOnly)
			if (len(include) == 0 || include[date]) && !exclude[date] {
				want = append(want, at)
			}
		}
		have := got(tt, from, to)
		if !slices.EqualFunc(have, want, time.Time.Equal) {
			r.Fatalf("%+v, %s … %s:\n got %s\nwant %s", s, from, to, have, want)
		}
		if n := tt.CountBetween(from, to); n != int64(len(want)) {
			r.Fatalf("%+v: counted %d of %d", s, n, len(want))
		}
		for i, at := range want {
			prev, ok := tt.Prev(at)
			if i > 0 && (!ok || !prev.Equal(want[i-1])) {
				r.Fatalf("%+v: before %s is %s, want %s", s, at, prev, want[i-1])
			}
		}
	})
}

// TestCalendarBounds: however many days are taken away, an answer takes no longer
// than the changes of the clock and the ranges of dates there are. A walk over the
// instants would not end within this test's life.
func TestCalendarBounds(t *testing.T) {
	var days []string
	for d := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); len(days) < 9000; d = d.AddDate(0, 0, 2) {
		days = append(days, d.Format(time.DateOnly))
	}
	second := "* * * * * ?"
	for _, tc := range []struct {
		name       string
		spec       Spec
		next, prev string
		count      int64
	}{
		{
			"all but the last day",
			Spec{Crons: []string{second}, Timezone: "Europe/Berlin", Exclude: []string{"1970-01-01..2199-12-30"}},
			"2199-12-30T23:00:00Z", "", 25 * 3600, // the last hour is of another day already
		},
		{"every day", Spec{Every: time.Second, Exclude: []string{"1970-01-01..2199-12-31"}}, "", "", 0},
		{
			"one day",
			Spec{Crons: []string{second}, Timezone: "Australia/Lord_Howe", Include: []string{"2150-06-01"}},
			"2150-05-31T13:30:00Z", "", 24 * 3600,
		},
		{
			"every other day",
			Spec{Crons: []string{second}, Timezone: "Africa/Casablanca", Exclude: days},
			"2026-01-01T23:00:00Z", "2025-12-31T22:59:59Z", -1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tt := mustCompile(t, tc.spec)
			from := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
			show := func(at time.Time, ok bool) string {
				if !ok {
					return ""
				}
				return at.Format(time.RFC3339)
			}
			if next := show(tt.Next(from)); next != tc.next {
				t.Errorf("next is %s, want %s", next, tc.next)
			}
			if prev := show(tt.Prev(from)); prev != tc.prev {
				t.Errorf("prev is %s, want %s", prev, tc.prev)
			}
			n := tt.CountBetween(from, time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC))
			if tc.count >= 0 && n != tc.count {
				t.Errorf("counted %d, want %d", n, tc.count)
			}
		})
	}
	if _, err := Compile(Spec{Crons: []string{second}, Exclude: append(days, days...)}); err == nil {
		t.Error(fmt.Sprint(len(days)*2) + " dates are taken")
	}
}

func BenchmarkNextWithCalendar(b *testing.B) {
	var days []string
	for d := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); len(days) < 2000; d = d.AddDate(0, 0, 2) {
		days = append(days, d.Format(time.DateOnly))
	}
	tt := mustCompile(b, Spec{Crons: []string{"*/5 * * * *"}, Timezone: "Europe/Berlin", Exclude: days})
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := start
	for b.Loop() {
		if at, _ = tt.Next(at); at.Year() > 2034 {
			at = start
		}
	}
}
