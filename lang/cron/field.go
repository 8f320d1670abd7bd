package cron

import (
	"fmt"
	"strings"
)

// kind is one kind of field.
type kind int

const (
	secondField kind = iota
	minuteField
	hourField
	domField
	monthField
	classicDow // 0 is Sunday, and so is 7
	quartzDow  // 1 is Sunday
	yearField
)

const (
	weekdayNames = "SUNMONTUEWEDTHUFRISAT"
	monthNames   = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"
)

// limits is what a kind of field may hold; the names have three letters each,
// the first stands for lo.
type limits struct {
	name   string
	lo, hi int
	names  string
}

func (k kind) limits() limits {
	switch k {
	case secondField:
		return limits{"second", 0, 59, ""}
	case minuteField:
		return limits{"minute", 0, 59, ""}
	case hourField:
		return limits{"hour", 0, 23, ""}
	case domField:
		return limits{"day of month", 1, 31, ""}
	case monthField:
		return limits{"month", 1, 12, monthNames}
	case classicDow:
		return limits{"day of week", 0, 6, weekdayNames}
	case quartzDow:
		return limits{"day of week", 1, 7, weekdayNames}
	default:
		return limits{"year", firstYear, lastYear, ""}
	}
}

// field is one field of an expression while it is read. text is upper case;
// at is its offset in the expression, pos how far it has been read.
type field struct {
	kind kind
	limits
	expr   string
	text   string
	at     int
	pos    int
	quartz bool
}

func (f *field) fail(from, to int, hint, format string, args ...any) error {
	return &Error{
		Expr: f.expr, Offset: f.at + from, Length: to - from, Field: f.name,
		Reason: fmt.Sprintf(format, args...), Hint: hint,
	}
}

func (f *field) done() bool { return f.pos == len(f.text) }

// accept reads s if it comes next.
func (f *field) accept(s string) bool {
	if strings.HasPrefix(f.text[f.pos:], s) {
		f.pos += len(s)
		return true
	}
	return false
}

// itemEnd is where the item that is being read ends.
func (f *field) itemEnd() int {
	if i := strings.IndexByte(f.text[f.pos:], ','); i >= 0 {
		return f.pos + i
	}
	return len(f.text)
}

// starred says that the field starts with a wildcard, which in classic cron
// decides how the two day fields go together.
func (f *field) starred() bool { return f.text[0] == '*' || f.text[0] == '?' }

// list reads the whole field as a list; item reads one element.
func (f *field) list(item func() error) error {
	for {
		start := f.pos
		if f.done() || f.text[f.pos] == ',' {
			return f.fail(start, start, "", "a value is missing")
		}
		if err := item(); err != nil {
			return err
		}
		if f.done() {
			return nil
		}
		if !f.accept(",") {
			return f.fail(f.pos, f.itemEnd(), f.strayHint(f.pos), "%q is not understood here", f.text[f.pos:f.itemEnd()])
		}
	}
}

// strayHint is the advice for a character that does not belong at pos.
func (f *field) strayHint(pos int) string {
	switch f.text[pos] {
	case 'L', 'W', '#':
		if !f.quartz {
			return "L, W and # need the Quartz form, which starts with seconds: 0 MINUTE HOUR DAY MONTH ?"
		}
	case '/':
		return "a step is written after *, a value or a range, once: 0-30/10"
	}
	return ""
}

// values reads *, N, N-M, each with an optional /STEP, and adds what it means.
func (f *field) values(add func(int)) error {
	from, to, err := f.bounds()
	if err != nil {
		return err
	}
	step, err := f.step()
	if err != nil {
		return err
	}
	for v := from; v <= to; v += step {
		add(f.lo + (v-f.lo)%(f.hi-f.lo+1))
	}
	return nil
}

// bounds reads *, N or N-M. to is above hi for a range that wraps.
func (f *field) bounds() (from, to int, err error) {
	if f.accept("*") {
		return f.lo, f.hi, nil
	}
	start := f.pos
	if from, err = f.value(); err != nil {
		return 0, 0, err
	}
	if f.accept("-") {
		if to, err = f.value(); err != nil {
			return 0, 0, err
		}
		return f.rangeOf(start, from, to)
	}
	if f.pos < len(f.text) && f.text[f.pos] == '/' {
		// Sunday may be 7 here, and then starts the week.
		if from > f.hi {
			from = f.lo
		}
		return from, f.hi, nil
	}
	return from, from, nil
}

// rangeOf checks the order of a range and unrolls one that wraps.
func (f *field) rangeOf(start, from, to int) (int, int, error) {
	if from > f.hi && to <= f.hi { // 7-3: Sunday to Wednesday
		from = f.lo
	}
	span := f.hi - f.lo + 1
	switch {
	case from <= to:
		return from, to, nil
	case f.kind == yearField:
		return 0, 0, f.fail(start, f.pos, "", "the range ends before it starts")
	case f.quartz:
		return from, to + span, nil
	case f.kind == classicDow && to == 0: // SAT-SUN
		return from, span, nil
	}
	hint := fmt.Sprintf("write %d-%d,%d-%d", from, f.hi, f.lo, to)
	return 0, 0, f.fail(start, f.pos, hint, "the range ends before it starts")
}

// step reads an optional /STEP.
func (f *field) step() (int, error) {
	start := f.pos
	if !f.accept("/") {
		return 1, nil
	}
	n, err := f.digits()
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, f.fail(start, f.pos, "", "a step of 0 never moves on")
	}
	if span := f.hi - f.lo + 1; n > span {
		hint := fmt.Sprintf("a step starts again with each %s field; for a plain interval use every", f.name)
		return 0, f.fail(start, f.pos, hint, "step %d is more than the %d values there are", n, span)
	}
	return n, nil
}

// digits reads an unsigned number of at most four digits.
func (f *field) digits() (int, error) {
	start, n := f.pos, 0
	for f.pos < len(f.text) && f.text[f.pos] >= '0' && f.text[f.pos] <= '9' {
		if f.pos++; f.pos-start > 4 {
			return 0, f.fail(start, f.itemEnd(), "", "the number is too long")
		}
		n = n*10 + int(f.text[f.pos-1]-'0')
	}
	if f.pos == start {
		if f.done() {
			return 0, f.fail(start, start, "", "a number is missing")
		}
		return 0, f.fail(start, f.itemEnd(), f.strayHint(f.pos), "%q is not a number", f.text[start:f.itemEnd()])
	}
	return n, nil
}

// value reads a number or a name that the field knows.
func (f *field) value() (int, error) {
	start := f.pos
	if f.pos < len(f.text) && isLetter(f.text[f.pos]) {
		return f.namedValue()
	}
	if f.pos < len(f.text) && f.text[f.pos] == '?' {
		return 0, f.fail(start, start+1, "write *", "? stands alone, in one of the two day fields")
	}
	n, err := f.digits()
	if err != nil {
		return 0, err
	}
	if n == 7 && f.kind == classicDow {
		return n, nil
	}
	if n < f.lo || n > f.hi {
		hint := ""
		if f.kind == quartzDow && n == 0 {
			hint = "with seconds the week counts from SUN = 1 to SAT = 7"
		}
		if f.kind == hourField && n == 24 {
			hint = "midnight is hour 0"
		}
		return 0, f.fail(start, f.pos, hint, "%d is not between %d and %d", n, f.lo, f.hi)
	}
	return n, nil
}

func (f *field) namedValue() (int, error) {
	start := f.pos
	end := start
	for end < len(f.text) && isLetter(f.text[end]) {
		end++
	}
	if f.names == "" {
		return 0, f.fail(start, end, f.strayHint(f.pos), "%q is not a number", f.text[start:end])
	}
	if end-start >= 3 {
		for i := 0; i < len(f.names); i += 3 {
			if f.names[i:i+3] != f.text[start:start+3] {
				continue
			}
			// FRIL is FRI with a suffix, which the caller reads.
			if end-start == 3 || f.quartz && f.text[start+3:end] == "L" {
				f.pos = start + 3
				return f.lo + i/3, nil
			}
			if hint := f.strayHint(start + 3); hint != "" && end == start+4 {
				return 0, f.fail(start, end, hint, "%q is not a name", f.text[start:end])
			}
			return 0, f.fail(start, end, "write "+f.names[i:i+3], "%q is not a name", f.text[start:end])
		}
	}
	hint := "the names are"
	for i := 0; i < len(f.names); i += 3 {
		hint += " " + f.names[i:i+3]
	}
	return 0, f.fail(start, end, hint, "%q is not a name", f.text[start:end])
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' }
