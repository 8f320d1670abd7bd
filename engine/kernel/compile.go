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
	a := Adopt{ProjectUID: p.UID, Project: p.Name, Revision: p.Revision, EffectiveFrom: p.EffectiveFrom}
	var zones cron.Compiler
	for _, o := range objects {
		address := spec.Address(o.Address)
		data := func() ([]byte, error) {
			data, ok := specs(o.Digest)
			if !ok {
				return nil, fmt.Errorf("spec %s is not in the store", o.Digest)
			}
			return data, nil
		}
		var err error
		switch o.Kind {
		case "flow":
			err = a.addFlow(o, address, data, graphs)
		case "schedule":
			err = a.addSchedule(o, address, data, &zones)
		case "pool":
			err = a.addPool(o, address, data)
		default:
			err = fmt.Errorf("kind %q is not known to this version", o.Kind)
		}
		if err != nil {
			return Adopt{}, fmt.Errorf("project %s, revision %d, %s: %w", p.Name, p.Revision, address, err)
		}
	}
	return a, nil
}

func (a *Adopt) addFlow(o record.Object, address spec.Address, data func() ([]byte, error),
	graphs func(string) (*Graph, bool),
) error {
	graph, ok := graphs(o.Digest)
	if !ok {
		text, err := data()
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
	a.Flows = append(a.Flows, FlowDef{UID: o.UID, Address: address, Digest: o.Digest, Graph: graph})
	return nil
}

func (a *Adopt) addSchedule(o record.Object, address spec.Address, data func() ([]byte, error),
	zones *cron.Compiler,
) error {
	text, err := data()
	if err != nil {
		return err
	}
	s, err := spec.DecodeSchedule(text, address)
	if err != nil {
		return err
	}
	timetable, err := zones.Compile(cron.Spec{
		Crons: s.Crons, Every: s.Every.Std(), Offset: s.Offset.Std(),
		Timezone: s.Timezone, Start: s.Start, End: s.End,
	})
	if err != nil {
		return err
	}
	params, err := constants(s.Params)
	if err != nil {
		return err
	}
	def := ScheduleDef{
		UID: o.UID, Address: address, Flow: s.Flow, Timetable: timetable, Zone: s.Timezone,
		Misfire: s.Misfire, Overlap: s.Overlap, Paused: s.Paused, Params: params,
	}
	if def.Zone == "" {
		def.Zone = "UTC"
	}
	a.Schedules = append(a.Schedules, def)
	return nil
}

func (a *Adopt) addPool(o record.Object, address spec.Address, data func() ([]byte, error)) error {
	text, err := data()
	if err != nil {
		return err
	}
	p, err := spec.DecodePool(text, address)
	if err != nil {
		return err
	}
	a.Pools = append(a.Pools, PoolDef{UID: o.UID, Address: address, Slots: p.Slots, Shared: p.Shared})
	return nil
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
