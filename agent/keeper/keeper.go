package keeper

import (
	"context"
	"log/slog"
)

// Main is the keeper process of dir. It returns when it was stopped, or when it
// has had neither client nor attempts for a while. When ctx ends it kills its
// jobs and returns.
func Main(ctx context.Context, dir string, log *slog.Logger) error { return errUnfinished }

// Sweep kills every process that a dead keeper of dir left behind: those that
// carry an LFT_TOKEN and a work directory below dir in their environment, with
// their descendants, and what is in its cgroups. It returns when none is left.
// While a keeper of dir lives it does nothing.
func Sweep(ctx context.Context, dir string) error { return errUnfinished }
