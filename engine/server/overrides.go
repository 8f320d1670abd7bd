package server

import (
	"cmp"
	"context"
	"slices"
	"strings"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/auth"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// Overrides is what operators have put in place of declared values.
type Overrides interface {
	// Overrides are those of a project, or of all for "".
	Overrides(ctx context.Context, projectUID string) ([]record.Override, error)
}

func (s *runs) PutOverride(ctx context.Context, req *lftv1.PutOverrideRequest) (*lftv1.PutOverrideResponse, error) {
	field := record.OverrideField(req.GetField())
	kinds := []string{spec.ScheduleKind, spec.FlowKind}
	switch field {
	case record.FieldPaused:
	case record.FieldSlots:
		kinds = []string{spec.PoolKind}
	default:
		return nil, invalid("%q cannot be overridden; there are paused, of a schedule or flow, and slots, of a pool", req.GetField())
	}
	if len(req.GetReason()) > record.MaxMessage {
		return nil, invalid("the reason has %d bytes, more than %d", len(req.GetReason()), record.MaxMessage)
	}
	project, object, err := s.objectNamed(ctx, req.GetProject(), req.GetObject(), kinds)
	if err != nil {
		return nil, err
	}
	changed, err := s.deps.Runs.Override(ctx, kernel.Override{
		ProjectUID: project.UID,
		Object:     spec.Address(object.Address),
		Field:      field,
		Value:      req.GetValue(),
		Reason:     req.GetReason(),
		By:         auth.From(ctx).Name,
	})
	if err != nil {
		return nil, err
	}
	res := &lftv1.PutOverrideResponse{Changed: changed}
	rows, err := s.deps.Overrides.Overrides(ctx, project.UID)
	for i := range rows {
		if rows[i].ObjectUID == object.UID && rows[i].Field == field {
			res.Override = overrideMessage(&rows[i], project.Name)
		}
	}
	return res, err
}

// objectNamed finds a deployed object of one of some kinds. A bare name must be
// that of one object only.
func (s *runs) objectNamed(ctx context.Context, project, name string, kinds []string) (record.Project, record.Object, error) {
	heads, err := s.heads(ctx, project)
	if err != nil {
		return record.Project{}, record.Object{}, err
	}
	var in []record.Project
	var found []record.Object
	for _, kind := range kinds {
		a, err := address(kind, name)
		if err != nil {
			continue // it is written as an address of another kind
		}
		for _, head := range heads {
			object, ok, err := s.objectAt(ctx, head, a)
			if err != nil {
				return record.Project{}, record.Object{}, err
			}
			if ok {
				in, found = append(in, head), append(found, object)
			}
		}
	}
	what := strings.Join(kinds, " or ")
	switch {
	case len(found) == 1:
		return in[0], found[0], nil
	case len(found) == 0:
		others, err := s.addressesOf(ctx, heads, kinds)
		if err != nil {
			return record.Project{}, record.Object{}, err
		}
		return record.Project{}, record.Object{}, notFound("no %s %q is deployed%s", what, name, instead(kinds[0]+"s", others))
	case found[0].Address != found[1].Address:
		return record.Project{}, record.Object{}, invalid("%q is %s and %s; write one of them", name, found[0].Address, found[1].Address)
	default:
		return record.Project{}, record.Object{}, invalid("%s is in the projects %s and %s; name one", found[0].Address, in[0].Name, in[1].Name)
	}
}

func (s *runs) ListOverrides(ctx context.Context, req *lftv1.ListOverridesRequest) (*lftv1.ListOverridesResponse, error) {
	heads, err := s.deps.Definitions.Projects(ctx)
	if req.GetProject() != "" {
		heads, err = s.heads(ctx, req.GetProject())
	}
	if err != nil {
		return nil, err
	}
	res := &lftv1.ListOverridesResponse{}
	for _, head := range heads {
		rows, err := s.deps.Overrides.Overrides(ctx, head.UID)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(rows, func(a, b record.Override) int {
			return cmp.Or(strings.Compare(a.Object, b.Object), cmp.Compare(a.Field, b.Field))
		})
		for i := range rows {
			res.Overrides = append(res.Overrides, overrideMessage(&rows[i], head.Name))
		}
	}
	return res, nil
}

func overrideMessage(o *record.Override, project string) *lftv1.Override {
	return &lftv1.Override{
		Project:   project,
		Object:    o.Object,
		ObjectUid: o.ObjectUID,
		Field:     string(o.Field),
		Value:     o.Value,
		Declared:  o.Declared,
		Reason:    o.Reason,
		By:        o.By,
		At:        stamp(o.At),
	}
}
