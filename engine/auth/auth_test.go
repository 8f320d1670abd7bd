package auth_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	lftv1 "github.com/leifengta/lft/engine/api/lft/v1"
	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
	"github.com/leifengta/lft/engine/auth"
)

// rpcs walks the descriptors, so that a new RPC is found without this test
// being touched.
func rpcs(t *testing.T) map[string]protoreflect.MethodDescriptor {
	t.Helper()
	found := map[string]protoreflect.MethodDescriptor{}
	for _, file := range []protoreflect.FileDescriptor{
		lftv1.File_lft_v1_agent_proto, lftv1.File_lft_v1_deploy_proto, lftv1.File_lft_v1_fleet_proto, lftv1.File_lft_v1_run_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				found["/"+string(service.FullName())+"/"+string(method.Name())] = method
			}
		}
	}
	if len(found) < 18 {
		t.Fatalf("only %d RPCs found", len(found))
	}
	return found
}

func TestEveryRPCHasARow(t *testing.T) {
	for procedure, method := range rpcs(t) {
		need, known := auth.Needs(procedure)
		if !known {
			t.Errorf("%s has no policy row", procedure)
		}
		// What the proto calls free of side effects is answered to GET.
		options, _ := method.Options().(*descriptorpb.MethodOptions)
		free := options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
		if free && need != auth.Read {
			t.Errorf("%s has no side effects and needs %q", procedure, need)
		}
	}
}

// What is not listed here only looks.
func TestWhatEachRightIsFor(t *testing.T) {
	want := map[string]auth.Right{
		lftv1connect.DeployServicePutSpecsProcedure:    auth.Deploy,
		lftv1connect.DeployServiceHoldBlobsProcedure:   auth.Deploy,
		lftv1connect.DeployServicePutBlobProcedure:     auth.Deploy,
		lftv1connect.DeployServiceApplyProcedure:       auth.Deploy,
		lftv1connect.RunServiceRunProcedure:            auth.Operate,
		lftv1connect.RunServiceCancelProcedure:         auth.Operate,
		lftv1connect.RunServicePutOverrideProcedure:    auth.Operate,
		lftv1connect.FleetServiceOperateAgentProcedure: auth.Operate,
		lftv1connect.AgentServiceRegisterProcedure:     auth.Serve,
		lftv1connect.AgentServiceSessionProcedure:      auth.Serve,
	}
	for procedure := range rpcs(t) {
		right, ok := want[procedure]
		if !ok {
			right = auth.Read
		}
		for _, held := range []auth.Right{auth.Read, auth.Deploy, auth.Operate, auth.Serve} {
			err := auth.Check(auth.Principal{Rights: []auth.Right{held}}, procedure)
			if (err == nil) != (held == right) {
				t.Errorf("with the right %q, %s: %v", held, procedure, err)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	reader := auth.Principal{Name: "r", Rights: []auth.Right{auth.Read}}
	for _, tc := range []struct {
		who       auth.Principal
		procedure string
		ok        bool
	}{
		{auth.Local("ann"), lftv1connect.RunServiceRunProcedure, true},
		{auth.Local("ann"), lftv1connect.DeployServiceApplyProcedure, true},
		{auth.Local("ann"), lftv1connect.AgentServiceSessionProcedure, true},
		{auth.Local("ann"), "/lft.v1.RunService/Invented", false},
		{auth.Local("ann"), "", false},
		{reader, lftv1connect.RunServiceGetExecutionProcedure, true},
		{reader, lftv1connect.RunServiceRunProcedure, false},
		{reader, lftv1connect.DeployServiceApplyProcedure, false},
		{reader, lftv1connect.AgentServiceRegisterProcedure, false},
		{auth.Principal{}, lftv1connect.FleetServiceGetMasterProcedure, false},
	} {
		err := auth.Check(tc.who, tc.procedure)
		if (err == nil) != tc.ok || err != nil && !errors.Is(err, auth.ErrDenied) {
			t.Errorf("Check(%s, %s) = %v, want ok %v", tc.who.Name, tc.procedure, err, tc.ok)
		}
	}
}

func TestPeer(t *testing.T) {
	for _, tc := range []struct {
		address, name, want string
		ok                  bool
	}{
		{"127.0.0.1:4000", "ann", "ann", true},
		{"[::1]:4000", "", "local", true},
		{"[::ffff:127.0.0.1]:4000", "ann", "ann", true},
		{"@", "a b", "local", true},
		{"", "\x00", "local", true},
		{"", "ann\x7f", "local", true},
		{"", strings.Repeat("n", 64), strings.Repeat("n", 64), true},
		{"", strings.Repeat("n", 65), "local", true},
		{"192.0.2.1:4000", "ann", "", false},
		{"[2001:db8::1]:4000", "ann", "", false},
	} {
		p, err := auth.Peer(tc.address, tc.name)
		if (err == nil) != tc.ok || p.Name != tc.want {
			t.Errorf("Peer(%q, %q) = %q, %v; want %q, ok %v", tc.address, tc.name, p.Name, err, tc.want, tc.ok)
		}
	}
}

func TestNobodyInTheContext(t *testing.T) {
	if p := auth.From(t.Context()); p.Name != "" || p.Rights != nil {
		t.Errorf("a bare context knows %v", p)
	}
	if p := auth.From(auth.With(t.Context(), auth.Local("ann"))); p.Name != "ann" {
		t.Errorf("got %v", p)
	}
}
