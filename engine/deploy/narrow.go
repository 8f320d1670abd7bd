package deploy

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/spec"
)

// bearing is what a change is judged by: of both sides, the objects that it
// touches and those that they name, with their specs. What is left out is on both
// sides the same, and neither gains nor loses anything, so that the cost of a
// change follows what changes.
type bearing struct {
	before, after []record.Object
	specs         map[string][]byte
}

// bearing reads all of a project where something goes or gets another name,
// because then any object may be left without what it names.
func (s *Service) bearing(ctx context.Context, c *change) (bearing, error) {
	if c.takesAway() {
		return s.all(ctx, c)
	}
	keep := maps.Clone(c.touched)
	overrides, err := s.overridden(ctx, c)
	if err != nil {
		return bearing{}, err
	}
	for _, uid := range overrides {
		keep[uid] = true
	}
	byAddress := make(map[spec.Address]record.Object, len(c.after.Objects))
	for _, o := range c.after.Objects {
		byAddress[spec.Address(o.Address)] = o
		if o.Kind == spec.PoolKind || o.Kind == spec.CalendarKind {
			keep[o.UID] = true
		}
	}
	b := bearing{specs: map[string][]byte{}}
	for {
		b.before, b.after = kept(c.before.Objects, keep), kept(c.after.Objects, keep)
		fresh, err := s.read(ctx, &b)
		if err != nil {
			return bearing{}, err
		}
		more := false
		for _, o := range slices.Concat(b.before, b.after) {
			if !fresh[o.Digest] {
				continue
			}
			names, err := starts(o, b.specs[o.Digest])
			if err != nil {
				return bearing{}, err
			}
			for _, name := range names {
				if named, ok := byAddress[name]; ok && !keep[named.UID] {
					keep[named.UID], more = true, true
				}
			}
		}
		if !more {
			return b, nil
		}
	}
}

// takesAway reports whether an untouched object may lose what it names, or a
// schedule that is not touched the days it goes by.
func (c *change) takesAway() bool {
	moved := make(map[string]string, len(c.before.Objects))
	for _, o := range c.before.Objects {
		moved[o.UID] = o.Address
	}
	return slices.ContainsFunc(c.objects, func(o store.ObjectChange) bool {
		address, there := moved[o.Object.UID]
		return o.Deleted || there && (address != o.Object.Address || o.Object.Kind == spec.CalendarKind)
	})
}

func (s *Service) overridden(ctx context.Context, c *change) ([]string, error) {
	if c.before.Project.UID == "" {
		return nil, nil
	}
	rows, err := s.store.Overrides(ctx, c.before.Project.UID)
	uids := make([]string, len(rows))
	for i, row := range rows {
		uids[i] = row.ObjectUID
	}
	return uids, err
}

func (s *Service) all(ctx context.Context, c *change) (bearing, error) {
	b := bearing{before: c.before.Objects, after: c.after.Objects, specs: map[string][]byte{}}
	_, err := s.read(ctx, &b)
	return b, err
}

// read gets the specs that are still missing, and returns their digests.
func (s *Service) read(ctx context.Context, b *bearing) (fresh map[string]bool, err error) {
	fresh = map[string]bool{}
	for _, objects := range [][]record.Object{b.before, b.after} {
		for _, o := range objects {
			if _, ok := b.specs[o.Digest]; !ok {
				fresh[o.Digest] = true
			}
		}
	}
	specs, err := s.store.Specs(ctx, slices.Sorted(maps.Keys(fresh)))
	if err != nil {
		return nil, err
	}
	maps.Copy(b.specs, specs)
	for _, o := range b.after {
		if _, ok := b.specs[o.Digest]; !ok {
			return nil, fmt.Errorf("%w: the spec of %s", ErrSpecs, o.Address)
		}
	}
	return fresh, nil
}

func kept(objects []record.Object, keep map[string]bool) []record.Object {
	var out []record.Object
	for _, o := range objects {
		if keep[o.UID] {
			out = append(out, o)
		}
	}
	return out
}

// starts returns the flows that an object starts.
func starts(o record.Object, data []byte) ([]spec.Address, error) {
	address := spec.Address(o.Address)
	switch o.Kind {
	case spec.ScheduleKind:
		sc, err := spec.DecodeSchedule(data, address)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return []spec.Address{sc.Flow}, nil
	case spec.FlowKind:
		if !bytes.Contains(data, []byte(`"flow":`)) {
			return nil, nil // most flows start none; to decode them all would cost as much as to compile them
		}
		f, err := spec.DecodeFlow(data, address)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		var flows []spec.Address
		for _, j := range f.Jobs {
			if j.Flow != "" {
				flows = append(flows, j.Flow)
			}
		}
		return flows, nil
	}
	return nil, nil
}
