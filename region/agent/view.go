package agent

import (
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// view is what the loop shows to readers. It never changes: a newer one takes its place,
// so a lookup needs neither the loop nor a lock.
type view struct {
	types map[gazetteer.Type][]place // by partition index
	dead  map[gazetteer.NodeID]bool  // the nodes that are known not to answer
}

// place is one partition as this node has it.
type place struct {
	ring    string // empty: it belongs to a ring of others
	age     *age
	serving ring.Serving
}

// at returns this node's place for a partition, and whether its type was ever heard of.
func (v *view) at(p gazetteer.Partition) (place, bool) {
	places, known := v.types[p.Type]
	if int(p.Index) >= len(places) {
		return place{}, known
	}
	return places[p.Index], true
}

// publish shows the present state to readers.
func (a *agent) publish() {
	v := &view{types: make(map[gazetteer.Type][]place, len(a.hosted)), dead: map[gazetteer.NodeID]bool{}}
	for n := range a.alive {
		v.dead[n] = a.dead(n)
	}
	for t, rings := range a.hosted {
		places := make([]place, a.plan.Partitions())
		for _, r := range rings {
			for _, p := range r.Partitions {
				places[p.Index] = place{ring: r.Name, age: a.ageOf(&r), serving: a.serving[p]}
			}
		}
		v.types[t] = places
	}
	a.view.Store(v)
}

// dead reports whether a node is known not to answer. That is so only of nodes to which a
// link is wanted now: of others nobody would hear that they are back.
func (a *agent) dead(n gazetteer.NodeID) bool {
	alive, heard := a.alive[n]
	return heard && !alive && slices.Contains(a.wanted, n)
}
