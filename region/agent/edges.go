package agent

import (
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// edges are links beyond this node's rings, each partition once for each peer.
type edges map[gazetteer.NodeID]map[gazetteer.Partition]bool

func (e edges) add(to gazetteer.NodeID, ps []gazetteer.Partition) {
	if e[to] == nil {
		e[to] = map[gazetteer.Partition]bool{}
	}
	for _, p := range ps {
		e[to][p] = true
	}
}

// list returns the edges in the order of peers and partitions.
func (e edges) list() (out []ring.Edge) {
	for _, n := range slices.Sorted(maps.Keys(e)) {
		ps := slices.SortedFunc(maps.Keys(e[n]), gazetteer.Partition.Compare)
		out = append(out, ring.Edge{Peer: n, Partitions: ps})
	}
	return out
}

// bridgeOver adds the links of this node over a bridge. Besides the one that the plan
// names, whoever may decide about a move hears all those who hold what moves: the first
// live member of the ring that fills hears all of the owner's, and each member of a ring
// that gives away hears all of the new owner's.
func (a *agent) bridgeOver(e edges, h *hosting, b *region.Bridge) {
	from, to := h.members[b.From], h.members[b.To]
	switch a.self {
	case b.A:
		a.linkTo(e, []gazetteer.NodeID{b.B}, b.Partitions)
	case b.B:
		a.linkTo(e, []gazetteer.NodeID{b.A}, b.Partitions)
	}
	if !b.Switched && a.firstLive(to) == a.self {
		a.linkTo(e, from, b.Partitions)
	}
	if b.Switched && slices.Contains(from, a.self) {
		a.linkTo(e, to, b.Partitions)
	}
}

// linkTo adds links to nodes that the plan does not call dead. Of those nobody has to hear
// that they are back: the plan will say so.
func (a *agent) linkTo(e edges, nodes []gazetteer.NodeID, ps []gazetteer.Partition) {
	for _, n := range nodes {
		if n != "" && n != a.self && !a.plan.Dead(n) {
			e.add(n, ps)
		}
	}
}

// firstLive returns the first of some nodes that answers, as far as this one knows.
func (a *agent) firstLive(nodes []gazetteer.NodeID) gazetteer.NodeID {
	for _, n := range nodes {
		if n == a.self || !a.dead(n) {
			return n
		}
	}
	return ""
}
