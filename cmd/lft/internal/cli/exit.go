package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/leifengta/lft/cmd/lft/internal/view"
)

// The exit codes of lft. A script may rely on them; exits says what each means.
const (
	exitOK          = 0
	exitError       = 1 // refused, failed, stale, could not be started, lost contact, interrupted
	exitChanges     = 2 // plan -detailed-exitcode: there are changes
	exitSyntax      = 2 // fmt: a file does not parse
	exitTrouble     = 2 // diff: the two could not be compared
	exitDiffers     = 1 // diff: the two differ
	exitFlowFailed  = 3 // run: the flow failed
	exitUnformatted = 3 // fmt -check: a file is not in canonical form
	exitCancelled   = 4 // run: the execution was cancelled
)

// anyVerb stands for all verbs that have no column of their own.
const anyVerb = "other verbs"

// exits is the one table of exit codes: a column a verb, a row a code.
func exits() map[string]map[int]string {
	return map[string]map[int]string{
		anyVerb: {
			exitOK:    "done; there was nothing to do",
			exitError: "refused, failed, declined, stale, interrupted",
		},
		"fmt": {
			exitOK:          "all is in order by now",
			exitError:       "a file cannot be read or written",
			exitSyntax:      "a file does not parse",
			exitUnformatted: "-check: a file is to be changed",
		},
		"validate": {
			exitOK:    "valid, perhaps with warnings",
			exitError: "not valid",
		},
		"plan": {
			exitOK:      "planned; with -detailed-exitcode: no changes",
			exitError:   "not planned",
			exitChanges: "-detailed-exitcode: there are changes",
		},
		"apply": {
			exitOK:    "applied; there was nothing to do",
			exitError: "not applied: declined, stale, refused",
		},
		"diff": {
			exitOK:      "the two are the same",
			exitDiffers: "they differ",
			exitTrouble: "they could not be compared",
		},
		"console": {
			exitOK:    "every line has a value",
			exitError: "a line has none; with input that is no terminal, it was the last",
		},
		"run": {
			exitOK:         "succeeded; with -detach: durable",
			exitError:      "could not be started, lost contact, detached by an interrupt",
			exitFlowFailed: "the flow failed",
			exitCancelled:  "the execution was cancelled",
		},
	}
}

// sameExits are verbs that end as another does.
func sameExits(verb string) string {
	switch verb {
	case "destroy", "rollback":
		return "apply"
	}
	return verb
}

// exitHelp is the column of a verb for its help, "" when it has none of its own.
func exitHelp(verb string) string {
	column, own := exits()[sameExits(verb)]
	if !own {
		return ""
	}
	text := "Exit codes:\n"
	for _, code := range slices.Sorted(maps.Keys(column)) {
		text += fmt.Sprintf("  %d  %s\n", code, column[code])
	}
	return text
}

// exitTable is the whole table.
func exitTable() view.ExitTable {
	table := view.ExitTable{}
	for verb, column := range exits() {
		table.Columns = append(table.Columns, view.ExitColumn{Verb: verb, Codes: column})
	}
	slices.SortFunc(table.Columns, func(a, b view.ExitColumn) int {
		switch {
		case a.Verb == anyVerb:
			return 1
		case b.Verb == anyVerb:
			return -1
		case a.Verb < b.Verb:
			return -1
		}
		return 1
	})
	return table
}

// exitCode is returned by a verb that has said all there is to say and ends with
// a code other than 0.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// codedError is an error that ends the process with a code of its own.
type codedError struct {
	code exitCode
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// end tells the user what err says and returns the process's exit code.
func (a *app) end(ctx context.Context, err error) int {
	code := exitCode(exitError)
	if said, ok := errors.AsType[exitCode](err); ok {
		code = said
	}
	coded, has := errors.AsType[*codedError](err)
	if has {
		code, err = coded.code, coded.err
	}
	_, said := errors.AsType[exitCode](err)
	switch {
	case err == nil:
		return exitOK
	case said:
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		a.term.Error(errors.New("interrupted"))
	default:
		a.term.Error(problem(err))
	}
	return int(code)
}
