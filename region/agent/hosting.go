package agent

import (
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// typesMax bounds the types that a node opens because somebody mentions them.
const typesMax = 1000

// stance says how a node stands to a partition that it holds.
type stance uint8

const (
	owns  stance = iota // its ring owns it
	fills               // its ring is to own it, and does not yet
	keeps               // its ring has owned it, and keeps it while others may not know
)

// hosting is what a node holds of one type by one plan.
type hosting struct {
	rings []ring.Ring // that this node is a member of, each with what it owns
	// held are the partitions that these rings hold and do not own.
	held    []ring.Ring
	bridges []region.Bridge
	members map[string][]gazetteer.NodeID // of all rings of the type
	places  []place                       // by partition index
}

// newHosting returns what a plan gives a node of a type, nil if nothing.
func newHosting(p region.Plan, self gazetteer.NodeID, t gazetteer.Type) *hosting {
	h := &hosting{
		bridges: p.Bridges(t), members: map[string][]gazetteer.NodeID{}, places: make([]place, p.Partitions()),
	}
	for _, r := range p.Mirrors(t) {
		h.members[r.Name] = r.Members
		if slices.Contains(r.Members, self) {
			h.hold(r)
		}
	}
	for _, r := range p.Rings(t) {
		if slices.Contains(r.Members, self) {
			h.own(r)
		}
	}
	if len(h.rings)+len(h.held) == 0 {
		return nil
	}
	return h
}

// hold notes what a ring of this node holds, whether it owns it or not.
func (h *hosting) hold(r ring.Ring) {
	only := r
	only.Partitions = nil
	for _, q := range r.Partitions {
		if s := h.stanceOf(q, r.Name); s != owns {
			h.places[q.Index] = place{ring: r.Name, stance: s}
			only.Partitions = append(only.Partitions, q)
		}
	}
	if only.Partitions != nil {
		h.held = append(h.held, only)
	}
}

func (h *hosting) stanceOf(q gazetteer.Partition, name string) stance {
	for _, b := range h.bridges {
		switch moves := slices.Contains(b.Partitions, q); {
		case moves && name == b.To && !b.Switched:
			return fills
		case moves && name == b.From && b.Switched:
			return keeps
		}
	}
	return owns
}

// own notes what a ring of this node owns. Of a node that is a member of both rings of a
// move the owner's counts.
func (h *hosting) own(r ring.Ring) {
	h.rings = append(h.rings, r)
	for _, q := range r.Partitions {
		h.places[q.Index] = place{ring: r.Name}
	}
}

// writers are those who may write into a partition here: the members of its ring, and
// while it moves those of the other. The key is the same for the same.
func (h *hosting) writers(index int) (key string, nodes []gazetteer.NodeID) {
	key = h.places[index].ring
	nodes = h.members[key]
	for _, b := range h.bridges {
		for _, q := range b.Partitions {
			if int(q.Index) == index {
				return key + " and " + b.From + " and " + b.To, slices.Concat(nodes, h.members[b.From], h.members[b.To])
			}
		}
	}
	return key, nodes
}

// open makes the loop host a type that nobody has mentioned before.
type open gazetteer.Type

func (t open) apply(a *agent, b *batch) { a.openType(gazetteer.Type(t)) }

// openMentioned opens the types that a ring mate wants to exchange and that are new
// here: a type made at run time comes to all members of its ring that way.
func (a *agent) openMentioned(m ring.Message) {
	switch m := m.(type) {
	case ring.Greet:
		for i := range m.Digests {
			a.openType(m.Digests[i].Partition.Type)
		}
	case ring.Hello:
		a.openType(m.Partition.Type)
	}
}

func (a *agent) openType(t gazetteer.Type) {
	if _, known := a.hosted[t]; known || len(a.hosted) >= typesMax {
		return
	}
	if a.host(t) {
		a.findLeftovers()
		a.configure()
	}
}

// host notes what this node holds of a type, if there is anything.
func (a *agent) host(t gazetteer.Type) bool {
	h := newHosting(a.plan, a.self, t)
	if h == nil {
		return false
	}
	a.hosted[t], a.types[t] = h, true
	return true
}

// configure gives the core all rings of all types that are hosted here, and of the
// leftovers.
func (a *agent) configure() {
	p := ring.Plan{Epoch: a.plan.Epoch(), Stores: a.plan.Stores(), Tree: a.planet.Tree}
	if len(a.planet.Stores) > 0 {
		p.Epoch, p.Stores = a.planet.Epoch, union(a.planet.Stores, p.Stores)
	}
	beyond := edges{}
	types := slices.Sorted(maps.Keys(a.hosted))
	for _, t := range types {
		p.Rings = append(p.Rings, a.hosted[t].held...)
	}
	for _, t := range types { // behind all others: a partition is the ring's that owns it
		p.Rings = append(p.Rings, a.hosted[t].rings...)
		for i := range a.hosted[t].bridges {
			a.bridgeOver(beyond, a.hosted[t], &a.hosted[t].bridges[i])
		}
	}
	a.handOver(&p, beyond)
	a.linkRings(beyond)
	p.Edges = append(beyond.list(), a.planet.Edges...)
	a.core.Configure(p)
	a.shelf.put(types)
}

// union returns what is in either, in ascending order.
func union(a, b []gazetteer.StoreID) []gazetteer.StoreID {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
