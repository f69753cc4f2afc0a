package agent

import (
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// leftover is a partition that this node holds and has to hold no more: it has moved away,
// or another took this node's place, perhaps while it was down. It is handed over to the
// ring that owns it now, then dropped.
type leftover struct {
	owner ring.Ring
	// goal is what this node held when it began to hand over: a majority of the owner's
	// members must hold it, too. Nil until it is known.
	goal gazetteer.Vector
}

// findLeftovers notes what this node holds beside what it hosts.
func (a *agent) findLeftovers() {
	old := a.left
	a.left = map[gazetteer.Partition]*leftover{}
	for t, h := range a.hosted {
		for i := range h.places {
			if p := (gazetteer.Partition{Type: t, Index: uint32(i)}); h.places[i].ring != "" {
				a.held[p] = true
			}
		}
	}
	for p := range a.held {
		if h := a.hosted[p.Type]; h != nil && h.places[p.Index].ring != "" {
			continue
		}
		if l := a.newLeftover(p, old[p]); l != nil {
			a.left[p] = l
		}
	}
}

// newLeftover goes on with an old one if the owner is the same.
func (a *agent) newLeftover(p gazetteer.Partition, old *leftover) *leftover {
	for _, r := range a.plan.Rings(p.Type) {
		if !slices.Contains(r.Partitions, p) {
			continue
		}
		r.Partitions = nil
		l := &leftover{owner: r}
		if old != nil && old.owner.Name == r.Name {
			l.goal = old.goal
		}
		return l
	}
	return nil
}

// handOver adds the rings and links by which leftovers reach their owners.
func (a *agent) handOver(p *ring.Plan, e edges) {
	owners := map[string]ring.Ring{}
	for _, q := range slices.SortedFunc(maps.Keys(a.left), gazetteer.Partition.Compare) {
		r := a.left[q].owner
		r.Partitions = append(owners[r.Name].Partitions, q)
		owners[r.Name] = r
	}
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		p.Rings = append(p.Rings, owners[name])
		a.linkTo(e, owners[name].Members, owners[name].Partitions)
	}
}

// dropHandedOver forgets the leftovers of which a majority of the owner's ring holds all.
func (a *agent) dropHandedOver() {
	var over []gazetteer.Partition
	for p, l := range a.left {
		if !a.core.Holds(p, a.self, nil) {
			continue // the core does not know of it yet
		}
		if l.goal == nil {
			l.goal = append(gazetteer.Vector{}, a.core.Vector(p)...)
		}
		if len(l.goal) == 0 || a.holders(p, l.owner.Members, l.goal) >= majority(l.owner.Members) {
			over = append(over, p)
		}
	}
	if over != nil {
		a.drop(over)
	}
}

// drop makes this node hold leftovers no more.
func (a *agent) drop(ps []gazetteer.Partition) {
	for _, p := range ps {
		delete(a.left, p)
		delete(a.held, p)
	}
	a.configure()
	slices.SortFunc(ps, gazetteer.Partition.Compare)
	for _, p := range ps {
		a.core.Drop(p)
	}
}

// holders counts the nodes that hold all that a vector covers.
func (a *agent) holders(p gazetteer.Partition, nodes []gazetteer.NodeID, v gazetteer.Vector) (n int) {
	for _, m := range nodes {
		if a.core.Holds(p, m, v) {
			n++
		}
	}
	return n
}

func majority(members []gazetteer.NodeID) int { return len(members)/2 + 1 }
