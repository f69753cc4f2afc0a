package ghs

import (
	"cmp"
	"slices"

	"gazetteer"
	"gazetteer/mst"
)

// Graph is what a tree is built of: regions and the costs between them. It need not be
// connected.
type Graph struct {
	Nodes []gazetteer.RegionID // sorted
	Edges []Edge               // sorted by their ends
}

// Edge joins two regions; A is the smaller name.
type Edge struct {
	A, B gazetteer.RegionID
	Cost uint64
}

// NewEdge puts the ends in order.
func NewEdge(a, b gazetteer.RegionID, cost uint64) Edge { return Edge{min(a, b), max(a, b), cost} }

// Compare orders edges by their ends.
func (e Edge) Compare(f Edge) int { return cmp.Or(cmp.Compare(e.A, f.A), cmp.Compare(e.B, f.B)) }

// Graphs outside of these limits are refused by [ReadGraph].
const (
	MaxNodes  = 1 << 12
	MaxWeight = 1<<53 - 1 // of all edges together: what every reader of JSON keeps exactly (RFC 7493)
)

// sort gives a graph the order that its type promises.
func (g *Graph) sort() {
	slices.Sort(g.Nodes)
	slices.SortFunc(g.Edges, Edge.Compare)
}

// Among returns the part of g between some of its nodes.
func (g *Graph) Among(keep func(gazetteer.RegionID) bool) Graph {
	var out Graph
	for _, n := range g.Nodes {
		if keep(n) {
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, e := range g.Edges {
		if keep(e.A) && keep(e.B) {
			out.Edges = append(out.Edges, e)
		}
	}
	return out
}

// edgesOf returns the edges of one node, as it knows them; ok is false if it is not in g.
func (g *Graph) edgesOf(name gazetteer.RegionID) (edges []mst.Edge, ok bool) {
	_, ok = slices.BinarySearch(g.Nodes, name)
	for _, e := range g.Edges {
		switch name {
		case e.A:
			edges = append(edges, mst.Edge{To: e.B, Cost: e.Cost})
		case e.B:
			edges = append(edges, mst.Edge{To: e.A, Cost: e.Cost})
		}
	}
	return edges, ok
}

// adjacency returns for each node its edges, as it knows them.
func (g *Graph) adjacency() map[gazetteer.RegionID][]mst.Edge {
	out := make(map[gazetteer.RegionID][]mst.Edge, len(g.Nodes))
	for _, e := range g.Edges {
		out[e.A] = append(out[e.A], mst.Edge{To: e.B, Cost: e.Cost})
		out[e.B] = append(out[e.B], mst.Edge{To: e.A, Cost: e.Cost})
	}
	return out
}
