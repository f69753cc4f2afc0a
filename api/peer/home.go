package peer

import (
	"gazetteer"
	"gazetteer/pb"
)

// home is where this node belongs. Partitions is 0 while that is not known.
type home struct {
	region     gazetteer.RegionID
	partitions uint32
}

func (t *Transport) home() home { return *t.where.Load() }

// lost returns which end of a connection does not know where it belongs, this node or
// the one that said hello.
func (h home) lost(hello *pb.PeerHello, self gazetteer.NodeID) gazetteer.NodeID {
	if h.partitions == 0 {
		return self
	}
	return gazetteer.NodeID(hello.Node)
}

// Settle tells a node that was made without them its region and the planet's number of
// partitions: a process that joins learns both from those it asks. Until then it can ask
// and answer services by address, and nothing else. Where a node belongs never changes:
// other values than before are an error of kind Conflict.
func (t *Transport) Settle(r gazetteer.RegionID, partitions uint32) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, next := t.home(), home{r, partitions}
	switch {
	case partitions == 0:
		return &gazetteer.Error{Op: "peer.Settle", Kind: gazetteer.Invalid, Detail: "0 partitions; it is the planet's partition count"}
	case at == next:
		return nil
	case at.partitions != 0 || at.region != "" && at.region != r:
		return mismatch("node %s belongs to region %s of a planet of %d partitions; it cannot settle in region %s of %d", t.cfg.Node, at.region, at.partitions, r, partitions)
	}
	t.where.Store(&next)
	t.addrs.retire() // what they said of this node is out of date
	return nil
}
