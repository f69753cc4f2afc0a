package processes

import (
	"fmt"
	"slices"
	"strings"

	"gazetteer"
	"gazetteer/simulation/scenario"
)

// seat is one process of a region: the nth of its regional servers, of its cluster servers
// and of its replicas, as far as there are that many.
type seat struct {
	name   string // as the planet knows it
	region gazetteer.RegionID
	roles  []string
	nodes  []string // what the scenario calls it
	ring   int      // of its region's, that it is a replica of; -1: none
}

func (s *seat) isRegional() bool { return slices.Contains(s.roles, "region") }

// seatsOf lays a region out. Its tiers share processes, as those of a small region do: on
// one machine each process costs memory and a share of the cores.
func seatsOf(r *scenario.Region) []seat {
	replicas := replicasOf(r)
	seats := make([]seat, max(r.Servers, r.ClusterServers, len(replicas), 1))
	for i := range seats {
		s := &seats[i]
		*s = seat{name: fmt.Sprintf("%s-%d", r.Name, i+1), region: r.Name, ring: -1}
		s.take(i < r.Servers || i == 0, "region", fmt.Sprintf("%s/server-%d", r.Name, i+1))
		s.take(i < r.ClusterServers || i == 0, "cluster", fmt.Sprintf("%s/cluster-%d", r.Name, i+1))
		if i < len(replicas) {
			s.ring = replicas[i].ring
			s.take(true, "replica", replicas[i].name)
		} else {
			s.take(i == 0, "replica", "")
		}
	}
	return seats
}

// take gives a seat a role. The first of a region has all: it founds it.
func (s *seat) take(has bool, role, node string) {
	if !has {
		return
	}
	s.roles = append(s.roles, role)
	if node != "" {
		s.nodes = append(s.nodes, node)
	}
}

// replica is one of a ring.
type replica struct {
	ring int
	name string
}

func replicasOf(r *scenario.Region) (all []replica) {
	for i, ring := range r.Rings {
		for k := range ring.Replicas {
			all = append(all, replica{i, fmt.Sprintf("%s/%s-%d", r.Name, ring.Name, k+1)})
		}
	}
	return all
}

// together says which nodes of a region are one process; empty if none are.
func together(seats []seat) string {
	var all []string
	for _, s := range seats {
		if len(s.nodes) > 1 {
			all = append(all, strings.Join(s.nodes, " = "))
		}
	}
	return strings.Join(all, ", ")
}
