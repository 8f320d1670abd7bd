package server

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	"github.com/leifengta/lft/engine/api"
	"github.com/leifengta/lft/engine/auth"
	"github.com/leifengta/lft/engine/blob"
	"github.com/leifengta/lft/engine/deploy"
	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/engine/lease"
	"github.com/leifengta/lft/engine/master"
)

// Refusals of handlers.
var (
	errNotFound = errors.New("not found")
	errInvalid  = errors.New("invalid")
	errNoLog    = errors.New("no log")
	errEnded    = errors.New("already ended")
	errDamaged  = errors.New("log is damaged")
)

// code is the one table from our errors to codes of the API.
func code(err error) connect.Code {
	for _, row := range []struct {
		is   error
		code connect.Code
	}{
		{auth.ErrDenied, connect.CodePermissionDenied},
		{errNotFound, connect.CodeNotFound},
		{errInvalid, connect.CodeInvalidArgument},
		{errNoLog, connect.CodeFailedPrecondition},
		{errEnded, connect.CodeFailedPrecondition},
		{errDamaged, connect.CodeDataLoss},
		{kernel.ErrUnknown, connect.CodeNotFound},
		{kernel.ErrConflict, connect.CodeAlreadyExists},
		{kernel.ErrInvalid, connect.CodeInvalidArgument},
		{kernel.ErrQuarantined, connect.CodeFailedPrecondition},
		{kernel.ErrNameTaken, connect.CodeAlreadyExists},
		{kernel.ErrFull, connect.CodeResourceExhausted},
		{master.ErrSessionVoid, connect.CodeAborted},
		{master.ErrNotConnected, connect.CodeUnavailable},
		{deploy.ErrStale, connect.CodeAborted},
		{deploy.ErrEffects, connect.CodeAborted},
		{deploy.ErrClash, connect.CodeFailedPrecondition},
		{deploy.ErrInvalid, connect.CodeInvalidArgument},
		{deploy.ErrUnknown, connect.CodeNotFound},
		{deploy.ErrSpecs, connect.CodeNotFound},
		{deploy.ErrBytes, connect.CodeFailedPrecondition},
		{blob.ErrUnmarked, connect.CodeFailedPrecondition},
		{blob.ErrForeign, connect.CodeFailedPrecondition},
		{lease.ErrFenced, connect.CodeUnavailable},
		{lease.ErrMoved, connect.CodeUnavailable},
		{lease.ErrUnknown, connect.CodeUnavailable},
		{blob.ErrNotFound, connect.CodeDataLoss},
		{context.Canceled, connect.CodeCanceled},
		{context.DeadlineExceeded, connect.CodeDeadlineExceeded},
	} {
		if errors.Is(err, row.is) {
			return row.code
		}
	}
	return connect.CodeInternal
}

// status turns an error of ours into one of the API; nil stays nil.
func status(err error) *connect.Error {
	if err == nil {
		return nil
	}
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		return coded
	}
	if other, ok := errors.AsType[*master.NotLeader](err); ok {
		coded := connect.NewError(connect.CodeUnavailable, err)
		coded.Meta().Set(api.LeaderHeader, other.Leader)
		return coded
	}
	return connect.NewError(code(err), err)
}

// notFound says that there is no such thing.
func notFound(format string, args ...any) error {
	return coded{errNotFound, fmt.Sprintf(format, args...)}
}

// invalid says what is wrong with a request.
func invalid(format string, args ...any) error {
	return coded{errInvalid, fmt.Sprintf(format, args...)}
}

// coded is a message for people that belongs to a class.
type coded struct {
	class error
	text  string
}

func (e coded) Error() string { return e.text }
func (e coded) Unwrap() error { return e.class }
