// Package planet is what the processes of one region do about the others: it keeps the
// directory of regions, lets the region's voice ([voice.Voice]) find the tree, and turns
// the tree into links of this node to replicas of other regions.
//
// The core that decides, mst/voice, stands elsewhere; this package is its driver. DESIGN.md
// lists its threads and what wakes each.
package planet
