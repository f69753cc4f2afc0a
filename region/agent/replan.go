package agent

import (
	"slices"
	"sync"

	"gazetteer"
	"gazetteer/region"
	"gazetteer/ring"
)

// Planet is what lies beyond the region, as far as a node's replicas are concerned.
type Planet struct {
	// Epoch stands for Stores: equal sets have equal epochs.
	Epoch uint64
	// Stores are those of all replicas of all regions, own ones included; nil: the
	// region is alone.
	Stores []gazetteer.StoreID
	// Edges are the links of this node to replicas of other regions.
	Edges []ring.Edge
	// Tree is the installed tree of regions; without an ID nothing is known of it.
	Tree ring.Tree
}

// Alone is the planet of a region that no other one can join: its tree is the region.
func Alone() Planet { return Planet{Tree: ring.Tree{ID: 1}} }

// Replan makes the node follow a newer plan; an older one is ignored. When it returns, no
// server of this node answers by the older plan any more: the node uses the new one, and
// may say so. While the disk is full that takes until there is room.
func (n *Node) Replan(p region.Plan) {
	if s, ok := n.tiers[region.RoleCluster].(*region.ClusterServer); ok {
		s.Replan(p)
	}
	if n.regional != nil {
		n.regional.Replan(p)
	}
	if n.types != nil && n.types != n.regional {
		n.types.Replan(p)
	}
	if n.agent != nil {
		n.agent.tell(func(a *agent) { a.replan(p) })
	}
}

// SetPlanet tells what lies beyond the region. It takes the place of what was said before.
func (n *Node) SetPlanet(p Planet) {
	if n.agent != nil {
		n.agent.tell(func(a *agent) { a.setPlanet(p) })
	}
}

// Hosted returns the types of which this node holds partitions, in ascending order, and a
// channel that is closed when it comes to hold others.
func (n *Node) Hosted() ([]gazetteer.Type, <-chan struct{}) {
	if n.agent == nil {
		return nil, make(chan struct{})
	}
	return n.agent.shelf.get()
}

// news is something that the loop is told, and of which the teller wants to know when it
// has taken effect.
type news struct {
	tell func(*agent)
	done chan struct{}
}

func (n news) apply(a *agent, b *batch) {
	n.tell(a)
	a.told = append(a.told, n.done)
}

// tell has the loop do something, and returns when the loop has performed what follows
// from it, or has ended.
func (a *agent) tell(what func(*agent)) {
	n := news{what, make(chan struct{})}
	if !a.put(n) {
		return
	}
	select {
	case <-n.done:
	case <-a.done:
	}
}

// replan hosts what a newer plan says. A type of which it leaves nothing here stays known:
// a later plan may bring it back.
func (a *agent) replan(p region.Plan) {
	if p.Epoch() <= a.plan.Epoch() {
		return
	}
	if revives(a.plan, p) {
		a.revived = p.Epoch()
	}
	a.plan = p
	for _, t := range p.Types() {
		a.types[t] = true
	}
	clear(a.hosted)
	for t := range a.types {
		a.host(t)
	}
	a.rehosted()
}

func (a *agent) setPlanet(p Planet) {
	a.planet, a.toldBeyond = p, true
	a.rehosted()
}

// rehosted tells the core, and shows, that all may have changed.
func (a *agent) rehosted() {
	clear(a.ages)
	a.findMoves()
	a.findLeftovers()
	a.configure()
	a.publish()
}

// lookAround finds out, at the pace of the tick, what may be let go by now. It is called
// when a Ready has been performed: what the core says is durable.
func (a *agent) lookAround() {
	if len(a.moves)+len(a.left) == 0 || a.now.Mono-a.looked < tickEvery {
		return
	}
	a.looked = a.now.Mono
	a.dropHandedOver()
	a.moveOn()
}

// shelf shows which types are hosted.
type shelf struct {
	mu      sync.Mutex // guards following
	types   []gazetteer.Type
	changed chan struct{}
}

func (s *shelf) put(types []gazetteer.Type) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(s.types, types) {
		return
	}
	s.types = types
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

func (s *shelf) get() ([]gazetteer.Type, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.types, s.changed
}
