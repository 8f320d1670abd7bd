package server

import (
	"context"
	"strings"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/auth"
)

// fleet answers FleetService.
type fleet struct{ deps Deps }

func (s *fleet) GetMaster(ctx context.Context, _ *lftv1.GetMasterRequest) (*lftv1.GetMasterResponse, error) {
	leader, err := s.deps.Leader(ctx)
	if err != nil {
		return nil, err
	}
	return &lftv1.GetMasterResponse{
		Leader:  leader.Address,
		Epoch:   leader.Epoch,
		Since:   stamp(leader.Since),
		Self:    leader.Self,
		Version: s.deps.Version,
	}, nil
}

func (s *fleet) ListAgents(ctx context.Context, _ *lftv1.ListAgentsRequest) (*lftv1.ListAgentsResponse, error) {
	rows, err := s.deps.Present.Agents(ctx)
	if err != nil {
		return nil, err
	}
	used, err := s.deps.Present.AgentUse(ctx)
	if err != nil {
		return nil, err
	}
	res := &lftv1.ListAgentsResponse{}
	for i := range rows {
		res.Agents = append(res.Agents, agentMessage(&rows[i], used[rows[i].UID]))
	}
	return res, nil
}

func (s *fleet) OperateAgent(ctx context.Context, req *lftv1.OperateAgentRequest) (*lftv1.OperateAgentResponse, error) {
	named := strings.TrimSpace(req.GetAgent()) != ""
	switch req.GetVerb() {
	case "go":
		if named {
			return nil, invalid("go is about all agents, none is named")
		}
	case "drain", "undrain", "release", "declare-dead":
		if !named {
			return nil, invalid("no agent named")
		}
	default:
		return nil, invalid("unknown verb %q for an agent; there are drain, undrain, release, declare-dead and go", req.GetVerb())
	}
	if err := s.deps.Fleet.Operate(ctx, req.GetAgent(), req.GetVerb(), auth.From(ctx).Name); err != nil {
		return nil, err
	}
	return &lftv1.OperateAgentResponse{}, nil
}
