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

// Node is one process. Its keys in JSON are those of a plan file.
type Node struct {
	Name  gazetteer.NodeID `json:"name"`
	Addr  string           `json:"peer,omitempty"` // host:port of its peer port; may be empty if it is alone
	HTTP  string           `json:"http,omitempty"` // host:port of its REST face, or empty
	Roles []region.Role    `json:"roles"`
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

// SingleDescription describes one process that does everything.
func SingleDescription(r gazetteer.RegionID, node gazetteer.NodeID) Description {
	nodes := []gazetteer.NodeID{node}
	return Description{
		Region:  r,
		Nodes:   []Node{{Name: node, Roles: []region.Role{region.RoleRouter, region.RoleRegion, region.RoleCluster, region.RoleReplica}}},
		Default: Cluster{Servers: nodes, Rings: []Ring{{Name: "single", Members: nodes}}},
	}
}

// Single returns the plan of one process that does everything.
func Single(r gazetteer.RegionID, node gazetteer.NodeID) (*Plan, error) {
	return New(SingleDescription(r, node))
}
