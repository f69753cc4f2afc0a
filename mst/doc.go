// Package mst builds the minimum spanning tree of the regions without any centre: the
// algorithm of Gallager, Humblet and Spira, "A Distributed Algorithm for Minimum-Weight
// Spanning Trees", ACM TOPLAS 5(1), 1983, pp. 66-77, called GHS here.
//
// A [Node] is the paper's node, one region in one run: see ghs.go, which has the twelve
// procedures of the paper's appendix under their numbers. A [Link] gives it what the
// paper assumes of an edge: every message arrives once and in order. A [Member] is what
// a region runs: it joins epochs, makes a new node and new links for each, and ends a
// run by counting the tree and telling every region the result.
//
// All three are state machines: they start no goroutine, read no clock and open
// nothing. DESIGN.md tells the protocol and where each rule of the paper stands.
package mst
