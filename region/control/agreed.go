package control

import (
	"cmp"
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// newAgreed makes the plan that a state stands for. What would be no plan is an error:
// this is the last check of every command and of everything read from outside.
func newAgreed(s *state) (*Plan, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	d := s.description()
	return build(&d, s)
}

// description returns a state as what a plan is made of: every ring of a cluster with
// the partitions it owns now.
func (s *state) description() Description {
	d := Description{
		Region: s.Region, Epoch: s.Epoch, Partitions: s.Partitions,
		Default: s.describe(&s.Default), Types: map[gazetteer.Type]Cluster{},
	}
	for _, m := range s.Members {
		d.Nodes = append(d.Nodes, m.Node)
	}
	for t, c := range s.Types {
		d.Types[t] = s.describe(c)
	}
	return d
}

func (s *state) describe(c *shards) Cluster {
	owned := map[string][]uint32{}
	for i, name := range c.Owners {
		owned[name] = append(owned[name], uint32(i))
	}
	out := Cluster{Servers: c.Servers}
	for _, name := range c.names() {
		partitions := owned[name]
		if partitions == nil {
			partitions = []uint32{}
		}
		out.Rings = append(out.Rings, Ring{Name: name, Members: s.ring(name).Members, Partitions: partitions})
	}
	return out
}

// Members returns the processes of the region and how they stand to it. Those of a plan
// that nobody agreed on all count as live.
func (p *Plan) Members() []Member {
	if p.agreed != nil {
		return p.agreed.Members
	}
	var out []Member
	for _, n := range p.nodes {
		out = append(out, Member{Node: n, State: Live})
	}
	return out
}

// Member returns one of [Plan.Members]; false if the plan does not name it.
func (p *Plan) Member(n gazetteer.NodeID) (Member, bool) {
	all := p.Members()
	i := slices.IndexFunc(all, func(m Member) bool { return m.Name == n })
	if i < 0 {
		return Member{}, false
	}
	return all[i], true
}

// Regional returns the addresses of the members that answer for the plan, those that
// live first.
func (p *Plan) Regional() (addrs []string) {
	all := slices.DeleteFunc(slices.Clone(p.Members()), func(m Member) bool {
		return !m.is(region.RoleRegion) || m.Addr == ""
	})
	slices.SortStableFunc(all, func(a, b Member) int { return cmp.Compare(rank(a), rank(b)) })
	for _, m := range all {
		addrs = append(addrs, m.Addr)
	}
	return addrs
}

// rank orders members by how likely they answer.
func rank(m Member) int { return slices.Index([]MemberState{Live, Joining, Leaving, Dead}, m.State) }

// Moves returns the partitions of a type that are on their way between rings, in
// ascending order. Not to be changed.
func (p *Plan) Moves(t gazetteer.Type) []Move {
	if p.agreed == nil || t.Internal() {
		return nil
	}
	return p.agreed.clusterFor(t).Moves
}

// Pending returns how many partitions of a type still have to move, with those on their
// way.
func (p *Plan) Pending(t gazetteer.Type) int {
	if p.agreed == nil || t.Internal() {
		return 0
	}
	c := p.agreed.clusterFor(t)
	return len(c.Moves) + len(c.pending())
}

// clusterFor returns the cluster that serves a type, of its own or not.
func (s *state) clusterFor(t gazetteer.Type) *shards {
	if c := s.Types[t]; c != nil {
		return c
	}
	return &s.Default
}

// Mirrors returns the rings of a type, each with the partitions that it has to hold:
// those it owns, those it fills, and those it keeps after they have moved away. Where
// [Plan.Rings] says who answers, this says who links and stores.
func (p *Plan) Mirrors(t gazetteer.Type) []ring.Ring {
	rings := p.Rings(t)
	for _, m := range p.Moves(t) {
		name := m.To
		if m.Switched {
			name = m.From
		}
		i := slices.IndexFunc(rings, func(r ring.Ring) bool { return r.Name == name })
		rings[i].Partitions = append(rings[i].Partitions, gazetteer.Partition{Type: t, Index: m.Partition})
	}
	for i := range rings {
		slices.SortFunc(rings[i].Partitions, gazetteer.Partition.Compare)
	}
	return rings
}

// Bridges returns the links of a type between two of its rings, in the order of their
// first partitions. Rings that move both what fills and what has switched have two.
func (p *Plan) Bridges(t gazetteer.Type) []region.Bridge {
	var out []region.Bridge
	for _, m := range p.Moves(t) {
		i := slices.IndexFunc(out, func(b region.Bridge) bool {
			return b.From == m.From && b.To == m.To && b.Switched == m.Switched
		})
		if i < 0 {
			i = len(out)
			out = append(out, region.Bridge{
				Cluster: p.clusterName(t), From: m.From, To: m.To, Switched: m.Switched,
				A: p.agreed.firstLive(m.From), B: p.agreed.firstLive(m.To),
			})
		}
		out[i].Partitions = append(out[i].Partitions, gazetteer.Partition{Type: t, Index: m.Partition})
	}
	return out
}

// clusterName returns the name under which the cluster that serves a type is changed.
func (p *Plan) clusterName(t gazetteer.Type) gazetteer.Type {
	if p.agreed.Types[t] == nil {
		return ""
	}
	return t
}

// firstLive returns the first live member of a ring in ring order, "" if none lives.
func (s *state) firstLive(ring string) gazetteer.NodeID {
	for _, n := range s.ring(ring).Members {
		if s.member(n).State == Live {
			return n
		}
	}
	return ""
}

// Dead reports whether the plan calls a node dead. A plan that nobody agreed on calls none
// so.
func (p *Plan) Dead(n gazetteer.NodeID) bool { return p.dead[n] }

// Peers returns what the region knows of others, by name. Not to be changed.
func (p *Plan) Peers() map[gazetteer.RegionID][]byte {
	if p.agreed == nil {
		return nil
	}
	return p.agreed.Peers
}

// PeerNames returns the names of the other regions in ascending order.
func (p *Plan) PeerNames() []gazetteer.RegionID { return slices.Sorted(maps.Keys(p.Peers())) }

// Tree returns the tree of regions that is in use, nil if none was installed yet. Not to
// be changed.
func (p *Plan) Tree() []byte {
	if p.agreed == nil {
		return nil
	}
	return p.agreed.Tree
}

// Ended reports whether the region's last regional server was removed by force: the plan
// stays what it is.
func (p *Plan) Ended() bool { return p.agreed != nil && p.agreed.Ended }
