package geo

import (
	"math"
	"math/bits"
)

// sites finds, for each distance and class that occur in a ranking, the greatest weight
// there: a hash table with open addressing, at most half full.
type sites struct {
	slots []site
	shift uint8 // 64 - log2(len(slots))
}

type site struct {
	km    float64
	top   float64 // 0: the slot is free
	class uint32  // see entry.class
}

// reset makes room for n distances and forgets all.
func (s *sites) reset(n int) {
	log := bits.Len(uint(2 * n))
	s.shift = uint8(64 - log)
	if size := 1 << log; size <= cap(s.slots) {
		s.slots = s.slots[:size]
		clear(s.slots)
	} else {
		s.slots = make([]site, size)
	}
}

// at returns the site of a class at a distance. A new one has top 0; the caller raises
// it before the next call.
func (s *sites) at(km float64, class uint32) *site {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio (Knuth 6.4)
	i := (math.Float64bits(km) ^ uint64(class)) * golden >> s.shift
	for s.slots[i].top != 0 && (s.slots[i].km != km || s.slots[i].class != class) {
		i = (i + 1) & uint64(len(s.slots)-1)
	}
	s.slots[i].km, s.slots[i].class = km, class
	return &s.slots[i]
}
