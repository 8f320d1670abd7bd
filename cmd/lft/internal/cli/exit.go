package cli

import (
	"context"
	"errors"
	"fmt"
)

// The exit codes of lft. A script may rely on them.
const (
	exitOK          = 0
	exitError       = 1 // refused, failed, stale, could not be started, lost contact, interrupted
	exitChanges     = 2 // plan -detailed-exitcode: there are changes
	exitSyntax      = 2 // fmt: a file does not parse
	exitFlowFailed  = 3 // run: the flow failed
	exitUnformatted = 3 // fmt -check: a file is not in canonical form
	exitCancelled   = 4 // run: the execution was cancelled
)

// exitCode is returned by a verb that has said all there is to say and ends with
// a code other than 0.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// end tells the user what err says and returns the process's exit code.
func (a *app) end(ctx context.Context, err error) int {
	code, said := errors.AsType[exitCode](err)
	switch {
	case err == nil:
		return exitOK
	case said:
		return int(code)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		a.term.Error(errors.New("interrupted"))
	default:
		a.term.Error(problem(err))
	}
	return exitError
}
