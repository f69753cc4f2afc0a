// Package cluster says which ring of a cluster owns which partition.
//
// [Propose] spreads partitions over rings; a [Plan] holds the outcome as a table,
// beside the members of each ring and the servers of the cluster. DESIGN.md has the
// reasons.
package cluster

import (
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// Limits of a plan. They keep a table's entries at two bytes.
const (
	MaxRings      = 1 << 12
	MaxPartitions = 1 << 16
)

// Ring is one shard of a cluster: its replicas in ring order.
type Ring struct {
	Name    string
	Members []gazetteer.NodeID
}

// Plan says who serves the types of one cluster in one region. It does not change:
// make it with [NewPlan].
type Plan struct {
	servers   []gazetteer.NodeID
	rings     []Ring
	placement Placement
	table     Table
}

// NewPlan checks that the parts fit together and keeps copies of them: every ring has
// members, none twice, and every partition is owned by one of the rings. Servers may
// be absent: then nobody asks.
func NewPlan(servers []gazetteer.NodeID, rings []Ring, placement Placement) (*Plan, error) {
	if len(rings) == 0 {
		return nil, fail("cluster.NewPlan", gazetteer.Unavailable, "no rings to own the partitions")
	}
	p := &Plan{servers: slices.Clone(servers), placement: slices.Clone(placement)}
	for _, r := range rings {
		if err := r.check(); err != nil {
			return nil, err
		}
		p.rings = append(p.rings, Ring{Name: r.Name, Members: slices.Clone(r.Members)})
	}
	table, err := newTable(namesOf(rings), placement)
	p.table = table
	return p, err
}

func (r *Ring) check() error {
	if len(r.Members) == 0 {
		return fail("cluster.NewPlan", gazetteer.Unprocessable, "ring %q has no members", r.Name)
	}
	sorted := slices.Sorted(slices.Values(r.Members))
	if i := firstRepeated(sorted); i >= 0 {
		return fail("cluster.NewPlan", gazetteer.Unprocessable, "ring %q has the member %q twice", r.Name, sorted[i])
	}
	return nil
}

func firstRepeated(sorted []gazetteer.NodeID) int {
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return i
		}
	}
	return -1
}

func namesOf(rings []Ring) []string {
	names := make([]string, len(rings))
	for i := range rings {
		names[i] = rings[i].Name
	}
	return names
}

// Servers returns the cluster servers, in one order for all callers. Not to be changed.
func (p *Plan) Servers() []gazetteer.NodeID { return p.servers }

// Rings returns the rings of the cluster in the order of the plan. Not to be changed.
func (p *Plan) Rings() []Ring { return p.rings }

// Placement returns the owner of every partition. Not to be changed.
func (p *Plan) Placement() Placement { return p.placement }

// Table returns the lookup table of the placement; its indices are those of Rings.
func (p *Plan) Table() Table { return p.table }

// RingOf returns the ring that owns a partition, nil if there is no such partition.
func (p *Plan) RingOf(partition uint32) *Ring {
	i, ok := p.table.Ring(partition)
	if !ok {
		return nil
	}
	return &p.rings[i]
}

// RingsFor returns the rings as mirrors of one type's partitions, in the order of the
// plan: together they own every partition once.
func (p *Plan) RingsFor(t gazetteer.Type) []ring.Ring {
	out := make([]ring.Ring, len(p.rings))
	for i, r := range p.rings {
		out[i] = ring.Ring{Name: r.Name, Members: r.Members}
	}
	for index := range uint32(len(p.placement)) {
		i, _ := p.table.Ring(index)
		out[i].Partitions = append(out[i].Partitions, gazetteer.Partition{Type: t, Index: index})
	}
	return out
}
