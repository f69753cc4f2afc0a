package control

import (
	"gazetteer"
	"gazetteer/region"
)

// Description is what a plan is made of.
type Description struct {
	Region     gazetteer.RegionID
	Epoch      uint64 // 0 for 1, the first plan of the region
	Partitions uint32 // 0 for [gazetteer.DefaultPartitions]; never changes
	Nodes      []Node
	// Default is the cluster of all types that Types does not name, so that a type
	// made at run time has a home.
	Default Cluster
	Types   map[gazetteer.Type]Cluster
}

// Node is one process.
type Node struct {
	Name  gazetteer.NodeID
	Addr  string // host:port of its peer port; may be empty if it is alone
	HTTP  string // host:port of its REST face, or empty
	Roles []region.Role
}

// Cluster describes who serves a type.
type Cluster struct {
	Servers []gazetteer.NodeID // the entries, with the role cluster
	Rings   []Ring
}

// Ring describes one shard.
type Ring struct {
	Name    string             // a DNS label, unique in the region
	Members []gazetteer.NodeID // in ring order, with the role replica
	// Partitions that the ring owns. Either all rings of a cluster say it, or none
	// does and [cluster.Propose] spreads them.
	Partitions []uint32
}

// Single describes one process that does everything, and returns its plan.
func Single(r gazetteer.RegionID, node gazetteer.NodeID) (*Plan, error) {
	nodes := []gazetteer.NodeID{node}
	return New(Description{
		Region:  r,
		Nodes:   []Node{{Name: node, Roles: []region.Role{region.RoleRouter, region.RoleRegion, region.RoleCluster, region.RoleReplica}}},
		Default: Cluster{Servers: nodes, Rings: []Ring{{Name: "single", Members: nodes}}},
	})
}
