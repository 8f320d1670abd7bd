package dag

import "slices"

// Cycle returns the first of Cycles, or nil when the graph has none.
func (g *Graph[N]) Cycle() []int32 {
	if cycles := g.cycles(1); len(cycles) > 0 {
		return cycles[0]
	}
	return nil
}

// Cycles returns one cycle for each group of nodes that wait for each other
// (strongly connected component), so that independent mistakes are all shown
// at once. Each is the path a → b → c whose last node leads back to the first:
// it starts at the group's first-added node and is a shortest one through it,
// the one with the earliest-added nodes among equals. Groups come in the order
// of their first nodes.
func (g *Graph[N]) Cycles() [][]int32 { return g.cycles(len(g.nodes)) }

func (g *Graph[N]) cycles(limit int) [][]int32 {
	group, size := g.components()
	var cycles [][]int32
	var search *cycleSearch
	done := make([]bool, len(size))
	for i := range int32(len(g.nodes)) {
		c := group[i]
		if done[c] || size[c] == 1 && !slices.Contains(g.Out(i), i) {
			continue
		}
		if len(cycles) == limit {
			break
		}
		done[c] = true
		if search == nil {
			search = newCycleSearch(len(g.nodes))
		}
		cycles = append(cycles, search.through(i, g.out, group))
	}
	return cycles
}

// cycleSearch walks breadth first inside one component. Components do not
// overlap, so one set of marks serves them all.
type cycleSearch struct {
	parent []int32 // -1: not seen yet
	todo   []int32
}

func newCycleSearch(n int) *cycleSearch {
	s := &cycleSearch{parent: make([]int32, n)}
	for i := range s.parent {
		s.parent[i] = -1
	}
	return s
}

// through returns a shortest cycle through start, which must lie on one.
func (s *cycleSearch) through(start int32, out rows, group []int32) []int32 {
	s.todo = append(s.todo[:0], start)
	for head := 0; ; head++ {
		i := s.todo[head]
		for _, j := range out.of(i) {
			if j == start {
				return s.path(start, i)
			}
			if group[j] == group[start] && s.parent[j] < 0 {
				s.parent[j] = i
				s.todo = append(s.todo, j)
			}
		}
	}
}

func (s *cycleSearch) path(start, end int32) []int32 {
	path := []int32{end}
	for end != start {
		end = s.parent[end]
		path = append(path, end)
	}
	slices.Reverse(path)
	return path
}

// components gives each node the number of its strongly connected component,
// and each component its size: Tarjan's algorithm with its call stack kept in
// a slice.
func (g *Graph[N]) components() (group, size []int32) {
	t := tarjan{
		out:   g.out,
		visit: make([]int32, len(g.nodes)),
		low:   make([]int32, len(g.nodes)),
		next:  slices.Clone(g.out.start[:len(g.nodes)]),
		group: make([]int32, len(g.nodes)),
	}
	for i := range t.group {
		t.group[i] = -1
	}
	for i := range int32(len(g.nodes)) {
		if t.visit[i] == 0 {
			t.walk(i)
		}
	}
	return t.group, t.size
}

type tarjan struct {
	out     rows
	visit   []int32 // 1, 2, 3 … in the order of the first visit; 0: not yet
	low     []int32 // least visit number known to be reachable on the open stack
	next    []int32 // position in out.list of the edge to follow next
	open    []int32 // visited nodes whose component is not settled
	calls   []int32
	group   []int32
	size    []int32
	counter int32
}

func (t *tarjan) walk(root int32) {
	t.enter(root)
	for len(t.calls) > 0 {
		i := t.calls[len(t.calls)-1]
		if t.next[i] < t.out.start[i+1] {
			j := t.out.list[t.next[i]]
			t.next[i]++
			switch {
			case t.visit[j] == 0:
				t.enter(j)
			case t.group[j] < 0:
				t.low[i] = min(t.low[i], t.visit[j])
			}
			continue
		}
		t.calls = t.calls[:len(t.calls)-1]
		if len(t.calls) > 0 {
			caller := t.calls[len(t.calls)-1]
			t.low[caller] = min(t.low[caller], t.low[i])
		}
		if t.low[i] == t.visit[i] {
			t.settle(i)
		}
	}
}

func (t *tarjan) enter(i int32) {
	t.counter++
	t.visit[i], t.low[i] = t.counter, t.counter
	t.open = append(t.open, i)
	t.calls = append(t.calls, i)
}

// settle closes the component whose first visited node is root.
func (t *tarjan) settle(root int32) {
	c := int32(len(t.size))
	t.size = append(t.size, 0)
	for {
		i := t.open[len(t.open)-1]
		t.open = t.open[:len(t.open)-1]
		t.group[i] = c
		t.size[c]++
		if i == root {
			return
		}
	}
}
