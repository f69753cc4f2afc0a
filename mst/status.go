package mst

import "gazetteer"

// Status is what a node knows, for those who watch a run.
type Status struct {
	State    State
	Level    int
	Fragment Weight // meaningless at level 0
	InBranch gazetteer.RegionID
	Edges    []EdgeStatus // lightest first
	Waiting  int          // messages put back
	Halted   bool
}

// EdgeStatus is one edge at this end.
type EdgeStatus struct {
	Edge
	State EdgeState
}

// Status returns a copy of what the node knows.
func (n *Node) Status() Status {
	s := Status{State: n.sn, Level: n.ln, Fragment: n.fn, Waiting: len(n.queue), Halted: n.halted}
	if n.inBranch != nil {
		s.InBranch = n.inBranch.to
	}
	for _, j := range n.edges {
		s.Edges = append(s.Edges, EdgeStatus{Edge{j.to, j.w.Cost}, j.se})
	}
	return s
}

// Branches returns this node's edges of the tree, lightest first.
func (n *Node) Branches() []Edge {
	var out []Edge
	for _, j := range n.edges {
		if j.se == Branch {
			out = append(out, Edge{j.to, j.w.Cost})
		}
	}
	return out
}
