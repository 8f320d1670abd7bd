package auth

import (
	"fmt"
	"slices"

	"github.com/leifengta/lft/engine/api/lft/v1/lftv1connect"
)

// Needs returns the right a procedure asks for; false means that it has no row.
// One row an RPC: TestEveryRPCHasARow compares this with the protos.
func Needs(procedure string) (Right, bool) {
	switch procedure {
	case lftv1connect.DeployServiceGetDeployedProcedure,
		lftv1connect.DeployServiceGetSpecsProcedure,
		lftv1connect.DeployServicePreviewProcedure,
		lftv1connect.DeployServiceListRevisionsProcedure,
		lftv1connect.DeployServiceReadBlobProcedure,
		lftv1connect.RunServiceGetExecutionProcedure,
		lftv1connect.RunServiceListExecutionsProcedure,
		lftv1connect.RunServiceWhyProcedure,
		lftv1connect.RunServiceListFiresProcedure,
		lftv1connect.RunServiceReadLogProcedure,
		lftv1connect.RunServiceListOverridesProcedure,
		lftv1connect.FleetServiceGetMasterProcedure,
		lftv1connect.FleetServiceListAgentsProcedure:
		return Read, true
	case lftv1connect.DeployServicePutSpecsProcedure,
		lftv1connect.DeployServiceHoldBlobsProcedure,
		lftv1connect.DeployServicePutBlobProcedure,
		lftv1connect.DeployServiceApplyProcedure:
		return Deploy, true
	case lftv1connect.RunServiceRunProcedure,
		lftv1connect.RunServiceCancelProcedure,
		lftv1connect.RunServicePutOverrideProcedure,
		lftv1connect.FleetServiceOperateAgentProcedure:
		return Operate, true
	case lftv1connect.AgentServiceRegisterProcedure,
		lftv1connect.AgentServiceSessionProcedure:
		return Serve, true
	default:
		return "", false
	}
}

// Check refuses what the policy does not allow.
func Check(p Principal, procedure string) error {
	need, known := Needs(procedure)
	if !known {
		return fmt.Errorf("%w: %s has no policy row", ErrDenied, procedure)
	}
	if !slices.Contains(p.Rights, need) {
		return fmt.Errorf("%w: %s needs the right %q", ErrDenied, procedure, need)
	}
	return nil
}
