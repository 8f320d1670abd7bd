package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"connectrpc.com/connect"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/auth"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/master"
	"github.com/leifengta/lft/engine/record"
	"github.com/leifengta/lft/lang/spec"
)

// strange is a stream of an RPC that no policy row names.
type strange struct{ connect.StreamingHandlerConn }

func (strange) Spec() connect.Spec         { return connect.Spec{Procedure: "/lft.v1.RunService/Invented"} }
func (strange) Peer() connect.Peer         { return connect.Peer{Addr: "127.0.0.1:1"} }
func (strange) RequestHeader() http.Header { return http.Header{} }

// What the policy does not allow reaches no handler.
func TestGateStandsBefore(t *testing.T) {
	g := gate{log: slog.New(slog.DiscardHandler)}
	reached := 0
	unary := g.WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) {
		reached++
		return connect.NewResponse(&lftv1.RunResponse{}), nil
	})
	_, err := unary(t.Context(), connect.NewRequest(&lftv1.RunRequest{}))
	stream := g.WrapStreamingHandler(func(context.Context, connect.StreamingHandlerConn) error {
		reached++
		return nil
	})
	for name, err := range map[string]error{"unary": err, "stream": stream(t.Context(), strange{})} {
		if connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if reached > 0 {
		t.Errorf("%d calls of what no policy row names reached their handler", reached)
	}
	_, err = admit(t.Context(), connect.Spec{}, connect.Peer{Addr: "192.0.2.1:1"}, http.Header{})
	if !errors.Is(err, auth.ErrDenied) {
		t.Errorf("another host: %v", err)
	}
}

// Clients act on codes: an agent registers again, a plan is made again, a person is
// told to wait.
func TestCodeOfEachRefusal(t *testing.T) {
	for code, list := range map[connect.Code][]error{
		connect.CodePermissionDenied:   {auth.ErrDenied},
		connect.CodeNotFound:           {kernel.ErrUnknown, deploy.ErrUnknown, notFound("x")},
		connect.CodeAlreadyExists:      {kernel.ErrConflict, kernel.ErrNameTaken},
		connect.CodeInvalidArgument:    {kernel.ErrInvalid, deploy.ErrInvalid, invalid("x")},
		connect.CodeFailedPrecondition: {kernel.ErrQuarantined, deploy.ErrClash, deploy.ErrBytes, blob.ErrUnmarked, blob.ErrForeign},
		connect.CodeResourceExhausted:  {kernel.ErrFull},
		connect.CodeAborted:            {master.ErrSessionVoid, deploy.ErrStale, deploy.ErrEffects},
		connect.CodeUnavailable:        {master.ErrNotConnected, &master.NotLeader{}, lease.ErrFenced, lease.ErrMoved, lease.ErrUnknown},
		connect.CodeDataLoss:           {blob.ErrNotFound},
		connect.CodeCanceled:           {context.Canceled},
		connect.CodeDeadlineExceeded:   {context.DeadlineExceeded},
		connect.CodeInternal:           {errors.New("disk on fire")},
	} {
		for _, err := range list {
			if got := status(fmt.Errorf("more: %w", err)).Code(); got != code {
				t.Errorf("%v has the code %v, not %v", err, got, code)
			}
		}
	}
}

// shelf is definitions of which some may be asked for at the same time.
type shelf struct {
	Definitions
	flows map[string][]byte
}

func (s *shelf) Objects(_ context.Context, _ string, revision int64) ([]record.Object, error) {
	return []record.Object{{Address: fmt.Sprint("flow.r", revision)}}, nil
}

func (s *shelf) Specs(_ context.Context, digests []string) (map[string][]byte, error) {
	return map[string][]byte{digests[0]: s.flows[digests[0]]}, nil
}

// What is kept for readers is right, bounded, and shared by all of them.
func TestCaches(t *testing.T) {
	var objects objectCache
	var flows flowCache
	d := &shelf{flows: map[string][]byte{}}
	digests := make([]string, 2*keptFlows)
	for i := range digests {
		f := &spec.Flow{Address: "flow.f", Description: fmt.Sprint(i)}
		digests[i] = spec.Digest(f.Canonical())
		d.flows[digests[i]] = f.Canonical()
	}
	done := make(chan error)
	for range 4 {
		go func() {
			var failed error
			for i, digest := range digests {
				flow, err := flows.of(t.Context(), d, digest, "flow.f")
				if err == nil && flow.Description != fmt.Sprint(i) {
					err = fmt.Errorf("flow %d is %q", i, flow.Description)
				}
				list, listErr := objects.of(t.Context(), d, record.Project{UID: "p", Revision: int64(i)})
				if listErr == nil && list[0].Address != fmt.Sprint("flow.r", i) {
					listErr = fmt.Errorf("at revision %d there is %s", i, list[0].Address)
				}
				failed = errors.Join(failed, err, listErr)
			}
			done <- failed
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if len(flows.known) > keptFlows || len(objects.known) != 1 {
		t.Errorf("%d flows and %d projects are kept", len(flows.known), len(objects.known))
	}
}

// garage is a fleet that notes what it is asked.
type garage struct {
	Fleet
	asked []string
}

func (g *garage) Register(_ context.Context, a record.Agent, maxEpoch int64) (master.Registration, error) {
	g.asked = append(g.asked, fmt.Sprint("register ", a.UID, " ", a.Name, " ", a.JournalSeq, " ", maxEpoch))
	return master.Registration{Session: 3, Epoch: 4, Beat: 5}, nil
}

func (g *garage) Operate(_ context.Context, agent, verb, by string) error {
	g.asked = append(g.asked, fmt.Sprint(verb, " ", agent, " ", by))
	return nil
}

func TestAgentsAreToldWhereTheyAre(t *testing.T) {
	g := &garage{}
	s := &agents{Deps{Fleet: g, Bucket: Bucket{Address: "file:///b", Cluster: "c"}}}
	for _, id := range []*lftv1.Identity{nil, {Uid: "u"}, {Name: "n"}} {
		if _, err := s.Register(t.Context(), &lftv1.RegisterRequest{Identity: id}); !errors.Is(err, errInvalid) {
			t.Errorf("%v: %v", id, err)
		}
	}
	res, err := s.Register(t.Context(), &lftv1.RegisterRequest{Identity: &lftv1.Identity{Uid: "u", Name: "n", JournalSeq: 7}, MaxEpoch: 9})
	if err != nil || res.GetSession() != 3 || res.GetEpoch() != 4 || res.GetBeat() != 5 || res.GetClusterId() != "c" || res.GetBucket() != "file:///b" {
		t.Errorf("%v, %v", res, err)
	}
	if len(g.asked) != 1 || g.asked[0] != "register u n 7 9" {
		t.Errorf("asked %q", g.asked)
	}
}

func TestOperateAgent(t *testing.T) {
	g := &garage{}
	s := &fleet{deps: Deps{Fleet: g}}
	ctx := auth.With(t.Context(), auth.Local("ann"))
	for _, req := range []*lftv1.OperateAgentRequest{{Verb: "drain"}, {Agent: " ", Verb: "drain"}, {Agent: "a", Verb: "explode"}, {Agent: "a"}} {
		if _, err := s.OperateAgent(ctx, req); !errors.Is(err, errInvalid) {
			t.Errorf("%v: %v", req, err)
		}
	}
	for _, verb := range []string{"drain", "undrain", "release", "declare-dead"} {
		if _, err := s.OperateAgent(ctx, &lftv1.OperateAgentRequest{Agent: "a", Verb: verb}); err != nil {
			t.Errorf("%s: %v", verb, err)
		}
	}
	if len(g.asked) != 4 || g.asked[3] != "declare-dead a ann" {
		t.Errorf("asked %q", g.asked)
	}
}
