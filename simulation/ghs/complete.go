package ghs

import (
	"fmt"
	"math/rand/v2"

	"gazetteer"
)

// completeCost bounds the costs of [Complete], in microseconds of round-trip time.
const completeCost = 300_000

// Complete returns so many regions of which each has an edge to every other one, with
// costs that the seed draws.
func Complete(nodes int, seed uint64) Graph {
	dice := rand.New(rand.NewPCG(seed, uint64(nodes)))
	var g Graph
	for i := range nodes {
		g.Nodes = append(g.Nodes, gazetteer.RegionID(fmt.Sprintf("n%04d", i)))
	}
	g.Edges = make([]Edge, 0, nodes*(nodes-1)/2)
	for i, a := range g.Nodes {
		for _, b := range g.Nodes[i+1:] {
			g.Edges = append(g.Edges, NewEdge(a, b, 1+dice.Uint64N(completeCost)))
		}
	}
	return g
}
