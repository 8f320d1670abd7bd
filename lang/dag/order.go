package dag

import "math/bits"

// Order returns all nodes so that each comes after all that it waits for;
// where several may come next, the one that was added first does. A list that
// was added in a valid order therefore stays as it is. It is false when the
// graph has a cycle.
func (g *Graph[N]) Order() ([]int32, bool) {
	n := len(g.nodes)
	waits := make([]int32, n)
	ready := newQueue(n)
	for i := range int32(n) {
		waits[i] = int32(len(g.In(i)))
		if waits[i] == 0 {
			ready.push(i)
		}
	}
	order := make([]int32, 0, n)
	for {
		i, ok := ready.pop()
		if !ok {
			return order, len(order) == n
		}
		order = append(order, i)
		for _, j := range g.Out(i) {
			waits[j]--
			if waits[j] == 0 {
				ready.push(j)
			}
		}
	}
}

// Levels groups the nodes by their longest distance from a node that waits
// for nothing; inside a level, the order of Add holds. It is false when the
// graph has a cycle.
func (g *Graph[N]) Levels() ([][]int32, bool) {
	order, ok := g.Order()
	if !ok {
		return nil, false
	}
	level := make([]int32, len(g.nodes))
	depth := int32(0)
	for _, i := range order {
		for _, j := range g.In(i) {
			level[i] = max(level[i], level[j]+1)
		}
		depth = max(depth, level[i]+1)
	}
	sizes := make([]int32, depth)
	for _, l := range level {
		sizes[l]++
	}
	levels := make([][]int32, depth)
	store := make([]int32, len(g.nodes))
	for l, size := range sizes {
		levels[l], store = store[:0:size], store[size:]
	}
	for i, l := range level {
		levels[l] = append(levels[l], int32(i))
	}
	return levels, true
}

// Ancestors lists all that the given nodes wait for, directly or not,
// ascending. A given node is listed only if another one, or a cycle, leads to it.
func (g *Graph[N]) Ancestors(of ...int32) []int32 { return g.reach(g.in, of) }

// Descendants lists all that wait for the given nodes, directly or not,
// ascending. A given node is listed only if another one, or a cycle, leads to it.
func (g *Graph[N]) Descendants(of ...int32) []int32 { return g.reach(g.out, of) }

func (g *Graph[N]) reach(r rows, of []int32) []int32 {
	seen := make([]bool, len(g.nodes))
	var todo []int32
	count := 0
	visit := func(i int32) {
		for _, j := range r.of(i) {
			if !seen[j] {
				seen[j] = true
				count++
				todo = append(todo, j)
			}
		}
	}
	for _, i := range of {
		visit(i)
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		visit(i)
	}
	reached := make([]int32, 0, count)
	for i, yes := range seen {
		if yes {
			reached = append(reached, int32(i))
		}
	}
	return reached
}

// queue is a set of small numbers that gives back its least one. Level 0 has a
// bit per number, each further level a bit per non-zero word of the one below,
// so that push and pop touch one word a level: three for 262 144 numbers.
type queue struct{ levels [][]uint64 }

func newQueue(n int) queue {
	var q queue
	for {
		n = (n + 63) / 64
		q.levels = append(q.levels, make([]uint64, n))
		if n <= 1 {
			return q
		}
	}
}

func (q queue) push(i int32) {
	for _, words := range q.levels {
		words[i/64] |= 1 << (i % 64)
		i /= 64
	}
}

func (q queue) pop() (int32, bool) {
	top := q.levels[len(q.levels)-1]
	if len(top) == 0 || top[0] == 0 {
		return 0, false
	}
	least := int32(0)
	for l := len(q.levels) - 1; l >= 0; l-- {
		least = least*64 + int32(bits.TrailingZeros64(q.levels[l][least]))
	}
	for i, l := least, 0; l < len(q.levels); l++ {
		words := q.levels[l]
		words[i/64] &^= 1 << (i % 64)
		if words[i/64] != 0 {
			break
		}
		i /= 64
	}
	return least, true
}
