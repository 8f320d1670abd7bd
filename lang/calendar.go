package lang

import (
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/schema"
	"github.com/leifengta/lft/lang/spec"
)

func (w *worker) calendar(d declaration, voc schema.Block, bundle *spec.Bundle) {
	w.decodeEach(d, voc, bundle, func(r reader) {
		r.at = spot{} // days are for all to see
		c := &spec.Calendar{Address: r.addr, Include: dates(r, "include"), Exclude: dates(r, "exclude"), Protected: r.flag("protected")}
		w.calendars[c.Address] = c
		bundle.Calendars = append(bundle.Calendars, c)
	})
}

// dates reads a list of dates and ranges of them, and returns it sorted and
// without overlap.
func dates(r reader, name string) []string {
	v, attr, ok := r.value(name)
	if !ok {
		return nil
	}
	if v.LengthInt() == 0 && name == "include" {
		r.w.found.error(CodeValue, r.addr, attr.Expr.Range(), "No days", "include is empty, so nothing could ever fire. Leave it out to include every day.")
		return nil
	}
	ranges := make([]cron.DateRange, 0, v.LengthInt())
	for i, element := range v.AsValueSlice() {
		if element.IsNull() {
			r.w.found.error(CodeValue, r.addr, attr.Expr.Range(), "Not a date", "An element of %s is null.", name)
			continue
		}
		text := element.AsString()
		dates, err := cron.ParseDateRange(text)
		if err != nil {
			r.w.found.error(CodeValue, r.addr, inText(attr.Expr, i, 0, len(text)), "Not a date", "%v. A range is written 2026-10-01..2026-10-07.", err)
			continue
		}
		ranges = append(ranges, dates)
	}
	var merged []string
	for _, dates := range cron.MergeDates(ranges) {
		merged = append(merged, dates.String())
	}
	return merged
}
