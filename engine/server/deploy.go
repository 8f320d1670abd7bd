package server

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/auth"
	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// maxAnswer bounds the specs of one answer; what is left over is asked for
// again.
const maxAnswer = 3 << 20

// definitions answers DeployService.
type definitions struct{ deps Deps }

func (s *definitions) GetDeployed(ctx context.Context, req *lftv1.GetDeployedRequest) (*lftv1.GetDeployedResponse, error) {
	if req.GetProject() == "" {
		return nil, invalid("no project named")
	}
	deployed, found, err := s.deps.Deploy.Deployed(ctx, req.GetProject(), req.GetRevision())
	if err != nil || !found {
		return &lftv1.GetDeployedResponse{}, err
	}
	res := &lftv1.GetDeployedResponse{Project: projectMessage(&deployed.Project)}
	for i := range deployed.Objects {
		res.Objects = append(res.Objects, objectMessage(&deployed.Objects[i]))
	}
	return res, nil
}

func (s *definitions) GetSpecs(ctx context.Context, req *lftv1.GetSpecsRequest) (*lftv1.GetSpecsResponse, error) {
	res := &lftv1.GetSpecsResponse{}
	size := 0
	// Few at a time, so that a request for all of a large project needs no more
	// memory than one answer.
	for part := range slices.Chunk(req.GetDigests(), 64) {
		specs, err := s.deps.Deploy.Specs(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, digest := range slices.Sorted(maps.Keys(specs)) {
			size += len(specs[digest])
			if size > maxAnswer && len(res.Specs) > 0 {
				return res, nil
			}
			res.Specs = append(res.Specs, &lftv1.Spec{Digest: digest, Data: specs[digest]})
		}
	}
	return res, nil
}

func (s *definitions) PutSpecs(ctx context.Context, req *lftv1.PutSpecsRequest) (*lftv1.PutSpecsResponse, error) {
	specs := make([]record.Spec, len(req.GetSpecs()))
	for i, m := range req.GetSpecs() {
		specs[i] = record.Spec{Digest: m.GetDigest(), Data: m.GetData()}
	}
	if err := s.deps.Deploy.PutSpecs(ctx, specs); err != nil {
		return nil, err
	}
	return &lftv1.PutSpecsResponse{}, nil
}

func (s *definitions) Preview(ctx context.Context, req *lftv1.PreviewRequest) (*lftv1.PreviewResponse, error) {
	changes, err := changeSet(req.GetChanges())
	if err != nil {
		return nil, err
	}
	impact, err := s.deps.Deploy.Preview(ctx, changes)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(impact)
	if err != nil {
		return nil, fmt.Errorf("encode the impact: %w", err)
	}
	return &lftv1.PreviewResponse{Impact: data}, nil
}

func (s *definitions) Apply(ctx context.Context, req *lftv1.ApplyRequest) (*lftv1.ApplyResponse, error) {
	changes, err := changeSet(req.GetChanges())
	if err != nil {
		return nil, err
	}
	shown := make([]planner.Effect, len(req.GetImpactKinds()))
	for i, kind := range req.GetImpactKinds() {
		shown[i] = planner.Effect(kind)
	}
	result, err := s.deps.Deploy.Apply(ctx, deploy.Request{
		ApplyID: req.GetApplyId(),
		Changes: changes,
		Message: req.GetMessage(),
		By:      auth.From(ctx).Name,
		Shown:   shown,
	})
	if err != nil {
		return nil, err
	}
	s.deps.Runs.Nudge()
	return &lftv1.ApplyResponse{
		Revision:      result.Revision,
		EffectiveFrom: stamp(result.EffectiveFrom),
		Repeated:      result.Repeated,
	}, nil
}

func (s *definitions) ListRevisions(ctx context.Context, req *lftv1.ListRevisionsRequest) (*lftv1.ListRevisionsResponse, error) {
	project, found, err := s.deps.Definitions.Project(ctx, req.GetProject())
	if err != nil {
		return nil, err
	}
	res := &lftv1.ListRevisionsResponse{}
	if !found {
		return res, nil
	}
	rows, err := s.deps.Deploy.Revisions(ctx, project.UID, req.GetBefore(), pageSize(req.GetLimit()))
	if err != nil {
		return nil, err
	}
	for i := range rows {
		res.Revisions = append(res.Revisions, revisionMessage(&rows[i], project.Name))
	}
	return res, nil
}

func changeSet(m *lftv1.ChangeSet) (deploy.ChangeSet, error) {
	if m == nil || m.GetProject() == "" {
		return deploy.ChangeSet{}, invalid("the change set names no project")
	}
	set := deploy.ChangeSet{
		Project: m.GetProject(),
		Lineage: m.GetLineage(),
		Origin:  m.GetOrigin(),
		Base:    m.GetBaseRevision(),
		Adopt:   m.GetAdopt(),
		Changes: make([]deploy.Change, len(m.GetChanges())),
	}
	for _, r := range m.GetReads() {
		set.Reads = append(set.Reads, deploy.Read{Address: spec.Address(r.GetAddress()), UID: r.GetUid(), Version: r.GetVersion()})
	}
	for i, c := range m.GetChanges() {
		set.Changes[i] = deploy.Change{
			Action:   deploy.Action(c.GetAction()),
			Kind:     c.GetKind(),
			Address:  spec.Address(c.GetAddress()),
			Previous: spec.Address(c.GetPreviousAddress()),
			UID:      c.GetUid(),
			Digest:   c.GetDigest(),
			Version:  c.GetBaseVersion(),
		}
	}
	return set, nil
}
