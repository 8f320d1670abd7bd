package cron

import "strings"

// maxExpr bounds an expression, in bytes.
const maxExpr = 512

// Parse reads a cron expression of five fields, or of six or seven in Quartz
// form. A flaw is an *Error. An expression that can never match is not an
// error here; see Never.
func Parse(text string) (*Expr, error) {
	whole := strings.Trim(text, " \t")
	if err := refuseForeign(text, whole); err != nil {
		return nil, err
	}
	fields := split(text)
	if n := len(fields); n < 5 || n > 7 {
		return nil, wholeError(text, whole, "it has "+plural(n, "field")+
			", not 5 (minute hour day month weekday) nor 6 or 7 (second minute hour day month weekday year)", "")
	}
	e := &Expr{text: whole, quartz: len(fields) > 5}
	if err := e.read(text, fields); err != nil {
		return nil, err
	}
	_, some := e.nextWall(0)
	e.never = !some
	return e, nil
}

// refuseForeign meets what other programs allow and lft says differently.
func refuseForeign(text, whole string) error {
	switch {
	case len(text) > maxExpr:
		return &Error{Expr: text[:40] + "…", Offset: maxExpr, Reason: "it is longer than 512 bytes"}
	case whole == "":
		return wholeError(text, whole, "it is empty", "for every day at 02:00 write 0 2 * * *")
	case strings.HasPrefix(whole, "@"):
		return wholeError(text, whole, "names such as "+whole+" are not supported", macroHint(whole))
	case strings.HasPrefix(whole, "TZ=") || strings.HasPrefix(whole, "CRON_TZ="):
		return wholeError(text, whole, "the zone does not belong here", "use the attribute timezone")
	}
	return nil
}

func macroHint(macro string) string {
	name, _, _ := strings.Cut(macro, " ")
	switch strings.ToLower(name) {
	case "@yearly", "@annually":
		return "write 0 0 1 1 *"
	case "@monthly":
		return "write 0 0 1 * *"
	case "@weekly":
		return "write 0 0 * * 0"
	case "@daily", "@midnight":
		return "write 0 0 * * *"
	case "@hourly":
		return "write 0 * * * *"
	case "@every":
		return "use the attribute every"
	}
	return "write five fields: minute hour day month weekday"
}

func wholeError(text, whole, reason, hint string) error {
	return &Error{
		Expr: whole, Offset: max(0, strings.Index(text, whole)), Length: len(whole),
		Reason: reason, Hint: hint,
	}
}

// piece is a field's text and its offset in the expression.
type piece struct {
	text string
	at   int
}

func split(text string) []piece {
	var pieces []piece
	for at := 0; at < len(text); {
		if text[at] == ' ' || text[at] == '\t' {
			at++
			continue
		}
		end := at
		for end < len(text) && text[end] != ' ' && text[end] != '\t' {
			end++
		}
		pieces = append(pieces, piece{text[at:end], at})
		at = end
	}
	return pieces
}

// read fills the expression from its fields.
func (e *Expr) read(text string, pieces []piece) error {
	next := func(k kind) *field {
		f := &field{
			kind: k, limits: k.limits(), expr: text,
			text: upper(pieces[0].text), at: pieces[0].at, quartz: e.quartz,
		}
		pieces = pieces[1:]
		return f
	}
	e.seconds = 1
	if e.quartz {
		if err := readBits(next(secondField), &e.seconds); err != nil {
			return err
		}
	}
	if err := readBits(next(minuteField), &e.minutes); err != nil {
		return err
	}
	if err := e.readHours(next(hourField)); err != nil {
		return err
	}
	dom := next(domField)
	if err := e.days.readDom(dom); err != nil {
		return err
	}
	var months uint64
	if err := readBits(next(monthField), &months); err != nil {
		return err
	}
	e.months = uint16(months)
	if err := e.readDow(dom, next); err != nil {
		return err
	}
	return e.readYears(pieces, next)
}

// upper changes ASCII only, so that offsets stay true.
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

func readBits(f *field, set *uint64) error {
	*set = 0
	return f.list(func() error { return f.values(func(v int) { *set |= 1 << v }) })
}

func (e *Expr) readHours(f *field) error {
	return f.list(func() error {
		start := f.pos
		if err := f.values(func(v int) { e.hours |= 1 << v }); err != nil {
			return err
		}
		item := f.text[start:f.pos]
		e.wild = e.wild || item[0] == '*' || strings.HasPrefix(item, "0/")
		return nil
	})
}

func (r *dayRule) readDom(f *field) error {
	if f.text == "?" {
		r.dom = allDom
		return nil
	}
	return f.list(func() error {
		start := f.pos
		if f.quartz && f.accept("L") {
			return r.readLast(f, start)
		}
		if n, ok := f.nearestWeekday(); ok {
			r.nearest |= 1 << n
			return nil
		}
		return f.values(func(v int) { r.dom |= 1 << v })
	})
}

// readLast reads what may follow the L of a day of month: -N and W.
func (r *dayRule) readLast(f *field, start int) error {
	n := 0
	if f.accept("-") {
		var err error
		if n, err = f.digits(); err != nil {
			return err
		}
		if n > 30 {
			return f.fail(start, f.pos, "", "no month has a day %d before its last", n)
		}
	}
	if f.accept("W") {
		r.lastNearest |= 1 << n
	} else {
		r.last |= 1 << n
	}
	return nil
}

// nearestWeekday reads NW if that is what comes next.
func (f *field) nearestWeekday() (int, bool) {
	item := f.text[f.pos:f.itemEnd()]
	day, isNearest := strings.CutSuffix(item, "W")
	if !isNearest || !f.quartz {
		return 0, false
	}
	start := f.pos
	if n, err := f.digits(); err == nil && f.pos-start == len(day) && n >= f.lo && n <= f.hi {
		f.pos++
		return n, true
	}
	f.pos = start
	return 0, false
}

// readDow reads the days of the week and settles how they go together with the
// days of the month, which dom was read from.
func (e *Expr) readDow(dom *field, next func(kind) *field) error {
	k := classicDow
	if e.quartz {
		k = quartzDow
	}
	f := next(k)
	if f.text == "?" {
		e.days.dow = allDow
	} else if err := f.list(func() error { return e.days.readDowItem(f) }); err != nil {
		return err
	}
	switch {
	case !e.quartz:
		e.days.either = !dom.starred() && !f.starred()
	case dom.text == "?" && f.text == "?":
		return f.fail(0, 1, "write * in one of them", "? stands in both day fields")
	case dom.text != "?" && dom.text != "*" && f.text != "?" && f.text != "*":
		return f.fail(0, len(f.text), "put ? into one of them, or write two expressions as a list",
			"day of month (%s) and day of week (%s) are both restricted", dom.text, f.text)
	}
	return nil
}

func (r *dayRule) readDowItem(f *field) error {
	if !f.quartz {
		return f.values(func(v int) { r.dow |= 1 << (v % 7) })
	}
	if f.accept("L") {
		r.dow |= 1 << saturday
		return nil
	}
	item := f.text[f.pos:f.itemEnd()]
	if !strings.HasSuffix(item, "L") && !strings.Contains(item, "#") {
		return f.values(func(v int) { r.dow |= 1 << (v - 1) })
	}
	day, err := f.value()
	if err != nil {
		return err
	}
	if f.accept("L") {
		r.lastDow |= 1 << (day - 1)
		return nil
	}
	start := f.pos
	if !f.accept("#") {
		return nil // list reports what stands here
	}
	n, err := f.digits()
	if err != nil {
		return err
	}
	if n < 1 || n > 5 {
		return f.fail(start, f.pos, "", "%d is not between 1 and 5", n)
	}
	r.nth[n] |= 1 << (day - 1)
	return nil
}

func (e *Expr) readYears(pieces []piece, next func(kind) *field) error {
	e.anyYear = len(pieces) == 0 || pieces[0].text == "*"
	if e.anyYear {
		return nil
	}
	f := next(yearField)
	return f.list(func() error { return f.values(func(v int) { e.years.add(v - firstYear) }) })
}
