package dag_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leifengta/lft/lang/dag"
)

// build reads "a b c: a>b b>c": nodes in order, then edges.
func build(tb testing.TB, text string) *dag.Graph[string] {
	tb.Helper()
	nodes, edges, _ := strings.Cut(text, ":")
	b := dag.New[string](0, 0)
	for _, n := range strings.Fields(nodes) {
		if _, added := b.Add(n); !added {
			tb.Fatalf("%q: node %s is doubled", text, n)
		}
	}
	for _, e := range strings.Fields(edges) {
		from, to, _ := strings.Cut(e, ">")
		if err := b.Connect(from, to); err != nil {
			tb.Fatalf("%q: %v", text, err)
		}
	}
	return b.Build()
}

func names(g *dag.Graph[string], ids []int32) string { return strings.Join(g.Names(ids), " ") }

func TestOrder(t *testing.T) {
	for _, tc := range []struct{ graph, want string }{
		{"", ""},
		{"a", "a"},
		{"c b a", "c b a"},
		{"a b c: c>a", "b c a"},
		{"a b c d: d>a a>b", "c d a b"},
		// The order of Add decides among the ready ones, not who became ready first.
		{"r z a b: r>b r>a b>z", "r a b z"},
		{"a b c d: a>c b>c c>d a>d", "a b c d"},
		{"d c b a: a>b b>c c>d", "a b c d"},
		{"a b: a>b a>b", "a b"},
	} {
		g := build(t, tc.graph)
		order, ok := g.Order()
		if got := names(g, order); !ok || got != tc.want {
			t.Errorf("%q: order %q, %v, want %q", tc.graph, got, ok, tc.want)
		}
		if c := g.Cycle(); c != nil {
			t.Errorf("%q: cycle %v in an acyclic graph", tc.graph, c)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, tc := range []struct{ graph, want string }{
		{"", ""},
		{"a b", "a b"},
		{"d c b a: a>b b>c a>c", "d a|b|c"},
		{"a b c d e: a>d b>c c>d", "a b e|c|d"},
	} {
		g := build(t, tc.graph)
		levels, ok := g.Levels()
		var got []string
		for _, l := range levels {
			got = append(got, names(g, l))
		}
		if !ok || strings.Join(got, "|") != tc.want {
			t.Errorf("%q: levels %q, %v, want %q", tc.graph, got, ok, tc.want)
		}
	}
}

func TestCycles(t *testing.T) {
	for _, tc := range []struct {
		graph string
		want  []string
	}{
		{"a: a>a", []string{"a"}},
		{"a b: a>b b>a", []string{"a b"}},
		{"x a b c: x>a a>b b>c c>a", []string{"a b c"}},
		// Entry comes from downstream, the path still starts at the first-added node.
		{"c b a: a>b b>c c>a", []string{"c a b"}},
		// The short way back, not the long one.
		{"a b c d: a>b b>c c>d d>a c>a", []string{"a b c"}},
		// Equal lengths: the earliest-added nodes.
		{"a z b c: a>z a>b z>c b>c c>a", []string{"a z c"}},
		// Independent mistakes are all shown, in the order of Add.
		{"p q r s t: s>t t>s q>p p>q r>r p>r", []string{"p q", "r", "s t"}},
	} {
		g := build(t, tc.graph)
		var got []string
		for _, c := range g.Cycles() {
			got = append(got, names(g, c))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%q: cycles (-want +got)\n%s", tc.graph, diff)
		}
		if got := names(g, g.Cycle()); got != tc.want[0] {
			t.Errorf("%q: Cycle %q, want %q", tc.graph, got, tc.want[0])
		}
		if _, ok := g.Order(); ok {
			t.Errorf("%q: Order accepts a cycle", tc.graph)
		}
		if _, ok := g.Levels(); ok {
			t.Errorf("%q: Levels accepts a cycle", tc.graph)
		}
	}
}

func TestReach(t *testing.T) {
	g := build(t, "d c b a x: a>b b>c c>d a>d x>x")
	id := func(n string) int32 {
		i, ok := g.Index(n)
		if !ok {
			t.Fatalf("no node %s", n)
		}
		return i
	}
	for _, tc := range []struct{ what, got, want string }{
		{"descendants of a", names(g, g.Descendants(id("a"))), "d c b"},
		{"descendants of d", names(g, g.Descendants(id("d"))), ""},
		{"ancestors of d", names(g, g.Ancestors(id("d"))), "c b a"},
		{"ancestors of c and b", names(g, g.Ancestors(id("c"), id("b"))), "b a"},
		{"ancestors of x", names(g, g.Ancestors(id("x"))), "x"},
		{"ancestors of nothing", names(g, g.Ancestors()), ""},
		{"out of a", names(g, g.Out(id("a"))), "d b"},
		{"in of d", names(g, g.In(id("d"))), "c a"},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %q, want %q", tc.what, tc.got, tc.want)
		}
	}
}

func TestBuilder(t *testing.T) {
	b := dag.New[string](2, 1)
	if id, added := b.Add("a"); id != 0 || !added {
		t.Errorf("first Add: %d, %v", id, added)
	}
	if id, added := b.Add("b"); id != 1 || !added {
		t.Errorf("second Add: %d, %v", id, added)
	}
	if id, added := b.Add("a"); id != 0 || added {
		t.Errorf("doubled Add: %d, %v, want the first number and false", id, added)
	}
	for _, tc := range []struct{ from, to, missing string }{
		{"a", "x", "x"}, {"y", "b", "y"}, {"y", "x", "y"},
	} {
		var unknown *dag.UnknownError[string]
		err := b.Connect(tc.from, tc.to)
		if !errors.As(err, &unknown) || unknown.Node != tc.missing {
			t.Errorf("Connect(%s, %s) = %v, want unknown node %s", tc.from, tc.to, err, tc.missing)
		}
	}
	if err := b.Connect("a", "b"); err != nil {
		t.Fatal(err)
	}
	if err := b.Connect("a", "b"); err != nil {
		t.Fatal(err)
	}
	g := b.Build()
	b.Add("late")
	if err := b.Connect("b", "late"); err != nil {
		t.Fatal(err)
	}
	if g.Len() != 2 || g.Edges() != 1 || g.Node(1) != "b" {
		t.Errorf("graph has %d nodes, %d edges, want 2 and 1", g.Len(), g.Edges())
	}
	if _, ok := g.Index("late"); ok {
		t.Error("a built graph learned of a later node")
	}
	if again := b.Build(); again.Len() != 3 || again.Edges() != 2 {
		t.Errorf("second build has %d nodes, %d edges, want 3 and 2", again.Len(), again.Edges())
	}
}

// The rows handed out must not let an append run into the neighbour's row.
func TestRowsAreCapped(t *testing.T) {
	g := build(t, "a b c: a>c b>c")
	_ = append(g.Out(0), 99)
	if diff := cmp.Diff([]int32{2}, g.Out(1)); diff != "" {
		t.Errorf("append to one row changed the next (-want +got)\n%s", diff)
	}
}
