package cluster

import "math"

// Capacity says how much is enough. What a machine can do is to be measured; these are how
// much of that its operator wants to use.
type Capacity struct {
	Reads  float64 // a second, of one replica
	Writes float64 // a second, of one ring: each of its members does every write
}

// Need is what a cluster has to carry, and what it has.
type Need struct {
	Reads, Writes float64 // a second, of all its types
	Rings         int     // now
	Members       int     // of each ring; if they differ, of the smallest
	Partitions    int     // at most one ring for each
}

// Advice says how many rings a need asks for.
type Advice struct {
	// Load is how many rings the need would fill if it were spread over them evenly.
	Load float64
	// Fullest is how full the fullest ring is now: above 1 it has to carry more than it
	// should.
	Fullest float64
	Rings   int
}

// shrinkTo is how full fewer rings may be at most when they are advised. The gap between
// it and 1 keeps a need that moves up and down from moving partitions with it.
const shrinkTo = 0.7

// Advise returns how many rings a cluster should have. Reads are shared by a ring's
// members and by the rings, writes by the rings alone; both use the same machines, so what
// they fill adds up:
//
//	load  = reads / (members * capacity.Reads) + writes / capacity.Writes
//	rings = 1 while load is at most 1, else 1.25 * load rounded up
//
// since of several rings the largest owns up to 1.25 times its share ([Propose]). Fewer
// rings than now are advised only if the need leaves three tenths of them free. It knows
// nothing of ids that are asked for more than others: their partition has one ring.
func (c Capacity) Advise(n Need) Advice {
	a := Advice{Load: n.Reads/(float64(max(n.Members, 1))*c.Reads) + n.Writes/c.Writes}
	a.Fullest = a.Load * largest(n.Rings) / float64(max(n.Rings, 1))
	a.Rings = max(n.Rings, ringsFor(a.Load, n.Partitions))
	a.Rings = min(a.Rings, ringsFor(a.Load/shrinkTo, n.Partitions))
	return a
}

// largest is the share of the largest of some rings over the mean.
func largest(rings int) float64 {
	if rings > 1 {
		return load
	}
	return 1
}

func ringsFor(filled float64, partitions int) int {
	if !(filled > 1) {
		return 1
	}
	return int(min(math.Ceil(load*filled), float64(max(partitions, 1))))
}
