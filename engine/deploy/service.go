package deploy

import (
	"context"
	"fmt"
	"time"

	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/engine/store"
	"github.com/leifengta/lft/lang/spec"
)

// Store is what a Service needs of a store.
type Store interface {
	Definitions
	Past
	Writer
	Live
}

// Definitions is what is deployed.
type Definitions interface {
	Project(ctx context.Context, name string) (record.Project, bool, error)
	Objects(ctx context.Context, projectUID string, revision int64) ([]record.Object, error)
	Specs(ctx context.Context, digests []string) (map[string][]byte, error)
	Now(ctx context.Context) (record.Time, error)
}

// Past is how it came to that.
type Past interface {
	Revisions(ctx context.Context, projectUID string, before int64, limit int) ([]record.Revision, error)
	RevisionByApplyID(ctx context.Context, applyID string) (record.Revision, bool, error)
	// Object is the newest version of an object, ended or not.
	Object(ctx context.Context, projectUID, uid string) (record.Object, bool, error)
}

// Writer changes what is deployed.
type Writer interface {
	PutSpecs(ctx context.Context, specs []record.Spec, span time.Duration) error
	// ForgetSpecs deletes those of the digests that no version refers to.
	ForgetSpecs(ctx context.Context, digests []string) error
	// CollectSpecs does so with those that nobody has put for the span of theirs.
	CollectSpecs(ctx context.Context, limit int) (int, error)
	Apply(ctx context.Context, c store.DefinitionChange) (rev record.Revision, repeated bool, err error)
}

// Live is what runs, for the impact of a change.
type Live interface {
	// LiveOf are the executions of some flows, by uid, that have not ended.
	LiveOf(ctx context.Context, flows map[string]bool) ([]record.Execution, error)
	Cursors(ctx context.Context, schedules []string) ([]record.Cursor, error)
	Overrides(ctx context.Context, projectUID string) ([]record.Override, error)
	// PoolUse is the number of slots in use by pool uid.
	PoolUse(ctx context.Context) (map[string]int32, error)
	// History counts the executions of a flow, at most limit of them.
	History(ctx context.Context, flow record.Object, limit int) (int, error)
}

// Service answers the verbs about definitions.
type Service struct{ store Store }

// New returns a Service on a store.
func New(store Store) *Service { return &Service{store: store} }

// Deployed returns a project at a revision, 0 = the newest. It reports false
// when nothing was ever applied under that name.
func (s *Service) Deployed(ctx context.Context, project string, revision int64) (Deployed, bool, error) {
	head, ok, err := s.store.Project(ctx, project)
	if err != nil || !ok {
		return Deployed{}, false, err
	}
	if revision < 0 || revision > head.Revision {
		return Deployed{}, false, fmt.Errorf("%w: project %q has revisions 1 to %d", ErrUnknown, project, head.Revision)
	}
	if revision > 0 {
		head.Revision = revision
	}
	objects, err := s.store.Objects(ctx, head.UID, head.Revision)
	return Deployed{Project: head, Objects: objects}, true, err
}

// Specs returns canonical JSON by digest; what is not stored is absent.
func (s *Service) Specs(ctx context.Context, digests []string) (map[string][]byte, error) {
	return s.store.Specs(ctx, digests)
}

// PutSpecs stores canonical JSON ahead of Apply, for a day. Bytes that are not what
// their digest says are refused, all of them.
func (s *Service) PutSpecs(ctx context.Context, specs []record.Spec) error {
	for _, sp := range specs {
		if len(sp.Data) > spec.MaxSize {
			return fmt.Errorf("%w: a spec of %d bytes is over the limit of %d", ErrInvalid, len(sp.Data), spec.MaxSize)
		}
		if spec.Digest(sp.Data) != sp.Digest {
			return fmt.Errorf("%w: the spec that came as %.16q has another digest", ErrInvalid, sp.Digest)
		}
	}
	return s.store.PutSpecs(ctx, specs, leaseSpan)
}

// maxRevisions bounds one page of Revisions.
const maxRevisions = 1000

// Revisions returns a project's revisions before a number (0 = all), newest
// first, at most limit (0 = 50).
func (s *Service) Revisions(ctx context.Context, projectUID string, before int64, limit int) ([]record.Revision, error) {
	if limit <= 0 {
		limit = 50
	}
	return s.store.Revisions(ctx, projectUID, before, min(limit, maxRevisions))
}
