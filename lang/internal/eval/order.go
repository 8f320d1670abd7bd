package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/leifengta/lft/lang/dag"
	"github.com/leifengta/lft/lang/expr"
)

// Step is a value, or what makes the instances of a module, that is to be
// computed when all that it needs has been.
type Step struct {
	Name  string    // unique; shown when a cycle is
	At    hcl.Range // of the name
	Needs []string  // names of steps; unknown ones are found out by Do
	Do    func()
}

// InOrder computes steps, whatever order they are declared in. Steps on a cycle,
// and those that need them, are left out.
func InOrder(steps []Step, report func(s Step, err *expr.Error)) {
	b := dag.New[string](len(steps), 2*len(steps))
	for _, s := range steps {
		b.Add(s.Name)
	}
	for _, s := range steps {
		for _, need := range s.Needs {
			// A name nobody declared is reported where it is evaluated.
			_ = b.Connect(need, s.Name)
		}
	}
	graph := b.Build()
	for _, cycle := range graph.Cycles() {
		report(steps[cycle[0]], cycleError(steps, cycle))
	}
	order, _ := graph.Order() // without what is on a cycle or needs it
	for _, i := range order {
		steps[i].Do()
	}
}

func cycleError(steps []Step, cycle []int32) *expr.Error {
	hops := make([]string, 0, len(cycle)+1)
	// The graph says who comes first, the message who needs whom.
	slices.Reverse(cycle[1:])
	for _, i := range append(cycle, cycle[0]) {
		s := steps[i]
		hops = append(hops, fmt.Sprintf("%s (%s:%d)", s.Name, s.At.Filename, s.At.Start.Line))
	}
	return &expr.Error{
		Code: CodeCycle, Range: steps[cycle[0]].At, Summary: "Values depend on each other",
		Detail: "Each of them needs the next: " + strings.Join(hops, " → ") + ".",
	}
}
