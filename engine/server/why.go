package server

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

func (s *runs) Why(ctx context.Context, req *lftv1.WhyRequest) (*lftv1.WhyResponse, error) {
	return nil, connect.NewError(connect.CodeUnimplemented, errors.New("why is not built yet"))
}
