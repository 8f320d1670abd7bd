package cron

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// Date is a local date, as days since 1970-01-01.
type Date int32

// ParseDate reads YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err == nil && t.Year() >= firstYear && t.Year() <= lastYear {
		return Date(t.Unix() / secondsPerDay), nil
	}
	return 0, fmt.Errorf("%q is not a date between %d-01-01 and %d-12-31, written as 2026-12-24", s, firstYear, lastYear)
}

// String returns the date as YYYY-MM-DD.
func (d Date) String() string {
	year, month, dom := dateOf(int64(d))
	return fmt.Sprintf("%04d-%02d-%02d", year, month, dom)
}

// DateRange is a range of dates, both ends included.
type DateRange struct{ First, Last Date }

// ParseDateRange reads one date, or two with ".." between them.
func ParseDateRange(s string) (DateRange, error) {
	first, last, isRange := strings.Cut(s, "..")
	if !isRange {
		last = first
	}
	var r DateRange
	var err error
	if r.First, err = ParseDate(first); err != nil {
		return DateRange{}, err
	}
	if r.Last, err = ParseDate(last); err != nil {
		return DateRange{}, err
	}
	if r.Last < r.First {
		return DateRange{}, fmt.Errorf("%s: the range ends before it starts", s)
	}
	return r, nil
}

// String is what ParseDateRange reads.
func (r DateRange) String() string {
	if r.First == r.Last {
		return r.First.String()
	}
	return r.First.String() + ".." + r.Last.String()
}

// Calendar says on which local dates a timetable may fire: on those that
// Include lists, or on all when it lists none, but never on those that Exclude
// lists. The order of the ranges does not matter and they may overlap.
type Calendar struct{ Include, Exclude []DateRange }

// allowed returns the dates that are left, as disjoint ascending ranges, or
// nil when every date is. An empty slice allows nothing.
func (c Calendar) allowed() []DateRange {
	if len(c.Include) == 0 && len(c.Exclude) == 0 {
		return nil
	}
	include := MergeDates(c.Include)
	if len(include) == 0 {
		include = []DateRange{{-2, endOfTime/secondsPerDay + 2}}
	}
	exclude := MergeDates(c.Exclude)
	allowed := []DateRange{}
	for _, r := range include {
		for _, x := range exclude {
			if x.Last < r.First || x.First > r.Last {
				continue
			}
			if x.First > r.First {
				allowed = append(allowed, DateRange{r.First, x.First - 1})
			}
			r.First = x.Last + 1
		}
		if r.First <= r.Last {
			allowed = append(allowed, r)
		}
	}
	return allowed
}

// MergeDates sorts ranges and joins those that touch.
func MergeDates(ranges []DateRange) []DateRange {
	ranges = slices.Clone(ranges)
	slices.SortFunc(ranges, func(a, b DateRange) int { return int(a.First) - int(b.First) })
	merged := ranges[:0]
	for _, r := range ranges {
		if n := len(merged); n > 0 && r.First <= merged[n-1].Last+1 {
			merged[n-1].Last = max(merged[n-1].Last, r.Last)
		} else {
			merged = append(merged, r)
		}
	}
	return merged
}

// seek returns the position of the first range that ends at d or later.
func seek(ranges []DateRange, d Date) int {
	return sort.Search(len(ranges), func(i int) bool { return ranges[i].Last >= d })
}
