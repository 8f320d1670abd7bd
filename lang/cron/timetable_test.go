package cron

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func mustCompile(t interface{ Fatalf(string, ...any) }, s Spec) Timetable {
	tt, err := Compile(s)
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	return tt
}

func TestNext(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spec  Spec
		after string
		want  string // "" = none
	}{
		{"daily", Spec{Crons: []string{"0 2 * * *"}}, "2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z"},
		{"exclusive", Spec{Crons: []string{"0 2 * * *"}}, "2026-03-01T01:59:59.999999Z", "2026-03-01T02:00:00Z"},
		{"gap of spring: its end", Spec{Crons: []string{"30 2 * * *"}, Timezone: "Europe/Berlin"}, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"overlap of autumn: first pass", Spec{Crons: []string{"30 2 * * *"}, Timezone: "Europe/Berlin"}, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"overlap of autumn: not twice", Spec{Crons: []string{"30 2 * * *"}, Timezone: "Europe/Berlin"}, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"overlap of autumn, wild hour: both", Spec{Crons: []string{"30 * * * *"}, Timezone: "Europe/Berlin"}, "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
		{"a day that never was", Spec{Crons: []string{"0 12 30 12 *"}, Timezone: "Pacific/Apia"}, "2011-01-01T00:00:00Z", "2011-12-30T10:00:00Z"},
		{"both day fields: either", Spec{Crons: []string{"0 0 13 * FRI"}}, "2026-11-06T12:00:00Z", "2026-11-13T00:00:00Z"},
		{"star step and weekday: both", Spec{Crons: []string{"0 0 */2 * MON"}}, "2026-11-10T00:00:00Z", "2026-11-23T00:00:00Z"},
		{"Sunday as 7", Spec{Crons: []string{"0 0 * * 7"}}, "2026-11-25T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"leap day", Spec{Crons: []string{"0 0 29 2 *"}}, "2097-01-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"never", Spec{Crons: []string{"0 0 30 2 *"}}, "2026-01-01T00:00:00Z", ""},
		{"Quartz: Sunday is 1", Spec{Crons: []string{"0 0 12 ? * 1"}}, "2026-11-25T00:00:00Z", "2026-11-29T12:00:00Z"},
		{"Quartz: last Friday", Spec{Crons: []string{"30 0 12 ? * 6L"}}, "2026-11-01T00:00:00Z", "2026-11-27T12:00:30Z"},
		{"Quartz: third Friday", Spec{Crons: []string{"0 0 12 ? * FRI#3"}}, "2026-11-01T00:00:00Z", "2026-11-20T12:00:00Z"},
		{"Quartz: fifth, skips months without", Spec{Crons: []string{"0 0 0 ? * MON#5"}}, "2026-12-01T00:00:00Z", "2027-03-29T00:00:00Z"},
		{"Quartz: last day", Spec{Crons: []string{"0 0 0 L * ?"}}, "2028-02-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"Quartz: three before the last", Spec{Crons: []string{"0 0 0 L-3 * ?"}}, "2026-02-01T00:00:00Z", "2026-02-25T00:00:00Z"},
		{"Quartz: last weekday", Spec{Crons: []string{"0 0 0 LW * ?"}}, "2026-05-02T00:00:00Z", "2026-05-29T00:00:00Z"},
		{"Quartz: nearest weekday stays in the month", Spec{Crons: []string{"0 0 0 1W * ?"}}, "2026-07-15T00:00:00Z", "2026-08-03T00:00:00Z"},
		{"Quartz: a range that wraps", Spec{Crons: []string{"0 0 22-2 * * ?"}}, "2026-07-15T03:00:00Z", "2026-07-15T22:00:00Z"},
		{"Quartz: years", Spec{Crons: []string{"0 0 0 1 1 ? 2030,2040"}}, "2030-01-01T00:00:00Z", "2040-01-01T00:00:00Z"},
		{"several", Spec{Crons: []string{"0 5 * * *", "0 3 * * *"}}, "2026-01-01T04:00:00Z", "2026-01-01T05:00:00Z"},
		{"every, from the epoch", Spec{Every: 7 * time.Hour}, "1970-01-01T07:00:00Z", "1970-01-01T14:00:00Z"},
		{"every and offset", Spec{Every: time.Hour, Offset: 10 * time.Minute}, "2026-01-01T00:10:00Z", "2026-01-01T01:10:00Z"},
		{"start is included", Spec{Every: time.Hour, Start: "2026-01-01T05:00:00Z"}, "2025-01-01T00:00:00Z", "2026-01-01T05:00:00Z"},
		{"end is not", Spec{Every: time.Hour, End: "2026-01-01T05:00:00Z"}, "2026-01-01T04:00:00Z", ""},
		{"a date as end is its whole day", Spec{Every: time.Hour, End: "2026-01-01"}, "2026-01-01T22:00:00Z", "2026-01-01T23:00:00Z"},
		{"excluded dates, in the zone", Spec{Crons: []string{"0 20 * * *"}, Timezone: "America/New_York", Exclude: []string{"2026-12-24..2026-12-26"}}, "2026-12-24T02:00:00Z", "2026-12-28T01:00:00Z"},
		{"included dates alone", Spec{Crons: []string{"0 9 * * *"}, Include: []string{"2027-01-05"}}, "2026-12-24T02:00:00Z", "2027-01-05T09:00:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			after, err := time.Parse(time.RFC3339Nano, tc.after)
			if err != nil {
				t.Fatal(err)
			}
			next, ok := mustCompile(t, tc.spec).Next(after)
			have := ""
			if ok {
				have = next.Format(time.RFC3339Nano)
			}
			if have != tc.want {
				t.Errorf("after %s: got %q, want %q", tc.after, have, tc.want)
			}
		})
	}
}

// drawSpec returns schedules of all kinds over a zone with changes.
func drawSpec(r *rapid.T) Spec {
	s := Spec{Timezone: rapid.SampledFrom([]string{"", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia"}).Draw(r, "zone")}
	if rapid.Bool().Draw(r, "every") {
		s.Every = time.Duration(rapid.Int64Range(1, 200_000).Draw(r, "period")) * time.Second
		s.Offset = time.Duration(rapid.Int64Range(0, int64(s.Every)/1000-1).Draw(r, "offset")) * time.Microsecond
	} else {
		s.Crons = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"0 2 * * *", "30 * * * *", "*/20 1-3 * * 1-5", "0 0 1 * *", "15 */6 * * *", "0 0 12 LW * ?", "*/30 * * * * ?", "30 2 29 * 0",
		}), 1, 2, rapid.ID[string]).Draw(r, "crons")
	}
	if rapid.Bool().Draw(r, "calendar") {
		s.Exclude = []string{"2011-12-28..2012-01-02", "2012-03-24"}
	}
	return s
}

// TestCountAndPrev compares both with a walk by Next.
func TestCountAndPrev(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		tt := mustCompile(r, drawSpec(r))
		from := time.UnixMicro(rapid.Int64Range(1_324_000_000_000_000, 1_336_000_000_000_000).Draw(r, "from")).UTC()
		to := from.Add(time.Duration(rapid.Int64Range(0, int64(72*time.Hour)).Draw(r, "span")))
		fires := got(tt, from, to)
		if n := tt.CountBetween(from, to); n != int64(len(fires)) {
			r.Fatalf("counted %d, walked %d", n, len(fires))
		}
		for i, at := range fires {
			prev, ok := tt.Prev(at)
			if i > 0 && (!ok || !prev.Equal(fires[i-1])) {
				r.Fatalf("before %s: got %s, want %s", at, prev, fires[i-1])
			}
			if back, _ := tt.Prev(at.Add(time.Nanosecond)); !back.Equal(at) {
				r.Fatalf("just after %s: got %s", at, back)
			}
			if i == 5 {
				break
			}
		}
		if len(fires) > 0 {
			if next, ok := tt.Next(fires[0].Add(-time.Microsecond)); !ok || !next.Equal(fires[0]) {
				r.Fatalf("just before %s: got %s", fires[0], next)
			}
		}
	})
}

func TestUpcoming(t *testing.T) {
	tt := mustCompile(t, Spec{Every: time.Hour, End: "2026-01-01T03:00:00Z"})
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if list := tt.Upcoming(at, 5); len(list) != 2 || !list[1].Equal(at.Add(2*time.Hour)) {
		t.Errorf("got %s", list)
	}
	if list := (Timetable{}).Upcoming(at, 5); list != nil {
		t.Errorf("the zero Timetable fires at %s", list)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, expr := range []string{"*/5 * * * *", "0 2 * * *", "0 0 29 2 *"} {
		b.Run(expr, func(b *testing.B) {
			tt := mustCompile(b, Spec{Crons: []string{expr}, Timezone: "Europe/Berlin"})
			at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for b.Loop() {
				at, _ = tt.Next(at)
				if at.Year() > 2100 || at.IsZero() {
					at = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
				}
			}
		})
	}
}

// TestWildHours: hours are wild, so that a repeated one fires twice, however that is
// written, and wherever in a list.
func TestWildHours(t *testing.T) {
	from := time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC) // New York's clock goes back at 06:00
	for hours, wild := range map[string]bool{"*": true, "0/1": true, "*/1,5": true, "5,0/1": true, "0-23": false, "0-23,5": false} {
		table, err := Compile(Spec{Crons: []string{"30 " + hours + " * * *"}, Timezone: "America/New_York"})
		if err != nil {
			t.Fatal(err)
		}
		next := table.Upcoming(from, 3)
		if twice := next[2].Sub(next[1]) == time.Hour; twice != wild {
			t.Errorf("%s: %v, twice %v", hours, next, twice)
		}
	}
}
