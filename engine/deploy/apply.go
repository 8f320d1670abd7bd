package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/engine/preview"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/planner"
)

// Preview tells what a change set would do to what is scheduled and running. It
// refuses what Apply would refuse.
func (s *Service) Preview(ctx context.Context, set ChangeSet) (planner.Impact, error) {
	_, impact, err := s.prepare(ctx, set)
	return impact, err
}

// prepare does everything of an apply but the writing.
func (s *Service) prepare(ctx context.Context, set ChangeSet) (*change, planner.Impact, error) {
	if err := set.check(); err != nil {
		return nil, planner.Impact{}, err
	}
	before, _, err := s.Deployed(ctx, set.Project, 0)
	if err != nil {
		return nil, planner.Impact{}, err
	}
	if err := set.fits(before.Project); err != nil {
		return nil, planner.Impact{}, err
	}
	c, err := set.lay(before)
	if err != nil {
		return nil, planner.Impact{}, err
	}
	compiled, err := s.compile(ctx, c)
	if err != nil {
		return nil, planner.Impact{}, err
	}
	impact, err := s.impact(ctx, c, compiled)
	return c, impact, err
}

// fits refuses a change set made by another folder or from another revision.
func (c *ChangeSet) fits(head record.Project) error {
	if head.UID != "" && head.Lineage != c.Lineage && !c.Adopt {
		return clash(head, c.Origin)
	}
	if head.Revision != c.Base {
		return stale(c.Base, head.Revision)
	}
	return nil
}

func stale(base, newest int64) error {
	if newest == 0 {
		return fmt.Errorf("%w: it was made from revision %d, but nothing is deployed; plan again", ErrStale, base)
	}
	made := fmt.Sprintf("from revision %d", base)
	if base == 0 {
		made = "before anything was deployed"
	}
	return fmt.Errorf("%w: it was made %s, and revision %d is deployed by now; plan again", ErrStale, made, newest)
}

func clash(head record.Project, origin string) error {
	return fmt.Errorf("%w\nProject %q was last applied from %s; this is %s.\n"+
		"Give one of them another name in its lft block, or take the project over with -adopt",
		ErrClash, head.Name, place(head.Origin), place(origin))
}

func place(origin string) string {
	if origin == "" {
		return "an unknown place"
	}
	return origin
}

// impact reads what runs of the flows that change and asks the kernel.
func (s *Service) impact(ctx context.Context, c *change, compiled compiled) (planner.Impact, error) {
	now, err := s.store.Now(ctx)
	if err != nil {
		return planner.Impact{}, err
	}
	in := preview.Input{Now: now, Before: compiled.before, After: compiled.after, Touched: c.touched}
	for _, f := range compiled.before.Flows {
		if !c.touched[f.UID] {
			continue
		}
		live, err := s.store.LiveExecutions(ctx, f.UID)
		if err != nil {
			return planner.Impact{}, err
		}
		in.Live = append(in.Live, live...)
	}
	return preview.Of(in)
}

// Apply commits a change set, or refuses it whole.
func (s *Service) Apply(ctx context.Context, req Request) (Result, error) {
	if err := req.check(); err != nil {
		return Result{}, err
	}
	if rev, done, err := s.store.RevisionByApplyID(ctx, req.ApplyID); err != nil || done {
		return Result{Revision: rev.Number, EffectiveFrom: rev.EffectiveFrom, Repeated: true}, err
	}
	c, impact, err := s.prepare(ctx, req.Changes)
	if err != nil {
		return Result{}, err
	}
	if err := unseen(impact, req.Shown); err != nil {
		return Result{}, err
	}
	if err := s.standFor(ctx, c); err != nil {
		return Result{}, err
	}
	// The store settles a COMMIT without an answer by the apply id.
	rev, repeated, err := s.store.Apply(ctx, req.definition(c))
	if err != nil {
		return Result{}, err
	}
	return Result{Revision: rev.Number, EffectiveFrom: rev.EffectiveFrom, Repeated: repeated}, nil
}

func (r *Request) check() error {
	switch {
	case r.ApplyID == "" || len(r.ApplyID) > record.MaxID:
		return fmt.Errorf("%w: the apply has no id of 1 to %d bytes", ErrInvalid, record.MaxID)
	case r.Changes.Lineage == "":
		return fmt.Errorf("%w: the folder has no lineage", ErrInvalid)
	case len(r.Message) > record.MaxMessage:
		return fmt.Errorf("%w: the message has more than %d bytes", ErrInvalid, record.MaxMessage)
	}
	return nil
}

// unseen refuses when the change has by now an effect of a kind its plan did not
// show.
func unseen(impact planner.Impact, shown []planner.Effect) error {
	var kinds []string
	for _, k := range impact.Kinds {
		if !slices.Contains(shown, k) {
			kinds = append(kinds, k.Describe())
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	return fmt.Errorf("%w: by now it %s; plan again and look at it", ErrEffects, strings.Join(kinds, ", and "))
}

func (r *Request) definition(c *change) store.DefinitionChange {
	project := c.after.Project
	project.Revision = r.Changes.Base
	return store.DefinitionChange{
		Project: project,
		Adopt:   r.Changes.Adopt,
		Revision: record.Revision{
			ApplyID:   r.ApplyID,
			Author:    r.By,
			Message:   r.Message,
			Digest:    c.after.digest(),
			Added:     c.added,
			Changed:   c.changed,
			Destroyed: c.gone,
		},
		Objects: c.objects,
		Audit: record.Audit{
			ID: r.ApplyID, By: r.By, Verb: "apply", Object: project.Name,
			Detail: fmt.Sprintf("revision %d: %d added, %d changed, %d destroyed", c.after.Project.Revision, c.added, c.changed, c.gone),
		},
	}
}
