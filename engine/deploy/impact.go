package deploy

import (
	"context"
	"fmt"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/preview"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// impact reads what is scheduled and running of what changes, and asks the kernel.
func (s *Service) impact(ctx context.Context, c *change, compiled compiled) (planner.Impact, error) {
	if err := c.touchByCalendar(compiled.specs); err != nil {
		return planner.Impact{}, err
	}
	in := preview.Input{Before: compiled.before, After: compiled.after, Touched: c.touched}
	var err error
	if in.Now, err = s.store.Now(ctx); err != nil {
		return planner.Impact{}, err
	}
	if in.Live, err = s.store.LiveOf(ctx, c.flows(compiled.before.Flows)); err != nil {
		return planner.Impact{}, err
	}
	if in.Cursors, err = s.store.Cursors(ctx, c.schedules(compiled.before.Schedules)); err != nil {
		return planner.Impact{}, err
	}
	if uid := compiled.before.ProjectUID; uid != "" {
		if in.Overrides, err = s.store.Overrides(ctx, uid); err != nil {
			return planner.Impact{}, err
		}
	}
	if in.PoolUse, err = s.poolUse(ctx, c); err != nil {
		return planner.Impact{}, err
	}
	if in.History, err = s.history(ctx, c); err != nil {
		return planner.Impact{}, err
	}
	return preview.Of(in)
}

// touchByCalendar touches the schedules that go by a calendar that is touched.
func (c *change) touchByCalendar(specs map[string][]byte) error {
	moved := map[spec.Address]bool{}
	for _, o := range c.objects {
		if o.Object.Kind == spec.CalendarKind {
			moved[spec.Address(o.Object.Address)] = true
		}
	}
	if len(moved) == 0 {
		return nil
	}
	for _, o := range c.after.Objects {
		if o.Kind != spec.ScheduleKind {
			continue
		}
		sc, err := spec.DecodeSchedule(specs[o.Digest], spec.Address(o.Address))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		if moved[sc.Calendar] {
			c.touched[o.UID] = true
		}
	}
	return nil
}

func (c *change) flows(defs []kernel.FlowDef) map[string]bool {
	uids := map[string]bool{}
	for _, f := range defs {
		if c.touched[f.UID] {
			uids[f.UID] = true
		}
	}
	return uids
}

func (c *change) schedules(defs []kernel.ScheduleDef) []string {
	var uids []string
	for _, sc := range defs {
		if c.touched[sc.UID] {
			uids = append(uids, sc.UID)
		}
	}
	return uids
}

// poolUse is asked for only when a pool that is there changes or goes.
func (s *Service) poolUse(ctx context.Context, c *change) (map[string]int32, error) {
	for _, o := range c.objects {
		if o.Object.Kind == spec.PoolKind && o.Base != 0 {
			return s.store.PoolUse(ctx)
		}
	}
	return nil, nil
}

// history counts what flows that go leave behind.
func (s *Service) history(ctx context.Context, c *change) (map[string]int, error) {
	counts := map[string]int{}
	for _, o := range c.objects {
		if o.Object.Kind != spec.FlowKind || !o.Deleted || len(counts) > planner.MaxImpact {
			continue
		}
		n, err := s.store.History(ctx, record.Object{UID: o.Object.UID, Address: o.Object.Address}, preview.MaxHistory)
		if err != nil {
			return nil, err
		}
		counts[o.Object.UID] = n
	}
	return counts, nil
}
