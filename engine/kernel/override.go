package kernel

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// Override puts an operator's value in place of a declared one, or, with Value
// "", what is declared back in its place. The reply's Value is empty when that
// was so before.
type Override struct {
	Reply      ReplyID
	ProjectUID string
	Object     spec.Address // a schedule, a flow or a pool
	Field      record.OverrideField
	Value      string // JSON
	Reason     string // for people
	By         string
}

func (Override) event() {}

// overrides are those in force. An override holds for an object by uid, so that
// it moves with it, and until a later revision declares another value.
type overrides map[record.OverrideKey]record.Override

// declaredValue is what a revision says of a field, or false when it has no such
// object. Nobody declares a flow paused.
func (a *Adopt) declaredValue(key record.OverrideKey) (value string, at spec.Address, ok bool) {
	for i := range a.Schedules {
		if def := &a.Schedules[i]; def.UID == key.ObjectUID && key.Field == record.FieldPaused {
			return strconv.FormatBool(def.Paused), def.Address, true
		}
	}
	for i := range a.Flows {
		if def := &a.Flows[i]; def.UID == key.ObjectUID && key.Field == record.FieldPaused {
			return "false", def.Address, true
		}
	}
	for i := range a.Pools {
		if def := &a.Pools[i]; def.UID == key.ObjectUID && key.Field == record.FieldSlots {
			return strconv.Itoa(int(poolSlots(def))), def.Address, true
		}
	}
	return "", "", false
}

// overridden is what the event is about: the object it names, with what is
// declared of it.
func (p *project) overridden(ev *Override) (uid, declared string, ok bool) {
	switch ev.Field {
	case record.FieldPaused:
		for _, sc := range p.schedules {
			if sc.Address == ev.Object {
				return sc.UID, strconv.FormatBool(sc.declared), true
			}
		}
		if def := p.flows[ev.Object]; def != nil {
			return def.UID, "false", true
		}
	case record.FieldSlots:
		if pl := p.pools[ev.Object]; pl != nil {
			return pl.uid, strconv.Itoa(int(pl.declared)), true
		}
	}
	return "", "", false
}

func checkOverride(ev *Override) error {
	if len(ev.By) > record.MaxName || len(ev.Reason) > record.MaxMessage {
		return fmt.Errorf("%w: name of %d bytes, reason of %d", ErrInvalid, len(ev.By), len(ev.Reason))
	}
	valid := ev.Value == ""
	switch ev.Field {
	case record.FieldPaused:
		valid = valid || ev.Value == "true" || ev.Value == "false"
	case record.FieldSlots:
		n, err := strconv.Atoi(ev.Value)
		valid = valid || err == nil && n >= 0 && n <= maxSlots && strconv.Itoa(n) == ev.Value
	default:
		return fmt.Errorf("%w: field %q cannot be overridden", ErrInvalid, record.Cut(string(ev.Field), record.MaxEnum))
	}
	if !valid {
		return fmt.Errorf("%w: %s cannot be %s", ErrInvalid, ev.Field, record.Cut(ev.Value, record.MaxEnum))
	}
	return nil
}

// override carries out what an operator wants of a schedule, a flow or a pool.
func (s *State) override(ev Override) error {
	if err := checkOverride(&ev); err != nil {
		return err
	}
	p := s.clock.projects[ev.ProjectUID]
	if p == nil {
		return fmt.Errorf("%w: project %s", ErrUnknown, record.Cut(ev.ProjectUID, record.MaxID))
	}
	uid, declared, ok := p.overridden(&ev)
	if !ok {
		return fmt.Errorf("%w: %s with %q in project %s", ErrUnknown, record.Cut(string(ev.Object), record.MaxAddress), ev.Field, p.name)
	}
	if ev.Value == declared {
		ev.Value = ""
	}
	key := record.OverrideKey{ObjectUID: uid, Field: ev.Field}
	old, was := s.overrides[key]
	if old.Value == ev.Value && (!was || old.Reason == ev.Reason) && !s.lapsed[key] {
		s.out.reply(Reply{ID: ev.Reply})
		return nil
	}
	delete(s.lapsed, key)
	s.decideBefore(p, ev.Object)
	now := declared
	if ev.Value == "" {
		delete(s.overrides, key)
	} else {
		now = ev.Value
		s.overrides[key] = record.Override{
			ProjectUID: p.uid, ObjectUID: uid, Object: string(ev.Object), Field: ev.Field, Value: ev.Value, Declared: declared,
			Revision: p.revision, Reason: ev.Reason, By: ev.By, At: s.now,
		}
	}
	s.out.override(key)
	s.takeEffect(p, uid)
	detail := fmt.Sprintf("%s: %s is %s, declared %s", ev.Object, ev.Field, now, declared)
	if ev.Reason != "" {
		detail += ": " + ev.Reason
	}
	s.out.audit(s.now, ev.By, overrideVerb(ev.Field, ev.Value, now), uid, detail)
	s.out.reply(Reply{ID: ev.Reply, Value: uid})
	return nil
}

func overrideVerb(field record.OverrideField, value, now string) string {
	switch {
	case field == record.FieldPaused && now == "true":
		return "pause"
	case field == record.FieldPaused:
		return "resume"
	case value == "":
		return "pool reset"
	default:
		return "pool resize"
	}
}

// decideBefore decides the instants up to now of the schedules that an override
// is about, as they were: it holds for those to come.
func (s *State) decideBefore(p *project, object spec.Address) {
	if s.limits.SchedulesOff {
		return
	}
	for _, sc := range p.schedules {
		if (sc.Address == object || sc.Flow == object) && s.decide(sc, s.now) {
			s.out.head(p)
			s.plan(sc)
		}
	}
}

// takeEffect makes an object what its declaration and its overrides say.
func (s *State) takeEffect(p *project, uid string) {
	for _, sc := range p.schedules {
		sc.Paused = s.silenced(sc)
	}
	if l := s.runs.lines[uid]; l != nil {
		l.paused = s.paused(uid)
		s.advance(l)
	}
	if pl := s.queue.pools[uid]; pl != nil {
		pl.slots = s.slots(pl)
		s.queue.unblock(&pl.lanes)
	}
}

// paused reports whether an operator has paused a flow.
func (s *State) paused(flowUID string) bool {
	return s.overrides[record.OverrideKey{ObjectUID: flowUID, Field: record.FieldPaused}].Value == "true"
}

// silenced reports whether a schedule is paused, by itself or with its flow.
func (s *State) silenced(sc *schedule) bool {
	if def := sc.project.flows[sc.Flow]; def != nil && s.paused(def.UID) {
		return true
	}
	if o, ok := s.overrides[record.OverrideKey{ObjectUID: sc.UID, Field: record.FieldPaused}]; ok {
		return o.Value == "true"
	}
	return sc.declared
}

// slots is the limit of a pool.
func (s *State) slots(pl *pool) int32 {
	o, ok := s.overrides[record.OverrideKey{ObjectUID: pl.uid, Field: record.FieldSlots}]
	if n, err := strconv.Atoi(o.Value); ok && err == nil {
		return int32(min(max(n, 0), maxSlots))
	}
	return pl.declared
}

// settleOverrides drops the overrides that a new revision ends: those of objects
// that are no more, and those of values that are declared anew. The others go on.
// A State that decides no instants leaves the rows to the one that will: until
// that adopts the revision, they hold.
func (s *State) settleOverrides(ev *Adopt) {
	for _, key := range slices.SortedFunc(maps.Keys(s.overrides), byKey) {
		o := s.overrides[key]
		if o.ProjectUID != ev.ProjectUID || o.Revision >= ev.Revision {
			continue
		}
		declared, at, ok := ev.declaredValue(key)
		switch {
		case !ok || declared != o.Declared:
			delete(s.overrides, key)
			why := fmt.Sprintf("revision %d declares %s", ev.Revision, declared)
			if !ok {
				why = fmt.Sprintf("it is not in revision %d", ev.Revision)
			}
			if s.limits.SchedulesOff {
				s.lapsed[key] = true
				continue
			}
			s.out.override(key)
			s.out.audit(s.now, "", "override ends", key.ObjectUID, fmt.Sprintf("%s: %s was %s by %s: %s", o.Object, o.Field, o.Value, o.By, why))
		case string(at) != o.Object:
			o.Object = string(at)
			s.overrides[key] = o
			if !s.limits.SchedulesOff {
				s.out.override(key)
			}
		}
	}
}

func byKey(a, b record.OverrideKey) int {
	return cmp.Or(strings.Compare(a.ObjectUID, b.ObjectUID), cmp.Compare(a.Field, b.Field))
}
