package control

import (
	"slices"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// fullRing is how many replicas a ring gets by itself: two of them may be lost before a
// third one's disk is all there is.
const fullRing = 3

// nextPlace gives a live member that nothing has been given to yet its work in the default
// cluster: it becomes one of its entries, and a member of the smallest ring that is not
// full. Where all rings are full it waits for a ring that an operator adds.
func (s *state) nextPlace() Edit {
	for i := range s.Members {
		m := &s.Members[i]
		if m.State != Live {
			continue
		}
		if m.is(region.RoleCluster) && !slices.Contains(s.Default.Servers, m.Name) {
			return SetServers{Servers: append(slices.Clone(s.Default.Servers), m.Name)}
		}
		if r := s.openRing(); r != nil && m.is(region.RoleReplica) && !s.mirrors(m.Name) {
			return SetRing{Ring: r.Name, Members: append(slices.Clone(r.Members), m.Name)}
		}
	}
	return nil
}

// openRing returns the smallest ring of the default cluster that is not full.
func (s *state) openRing() (out *shard) {
	for _, name := range s.Default.Rings {
		if r := s.ring(name); len(r.Members) < fullRing && (out == nil || len(r.Members) < len(out.Members)) {
			out = r
		}
	}
	return out
}

// mirrors reports whether a node is a member of a ring.
func (s *state) mirrors(n gazetteer.NodeID) bool {
	return slices.ContainsFunc(s.Rings, func(r shard) bool { return slices.Contains(r.Members, n) })
}

// silentAfter is how long a live member may say nothing to the leader, when no link tells
// better: two of its acknowledgements.
const silentAfter = 2 * ackEvery

// silence takes members for dead of which this process, since it leads, has heard nothing
// for too long. It concerns those to which it has no link; a link's word counts for more.
func (k *knowledge) silence(known map[gazetteer.NodeID]sign, leads, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for n, s := range known {
		heard := leads
		if a, ok := k.acks[n]; ok && a.at.After(leads) {
			heard = a.at
		}
		if _, linked := k.reports[n]; !linked && now.Sub(heard) >= silentAfter {
			s.alive, s.dead = false, true
			known[n] = s
		}
	}
}
