package mst

import (
	"cmp"
	"fmt"

	"gazetteer"
)

// Epoch names one run. It freezes the regions that take part and all weights; of two
// epochs the higher replaces the lower, whatever state that run is in. The zero value
// is below all that are proposed.
type Epoch struct {
	Counter  uint64
	Proposer gazetteer.RegionID
}

// Compare orders epochs by counter, then proposer: two regions that propose at once make
// two epochs, and everybody agrees which is the higher.
func (e Epoch) Compare(f Epoch) int {
	return cmp.Or(cmp.Compare(e.Counter, f.Counter), cmp.Compare(e.Proposer, f.Proposer))
}

// Next returns an epoch above e.
func (e Epoch) Next(proposer gazetteer.RegionID) Epoch { return Epoch{e.Counter + 1, proposer} }

func (e Epoch) String() string { return fmt.Sprintf("%d/%s", e.Counter, e.Proposer) }
