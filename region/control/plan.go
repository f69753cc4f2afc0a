// Package control keeps the plan of a region: who is where, and what belongs where.
//
// A [Plan] is made of a [Description] by [New], which refuses what does not fit
// together; [Parse] reads a description from a plan file, and [Single] describes one
// process that does everything.
package control

import (
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/cluster"
	"gazetteer/region"
	"gazetteer/ring"
)

// Plan is the plan of one region. It does not change.
type Plan struct {
	region     gazetteer.RegionID
	epoch      uint64
	partitions uint32
	nodes      []Node
	roles      map[gazetteer.NodeID][]region.Role
	stores     []gazetteer.StoreID
	types      map[gazetteer.Type]*cluster.Plan
	others     *cluster.Plan // of types that the plan does not name
	dead       map[gazetteer.NodeID]bool
	agreed     *state // what it was made of; nil if somebody wrote it
}

var _ region.Plan = (*Plan)(nil)

// Region returns the name of the region.
func (p *Plan) Region() gazetteer.RegionID { return p.region }

// Epoch counts the plans of the region upwards.
func (p *Plan) Epoch() uint64 { return p.epoch }

// Partitions returns the planet's partition count.
func (p *Plan) Partitions() uint32 { return p.partitions }

// Nodes returns the processes of the region in the order of the plan. Not to be
// changed.
func (p *Plan) Nodes() []Node { return p.nodes }

// Node returns the node of a name; its kind of error is NotFound.
func (p *Plan) Node(name gazetteer.NodeID) (Node, error) {
	i := slices.IndexFunc(p.nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}, fail(gazetteer.NotFound, "/nodes", "no node is named %q; there are %s", name, p.nodeNames())
	}
	return p.nodes[i], nil
}

// Roles says what a node does; none if the plan does not name it. A node with the role
// region is also cluster server and replica of the internal types, see
// [Plan.ClusterServers], whether its description gives it these roles or not.
func (p *Plan) Roles(n gazetteer.NodeID) []region.Role { return p.roles[n] }

// Stores returns the stores of all nodes that are members of a ring, in ascending
// order.
func (p *Plan) Stores() []gazetteer.StoreID { return p.stores }

// Types returns the types that the plan names, with the internal ones that hold the
// types and the regions themselves, in ascending order.
func (p *Plan) Types() []gazetteer.Type { return slices.Sorted(maps.Keys(p.types)) }

// ClusterServers returns the entries of a type's cluster, in one order for all callers.
// Those of an internal type are the nodes with the role region.
func (p *Plan) ClusterServers(t gazetteer.Type) []gazetteer.NodeID { return p.cluster(t).Servers() }

// Rings returns the shards of a type's cluster, each with the partitions it owns.
func (p *Plan) Rings(t gazetteer.Type) []ring.Ring { return p.cluster(t).RingsFor(t) }

// RingOf returns the ring that owns a partition, nil if there is no such partition.
func (p *Plan) RingOf(q gazetteer.Partition) *cluster.Ring { return p.cluster(q.Type).RingOf(q.Index) }

// RingsOf returns the rings of the types that the plan names of which a node is a
// member.
func (p *Plan) RingsOf(n gazetteer.NodeID) []ring.Ring {
	var out []ring.Ring
	for _, t := range p.Types() {
		for _, r := range p.Rings(t) {
			if slices.Contains(r.Members, n) {
				out = append(out, r)
			}
		}
	}
	return out
}

func (p *Plan) cluster(t gazetteer.Type) *cluster.Plan {
	if c := p.types[t]; c != nil {
		return c
	}
	return p.others
}
