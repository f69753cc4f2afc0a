package agent

import (
	"slices"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// view is what the loop shows to readers. It never changes: a newer one takes its place,
// so a lookup needs neither the loop nor a lock.
type view struct {
	plan   region.Plan
	places map[gazetteer.Type][]place // by partition index
	links  map[gazetteer.NodeID]bool  // whether the nodes answer to which a link is wanted
}

// place is one partition as this node has it.
type place struct {
	ring    string // empty: it belongs to a ring of others
	stance  stance
	age     *age
	serving ring.Serving
}

// at returns this node's place for a partition, and whether its type was ever heard of.
func (v *view) at(p gazetteer.Partition) (place, bool) {
	places, known := v.places[p.Type]
	if int(p.Index) >= len(places) {
		return place{}, known
	}
	return places[p.Index], true
}

// dead reports whether a node is known not to answer: by this node's own word, or by the
// plan's if it has none.
func (v *view) dead(n gazetteer.NodeID) bool {
	if alive, heard := v.links[n]; heard {
		return !alive
	}
	return v.plan.Dead(n)
}

// publish shows the present state to readers.
func (a *agent) publish() {
	v := &view{plan: a.plan, places: make(map[gazetteer.Type][]place, len(a.hosted)), links: map[gazetteer.NodeID]bool{}}
	for n, alive := range a.alive {
		if slices.Contains(a.wanted, n) {
			v.links[n] = alive
		}
	}
	for t, h := range a.hosted {
		v.places[t] = a.show(t, h)
	}
	a.view.Store(v)
	a.leases.dirty = true
	a.unfollow()
}

// show returns the places of a type as they are now.
func (a *agent) show(t gazetteer.Type, h *hosting) []place {
	places := slices.Clone(h.places)
	for i := range places {
		if p := &places[i]; p.ring != "" {
			p.age = a.ageOf(h.writers(i))
			p.serving = a.serving[gazetteer.Partition{Type: t, Index: uint32(i)}]
		}
	}
	return places
}

// dead reports whether a node is known not to answer. By the links that is known only of
// nodes to which one is wanted now: of others nobody would hear that they are back.
func (a *agent) dead(n gazetteer.NodeID) bool {
	if alive, heard := a.alive[n]; heard && slices.Contains(a.wanted, n) {
		return !alive
	}
	return a.plan.Dead(n)
}
