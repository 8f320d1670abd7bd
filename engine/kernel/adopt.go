package kernel

import (
	"fmt"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// project is the revision of a project that is acted on.
type project struct {
	uid       string
	name      string
	revision  int64
	flows     map[spec.Address]*FlowDef
	byUID     map[string]*FlowDef
	zones     map[spec.Address]string // common zone of a flow's schedules
	schedules []*schedule             // in the order of the revision
	pools     map[spec.Address]*pool
	former    map[spec.Address][]formerPool // pools by addresses they had
	relied    int64                         // the head that the next batch depends on, 0 for none
}

// adopt makes a revision the one acted on. Instants up to its effective time
// are decided first, by the revision before; whatever revisions follow, that
// stays right, so it depends on no head.
func (s *State) adopt(ev Adopt) error {
	if err := checkAdopt(&ev); err != nil {
		return err
	}
	p := s.clock.projects[ev.ProjectUID]
	if p == nil {
		p = &project{uid: ev.ProjectUID}
		s.clock.projects[p.uid] = p
	} else if p.revision >= ev.Revision {
		return nil
	}
	if !s.limits.SchedulesOff {
		for _, sc := range p.schedules {
			s.decide(sc, min(ev.EffectiveFrom, s.now))
		}
		s.out.weight++
		s.out.rows.Adopted = adopted(s.out.rows.Adopted, record.Adopted{ProjectUID: p.uid, Revision: ev.Revision})
	}
	s.settleOverrides(&ev)
	for _, uid := range s.install(p, &ev) {
		if !s.limits.SchedulesOff {
			s.out.weight++
			s.out.rows.CursorsGone = append(s.out.rows.CursorsGone, uid)
		}
	}
	return nil
}

func adopted(rows []record.Adopted, row record.Adopted) []record.Adopted {
	for i := range rows {
		if rows[i].ProjectUID == row.ProjectUID {
			rows[i] = row
			return rows
		}
	}
	return append(rows, row)
}

// install replaces a project's definitions and returns the uids of the
// schedules that are no more.
func (s *State) install(p *project, ev *Adopt) (gone []string) {
	p.name, p.revision = ev.Project, ev.Revision
	gone = s.installSchedules(p, ev)
	s.installPools(p, ev.Pools)
	old := p.flows
	p.flows = make(map[spec.Address]*FlowDef, len(ev.Flows))
	p.byUID = make(map[string]*FlowDef, len(ev.Flows))
	for i := range ev.Flows {
		def := &ev.Flows[i]
		p.flows[def.Address], p.byUID[def.UID] = def, def
		if line := s.runs.lines[def.UID]; line != nil {
			line.limit, line.revision = def.Graph.concurrency, ev.Revision
			s.advance(line)
		}
	}
	for _, sc := range p.schedules {
		sc.Paused = s.silenced(sc)
	}
	for _, address := range sortedKeys(old) {
		if def := old[address]; p.byUID[def.UID] == nil {
			s.flowDeleted(def.UID)
		}
	}
	s.queue.prune()
	return gone
}

func (s *State) installSchedules(p *project, ev *Adopt) (gone []string) {
	old := make(map[string]*schedule, len(p.schedules))
	for _, sc := range p.schedules {
		old[sc.UID] = sc
	}
	before := p.schedules
	p.schedules = make([]*schedule, 0, len(ev.Schedules))
	p.zones = map[spec.Address]string{}
	for i := range ev.Schedules {
		def := ev.Schedules[i]
		sc := old[def.UID]
		if sc == nil {
			sc = &schedule{project: p}
		}
		delete(old, def.UID)
		sc.ScheduleDef, sc.declared = def, def.Paused
		sc.seek(ev.EffectiveFrom)
		s.plan(sc)
		p.schedules = append(p.schedules, sc)
		zone, seen := p.zones[def.Flow]
		if seen && zone != def.Zone {
			def.Zone = ""
		}
		p.zones[def.Flow] = def.Zone
	}
	for _, sc := range before {
		if old[sc.UID] == sc {
			sc.gone = true
			gone = append(gone, sc.UID)
		}
	}
	return gone
}

// zone is what the times of a manual run of a flow are shown in.
func (p *project) zone(flow spec.Address) string {
	if zone := p.zones[flow]; zone != "" {
		return zone
	}
	return "UTC"
}

func (s *State) installPools(p *project, defs []PoolDef) {
	old := p.pools
	p.pools, p.former = make(map[spec.Address]*pool, len(defs)), map[spec.Address][]formerPool{}
	for _, def := range defs {
		pl := s.queue.pool(def.UID)
		pl.address, pl.declared, pl.shared, pl.gone = def.Address, poolSlots(&def), def.Shared, false
		pl.slots = s.slots(pl)
		p.pools[def.Address] = pl
		for _, was := range def.Former {
			p.former[was.Address] = append(p.former[was.Address], formerPool{was, pl})
		}
		s.queue.unblock(&pl.lanes)
	}
	for _, address := range sortedKeys(old) {
		if pl := old[address]; p.pools[pl.address] != pl {
			pl.gone = true
			s.queue.unblock(&pl.lanes)
			s.queue.forget(pl)
		}
	}
	s.queue.share(p)
}

func poolSlots(def *PoolDef) int32 { return int32(min(max(def.Slots, 0), maxSlots)) }

// formerPool is a pool by an address that it had.
type formerPool struct {
	FormerAddress
	pool *pool
}

// pool finds the pool a job of an execution means: its project's own, whatever that
// is called by now, or one that another project shares. A pool that is no more
// limits nothing.
func (s *State) pool(x *execution, address spec.Address) *pool {
	if p := s.clock.projects[x.ProjectUID]; p != nil {
		for _, was := range p.former[address] {
			if was.From <= x.Revision && x.Revision < was.Until {
				return was.pool
			}
		}
		if pl := p.pools[address]; pl != nil {
			return pl
		}
	}
	return s.queue.sharedPool(address)
}

func checkAdopt(ev *Adopt) error {
	if ev.ProjectUID == "" || len(ev.ProjectUID) > record.MaxID || ev.Revision < 1 {
		return fmt.Errorf("%w: project %q, revision %d", ErrInvalid, ev.ProjectUID, ev.Revision)
	}
	for _, f := range ev.Flows {
		if f.Graph == nil || !validID(f.UID) || len(f.Address) > record.MaxAddress || len(f.Digest) > record.MaxID {
			return fmt.Errorf("%w: %s has no graph, or too long a name", ErrInvalid, f.Address)
		}
	}
	for _, sc := range ev.Schedules {
		if !validID(sc.UID) || len(sc.Address) > record.MaxAddress || len(sc.Params) > record.MaxParams ||
			len(sc.Zone) > record.MaxName {
			return fmt.Errorf("%w: %s has too long a name or parameters", ErrInvalid, sc.Address)
		}
	}
	for _, p := range ev.Pools {
		if !validID(p.UID) || len(p.Address) > record.MaxAddress {
			return fmt.Errorf("%w: %s has too long a name", ErrInvalid, p.Address)
		}
	}
	return nil
}
