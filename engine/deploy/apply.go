package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/planner"
)

// Preview tells what a change set would do to what is scheduled and running. It
// refuses what Apply would refuse.
func (s *Service) Preview(ctx context.Context, set ChangeSet) (planner.Impact, error) {
	_, impact, err := s.prepare(ctx, set)
	s.forget(ctx, set, err)
	return impact, err
}

// forgetIn bounds forget, which nobody needs to wait for.
const forgetIn = 5 * time.Second

// forget takes the specs of a change set away that is refused for good. Another one
// that has the same is told to put them again. What fails here is left to Collect.
func (s *Service) forget(ctx context.Context, set ChangeSet, err error) {
	refused := func(is error) bool { return errors.Is(err, is) }
	if !slices.ContainsFunc([]error{ErrStale, ErrClash, ErrEffects, ErrInvalid, ErrBytes}, refused) || len(set.Changes) > maxChanges {
		return
	}
	var digests []string
	for _, c := range set.Changes {
		if c.Digest != "" {
			digests = append(digests, c.Digest)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetIn)
	defer cancel()
	_ = s.store.ForgetSpecs(ctx, digests)
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
	if head := before.Project; head.UID != "" && head.Lineage != set.Lineage && !set.Adopt {
		return nil, planner.Impact{}, clash(head, set.Origin)
	}
	if err := s.current(ctx, &set, before); err != nil {
		return nil, planner.Impact{}, err
	}
	c, err := set.lay(before)
	if err != nil {
		return nil, planner.Impact{}, err
	}
	compiled, err := s.compile(ctx, c)
	if errors.Is(err, ErrInvalid) && before.Project.Revision != set.Base {
		// Alone it was whole: what came between makes it impossible.
		err = moved(fmt.Sprintf("it was made from revision %d, and does not go with revision %d: %v", set.Base, before.Project.Revision, err))
	}
	if err != nil {
		return nil, planner.Impact{}, err
	}
	if err := c.count(compiled.specs); err != nil {
		return nil, planner.Impact{}, err
	}
	impact, err := s.impact(ctx, c, compiled)
	return c, impact, err
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

// Apply commits a change set, or refuses it whole.
func (s *Service) Apply(ctx context.Context, req Request) (Result, error) {
	result, err := s.apply(ctx, req)
	s.forget(ctx, req.Changes, err)
	return result, err
}

func (s *Service) apply(ctx context.Context, req Request) (Result, error) {
	if err := req.check(); err != nil {
		return Result{}, err
	}
	if result, done, err := s.done(ctx, req.ApplyID); done || err != nil {
		return result, err
	}
	for tries := 1; ; tries++ {
		result, err := s.try(ctx, req)
		if !errors.Is(err, store.ErrStale) {
			return result, err
		}
		// Another apply was faster, or the same one that was sent twice. Unless it has
		// touched what this one is about, this one is as good as before.
		if result, done, err := s.done(ctx, req.ApplyID); done || err != nil {
			return result, err
		}
		if errors.Is(err, errMoved) || tries == maxTries {
			return result, err
		}
	}
}

// done says what an apply id that was committed before has led to.
func (s *Service) done(ctx context.Context, applyID string) (Result, bool, error) {
	rev, done, err := s.store.RevisionByApplyID(ctx, applyID)
	return Result{Revision: rev.Number, EffectiveFrom: rev.EffectiveFrom, Repeated: true}, done, err
}

// maxTries bounds how often one apply may be overtaken.
const maxTries = 100

// try is one attempt on the newest revision.
func (s *Service) try(ctx context.Context, req Request) (Result, error) {
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
		return Result{}, c.naming(err)
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
	project.Revision = c.before.Project.Revision
	return store.DefinitionChange{
		Project: project,
		Adopt:   r.Changes.Adopt,
		Revision: record.Revision{
			ApplyID:   r.ApplyID,
			Author:    r.By,
			Message:   r.Message,
			Digest:    c.after.digest(),
			Added:     c.sum.Add,
			Changed:   c.sum.Change,
			Destroyed: c.sum.Destroy,
		},
		Objects: c.objects,
		Audit: record.Audit{
			ID: r.ApplyID, By: r.By, Verb: "apply", Object: project.Name,
			Detail: fmt.Sprintf("revision %d: %d added, %d changed, %d destroyed", c.after.Project.Revision, c.sum.Add, c.sum.Change, c.sum.Destroy),
		},
	}
}
