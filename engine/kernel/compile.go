package kernel

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/cron"
	"github.com/leifengta/lft/lang/spec"
)

// CompileProject turns the deployed objects of a project's newest revision into
// the event that makes the kernel act on it. Specs are asked for by digest, and
// so are graphs that exist already, so that an unchanged flow is never compiled
// twice.
func CompileProject(p record.Project, objects []record.Object, specs func(digest string) ([]byte, bool),
	graphs func(digest string) (*Graph, bool),
) (Adopt, error) {
	c := projectCompiler{
		adopt: Adopt{ProjectUID: p.UID, Project: p.Name, Revision: p.Revision, EffectiveFrom: p.EffectiveFrom},
		specs: specs, graphs: graphs,
	}
	fail := func(what string, err error) (Adopt, error) {
		return Adopt{}, fmt.Errorf("project %s, revision %d%s: %w", p.Name, p.Revision, what, err)
	}
	// Calendars come first: schedules name them.
	for _, calendars := range []bool{true, false} {
		for _, o := range objects {
			if (o.Kind == spec.CalendarKind) != calendars {
				continue
			}
			if err := c.add(o); err != nil {
				return fail(", "+o.Address, err)
			}
		}
	}
	if err := checkNesting(c.adopt.Flows); err != nil {
		return fail("", err)
	}
	return c.adopt, nil
}

// projectCompiler is the work on one revision.
type projectCompiler struct {
	adopt     Adopt
	specs     func(digest string) ([]byte, bool)
	graphs    func(digest string) (*Graph, bool)
	zones     cron.Compiler
	calendars map[spec.Address]*spec.Calendar
}

func (c *projectCompiler) add(o record.Object) error {
	switch o.Kind {
	case spec.FlowKind:
		return c.flow(o)
	case spec.ScheduleKind:
		return c.schedule(o)
	case spec.PoolKind:
		return c.pool(o)
	case spec.CalendarKind:
		return c.calendar(o)
	case spec.DependencyKind, spec.OutputKind:
		return nil // nothing to act on
	default:
		return fmt.Errorf("kind %q is not known to this version", o.Kind)
	}
}

func (c *projectCompiler) spec(o record.Object) ([]byte, error) {
	data, ok := c.specs(o.Digest)
	if !ok {
		return nil, fmt.Errorf("spec %s is not in the store", o.Digest)
	}
	return data, nil
}

func (c *projectCompiler) flow(o record.Object) error {
	address := spec.Address(o.Address)
	graph, ok := c.graphs(o.Digest)
	if !ok {
		text, err := c.spec(o)
		if err != nil {
			return err
		}
		f, err := spec.DecodeFlow(text, address)
		if err != nil {
			return err
		}
		if graph, err = Compile(f); err != nil {
			return err
		}
	}
	c.adopt.Flows = append(c.adopt.Flows, FlowDef{UID: o.UID, Address: address, Digest: o.Digest, Graph: graph})
	return nil
}

func (c *projectCompiler) calendar(o record.Object) error {
	text, err := c.spec(o)
	if err != nil {
		return err
	}
	if c.calendars == nil {
		c.calendars = map[spec.Address]*spec.Calendar{}
	}
	c.calendars[spec.Address(o.Address)], err = spec.DecodeCalendar(text, spec.Address(o.Address))
	return err
}

func (c *projectCompiler) schedule(o record.Object) error {
	text, err := c.spec(o)
	if err != nil {
		return err
	}
	s, err := spec.DecodeSchedule(text, spec.Address(o.Address))
	if err != nil {
		return err
	}
	table := cron.Spec{
		Crons: s.Crons, Every: s.Every.Std(), Offset: s.Offset.Std(),
		Timezone: s.Timezone, Start: s.Start, End: s.End,
	}
	if s.Calendar != "" {
		days := c.calendars[s.Calendar]
		if days == nil {
			return fmt.Errorf("it goes by %s, which is not there", s.Calendar)
		}
		table.Include, table.Exclude = days.Include, days.Exclude
	}
	timetable, err := c.zones.Compile(table)
	if err != nil {
		return err
	}
	params, err := constants(s.Params)
	if err != nil {
		return err
	}
	def := ScheduleDef{
		UID: o.UID, Address: s.Address, Flow: s.Flow, Timetable: timetable, Zone: s.Timezone,
		Misfire: s.Misfire, Overlap: s.Overlap, Paused: s.Paused, Params: params,
	}
	if def.Zone == "" {
		def.Zone = "UTC"
	}
	c.adopt.Schedules = append(c.adopt.Schedules, def)
	return nil
}

func (c *projectCompiler) pool(o record.Object) error {
	text, err := c.spec(o)
	if err != nil {
		return err
	}
	p, err := spec.DecodePool(text, spec.Address(o.Address))
	if err != nil {
		return err
	}
	c.adopt.Pools = append(c.adopt.Pools, PoolDef{UID: o.UID, Address: p.Address, Slots: p.Slots, Shared: p.Shared})
	return nil
}

// NameFormerly tells the pools of a revision what they were called before, by all
// versions of them.
func (a *Adopt) NameFormerly(versions []record.Object) {
	for i := range a.Pools {
		p := &a.Pools[i]
		for _, o := range versions {
			if o.UID == p.UID && o.Address != string(p.Address) && o.From < a.Revision {
				p.Former = append(p.Former, FormerAddress{spec.Address(o.Address), o.From, o.Until})
			}
		}
	}
}

// checkNesting refuses flows that start one another in a circle, too many levels
// deep, or that start one that is not there.
func checkNesting(flows []FlowDef) error {
	n := nesting{flows: make(map[spec.Address]*Graph, len(flows)), levels: map[spec.Address]int{}}
	for i := range flows {
		n.flows[flows[i].Address] = flows[i].Graph
	}
	for i := range flows {
		if _, err := n.level(flows[i].Address, nil); err != nil {
			return err
		}
	}
	return nil
}

// nesting measures how deep flows start one another.
type nesting struct {
	flows  map[spec.Address]*Graph
	levels map[spec.Address]int // of those that were measured
}

// level is the nesting of a flow that path leads to.
func (n *nesting) level(flow spec.Address, path []spec.Address) (int, error) {
	if level := n.levels[flow]; level > 0 {
		return level, nil
	}
	if at := slices.Index(path, flow); at >= 0 {
		return 0, fmt.Errorf("flows start one another in a circle: %v", append(path[at:], flow))
	}
	if len(path) == spec.MaxNesting {
		return 0, fmt.Errorf("more than %d flows start one another: %v", spec.MaxNesting, append(path, flow))
	}
	graph := n.flows[flow]
	if graph == nil {
		return 0, fmt.Errorf("%s starts %s, which is not there", path[len(path)-1], flow)
	}
	level := 1
	for _, next := range graph.flows {
		below, err := n.level(next, append(path, flow))
		if err != nil {
			return 0, err
		}
		level = max(level, below+1)
	}
	if len(path)+level > spec.MaxNesting {
		return 0, fmt.Errorf("%s and what it starts are more than %d flows deep", append(path, flow)[0], spec.MaxNesting)
	}
	n.levels[flow] = level
	return level, nil
}

// constants makes an object of literal values, nil of none.
func constants(values map[string]*spec.Value) ([]byte, error) {
	if len(values) == 0 {
		return nil, nil
	}
	object := make(map[string]json.RawMessage, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name].Expr != "" {
			return nil, fmt.Errorf("param %q is an expression; a schedule's are constants", name)
		}
		object[name] = values[name].Literal
	}
	return json.Marshal(object)
}
