package planet

import (
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"gazetteer"
	"gazetteer/region/control"
	"gazetteer/ring"
)

// follow tells this node again and again what lies beyond its region: when the plan
// changes, when it holds another type, when another region says that its relays are
// others.
func (p *Planet) follow() {
	var told Beyond
	for {
		planned := p.Group.View().Changed()
		types, hosted := p.Hosted()
		heard := p.far.changed()
		plan := p.plan()
		if b := p.look(plan, types); !b.equal(&told) {
			told = b
			p.Beyond(b)
		}
		if !p.waits(told.Tree.Cut, planned, hosted, heard) {
			p.far.watch(p, nil, nil)
			return
		}
	}
}

// cutEvery is how often it is looked whether all regions of the tree answer.
const cutEvery = 500 * time.Millisecond

// waits returns when something may have changed; false when the planet is closed.
func (p *Planet) waits(cut bool, planned, hosted, heard <-chan struct{}) bool {
	tick := time.NewTicker(cutEvery)
	defer tick.Stop()
	for {
		select {
		case <-planned:
		case <-hosted:
		case <-heard:
		case <-tick.C:
			if plan := p.plan(); p.treeOf(plan, p.others()).Cut == cut {
				continue
			}
		case <-p.ctx.Done():
			return false
		}
		return true
	}
}

// look returns what lies beyond the region, and has the branches asked for the rest.
func (p *Planet) look(plan *control.Plan, types []gazetteer.Type) Beyond {
	others := p.others()
	branches := joinedOf(others, branchesOf(plan))
	p.far.watch(p, branches, types)
	own := map[gazetteer.Type]*relays{}
	for _, t := range types {
		own[t] = relaysOf(plan, t, func(gazetteer.NodeID) string { return "" })
	}
	b := Beyond{Stores: storesOf(plan, others), Edges: edges(p.Node, own, branches, p.far.relays)}
	b.Epoch = epochOf(b.Stores)
	b.Tree = p.treeOf(plan, others)
	return b
}

func (b *Beyond) equal(o *Beyond) bool {
	return b.Epoch == o.Epoch && b.Tree.ID == o.Tree.ID && b.Tree.Cut == o.Tree.Cut && slices.Equal(b.Tree.Branches, o.Tree.Branches) && slices.Equal(b.Stores, o.Stores) && slices.EqualFunc(b.Edges, o.Edges, func(e, f ring.Edge) bool {
		return e.Peer == f.Peer && slices.Equal(e.Partitions, f.Partitions)
	})
}

// joinedOf returns those of the branches that the directory knows as part of the planet.
func joinedOf(all []Record, branches []gazetteer.RegionID) (out []gazetteer.RegionID) {
	for _, b := range branches {
		if r := find(all, b); r != nil && r.Standing.joined() {
			out = append(out, b)
		}
	}
	return out
}

// storesOf returns the stores of the planet: those of the own region by its plan, those
// of others by what they said of themselves.
func storesOf(plan *control.Plan, others []Record) []gazetteer.StoreID {
	set := map[gazetteer.StoreID]bool{}
	for _, s := range plan.Stores() {
		set[s] = true
	}
	for _, r := range others {
		for _, s := range r.Stores {
			set[gazetteer.StoreID(s)] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// epochOf names a set of stores: replicas that reckon with the same set agree on it
// without having to be told, and others do not.
func epochOf(stores []gazetteer.StoreID) uint64 {
	b := make([]byte, 0, 8*len(stores))
	for _, s := range stores {
		b = binary.BigEndian.AppendUint64(b, uint64(s))
	}
	return gazetteer.HashBytes(b)
}
