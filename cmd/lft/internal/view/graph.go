package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leifengta/lft/lang/spec"
)

// The forms of a graph.
const (
	GraphDOT     = "dot"
	GraphMermaid = "mermaid"
	GraphJSON    = "json"
)

// Graph is the jobs of flows and what they wait for, with what starts the flows.
type Graph struct {
	Flows     []GraphFlow     `json:"flows"`
	Schedules []GraphSchedule `json:"schedules"`
}

// GraphFlow is one flow.
type GraphFlow struct {
	Address spec.Address `json:"address"`
	Jobs    []GraphJob   `json:"jobs"`
	Edges   []GraphEdge  `json:"edges"`
}

// GraphJob is one job.
type GraphJob struct {
	Address spec.Address `json:"address"`
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Flow    spec.Address `json:"flow,omitempty"` // what a sub-flow starts
	Trigger string       `json:"trigger,omitempty"`
	Pool    spec.Address `json:"pool,omitempty"`
}

// GraphEdge says that To waits for From; both are names of jobs.
type GraphEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// GraphSchedule starts a flow.
type GraphSchedule struct {
	Address spec.Address `json:"address"`
	Flow    spec.Address `json:"flow"`
}

// NewGraph reads the graph of what a folder declares, in the order of addresses.
func NewGraph(b *spec.Bundle) Graph {
	g := Graph{Flows: []GraphFlow{}, Schedules: []GraphSchedule{}}
	for _, f := range b.Flows {
		flow := GraphFlow{Address: f.Address, Jobs: []GraphJob{}, Edges: []GraphEdge{}}
		for _, j := range f.Jobs {
			flow.Jobs = append(flow.Jobs, GraphJob{
				Address: f.Address.Job(j.Name), Name: j.Name, Type: j.Type, Flow: j.Flow, Trigger: string(j.Trigger), Pool: j.Pool,
			})
			for _, from := range j.Upstreams {
				flow.Edges = append(flow.Edges, GraphEdge{from, j.Name})
			}
		}
		g.Flows = append(g.Flows, flow)
	}
	for _, s := range b.Schedules {
		g.Schedules = append(g.Schedules, GraphSchedule{s.Address, s.Flow})
	}
	return g
}

// Show writes the graph in one of its forms.
func (g Graph) Show(t *Terminal, form string) error {
	switch form {
	case GraphJSON:
		return t.JSON(g)
	case GraphMermaid:
		t.Printf("%s", g.mermaid())
	default:
		t.Printf("%s", g.dot())
	}
	return nil
}

// dot has a cluster a flow. Edges between clusters start and end at its first job.
func (g Graph) dot() string {
	var b strings.Builder
	b.WriteString("digraph lft {\n  compound = \"true\"\n  rankdir = \"LR\"\n  node [shape = \"box\"]\n")
	for _, f := range g.Flows {
		fmt.Fprintf(&b, "  subgraph %s {\n    label = %s\n", dotQuote("cluster_"+string(f.Address)), dotQuote(string(f.Address)))
		if len(f.Jobs) == 0 {
			fmt.Fprintf(&b, "    %s [shape = \"point\"]\n", dotQuote(f.anchor()))
		}
		for _, j := range f.Jobs {
			fmt.Fprintf(&b, "    %s [label = %s]\n", dotQuote(string(j.Address)), dotQuote(j.Name+"\n"+j.Type))
		}
		for _, e := range f.Edges {
			fmt.Fprintf(&b, "    %s -> %s\n", dotQuote(string(f.Address.Job(e.From))), dotQuote(string(f.Address.Job(e.To))))
		}
		b.WriteString("  }\n")
	}
	for _, s := range g.Schedules {
		fmt.Fprintf(&b, "  %s [shape = \"cds\"]\n", dotQuote(string(s.Address)))
	}
	for _, l := range g.links() {
		if f, ok := g.flow(l.to); ok {
			fmt.Fprintf(&b, "  %s -> %s [lhead = %s, style = \"dashed\"]\n", dotQuote(string(l.from)), dotQuote(f.anchor()), dotQuote("cluster_"+string(l.to)))
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// dotQuote writes any text as a quoted id.
func dotQuote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

// anchor is the node of a flow that edges of others lead to.
func (f GraphFlow) anchor() string {
	if len(f.Jobs) == 0 {
		return string(f.Address)
	}
	for _, j := range f.Jobs {
		if !slices.ContainsFunc(f.Edges, func(e GraphEdge) bool { return e.To == j.Name }) {
			return string(j.Address)
		}
	}
	return string(f.Jobs[0].Address)
}

// link is an edge to a flow as a whole.
type link struct{ from, to spec.Address }

// links are the schedules' and the sub-flows'.
func (g Graph) links() []link {
	var list []link
	for _, s := range g.Schedules {
		list = append(list, link{s.Address, s.Flow})
	}
	for _, f := range g.Flows {
		for _, j := range f.Jobs {
			if j.Flow != "" {
				list = append(list, link{j.Address, j.Flow})
			}
		}
	}
	return list
}

func (g Graph) flow(addr spec.Address) (GraphFlow, bool) {
	i := slices.IndexFunc(g.Flows, func(f GraphFlow) bool { return f.Address == addr })
	if i < 0 {
		return GraphFlow{}, false
	}
	return g.Flows[i], true
}

// mermaid numbers its nodes: the names of jobs may hold what it takes for syntax.
func (g Graph) mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	ids := map[spec.Address]string{}
	for i, f := range g.Flows {
		ids[f.Address] = fmt.Sprintf("f%d", i)
		fmt.Fprintf(&b, "  subgraph %s[%s]\n", ids[f.Address], mermaidQuote(string(f.Address)))
		for k, j := range f.Jobs {
			ids[j.Address] = fmt.Sprintf("f%dj%d", i, k)
			fmt.Fprintf(&b, "    %s[%s]\n", ids[j.Address], mermaidQuote(j.Name))
		}
		for _, e := range f.Edges {
			fmt.Fprintf(&b, "    %s --> %s\n", ids[f.Address.Job(e.From)], ids[f.Address.Job(e.To)])
		}
		b.WriteString("  end\n")
	}
	for i, s := range g.Schedules {
		ids[s.Address] = fmt.Sprintf("s%d", i)
		fmt.Fprintf(&b, "  %s([%s])\n", ids[s.Address], mermaidQuote(string(s.Address)))
	}
	for _, l := range g.links() {
		if to, ok := ids[l.to]; ok {
			fmt.Fprintf(&b, "  %s -.-> %s\n", ids[l.from], to)
		}
	}
	return b.String()
}

// mermaidQuote writes any text as a label.
func mermaidQuote(text string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "#", "#35;", "\n", " ").Replace(text) + `"`
}
