package deploy

import (
	"context"

	"github.com/leifengta/lft/planner"
)

// PreviewByAll is Preview with every object of the project on both sides, however
// little changes.
func (s *Service) PreviewByAll(ctx context.Context, set ChangeSet) (planner.Impact, error) {
	before, _, err := s.Deployed(ctx, set.Project, 0)
	if err != nil {
		return planner.Impact{}, err
	}
	c, err := set.lay(before)
	if err != nil {
		return planner.Impact{}, err
	}
	b, err := s.all(ctx, c)
	if err != nil {
		return planner.Impact{}, err
	}
	compiled, err := c.compile(b)
	if err != nil {
		return planner.Impact{}, err
	}
	return s.impact(ctx, c, compiled)
}
