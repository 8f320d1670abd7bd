package store

import (
	"context"
	"errors"

	"github.com/leifengta/lft/engine/record"
)

// DefinitionChange is one apply: what it was made from, and what it leads to.
type DefinitionChange struct {
	// Project is the head as it shall be. Revision is the one the change was
	// made from, 0 for a project that does not exist yet; EffectiveFrom is set
	// by Apply.
	Project record.Project
	// Adopt allows Project.Lineage to differ from the deployed one.
	Adopt bool
	// Revision holds ApplyID, Author, Message, Digest and the counts; the rest
	// is set by Apply.
	Revision record.Revision
	Objects  []ObjectChange
	Audit    record.Audit // At is set by Apply
}

// ObjectChange replaces one version of an object by another.
type ObjectChange struct {
	// Object is the new version: UID, Kind, Address, Digest. ProjectUID, From
	// and Until are set by Apply.
	Object  record.Object
	Base    int64 // From of the version it replaces, 0 = none
	Deleted bool  // no new version follows
}

// Refusals of Apply. Nothing was written.
var (
	// ErrStale: the project has moved on since the change was made.
	ErrStale = errors.New("the plan is stale")
	// ErrLineage: the project belongs to another folder.
	ErrLineage = errors.New("the project belongs to another folder")
)

// Projects are the heads of all projects, by name. It is cheap enough to be
// polled.
func (s *Store) Projects(ctx context.Context) ([]record.Project, error) { return nil, errUnbuilt }

// Project is the head of the project of that name.
func (s *Store) Project(ctx context.Context, name string) (record.Project, bool, error) {
	return record.Project{}, false, errUnbuilt
}

// Objects are a project's objects as of a revision (0 = newest), by address.
func (s *Store) Objects(ctx context.Context, projectUID string, revision int64) ([]record.Object, error) {
	return nil, errUnbuilt
}

// Specs reads canonical JSON by digest; unknown digests are left out.
func (s *Store) Specs(ctx context.Context, digests []string) (map[string][]byte, error) {
	return nil, errUnbuilt
}

// MissingSpecs says which of the digests are not stored yet.
func (s *Store) MissingSpecs(ctx context.Context, digests []string) ([]string, error) {
	return nil, errUnbuilt
}

// PutSpecs stores canonical JSON by digest. What is there stays.
func (s *Store) PutSpecs(ctx context.Context, specs []record.Spec) error { return errUnbuilt }

// Apply commits a change whole or not at all. The same ApplyID again is no second
// apply: its revision is returned with repeated set. ErrStale, ErrLineage: refused.
func (s *Store) Apply(ctx context.Context, c DefinitionChange) (rev record.Revision, repeated bool, err error) {
	return record.Revision{}, false, errUnbuilt
}

// Revisions of a project, newest first, below before (0 = from the newest). The
// empty project uid means all projects, ordered by effective time, and before is
// then a time.
func (s *Store) Revisions(ctx context.Context, projectUID string, before int64, limit int) ([]record.Revision, error) {
	return nil, errUnbuilt
}

// RevisionByApplyID finds what became of an apply.
func (s *Store) RevisionByApplyID(ctx context.Context, applyID string) (record.Revision, bool, error) {
	return record.Revision{}, false, errUnbuilt
}
