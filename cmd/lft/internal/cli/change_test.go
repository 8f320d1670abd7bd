package cli

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// forgetful is a server that has lost the specs that were put when a plan was made.
type forgetful struct {
	lftv1connect.DeployServiceClient
	losses int // how often it loses them
	puts   int
}

func (s *forgetful) PutSpecs(_ context.Context, req *lftv1.PutSpecsRequest) (*lftv1.PutSpecsResponse, error) {
	s.puts += len(req.GetSpecs())
	return &lftv1.PutSpecsResponse{}, nil
}

func (s *forgetful) Preview(context.Context, *lftv1.PreviewRequest) (*lftv1.PreviewResponse, error) {
	if s.puts <= s.losses {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("not stored"))
	}
	return &lftv1.PreviewResponse{Impact: []byte("{}")}, nil
}

func TestSpecsArePutAgain(t *testing.T) {
	p := &planner.Plan{Changes: []planner.Change{planner.Create{New: planner.Declared{Address: "flow.a", Digest: spec.Digest(nil)}}}}
	for losses, want := range map[int]connect.Code{0: 0, 1: 0, 5: 0, 1000: connect.CodeNotFound} {
		s := &forgetful{losses: losses, puts: 1}
		c := &client{deploy: s}
		_, err := c.preview(t.Context(), p)
		if code := connect.CodeOf(err); err == nil && want != 0 || err != nil && code != want {
			t.Errorf("lost %d times: %v", losses, err)
		}
		if s.puts != min(losses+1, maxPuts) {
			t.Errorf("lost %d times: put %d times", losses, s.puts)
		}
	}
}
