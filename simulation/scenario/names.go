package scenario

import (
	"fmt"
	"slices"

	"gazetteer"
)

// Names of tiers, as in REGION/TIER.
const (
	Regional = "regional"
	Cluster  = "cluster"
	Replica  = "replica"
)

// Nodes returns the names of all processes of a region at the start: regional servers,
// cluster servers, replicas ring by ring.
func (r *Region) Nodes() []string {
	out := slices.Concat(r.ServerNames(), r.ClusterServerNames())
	for _, g := range r.Rings {
		out = append(out, r.ReplicaNames(g)...)
	}
	return out
}

// ServerNames returns the names of the regional servers.
func (r *Region) ServerNames() []string { return nodes(r.Name, "server", r.Servers) }

// ClusterServerNames returns the names of the cluster servers.
func (r *Region) ClusterServerNames() []string { return nodes(r.Name, "cluster", r.ClusterServers) }

// ReplicaNames returns the names of the replicas of one of the region's rings.
func (r *Region) ReplicaNames(g Ring) []string { return nodes(r.Name, g.Name, g.Replicas) }

func nodes(region gazetteer.RegionID, what string, n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("%s/%s-%d", region, what, i+1))
	}
	return out
}

// RingsOf returns the rings of a type in a region.
func (r *Region) RingsOf(t gazetteer.Type) []Ring {
	var own, common []Ring
	for _, g := range r.Rings {
		switch g.Type {
		case t:
			own = append(own, g)
		case "":
			common = append(common, g)
		}
	}
	if own != nil {
		return own
	}
	return common
}

// Region returns the region of a name, nil if there is none.
func (s *Scenario) Region(name gazetteer.RegionID) *Region {
	for i := range s.Regions {
		if s.Regions[i].Name == name {
			return &s.Regions[i]
		}
	}
	return nil
}

// Tier returns the tier of a name, nil if there is none.
func (t *Tiers) Tier(name string) *Tier {
	switch name {
	case Regional:
		return &t.Regional
	case Cluster:
		return &t.Cluster
	case Replica:
		return &t.Replica
	}
	return nil
}
