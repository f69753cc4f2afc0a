package agent

import (
	"maps"
	"slices"

	"gazetteer"
	"gazetteer/ring"
)

// typesMax bounds the types that a node opens because somebody mentions them.
const typesMax = 1000

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
		a.configure()
	}
}

// host notes the rings of a type that this node is a member of, if there are any.
func (a *agent) host(t gazetteer.Type) bool {
	rings := a.ringsOf(t)
	if len(rings) > 0 {
		a.hosted[t] = rings
	}
	return len(rings) > 0
}

func (a *agent) ringsOf(t gazetteer.Type) []ring.Ring {
	return slices.DeleteFunc(slices.Clone(a.plan.Rings(t)), func(r ring.Ring) bool {
		return !slices.Contains(r.Members, a.self)
	})
}

// configure gives the core all rings of all types that are hosted here.
func (a *agent) configure() {
	p := ring.Plan{Epoch: a.plan.Epoch(), Stores: a.plan.Stores()}
	for _, t := range slices.Sorted(maps.Keys(a.hosted)) {
		p.Rings = append(p.Rings, a.hosted[t]...)
	}
	a.core.Configure(p)
}
