package kernel

import "github.com/leifengta/lft/engine/record"

// Look is what holds of a project's schedules and pools, by uid: what its revision
// declares and operators have put in its place.
type Look struct {
	Schedules map[string]ScheduleLook
	Slots     map[string]int32 // of pools
}

// ScheduleLook is how a schedule is acted on.
type ScheduleLook struct {
	Paused bool        // by itself, or with its flow
	Cursor record.Time // every instant at or before it is decided
}

// Look reads the state; it changes nothing. Of a project that is not known it is
// empty.
func (s *State) Look(projectUID string) Look {
	l := Look{Schedules: map[string]ScheduleLook{}, Slots: map[string]int32{}}
	p := s.clock.projects[projectUID]
	if p == nil {
		return l
	}
	for _, sc := range p.schedules {
		l.Schedules[sc.UID] = ScheduleLook{Paused: sc.Paused, Cursor: sc.cursor}
	}
	for _, pl := range p.pools {
		l.Slots[pl.uid] = pl.slots
	}
	return l
}
