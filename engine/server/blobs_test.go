package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/engine/api"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/blob/dirblob"
	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/pack"
	"github.com/leifengta/lft/engine/server"
	"github.com/leifengta/lft/engine/store/storetest"
	"github.com/leifengta/lft/lang/tree"
)

// deployClient is a client of a server whose bucket is in a directory, or as b
// says.
func deployClient(t *testing.T, b blob.Bucket) lftv1connect.DeployServiceClient {
	t.Helper()
	s := storetest.Open(t, storetest.SQLite(t))
	if b == nil {
		dir, err := dirblob.Open(t.TempDir())
		if err == nil {
			err = blob.Claim(t.Context(), dir, s.ClusterID())
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = dir.Close() })
		b = dir
	}
	handler := server.New(server.Deps{
		Deploy: deploy.New(s), Depot: deploy.NewDepot(s, b, s.ClusterID()), Log: slog.New(slog.DiscardHandler),
	})
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	return lftv1connect.NewDeployServiceClient(http.DefaultClient, web.URL)
}

func send(t *testing.T, c lftv1connect.DeployServiceClient, digest string, data []byte) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := c.PutBlob(ctx)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(data, 512<<10) {
		if stream.Send(&lftv1.PutBlobRequest{Digest: digest, Data: part}) != nil {
			break // the answer says why
		}
		digest = ""
	}
	_, err = stream.CloseAndReceive()
	return err
}

func TestBlobs(t *testing.T) {
	content := make([]byte, 3<<20)
	rand.Read(content)
	files := []tree.File{{Path: "a", Size: int64(len(content)), SHA256: fmt.Sprintf("%x", sha256.Sum256(content))}}
	data, err := io.ReadAll(pack.Encode(files, func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }))
	if err != nil {
		t.Fatal(err)
	}
	digest := tree.Digest(files)
	c := deployClient(t, nil)
	flipped := slices.Clone(data)
	flipped[1<<20] ^= 1
	for name, err := range map[string]error{
		"damaged":   send(t, c, digest, flipped),
		"cut":       send(t, c, digest, data[:len(data)-1]),
		"another":   send(t, c, tree.Digest(nil), data),
		"no digest": send(t, c, "", data),
		"nothing":   send(t, c, digest, nil),
	} {
		if connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, want := range [][]string{{digest}, nil} {
		res, err := c.HoldBlobs(t.Context(), &lftv1.HoldBlobsRequest{Digests: []string{digest}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, res.GetMissing()); diff != "" {
			t.Errorf("missing (-want +got):\n%s", diff)
		}
		if err := send(t, c, digest, data); err != nil {
			t.Fatal(err)
		}
	}
	off, _ := pack.Section(files, 0)
	res, err := c.ReadBlob(t.Context(), &lftv1.ReadBlobRequest{Digest: digest, Offset: off + 5, Size: 7})
	if err != nil || !bytes.Equal(res.GetData(), content[5:12]) {
		t.Errorf("read: %x, %v", res.GetData(), err)
	}
}

// standby is the bucket of a server that has none.
type standby struct{ blob.Bucket }

func (standby) Get(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, &master.NotLeader{Leader: "http://127.0.0.1:7"}
}

// A server without a bucket says who has it.
func TestBlobsElsewhere(t *testing.T) {
	c := deployClient(t, standby{})
	_, hold := c.HoldBlobs(t.Context(), &lftv1.HoldBlobsRequest{Digests: []string{"x"}})
	empty := pack.Header(nil)
	for name, err := range map[string]error{"hold": hold, "put": send(t, c, tree.Digest(nil), empty)} {
		e, ok := errors.AsType[*connect.Error](err)
		if !ok || e.Code() != connect.CodeUnavailable || e.Meta().Get(api.LeaderHeader) != "http://127.0.0.1:7" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
