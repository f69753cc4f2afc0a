package ring

import (
	"time"

	"gazetteer"
)

// AsOf returns the moment, on this node's monotonic clock, as of which the replica holds
// every write that another store had made into the partitions hosted here. It is not
// known before a freshness mark of the store has come, nor, after a restart of either
// end, before both hold the same of its ended origins: what the store wrote in an earlier
// life is under no mark of this one.
//
// The moment is never too late, so what is reckoned from it is never under-reported. The
// driver asks only when it has performed a Ready: what is not saved does not count.
func (r *Replica) AsOf(s gazetteer.StoreID) (at time.Duration, known bool) {
	if s == r.origin.Store {
		return r.now.Mono, true
	}
	k := r.marks[s]
	if k == nil {
		return 0, false
	}
	r.countMarks()
	k.whole = k.whole || r.holdsEndedOf(k)
	return k.asOf, k.whole && k.counted > 0
}

// holdsEndedOf reports whether this replica holds of ended origins what a store said it
// holds itself.
func (r *Replica) holdsEndedOf(k *mark) bool {
	if k.stable == nil {
		return false
	}
	for _, m := range r.order {
		if sum, holds := k.stable.ended(m.partition); holds && r.endedSum(m) != sum {
			return false
		}
	}
	return true
}
