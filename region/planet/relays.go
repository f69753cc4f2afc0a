package planet

import (
	"encoding/binary"
	"fmt"
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// relays says, for each partition of a type in one region, which replica links to the
// relays of other regions: the first live member of the ring that owns it, in ring order.
// Everybody who has the plan comes to the same one, so both directions of a tree edge
// meet at one pair of replicas.
type relays struct {
	Nodes []relay `json:"nodes"`
	// Of names for each partition the index of its node, two bytes each, little-endian;
	// noRelay where no member lives.
	Of []byte `json:"of"`
}

type relay struct {
	Node gazetteer.NodeID `json:"node"`
	Addr string           `json:"peer"`
}

const noRelay = ^uint16(0)

// placement is what relays are found by; [control.Plan] is one.
type placement interface {
	Partitions() uint32
	Rings(gazetteer.Type) []ring.Ring
	Dead(gazetteer.NodeID) bool
}

// relaysOf returns the relays of a type by a region's plan. Where says how a node is
// reached.
func relaysOf(p placement, t gazetteer.Type, where func(gazetteer.NodeID) string) *relays {
	out := &relays{Of: make([]byte, 2*p.Partitions())}
	for i := range out.Of {
		out.Of[i] = 0xff
	}
	for _, r := range p.Rings(t) {
		i := slices.IndexFunc(r.Members, func(n gazetteer.NodeID) bool { return !p.Dead(n) })
		if i < 0 {
			continue
		}
		at := out.add(r.Members[i], where)
		for _, q := range r.Partitions {
			binary.LittleEndian.PutUint16(out.Of[2*q.Index:], at)
		}
	}
	return out
}

func (r *relays) add(n gazetteer.NodeID, where func(gazetteer.NodeID) string) uint16 {
	i := slices.IndexFunc(r.Nodes, func(k relay) bool { return k.Node == n })
	if i < 0 {
		i = len(r.Nodes)
		r.Nodes = append(r.Nodes, relay{n, where(n)})
	}
	return uint16(i)
}

// of returns the relay of a partition; "" if it has none.
func (r *relays) of(index uint32) gazetteer.NodeID {
	i := binary.LittleEndian.Uint16(r.Of[2*index:])
	if i == noRelay {
		return ""
	}
	return r.Nodes[i].Node
}

// check refuses what cannot be the relays of another region: it came from outside.
func (r *relays) check(partitions uint32) error {
	if len(r.Of) != 2*int(partitions) {
		return fmt.Errorf("relays of %d partitions, want %d", len(r.Of)/2, partitions)
	}
	for i := 0; i < len(r.Of); i += 2 {
		if k := binary.LittleEndian.Uint16(r.Of[i:]); k != noRelay && int(k) >= len(r.Nodes) {
			return fmt.Errorf("partition %d has relay %d of %d", i/2, k, len(r.Nodes))
		}
	}
	for _, n := range r.Nodes {
		if n.Node == "" || len(n.Node) > gazetteer.MaxIDBytes || n.Addr == "" {
			return fmt.Errorf("the relay %.40q at %.40q is no node", n.Node, n.Addr)
		}
	}
	return nil
}

// edges returns the links of a node beyond its region: for each branch, from each
// partition of which it is the relay to the relay of the branch. What the branch has not
// said yet has no link.
func edges(self gazetteer.NodeID, own map[gazetteer.Type]*relays, branches []gazetteer.RegionID, theirs func(gazetteer.RegionID, gazetteer.Type) *relays) []ring.Edge {
	linked, of := map[gazetteer.NodeID][]gazetteer.Partition{}, map[gazetteer.NodeID]gazetteer.RegionID{}
	for _, b := range branches {
		for t, mine := range own {
			far := theirs(b, t)
			if far == nil {
				continue
			}
			for i := range uint32(len(mine.Of) / 2) {
				if to := far.of(i); to != "" && mine.of(i) == self {
					linked[to] = append(linked[to], gazetteer.Partition{Type: t, Index: i})
					of[to] = b
				}
			}
		}
	}
	return sorted(linked, of)
}

func sorted(linked map[gazetteer.NodeID][]gazetteer.Partition, of map[gazetteer.NodeID]gazetteer.RegionID) []ring.Edge {
	var out []ring.Edge
	for n, ps := range linked {
		slices.SortFunc(ps, gazetteer.Partition.Compare)
		out = append(out, ring.Edge{Peer: n, Region: of[n], Partitions: ps})
	}
	slices.SortFunc(out, func(a, b ring.Edge) int {
		if a.Peer < b.Peer {
			return -1
		}
		return 1
	})
	return out
}
