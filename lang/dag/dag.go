// Package dag is the one directed graph of the house: a generic graph over
// comparable names with a stable order.
//
// It promises that every answer depends only on the order in which nodes and
// edges were added, that all work is linear in nodes plus edges (the
// topological order pays three steps of a 64-ary bitset per node), that no
// algorithm recurses, so that a chain of 100 000 nodes is as safe as three of
// them, and that a Graph never changes after Build: it may be shared freely.
//
// Nodes are numbered 0, 1, 2, … in the order of Add; all answers are such
// numbers, so that callers can keep whatever belongs to a node in slices.
// Slices that Out and In hand out are the graph's own storage: read only.
//
// It must never know what a node stands for, never print, and never depend on
// the order of a map.
package dag

import (
	"fmt"
	"maps"
	"slices"
)

// UnknownError says that an edge names a node that was never added.
type UnknownError[N comparable] struct{ Node N }

// Error names the missing node.
func (e *UnknownError[N]) Error() string { return fmt.Sprintf("unknown node %v", e.Node) }

type edge struct{ from, to int32 }

// Builder collects nodes and edges. The zero Builder is not usable; call New.
type Builder[N comparable] struct {
	nodes []N
	index map[N]int32
	edges []edge
}

// New returns an empty builder; the two sizes are hints that save growing.
func New[N comparable](nodes, edges int) *Builder[N] {
	return &Builder[N]{
		nodes: make([]N, 0, nodes),
		index: make(map[N]int32, nodes),
		edges: make([]edge, 0, edges),
	}
}

// Add adds a node and returns its number. A name that is already there keeps
// its number and place, and added is false: the caller reports the duplicate.
func (b *Builder[N]) Add(n N) (id int32, added bool) {
	if id, ok := b.index[n]; ok {
		return id, false
	}
	id = int32(len(b.nodes))
	b.nodes = append(b.nodes, n)
	b.index[n] = id
	return id, true
}

// Connect adds the edge from → to: from comes first, to waits for it. Both
// must have been added, else an *UnknownError names the missing one (from is
// looked at first) and nothing changes. A repeated edge counts once. An edge
// from a node to itself is kept: it is a cycle, and Cycles reports it.
func (b *Builder[N]) Connect(from, to N) error {
	f, ok := b.index[from]
	if !ok {
		return &UnknownError[N]{from}
	}
	t, ok := b.index[to]
	if !ok {
		return &UnknownError[N]{to}
	}
	b.edges = append(b.edges, edge{f, t})
	return nil
}

// Build returns the graph of all that was added so far. The builder may be
// used further; the graph does not notice.
func (b *Builder[N]) Build() *Graph[N] {
	g := &Graph[N]{nodes: slices.Clone(b.nodes), index: maps.Clone(b.index)}
	// Two counting sorts: by target, then stably by source. So each node's
	// targets come out ascending, and repeated edges stand side by side.
	byTarget := adjacency(len(g.nodes), b.edges, func(e edge) (int32, int32) { return e.to, e.from })
	edges := make([]edge, 0, len(b.edges))
	for to := range int32(len(g.nodes)) {
		for _, from := range byTarget.of(to) {
			edges = append(edges, edge{from, to})
		}
	}
	g.out = adjacency(len(g.nodes), edges, func(e edge) (int32, int32) { return e.from, e.to })
	g.out.dedupe()
	edges = edges[:0]
	for from := range int32(len(g.nodes)) {
		for _, to := range g.out.of(from) {
			edges = append(edges, edge{from, to})
		}
	}
	g.in = adjacency(len(g.nodes), edges, func(e edge) (int32, int32) { return e.to, e.from })
	return g
}

// Graph is an immutable directed graph in compressed rows (CSR).
type Graph[N comparable] struct {
	nodes   []N
	index   map[N]int32
	out, in rows
}

// Len is the number of nodes.
func (g *Graph[N]) Len() int { return len(g.nodes) }

// Edges is the number of distinct edges.
func (g *Graph[N]) Edges() int { return len(g.out.list) }

// Node returns the name of node i.
func (g *Graph[N]) Node(i int32) N { return g.nodes[i] }

// Index returns the number of a name.
func (g *Graph[N]) Index(n N) (int32, bool) {
	i, ok := g.index[n]
	return i, ok
}

// Names returns the names of the given nodes, in the given order.
func (g *Graph[N]) Names(ids []int32) []N {
	names := make([]N, len(ids))
	for k, i := range ids {
		names[k] = g.nodes[i]
	}
	return names
}

// Out lists the nodes that wait for i, ascending. Read only.
func (g *Graph[N]) Out(i int32) []int32 { return g.out.of(i) }

// In lists the nodes that i waits for, ascending. Read only.
func (g *Graph[N]) In(i int32) []int32 { return g.in.of(i) }

// rows holds the neighbours of node i at list[start[i]:start[i+1]].
type rows struct{ start, list []int32 }

func (r rows) of(i int32) []int32 { return r.list[r.start[i]:r.start[i+1]:r.start[i+1]] }

// adjacency sorts the edges into rows, stably; split says which end of an edge
// is the row and which the entry.
func adjacency(n int, edges []edge, split func(edge) (row, entry int32)) rows {
	r := rows{start: make([]int32, n+1), list: make([]int32, len(edges))}
	for _, e := range edges {
		row, _ := split(e)
		r.start[row+1]++
	}
	for i := range n {
		r.start[i+1] += r.start[i]
	}
	next := slices.Clone(r.start[:n])
	for _, e := range edges {
		row, entry := split(e)
		r.list[next[row]] = entry
		next[row]++
	}
	return r
}

// dedupe drops repeated entries; each row must be sorted.
func (r *rows) dedupe() {
	kept, from := int32(0), int32(0)
	for i := range len(r.start) - 1 {
		to := r.start[i+1]
		first := kept
		for _, entry := range r.list[from:to] {
			if kept == first || r.list[kept-1] != entry {
				r.list[kept] = entry
				kept++
			}
		}
		from = to
		r.start[i+1] = kept
	}
	r.list = r.list[:kept]
}
