package agent

import (
	"gazetteer"
	"gazetteer/ring"
)

// linkRings links this node to other rings of the region over which nothing but freshness
// marks go. Every replica waits for the marks of all stores of the plan, and rings that
// have no partition in common have no other way to hear of each other: without this no
// tombstone would ever be collected. Each ring is linked to the next one of the plan, by
// the first members that the plan does not call dead, so that both ends know of the link.
func (a *agent) linkRings(e edges) {
	var before gazetteer.NodeID
	for _, r := range a.ringsOfAll() {
		at := a.firstPlanned(r.Members)
		if at == "" || at == before {
			continue
		}
		switch a.self {
		case at:
			a.linkTo(e, []gazetteer.NodeID{before}, nil)
		case before:
			a.linkTo(e, []gazetteer.NodeID{at}, nil)
		}
		before = at
	}
}

// ringsOfAll are the rings of all types, those that are kept for types which the plan does
// not name included, in an order that follows from the plan alone.
func (a *agent) ringsOfAll() (out []ring.Ring) {
	out = append(out, a.plan.Rings("")...)
	for _, t := range a.plan.Types() {
		out = append(out, a.plan.Rings(t)...)
	}
	return out
}

// firstPlanned returns the first of some nodes that the plan does not call dead.
func (a *agent) firstPlanned(nodes []gazetteer.NodeID) gazetteer.NodeID {
	for _, n := range nodes {
		if !a.plan.Dead(n) {
			return n
		}
	}
	return ""
}
