// Package voice is what one region says and hears among the regions: it measures and
// agrees costs, decides when a new tree is due, runs an epoch of package mst, and bridges
// a tree that has lost an edge until the next one stands. The leader of a region's raft
// group runs it.
//
// A [Voice] is a core: it is told the time, what was measured and what was received, and
// says in [Ready] what to save, what to send and which branches to keep. It starts no
// goroutine, reads no clock and opens nothing. DESIGN.md tells the protocol.
package voice
