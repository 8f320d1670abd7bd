package deploy

import (
	"context"
	"errors"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/planner"
)

// Definitions is what a Service reads of a store.
type Definitions interface {
	Project(ctx context.Context, name string) (record.Project, bool, error)
	Objects(ctx context.Context, projectUID string, revision int64) ([]record.Object, error)
	Specs(ctx context.Context, digests []string) (map[string][]byte, error)
	Revisions(ctx context.Context, projectUID string, before int64, limit int) ([]record.Revision, error)
}

// Store is what a Service needs of a store.
type Store interface {
	Definitions
	PutSpecs(ctx context.Context, specs []record.Spec) error
}

// Service answers the verbs about definitions.
type Service struct{ store Store }

// New returns a Service on a store.
func New(store Store) *Service { return &Service{store: store} }

var errSkeleton = errors.New("internal error: not built yet")

// Deployed returns a project at a revision, 0 = the newest. It reports false
// when nothing was ever applied under that name.
func (s *Service) Deployed(context.Context, string, int64) (Deployed, bool, error) {
	return Deployed{}, false, errSkeleton
}

// Specs returns canonical JSON by digest; what is missing is absent.
func (s *Service) Specs(ctx context.Context, digests []string) (map[string][]byte, error) {
	return s.store.Specs(ctx, digests)
}

// PutSpecs stores canonical JSON ahead of Apply. Bytes that are not what their
// digest says are refused.
func (s *Service) PutSpecs(context.Context, []record.Spec) error { return errSkeleton }

// Preview tells what a change set would do to what is scheduled and running.
func (s *Service) Preview(context.Context, ChangeSet) (planner.Impact, error) {
	return planner.Impact{}, errSkeleton
}

// Apply commits a change set, or refuses it whole.
func (s *Service) Apply(context.Context, Request) (Result, error) { return Result{}, errSkeleton }

// Revisions returns a project's revisions before a number (0 = all), newest
// first.
func (s *Service) Revisions(context.Context, string, int64, int) ([]record.Revision, error) {
	return nil, errSkeleton
}
