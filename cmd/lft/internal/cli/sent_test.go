package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v3"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/leifengta/lft/cmd/lft/internal/view"
	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/planner"
)

// applied is a server that keeps what it is asked to apply.
type applied struct {
	lftv1connect.DeployServiceClient
	asked     *lftv1.ApplyRequest
	interrupt func()
	ended     error // of the context it was asked in, after that
	answer    error
}

func (s *applied) Apply(ctx context.Context, req *lftv1.ApplyRequest) (*lftv1.ApplyResponse, error) {
	if s.interrupt != nil {
		s.interrupt()
	}
	s.asked, s.ended = req, ctx.Err()
	return &lftv1.ApplyResponse{Revision: 8}, s.answer
}

func (s *applied) GetDeployed(context.Context, *lftv1.GetDeployedRequest) (*lftv1.GetDeployedResponse, error) {
	return &lftv1.GetDeployedResponse{}, nil
}

// applyTo applies a plan by way of a server.
func applyTo(ctx context.Context, s *applied, p *planner.Plan, args ...string) error {
	a := newApp(new(bytes.Buffer))
	cmd := &cli.Command{
		Flags:          approvalFlags(),
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
		Action: func(_ context.Context, cmd *cli.Command) error {
			return a.apply(ctx, cmd, &client{deploy: s}, p)
		},
	}
	return cmd.Run(context.Background(), append([]string{"apply"}, args...))
}

// whole is a plan in which everything is that an apply sends.
func whole() *planner.Plan {
	previous := func(name, uid string, version int64) planner.Previous {
		return planner.Previous{Object: planner.Object{Address: spec.FlowAddress(name, ""), UID: uid, Version: version}}
	}
	declared := func(name, digest string) planner.Declared {
		return planner.Declared{Address: spec.FlowAddress(name, ""), Digest: digest}
	}
	return &planner.Plan{
		Project: planner.Project{Name: "p", UID: "u", Revision: 7, Lineage: "old"},
		Folder:  planner.Folder{Lineage: "new", Origin: "host:/dir"},
		Adopt:   true,
		Reads:   []planner.Object{{Address: "pool.r", UID: "r", Version: 3}},
		Impact:  planner.Impact{Kinds: []planner.Effect{planner.CancelsQueued}},
		Changes: []planner.Change{
			planner.Create{New: declared("a", "da")},
			planner.Update{Old: previous("b", "ub", 4), New: declared("b", "db")},
			planner.Delete{Old: previous("c", "uc", 5)},
			planner.Move{Update: planner.Update{Old: previous("d", "ud", 6), New: declared("e", "de")}},
		},
	}
}

// TestApplySends all by which a server can tell that the plan is stale, and what a
// reviewer has seen.
func TestApplySends(t *testing.T) {
	s := new(applied)
	if err := applyTo(t.Context(), s, whole(), "-message=why"); err != nil {
		t.Fatal(err)
	}
	want := &lftv1.ApplyRequest{
		ApplyId: s.asked.GetApplyId(), Message: "why", ImpactKinds: []string{"cancels_queued"},
		Changes: &lftv1.ChangeSet{
			Project: "p", Lineage: "new", Origin: "host:/dir", BaseRevision: 7, Adopt: true,
			Reads: []*lftv1.Read{{Address: "pool.r", Uid: "r", Version: 3}},
			Changes: []*lftv1.Change{
				{Action: "create", Kind: "flow", Address: "flow.a", Digest: "da"},
				{Action: "update", Kind: "flow", Address: "flow.b", Digest: "db", Uid: "ub", BaseVersion: 4},
				{Action: "delete", Kind: "flow", Address: "flow.c", Uid: "uc", BaseVersion: 5},
				{Action: "move", Kind: "flow", Address: "flow.e", Digest: "de", Uid: "ud", BaseVersion: 6, PreviousAddress: "flow.d"},
			},
		},
	}
	if d := cmp.Diff(want, s.asked, protocmp.Transform()); d != "" || s.asked.GetApplyId() == "" {
		t.Errorf("sent, with id %q (-want +got):\n%s", s.asked.GetApplyId(), d)
	}
}

// TestApplyInterrupted: before it is sent nothing happens; after that it is seen
// through, so that what became of it is known.
func TestApplyInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := new(applied)
	if err := applyTo(ctx, s, whole()); !errors.Is(err, context.Canceled) || s.asked != nil {
		t.Errorf("sent %v, error %v", s.asked, err)
	}
	ctx, s.interrupt = context.WithCancel(t.Context())
	if err := applyTo(ctx, s, whole()); err != nil || s.asked == nil || s.ended != nil {
		t.Errorf("sent %v, error %v, its context %v", s.asked, err, s.ended)
	}
}

// TestApplyWithoutAnAnswer tells by what it can be found out whether it took effect.
func TestApplyWithoutAnAnswer(t *testing.T) {
	for code, unknown := range map[connect.Code]bool{
		connect.CodeUnavailable: true, connect.CodeDeadlineExceeded: true, connect.CodeAborted: false,
	} {
		s := &applied{answer: connect.NewError(code, errors.New("reason"))}
		err := applyTo(t.Context(), s, whole())
		if err == nil || strings.Contains(err.Error(), s.asked.GetApplyId()) != unknown {
			t.Errorf("%v: %v", code, err)
		}
	}
}

// TestApplyOfNothing is no revision, but for one that takes the project over.
func TestApplyOfNothing(t *testing.T) {
	for lineage, sent := range map[string]bool{"old": true, "new": false} {
		p := whole()
		p.Changes, p.Project.Lineage = nil, lineage
		s := new(applied)
		if err := applyTo(t.Context(), s, p); err != nil || (s.asked != nil) != sent {
			t.Errorf("of %s: sent %v, error %v", lineage, s.asked, err)
		}
	}
}

// TestEnd: each way a verb ends has one exit code, and says once what went wrong.
func TestEnd(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wrong := errors.New("wrong")
	for _, tc := range []struct {
		ctx  context.Context //nolint:containedctx // a case
		err  error
		code int
		said string
	}{
		{t.Context(), nil, exitOK, ""},
		{t.Context(), wrong, exitError, "Error: wrong\n"},
		{t.Context(), exitCode(exitFlowFailed), exitFlowFailed, ""},
		{t.Context(), &codedError{exitTrouble, wrong}, exitTrouble, "Error: wrong\n"},
		{t.Context(), &codedError{exitTrouble, exitCode(exitError)}, exitTrouble, ""},
		{t.Context(), context.Canceled, exitError, "Error: context canceled\n"},
		{ended, connect.NewError(connect.CodeCanceled, context.Canceled), exitError, "Error: interrupted\n"},
		{ended, nil, exitOK, ""},
		{t.Context(), connect.NewError(connect.CodeNotFound, wrong), exitError, "Error: wrong\n"},
	} {
		var out, said bytes.Buffer
		a := &app{term: view.NewTerminal(&out, &said, func(string) string { return "" })}
		if code := a.end(tc.ctx, tc.err); code != tc.code || said.String() != tc.said || out.Len() > 0 {
			t.Errorf("%v: code %d, said %q, want %d, %q", tc.err, code, &said, tc.code, tc.said)
		}
	}
}
