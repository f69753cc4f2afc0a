// Package world is the planet in virtual time: the second driver of the cores, beside
// region/agent and region/planet. The replicas ([ring.Replica]), the voices of regions
// ([voice.Voice]) and the placement (package cluster) are the product's own; the network,
// the disks, the clocks and the processes around them are models, and everything that
// happens follows from a scenario and a seed.
//
// Raft itself is not simulated. A region's plan is what a leader says, after the time that
// an agreement takes, for as long as a majority of its regional servers lives and can
// talk; without one the last plan stays. The directory of regions and the list of types do
// not change while a world runs, so they are told and not fed.
//
// The checkers (checks*.go) stand apart: they read what was saved to the disks, what
// clients were told and what voices said to each other, and nothing of the cores.
package world
