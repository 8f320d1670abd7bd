// Package builtin is the one visible list of the job types that are part of lft.
// A job type that is not in it, or added to a copy of it, does not exist.
package builtin

import (
	"github.com/leifengta/lft/providers"
	"github.com/leifengta/lft/providers/flow"
	"github.com/leifengta/lft/providers/noop"
	"github.com/leifengta/lft/providers/shell"
	"github.com/leifengta/lft/providers/wait"
)

// Set returns the built-in job types. The caller owns the set.
func Set() providers.Set {
	set, err := providers.NewSet(
		flow.Type{},
		noop.Type{},
		shell.Type{},
		wait.Type{},
	)
	if err != nil {
		panic(err) // the list above is wrong
	}
	return set
}
