package eval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/leifengta/lft/lang/dag"
	"github.com/leifengta/lft/lang/expr"
)

// Local is one declared local value.
type Local struct {
	Name  string
	Expr  hclsyntax.Expression
	Range hcl.Range // of the name
}

// EvalLocals fills s.Locals, whatever order the locals are declared in. What has
// a fault, and what depends on it, is unknown.
func (s *Scope) EvalLocals(e *expr.Evaluator, locals []Local, report func(name string, err *expr.Error)) {
	graph, runTime := localGraph(locals)
	s.Locals = make(map[string]cty.Value, len(locals))
	for _, l := range locals {
		s.Locals[l.Name] = cty.DynamicVal
	}
	for _, cycle := range graph.Cycles() {
		report(locals[cycle[0]].Name, cycleError(locals, cycle))
	}
	retained := 0
	order, _ := graph.Order() // without what is on a cycle or needs it
	for _, i := range order {
		l := locals[i]
		if t, ok := runTime[i]; ok {
			report(l.Name, &expr.Error{
				Code: CodeReference, Range: t.SourceRange(), Summary: "Not known yet",
				Detail: fmt.Sprintf("%s.* is only known when a job runs; a local value is computed before. Use it in the job itself.", t.RootName()),
			})
			continue
		}
		e.SetResolver(func(t hcl.Traversal) (cty.Value, int, *expr.Error) { return s.Resolve(t, nil) })
		v, err := e.Eval(l.Expr, cty.DynamicPseudoType)
		if err != nil {
			report(l.Name, err)
			continue
		}
		if retained += expr.Size(v, MaxRetained); retained > MaxRetained {
			report(l.Name, &expr.Error{Code: CodeLimit, Range: l.Range, Limit: true, Summary: "Too much data", Detail: fmt.Sprintf("All local values together have more than %d bytes.", MaxRetained)})
			return
		}
		s.Locals[l.Name] = v
	}
}

// localGraph has an edge from each local to those that mention it. For locals
// that mention run-time values it returns the first such mention.
func localGraph(locals []Local) (*dag.Graph[string], map[int32]hcl.Traversal) {
	b := dag.New[string](len(locals), len(locals))
	for _, l := range locals {
		b.Add(l.Name)
	}
	runTime := map[int32]hcl.Traversal{}
	for i, l := range locals {
		found := Find(l.Expr)
		for _, m := range found.References {
			switch name, ok := m.Attr(1); m.Root() {
			case LocalRoot:
				// An unknown name is reported when it is evaluated.
				if ok {
					_ = b.Connect(name, l.Name)
				}
			case expr.RunRoot, expr.ParamRoot, expr.JobRoot:
				if _, ok := runTime[int32(i)]; !ok {
					runTime[int32(i)] = m.Traversal
				}
			}
		}
	}
	return b.Build(), runTime
}

func cycleError(locals []Local, cycle []int32) *expr.Error {
	hops := make([]string, 0, len(cycle)+1)
	// The graph says who comes first, the message who needs whom.
	slices.Reverse(cycle[1:])
	for _, i := range append(cycle, cycle[0]) {
		l := locals[i]
		hops = append(hops, fmt.Sprintf("local.%s (%s:%d)", l.Name, l.Range.Filename, l.Range.Start.Line))
	}
	return &expr.Error{
		Code: CodeCycle, Range: locals[cycle[0]].Range, Summary: "Local values depend on each other",
		Detail: "Each of them needs the next: " + strings.Join(hops, " → ") + ".",
	}
}
