package server

import (
	"context"
	"errors"
	"fmt"
	"io"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/master"
)

// agents answers AgentService.
type agents struct{ deps Deps }

func (s *agents) Register(ctx context.Context, req *lftv1.RegisterRequest) (*lftv1.RegisterResponse, error) {
	if req.GetIdentity().GetUid() == "" || req.GetIdentity().GetName() == "" {
		return nil, invalid("an agent needs a uid and a name")
	}
	r, err := s.deps.Fleet.Register(ctx, agentRow(req), req.GetMaxEpoch())
	if err != nil {
		return nil, err
	}
	return &lftv1.RegisterResponse{
		Session:   r.Session,
		Epoch:     r.Epoch,
		Beat:      r.Beat,
		ClusterId: s.deps.Bucket.Cluster,
		Bucket:    s.deps.Bucket.Address,
	}, nil
}

type agentStream = connect.BidiStream[lftv1.SessionRequest, lftv1.SessionResponse]

// Session copies between the stream and the master's session. The first message
// names the session; it ends when either side does.
func (s *agents) Session(ctx context.Context, stream *agentStream) error {
	first, err := stream.Receive()
	if err != nil {
		return fmt.Errorf("the first message of an agent: %w", err)
	}
	session, err := s.deps.Fleet.Session(ctx, first.GetAgentUid(), first.GetSession())
	if err != nil {
		return err
	}
	defer session.Close()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	// The receiver sits in stream.Receive, which ends with this handler.
	go func() { end(receive(ctx, stream, session, first)) }()
	err = transmit(ctx, stream, session)
	if cause := context.Cause(ctx); cause != nil {
		err = cause // the agent's side ended first
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func receive(ctx context.Context, stream *agentStream, session *master.Session, message *lftv1.SessionRequest) error {
	for {
		if err := session.Send(ctx, upMessage(message)); err != nil {
			return err
		}
		var err error
		if message, err = stream.Receive(); err != nil {
			return err
		}
	}
}

func transmit(ctx context.Context, stream *agentStream, session *master.Session) error {
	for {
		down, err := session.Recv(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(downMessage(&down)); err != nil {
			return err
		}
	}
}
