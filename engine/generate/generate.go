// Package generate turns a Prepare of the kernel into its Prepared: it evaluates
// the expressions of one attempt and lets the job type make the task.
//
// It promises to answer always: what a user wrote wrongly, or a defect, is a
// fault in the answer that fails that job alone. Equal input gives an equal
// task. It never reads a clock, never decides whether a job runs other than by
// its `when`, and keeps a bounded number of decoded flows.
package generate

import (
	"context"

	"github.com/leifengta/lft/engine/kernel"
	"github.com/leifengta/lft/lang/spec"
	"github.com/leifengta/lft/providers"
)

// Specs finds the canonical JSON of a flow by its digest.
type Specs func(ctx context.Context, digest string) (*spec.Flow, error)

// Generator makes tasks. It may be used from many goroutines.
type Generator struct {
	set   providers.Set
	flows Specs
}

// New returns a Generator of the given job types.
func New(set providers.Set, flows Specs) *Generator { return &Generator{set: set, flows: flows} }

// Prepare answers p.
func (g *Generator) Prepare(ctx context.Context, p kernel.Prepare) kernel.Prepared {
	return kernel.Prepared{Key: p.Key, N: p.N, Fault: "internal", Error: "no generator in this build"}
}

// Quick reports whether Prepare needs no I/O for p.
func (g *Generator) Quick(p kernel.Prepare) bool { return false }
