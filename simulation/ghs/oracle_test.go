package ghs

import (
	"cmp"
	"fmt"
	"slices"

	"gazetteer"
	"gazetteer/mst"
)

// kruskal is the oracle: the minimum spanning forest by (cost, smaller name, larger
// name), found with the whole graph at hand.
func kruskal(g Graph) (tree []Edge, weight uint64) {
	edges := slices.Clone(g.Edges)
	slices.SortFunc(edges, func(e, f Edge) int { return cmp.Or(cmp.Compare(e.Cost, f.Cost), e.Compare(f)) })
	parts := partsOf(g.Nodes)
	for _, e := range edges {
		if parts.unite(e.A, e.B) {
			tree = append(tree, e)
			weight += e.Cost
		}
	}
	slices.SortFunc(tree, Edge.Compare)
	return tree, weight
}

// parts says of every node in which part of the graph it is, by the name of one node.
type parts map[gazetteer.RegionID]gazetteer.RegionID

func partsOf(nodes []gazetteer.RegionID) parts {
	p := parts{}
	for _, n := range nodes {
		p[n] = n
	}
	return p
}

func (p parts) of(n gazetteer.RegionID) gazetteer.RegionID {
	for p[n] != n {
		p[n] = p[p[n]]
		n = p[n]
	}
	return n
}

func (p parts) unite(a, b gazetteer.RegionID) bool {
	a, b = p.of(a), p.of(b)
	p[a] = b
	return a != b
}

// verdict returns what is wrong with the end of a run, nil if nothing is. It holds all
// that section 1.4 of the notes on GHS promises of the quiet state.
func verdict(g Graph, r Result, err error) error {
	if err != nil {
		return err
	}
	tree, weight := kruskal(g)
	if !slices.Equal(r.Tree, tree) || r.Weight != weight || r.Components != len(g.Nodes)-len(tree) {
		return fmt.Errorf("%d edges of weight %d in %d components, Kruskal has %d of %d", len(r.Tree), r.Weight, r.Components, len(tree), weight)
	}
	if most := Bound(len(g.Nodes), len(g.Edges)); r.Messages > most {
		return fmt.Errorf("%d messages, the bound is %d", r.Messages, most)
	}
	if most := MaxLevel(len(g.Nodes)); r.MaxLevel > most {
		return fmt.Errorf("level %d of %d nodes, the bound is %d", r.MaxLevel, len(g.Nodes), most)
	}
	for _, check := range []func(Graph, Result, parts) error{quiet, endsAgree, oneFragment, twoHalted} {
		if err := check(g, r, partsOfTree(g, tree)); err != nil {
			return err
		}
	}
	return nil
}

func partsOfTree(g Graph, tree []Edge) parts {
	p := partsOf(g.Nodes)
	for _, e := range tree {
		p.unite(e.A, e.B)
	}
	return p
}

// quiet: every node is Found, no edge is Basic, no message waits.
func quiet(g Graph, r Result, _ parts) error {
	for _, n := range g.Nodes {
		s := r.Nodes[n]
		if s.State != mst.Found || s.Waiting > 0 {
			return fmt.Errorf("%s is %v with %d messages put back", n, s.State, s.Waiting)
		}
		for _, e := range s.Edges {
			if e.State == mst.Basic {
				return fmt.Errorf("%s does not know its edge to %s", n, e.To)
			}
		}
	}
	return nil
}

// endsAgree: both ends of every edge have it in one state.
func endsAgree(g Graph, r Result, _ parts) error {
	branch := map[Edge]int{}
	for _, n := range g.Nodes {
		for _, e := range r.Nodes[n].Edges {
			if e.State == mst.Branch {
				branch[NewEdge(n, e.To, e.Cost)]++
			}
		}
	}
	for e, ends := range branch {
		if ends != 2 {
			return fmt.Errorf("the ends of %v differ about it", e)
		}
	}
	return nil
}

// oneFragment: all nodes of a part have one level and one name.
func oneFragment(g Graph, r Result, p parts) error {
	for _, n := range g.Nodes {
		s, first := r.Nodes[n], r.Nodes[p.of(n)]
		if s.Level != first.Level || s.Fragment != first.Fragment {
			return fmt.Errorf("%s is in fragment %v of level %d, %s in %v of level %d", n, s.Fragment, s.Level, p.of(n), first.Fragment, first.Level)
		}
	}
	return nil
}

// twoHalted: in each part exactly the two ends of the core edge, or the one node alone.
func twoHalted(g Graph, r Result, p parts) error {
	for _, n := range g.Nodes {
		s := r.Nodes[n]
		alone := len(s.Edges) == 0
		core := s.Level > 0 && (n == s.Fragment.Low || n == s.Fragment.High)
		if s.Halted != (core || alone) {
			return fmt.Errorf("%s: halted is %v, of fragment %v", n, s.Halted, s.Fragment)
		}
		if core && s.InBranch != s.Fragment.Low && s.InBranch != s.Fragment.High {
			return fmt.Errorf("the core node %s has its in-branch to %s", n, s.InBranch)
		}
	}
	return nil
}

// rejectedTwice holds a transcript against the paper's count: an edge is rejected by at
// most two messages, a Test and a Reject or two Tests.
func rejectedTwice(events []Event) error {
	spent := map[Edge]int{}
	for _, e := range events {
		if e.Message == nil {
			continue
		}
		edge := NewEdge(e.From, e.To, 0)
		switch e.Message.(type) {
		case mst.Test, mst.Reject:
			spent[edge]++
		case mst.Accept:
			spent[edge]--
		}
		if spent[edge] > 2 {
			return fmt.Errorf("%d messages to reject %s-%s", spent[edge], e.From, e.To)
		}
	}
	return nil
}
