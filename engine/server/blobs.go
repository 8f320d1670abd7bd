package server

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
)

// The part of DeployService that moves bytes. It needs the bucket, so a server
// without one answers with the leader's address.

func (s *definitions) HoldBlobs(ctx context.Context, req *lftv1.HoldBlobsRequest) (*lftv1.HoldBlobsResponse, error) {
	missing, err := s.deps.Depot.Hold(ctx, req.GetDigests())
	if err != nil {
		return nil, err
	}
	return &lftv1.HoldBlobsResponse{Missing: missing}, nil
}

func (s *definitions) PutBlob(ctx context.Context, stream *connect.ClientStream[lftv1.PutBlobRequest]) (*lftv1.PutBlobResponse, error) {
	if !stream.Receive() {
		return nil, errors.Join(stream.Err(), invalid("a pack without a digest"))
	}
	first := stream.Msg()
	if err := s.deps.Depot.Put(ctx, first.GetDigest(), &upload{stream: stream, data: first.GetData()}); err != nil {
		return nil, err
	}
	return &lftv1.PutBlobResponse{}, nil
}

func (s *definitions) ReadBlob(ctx context.Context, req *lftv1.ReadBlobRequest) (*lftv1.ReadBlobResponse, error) {
	data, err := s.deps.Depot.Read(ctx, req.GetDigest(), req.GetOffset(), req.GetSize())
	if err != nil {
		return nil, err
	}
	return &lftv1.ReadBlobResponse{Data: data}, nil
}

// upload is what a client sends, as one reader.
type upload struct {
	stream *connect.ClientStream[lftv1.PutBlobRequest]
	data   []byte
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	for len(u.data) == 0 {
		if !u.stream.Receive() {
			if err := u.stream.Err(); err != nil {
				return 0, err
			}
			return 0, io.EOF
		}
		u.data = u.stream.Msg().GetData()
	}
	n := copy(p, u.data)
	u.data = u.data[n:]
	return n, nil
}
