package dag_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/leifengta/lft/lang/dag"
)

// slow is the twin: a matrix, and each answer by its definition.
type slow struct {
	n    int
	edge [][]bool
}

func (s slow) paths() [][]bool {
	reach := make([][]bool, s.n)
	for i := range reach {
		reach[i] = slices.Clone(s.edge[i])
	}
	for k := range s.n {
		for i := range s.n {
			for j := range s.n {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	return reach
}

func (s slow) order() []int32 {
	order := []int32{}
	done := make([]bool, s.n)
	for {
		next := -1
		for i := range s.n {
			free := !done[i]
			for j := range s.n {
				free = free && (!s.edge[j][i] || done[j])
			}
			if free {
				next = i
				break
			}
		}
		if next < 0 {
			return order
		}
		done[next] = true
		order = append(order, int32(next))
	}
}

// cycle tries all paths of each length from start, earliest nodes first.
func (s slow) cycle(start int) []int32 {
	for length := 1; ; length++ {
		if c := s.close([]int32{int32(start)}, length); c != nil {
			return c
		}
	}
}

func (s slow) close(path []int32, length int) []int32 {
	last := path[len(path)-1]
	if len(path) == length {
		if s.edge[last][path[0]] {
			return path
		}
		return nil
	}
	for j := range s.n {
		if s.edge[last][j] && !slices.Contains(path, int32(j)) {
			if c := s.close(append(slices.Clone(path), int32(j)), length); c != nil {
				return c
			}
		}
	}
	return nil
}

func (s slow) cycles() [][]int32 {
	reach := s.paths()
	var cycles [][]int32
	for i := range s.n {
		first := reach[i][i]
		for j := range i {
			first = first && !(reach[i][j] && reach[j][i])
		}
		if first {
			cycles = append(cycles, s.cycle(i))
		}
	}
	return cycles
}

func draw(t *rapid.T, acyclic bool) (*dag.Graph[int], slow) {
	n := rapid.IntRange(0, 9).Draw(t, "nodes")
	rank := rapid.Permutation(seq(n)).Draw(t, "rank")
	b := dag.New[int](0, 0)
	s := slow{n: n, edge: make([][]bool, n)}
	for i := range n {
		b.Add(100 + i)
		s.edge[i] = make([]bool, n)
	}
	if n == 0 {
		return b.Build(), s
	}
	for range rapid.IntRange(0, 2*n).Draw(t, "edges") {
		i, j := rapid.IntRange(0, n-1).Draw(t, "from"), rapid.IntRange(0, n-1).Draw(t, "to")
		if acyclic && rank[i] >= rank[j] {
			continue
		}
		s.edge[i][j] = true
		if err := b.Connect(100+i, 100+j); err != nil {
			t.Fatal(err)
		}
	}
	return b.Build(), s
}

func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func TestAgainstSlowTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		acyclic := rapid.Bool().Draw(t, "acyclic")
		g, s := draw(t, acyclic)
		order, ok := g.Order()
		if acyclic && !ok {
			t.Fatal("an acyclic graph has no order")
		}
		want := s.order()
		if diff := cmp.Diff(want, order); diff != "" {
			t.Fatalf("order (-want +got)\n%s", diff)
		}
		if ok != (len(want) == s.n) {
			t.Fatalf("order is complete: %v", ok)
		}
		if diff := cmp.Diff(s.cycles(), g.Cycles()); diff != "" {
			t.Fatalf("cycles (-want +got)\n%s", diff)
		}
		checkReach(t, g, s)
		checkRows(t, g, s)
		if ok {
			checkLevels(t, g, s)
		}
	})
}

func checkReach(t *rapid.T, g *dag.Graph[int], s slow) {
	reach := s.paths()
	for i := range s.n {
		k := rapid.IntRange(0, s.n-1).Draw(t, "second")
		down, up := []int32{}, []int32{}
		for j := range s.n {
			if reach[i][j] || reach[k][j] {
				down = append(down, int32(j))
			}
			if reach[j][i] || reach[j][k] {
				up = append(up, int32(j))
			}
		}
		if diff := cmp.Diff(down, g.Descendants(int32(i), int32(k))); diff != "" {
			t.Fatalf("descendants of %d, %d (-want +got)\n%s", i, k, diff)
		}
		if diff := cmp.Diff(up, g.Ancestors(int32(i), int32(k))); diff != "" {
			t.Fatalf("ancestors of %d, %d (-want +got)\n%s", i, k, diff)
		}
	}
}

func checkRows(t *rapid.T, g *dag.Graph[int], s slow) {
	edges := 0
	for i := range s.n {
		var out, in []int32
		for j := range s.n {
			if s.edge[i][j] {
				out = append(out, int32(j))
				edges++
			}
			if s.edge[j][i] {
				in = append(in, int32(j))
			}
		}
		if !slices.Equal(out, g.Out(int32(i))) || !slices.Equal(in, g.In(int32(i))) {
			t.Fatalf("node %d: out %v in %v, want %v and %v", i, g.Out(int32(i)), g.In(int32(i)), out, in)
		}
	}
	if g.Edges() != edges || g.Len() != s.n {
		t.Fatalf("%d nodes, %d edges, want %d and %d", g.Len(), g.Edges(), s.n, edges)
	}
}

func checkLevels(t *rapid.T, g *dag.Graph[int], s slow) {
	levels, _ := g.Levels()
	level := make(map[int32]int)
	for l, ids := range levels {
		if len(ids) == 0 || !slices.IsSorted(ids) {
			t.Fatalf("level %d is %v", l, ids)
		}
		for _, i := range ids {
			level[i] = l
		}
	}
	if len(level) != s.n {
		t.Fatalf("levels hold %d of %d nodes", len(level), s.n)
	}
	for i := range s.n {
		want := 0
		for j := range s.n {
			if s.edge[j][i] {
				want = max(want, level[int32(j)]+1)
			}
		}
		if level[int32(i)] != want {
			t.Fatalf("node %d is on level %d, want %d", i, level[int32(i)], want)
		}
	}
}

// A chain, closed or not, deeper than any stack would like, in both directions.
func TestDeepChains(t *testing.T) {
	const n = 100_000
	for _, forward := range []bool{true, false} {
		b := dag.New[int](n, n)
		for i := range n {
			b.Add(i)
		}
		link := func(i, j int) {
			if !forward {
				i, j = n-1-i, n-1-j
			}
			if err := b.Connect(i, j); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n - 1 {
			link(i, i+1)
		}
		g := b.Build()
		order, ok := g.Order()
		if !ok || len(order) != n || slices.IsSorted(order) != forward {
			t.Fatalf("forward %v: order is wrong", forward)
		}
		levels, ok := g.Levels()
		if !ok || len(levels) != n {
			t.Fatalf("forward %v: %d levels, want %d", forward, len(levels), n)
		}
		if got := len(g.Descendants(order[0])); got != n-1 {
			t.Fatalf("forward %v: %d descendants, want %d", forward, got, n-1)
		}
		if c := g.Cycle(); c != nil {
			t.Fatalf("forward %v: cycle of %d in a chain", forward, len(c))
		}
		link(n-1, 0)
		if c := b.Build().Cycle(); len(c) != n {
			t.Fatalf("forward %v: cycle of %d, want %d", forward, len(c), n)
		}
	}
}

// Ready numbers far apart: each level of the queue must be cleared and refilled.
func TestOrderOfManyNodes(t *testing.T) {
	const n = 300_000
	b := dag.New[int](n, n)
	for i := range n {
		b.Add(i)
	}
	// n-1 frees 0, which frees 64·64, which frees 1; the others are free at once.
	for _, e := range [][2]int{{n - 1, 0}, {0, 4096}, {4096, 1}} {
		if err := b.Connect(e[0], e[1]); err != nil {
			t.Fatal(err)
		}
	}
	order, ok := b.Build().Order()
	if !ok || len(order) != n {
		t.Fatalf("%d of %d nodes ordered", len(order), n)
	}
	if diff := cmp.Diff([]int32{2, 3}, order[:2]); diff != "" {
		t.Errorf("head (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]int32{n - 1, 0, 4096, 1}, order[n-4:]); diff != "" {
		t.Errorf("tail (-want +got)\n%s", diff)
	}
}

func BenchmarkBuildAndOrder(b *testing.B) {
	const n = 100_000
	builder := dag.New[int](n, 3*n)
	for i := range n {
		builder.Add(i)
	}
	for i := range n {
		for d := 1; d <= 3 && i+d*7 < n; d++ {
			if err := builder.Connect(i, i+d*7); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := builder.Build().Order(); !ok {
			b.Fatal("cycle")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/node")
}
