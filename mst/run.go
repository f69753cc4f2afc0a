package mst

import (
	"maps"
	"slices"
	"time"

	"gazetteer"
)

// Run is what a region has to know to take part in an epoch. It is frozen: agreed by
// all before any of them begins.
type Run struct {
	Epoch   Epoch
	Regions int    // how many take part
	Edges   []Edge // of this region
	// Deadline is after what time the run is given up; 0 takes [DeadlineFor] Regions.
	Deadline time.Duration
}

// Tree is the result of a run, as one region of it knows it.
type Tree struct {
	Epoch    Epoch
	Branches []Edge // this region's edges of the tree, lightest first
	// Regions is how many regions the tree reaches. When it is less than those that
	// took part, the graph was not connected: this is the tree of one part.
	Regions int
	Weight  uint64 // sum of the costs
}

// DeadlineFor returns after what time a run of so many regions is given up: four times
// what it takes over real delays (7.0 s for 32 regions, less for fewer), at least 5 s.
// The proven bound, 168 s for 32, would be no help.
func DeadlineFor(regions int) time.Duration {
	const each = 220 * time.Millisecond
	return max(5*time.Second, 4*each*time.Duration(regions))
}

// run is one epoch under way: the node, a link for each of its edges, and the tally.
type run struct {
	self      gazetteer.RegionID
	epoch     Epoch
	node      *Node
	links     map[gazetteer.RegionID]*Link
	peers     []gazetteer.RegionID // sorted
	tally     *tally
	installed bool
	broken    error // why it cannot end any more
}

func newRun(self gazetteer.RegionID, r Run, resendAfter time.Duration) (*run, error) {
	node, err := NewNode(self, r.Edges)
	if err != nil {
		return nil, err
	}
	out := &run{self: self, epoch: r.Epoch, node: node, links: map[gazetteer.RegionID]*Link{}}
	for _, e := range r.Edges {
		out.links[e.To] = NewLink(r.Epoch, e.Cost, resendAfter)
	}
	out.peers = slices.Sorted(maps.Keys(out.links))
	return out, nil
}

// receive hands what a frame completes to the node or the tally. A frame that the link
// refuses changes nothing, but two costs of one edge break the run; so does a message
// that the node refuses: its place in the sequence is used up.
func (r *run) receive(from gazetteer.RegionID, f Frame) error {
	l := r.links[from]
	if l == nil {
		return fail("mst.Member.Step", gazetteer.Invalid, "a frame of epoch %v from %q, to which there is no edge", f.Epoch, from)
	}
	messages, err := l.Receive(f)
	if gazetteer.KindOf(err) == gazetteer.Conflict {
		r.broken = err
	}
	for _, m := range messages {
		if err = r.step(from, m); err != nil {
			r.broken = err
			break
		}
	}
	return err
}

func (r *run) step(from gazetteer.RegionID, m Message) error {
	if m.Kind() < PaperKinds {
		return r.node.Step(from, m)
	}
	return r.end(from, m)
}

// end takes the messages that end a run. A node that gets Done has reported that no edge
// leads out of its fragment: its branches are the tree's.
func (r *run) end(from gazetteer.RegionID, m Message) (err error) {
	switch done := m.Kind() == KindDone; {
	case r.tally != nil:
		err = r.tally.step(from, m)
	case done && r.node.complete(from):
		r.tally = newTally(r.node.Branches(), from)
	default:
		err = errNotOwing
	}
	if err != nil {
		return fail("mst.Member.Step", gazetteer.Invalid, "%v from %q: %v", m, from, err)
	}
	return nil
}

// settle sends what node and tally have to send. The lower core node begins the end.
func (r *run) settle() {
	if r.tally == nil && r.node.halted && r.node.lower(r.self) {
		r.tally = newTally(r.node.Branches(), "")
	}
	out := r.node.Ready()
	if r.tally != nil {
		out = append(out, r.tally.ready()...)
	}
	for _, e := range out {
		if err := r.links[e.To].Send(e.Message); err != nil {
			r.broken = err
		}
	}
}

// tree returns the result once, when it is known.
func (r *run) tree() *Tree {
	if r.installed || r.tally == nil || r.tally.sum == nil {
		return nil
	}
	r.installed = true
	return &Tree{r.epoch, r.tally.branches, r.tally.sum.Regions, r.tally.sum.Weight}
}

// due returns when a Tick is needed next, if at all.
func (r *run) due() (at time.Duration, ok bool) {
	for _, p := range r.peers {
		if due, is := r.links[p].Due(); is && (!ok || due < at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// complete reports whether the tree stands as far as this node can tell, and comes from
// the direction of the core.
func (n *Node) complete(from gazetteer.RegionID) bool {
	return n.sn == Found && n.inBranch != nil && n.inBranch.to == from && n.lightestBasic() == nil
}

// lower reports whether this is the core node with the lower name.
func (n *Node) lower(self gazetteer.RegionID) bool {
	return n.inBranch == nil || self < n.inBranch.to
}
