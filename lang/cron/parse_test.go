package cron

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct {
		expr string
		at   string // what the error points at
		want string // part of the message
	}{
		{"", "", "it is empty"},
		{"* * * *", "* * * *", "4 fields, not 5"},
		{"@daily", "@daily", "write 0 0 * * *"},
		{"TZ=UTC 0 2 * * *", "TZ=UTC 0 2 * * *", "use the attribute timezone"},
		{"60 * * * *", "60", "minute: 60 is not between 0 and 59"},
		{"* 24 * * *", "24", "midnight is hour 0"},
		{"* * 0 * *", "0", "day of month: 0 is not between 1 and 31"},
		{"* * * FOO *", "FOO", "the names are JAN FEB"},
		{"* * * JANUARY *", "JANUARY", "write JAN"},
		{"* * * * 8", "8", "day of week: 8 is not between 0 and 6"},
		{"*/0 * * * *", "/0", "never moves on"},
		{"*/61 * * * *", "/61", "use every"},
		{"5-3 * * * *", "5-3", "write 5-59,0-3"},
		{"0 0 L * *", "L", "need the Quartz form"},
		{"0 0 15W * *", "W", "need the Quartz form"},
		{"0 0 * * FRI#3", "#3", "need the Quartz form"},
		{"0 0 2 1 * MON", "MON", "are both restricted"},
		{"0 0 2 ? * ?", "?", "both day fields"},
		{"0 0 2 ? * 0", "0", "SUN = 1 to SAT = 7"},
		{"0 0 2 ? * 6#6", "#6", "not between 1 and 5"},
		{"1,,2 * * * *", "", "a value is missing"},
		{"a * * * *", "a", "not a number"},
		{"1-2-3 * * * *", "-3", "not understood here"},
		{"? * * * *", "?", "one of the two day fields"},
		{"0 0 0 1 1 ? 1969", "1969", "not between 1970 and 2199"},
		{"0 0 0 1 1 ? 2030-2029", "2030-2029", "ends before it starts"},
		{"99999 * * * *", "99999", "too long"},
		{strings.Repeat("1,", 300) + "1 * * * *", "", "longer than 512 bytes"},
	} {
		_, err := Parse(tc.expr)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v, want %q", tc.expr, err, tc.want)
			continue
		}
		if len(tc.expr) > maxExpr {
			continue
		}
		if at := tc.expr[e.Offset : e.Offset+e.Length]; !strings.EqualFold(at, tc.at) {
			t.Errorf("%q: the error points at %q, not at %q", tc.expr, at, tc.at)
		}
	}
}

func TestDescribe(t *testing.T) {
	for expr, want := range map[string]string{
		"0 2 * * *":             "at 02:00 every day",
		"*/15 * * * *":          "every 15 minutes",
		"0 * * * *":             "every hour",
		"30 * * * *":            "at minute 30 of every hour",
		"0 9-17 * * MON-FRI":    "at hours 9 to 17 on Monday to Friday",
		"0 0 1 * 1":             "at 00:00 on day 1 of the month or on Monday",
		"0 0 12 ? * FRI#3":      "at 12:00 on the third Friday of the month",
		"0 0 12 L * ?":          "at 12:00 on the last day of the month",
		"0 0 30 2 *":            "never: no month has such a day",
		"0 0 29 2 *":            "at 00:00 on day 29 of the month in February",
		"0 0 0 1 1 ? 2030-2032": "at 00:00 on day 1 of the month in January in 2030 to 2032",
		"*/5 * * * * ?":         "every 5 seconds",
		"10,40 * * * * ?":       "at seconds 10 and 40 of every minute",
		"10 * * * * ?":          "at second 10 of every minute",
		"10,40 * 3 * * ?":       "at seconds 10 and 40 of every minute of hour 3",
		"*/20 5 * * * ?":        "every 20 seconds at minute 5 of every hour",
		"*/7 3 * * *":           "every 7 minutes of hour 3",
		"30 9-17 * * *":         "at minute 30 of the hours 9 to 17",
		"*/20 */2 * * *":        "every 20 minutes of every 2 hours",
		"0 0 */10 * 1":          "at 00:00 on days 1, 11, 21 and 31 of the month, if that is a Monday",
	} {
		e, err := Parse(expr)
		if err != nil {
			t.Fatalf("%s: %v", expr, err)
		}
		if have := e.Describe(); have != want {
			t.Errorf("%-20s %q, want %q", expr, have, want)
		}
	}
}

func TestCompileReportsAllFlaws(t *testing.T) {
	_, err := Compile(Spec{
		Crons: []string{"0 2 * * *", "61 * * * *"}, Timezone: "Asia/Shangai", Exclude: []string{"2026-13-01"},
	})
	var errs SpecErrors
	if !errors.As(err, &errs) || len(errs) != 3 {
		t.Fatalf("got %v", err)
	}
	for i, want := range []string{"cron", "timezone", "exclude"} {
		if errs[i].Attribute != want {
			t.Errorf("flaw %d is of %s, want %s", i, errs[i].Attribute, want)
		}
	}
	if errs[0].Index != 1 || !strings.Contains(errs[1].Error(), `did you mean "Asia/Shanghai"`) {
		t.Errorf("got %v", err)
	}
	for _, s := range []Spec{
		{},
		{Every: time.Millisecond},
		{Every: time.Hour, Offset: time.Hour},
		{Offset: time.Second, Crons: []string{"0 0 * * *"}},
		{Every: time.Hour, Crons: []string{"0 0 * * *"}},
		{Every: time.Hour, Start: "2026-02-01", End: "2026-01-01"},
		{Every: time.Hour, Start: "tomorrow"},
	} {
		if _, err := Compile(s); !errors.As(err, &errs) {
			t.Errorf("%+v: got %v", s, err)
		}
	}
}

// FuzzParse wants no panic, no endless search, and offsets inside the text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"0 2 * * *", "0 0 12 L-3W * ?", "*/5 * * * * ? 2030-2040/3", "0 0 22-2 ? * 6#3", "59 23 31 12 SAT-SUN", "0 0 30 2 *", "1-2-3 * * * *"} {
		f.Add(s, int64(1_700_000_000))
	}
	berlin, err := new(zones).load("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, sec int64) {
		e, err := Parse(text)
		if err != nil {
			var flaw *Error
			if !errors.As(err, &flaw) || flaw.Offset < 0 || len(text) <= maxExpr && flaw.Offset+flaw.Length > len(text) {
				t.Fatalf("%q: %#v", text, err)
			}
			return
		}
		_ = e.Describe()
		at := time.Unix(sec, 0)
		next, ok := e.Next(at, berlin)
		if ok && (!next.After(at) || e.Never()) {
			t.Fatalf("%q after %s: %s", text, at, next)
		}
		again, err := Parse(e.String())
		if err != nil || again.Never() != e.Never() {
			t.Fatalf("%q reads back as %v, %v", e, again, err)
		}
	})
}
