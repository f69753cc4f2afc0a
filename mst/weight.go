package mst

import (
	"cmp"
	"fmt"

	"gazetteer"
)

// Weight is what edges are compared by: the cost, then the names of the two ends. No two
// edges of a graph have the same weight, so its minimum spanning tree is unique; without
// distinct weights GHS may build a cycle or wait for ever (the paper, section 2).
//
// A fragment of level 1 and above is named by the whole weight of its core edge. The
// cost alone would not do: two fragments could have one name.
type Weight struct {
	Cost      uint64 // both ends know the same, see [Edge]
	Low, High gazetteer.RegionID
}

// WeightOf returns the weight of the edge between a and b.
func WeightOf(cost uint64, a, b gazetteer.RegionID) Weight {
	return Weight{Cost: cost, Low: min(a, b), High: max(a, b)}
}

// Compare orders weights; it is 0 only for one and the same edge.
func (w Weight) Compare(v Weight) int {
	return cmp.Or(cmp.Compare(w.Cost, v.Cost), cmp.Compare(w.Low, v.Low), cmp.Compare(w.High, v.High))
}

func (w Weight) String() string { return fmt.Sprintf("%s/%s:%d", w.Low, w.High, w.Cost) }

// Bound is the weight of the lightest outgoing edge that a search has found. The zero
// value is infinity: none found. A flag says so, not a large number that a real cost
// could reach.
type Bound struct {
	Weight Weight
	Finite bool
}

func finite(w Weight) Bound { return Bound{Weight: w, Finite: true} }

func (b Bound) less(c Bound) bool {
	return b.Finite && (!c.Finite || b.Weight.Compare(c.Weight) < 0)
}

func (b Bound) String() string {
	if !b.Finite {
		return "infinity"
	}
	return b.Weight.String()
}
