package preview

import (
	"slices"
	"strings"
	"time"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/planner"
)

// Fires is how many next fires of a schedule are shown.
const Fires = 5

// What becomes of an instant, in an Impact.
const (
	ran     = "run"
	skipped = "skipped"
)

// passedOver is why instants that a new timetable has in the past are not run.
const passedOver = "before_revision"

// schedules returns the touched schedules whose fires are not the same
// afterwards, by address.
func (in *Input) schedules(without, with future) []planner.ScheduleImpact {
	defs := map[string]*[2]*kernel.ScheduleDef{} // before and after, by uid
	for side, list := range [2][]kernel.ScheduleDef{in.Before.Schedules, in.After.Schedules} {
		for i := range list {
			uid := list[i].UID
			if !in.Touched[uid] {
				continue
			}
			if defs[uid] == nil {
				defs[uid] = &[2]*kernel.ScheduleDef{}
			}
			defs[uid][side] = &list[i]
		}
	}
	var list []planner.ScheduleImpact
	for uid, d := range defs {
		v := view{in: in, uid: uid, before: d[0], after: d[1], without: &without, with: &with}
		if impact := v.impact(); len(impact.Passed)+len(impact.Later) > 0 || !slices.EqualFunc(impact.Before, impact.After, sameFire) {
			list = append(list, impact)
		}
	}
	slices.SortFunc(list, func(a, b planner.ScheduleImpact) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return list
}

func sameFire(a, b planner.Fire) bool { return a.UTC == b.UTC && a.Local == b.Local }

// view is one schedule before and after; one of the two may be missing.
type view struct {
	in            *Input
	uid           string
	before, after *kernel.ScheduleDef
	without, with *future
}

func (v *view) impact() planner.ScheduleImpact {
	shown := v.after
	if shown == nil {
		shown = v.before
	}
	impact := planner.ScheduleImpact{Address: shown.Address, Flow: shown.Flow, Timezone: shown.Zone}
	was, is := v.without.last.Schedules[v.uid], v.with.last.Schedules[v.uid]
	if v.before != nil {
		impact.Before = fires(v.before, v.in.Now, was.Paused)
		impact.WordsBefore = v.before.Timetable.Describe()
		if v.before.Address != shown.Address {
			impact.Previous = v.before.Address
		}
		if v.before.Zone != shown.Zone {
			impact.TimezoneBefore = v.before.Zone
		}
	}
	if v.after != nil {
		impact.After = fires(v.after, v.in.Now, is.Paused)
		impact.WordsAfter = v.after.Timetable.Describe()
		switch {
		case v.after.Paused && is.Paused:
			impact.Paused = "declared"
		case is.Paused:
			impact.Paused = "override"
		}
	}
	if impact.WordsBefore == impact.WordsAfter && impact.TimezoneBefore == "" {
		impact.WordsBefore, impact.WordsAfter = "", ""
	}
	if len(impact.Before) > 0 && slices.EqualFunc(impact.Before, impact.After, sameFire) {
		impact.Later = v.later()
	}
	impact.Passed = append(v.otherwise(), v.passedOver()...)
	if len(impact.Passed) > 0 && v.after != nil {
		impact.Cursor = &planner.CursorMove{To: utc(is.Cursor)}
		if first, ok := v.without.first.Schedules[v.uid]; ok && v.before != nil {
			impact.Cursor.From = utc(first.Cursor)
		}
	}
	return impact
}

// otherwise are the instants up to now that are decided in another way because of
// the change.
func (v *view) otherwise() []planner.Instants {
	before, after := v.without.decided[v.uid], v.with.decided[v.uid]
	was := map[string]string{} // by first instant
	for _, i := range before {
		was[i.First] = i.What
	}
	var list []planner.Instants
	for _, i := range after {
		if !slices.Contains(before, i) {
			i.Was = was[i.First]
			list = append(list, i)
		}
		delete(was, i.First)
	}
	for _, i := range before {
		if _, left := was[i.First]; left {
			i.Was, i.What = i.What, ""
			list = append(list, i)
		}
	}
	return list
}

// passedOver are instants in the past that the new timetable begins with: what a
// revision declares holds from its apply on.
func (v *view) passedOver() []planner.Instants {
	if v.after == nil {
		return nil
	}
	from, declared := beginning(v.after.Timetable)
	until := time.UnixMicro(int64(v.in.Now))
	if v.before != nil {
		if first, ok := v.before.Timetable.Next(time.Unix(0, 0)); ok && first.Before(until) {
			until = first
		}
	}
	if !declared || !from.Before(until) {
		return nil
	}
	last, ok := v.after.Timetable.Prev(until)
	if !ok {
		return nil
	}
	count := v.after.Timetable.CountBetween(from.Add(-time.Microsecond), last)
	if count == 0 {
		return nil
	}
	return []planner.Instants{{What: skipped, Reason: passedOver, Count: count, First: from.UTC().Format(time.RFC3339), Last: last.UTC().Format(time.RFC3339)}}
}

// far is how many instants are looked through for one that differs.
const far = 2000

// later are the first fires beyond the next that only one side has.
func (v *view) later() []planner.LaterFire {
	was, is := newFires(v.before, v.in.Now), newFires(v.after, v.in.Now)
	var list []planner.LaterFire
	for range far {
		if len(list) == Fires || !was.ok && !is.ok {
			break
		}
		switch {
		case was.ok && is.ok && was.at.Equal(is.at):
			was.next()
			is.next()
		case !is.ok || was.ok && was.at.Before(is.at):
			list = append(list, planner.LaterFire{Fire: was.fire(), Lost: true})
			was.next()
		default:
			list = append(list, planner.LaterFire{Fire: is.fire()})
			is.next()
		}
	}
	return list
}

// beginning is a timetable's first instant, and whether it is one that someone
// has declared: by itself even the rarest begins before.
func beginning(t cron.Timetable) (time.Time, bool) {
	first, ok := t.Next(time.Unix(0, 0))
	return first, ok && first.Year() > 2000
}

// fires returns the next instants a schedule will be decided for. A paused one
// fires nothing.
func fires(def *kernel.ScheduleDef, now record.Time, paused bool) []planner.Fire {
	if paused {
		return nil
	}
	var list []planner.Fire
	for c := newFires(def, now); c.ok && len(list) < Fires; c.next() {
		list = append(list, c.fire())
	}
	return list
}

// upcoming goes through the fires of a schedule.
type upcoming struct {
	clock  clock
	at     time.Time
	ok     bool // there is one
	before int  // the clock's offset at the one before
}

func newFires(def *kernel.ScheduleDef, now record.Time) *upcoming {
	u := &upcoming{clock: newClock(def.Timetable), at: time.UnixMicro(int64(now))}
	u.next()
	return u
}

func (u *upcoming) next() {
	u.before = u.clock.offset(u.at)
	u.at, u.ok = u.clock.table.Next(u.at)
}

func (u *upcoming) fire() planner.Fire {
	return planner.Fire{
		Local: u.at.In(u.clock.zone).Format(time.RFC3339),
		UTC:   u.at.UTC().Format(time.RFC3339),
		Clock: u.clock.note(u.at, u.before),
	}
}

// clock tells what the clock of a zone does at an instant of a timetable.
type clock struct {
	zone  *time.Location
	table cron.Timetable
}

func newClock(t cron.Timetable) clock { return clock{zone: t.Location(), table: t} }

// offset is local time less UTC, in seconds.
func (c clock) offset(t time.Time) int {
	_, seconds := t.In(c.zone).Zone()
	return seconds
}

// day is longer than any change of a clock takes to repeat or to leave out.
const day = 26 * time.Hour

// note says what is special about an instant; before is the offset at the fire
// before it.
func (c clock) note(t time.Time, before int) planner.ClockNote {
	here, ago, then := c.offset(t), c.offset(t.Add(-day)), c.offset(t.Add(day))
	repeat := time.Duration(ago-then) * time.Second // how much the clock goes back
	switch {
	case repeat > 0 && here == ago && c.offset(t.Add(repeat)) == then:
		return planner.ClockFirst
	case repeat > 0 && here == then && c.offset(t.Add(-repeat)) == ago:
		return planner.ClockSecond
	case c.offset(t.Add(-time.Microsecond)) < here && !c.usual(t):
		return planner.ClockGap
	case here != before:
		return planner.ClockShift
	}
	return ""
}

// usual reports whether the timetable fires at this time of day on other days,
// too, so that nothing was put off to it.
func (c clock) usual(t time.Time) bool {
	local := t.In(c.zone)
	for days := 1; days <= 400; days++ {
		other := local.AddDate(0, 0, days)
		if c.offset(other.Add(-time.Microsecond)) != c.offset(other) {
			continue // something may have been put off to this, too
		}
		if next, ok := c.table.Next(other.Add(-time.Microsecond)); ok && next.Equal(other) {
			return true
		}
	}
	return false
}
