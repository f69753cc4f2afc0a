package ring

import (
	"slices"

	"gazetteer"
)

// How a write comes to be known as durable in every region (AckRegions). The tree parts the
// planet at each of its edges, so a minimum over what lies behind an edge can travel over
// it: a relay tells each branch what a majority of its own ring holds and all its other
// branches have told, and its ring mates what that is of all branches. No request is needed,
// these are consequences of the reports.
//
// Invariant: what is told over an edge under a tree was durable, at some moment, on a
// majority of the ring of every region on the teller's side of that edge of that tree. A
// message names its tree, and counts only where the same one is installed: under another one
// the same edge parts the planet elsewhere. That a position was durable somewhere does not
// become untrue, so nothing is taken back when links, relays and processes come and go.

// Tree is the installed tree as one region knows it.
type Tree struct {
	// ID names the tree: equal trees have equal ones. 0: none is known, and nothing can be
	// said of every region.
	ID uint64
	// Branches are the regions at the other ends of this region's edges, each once.
	Branches []gazetteer.RegionID
	// Cut says that some region of the tree does not answer: who waits for all of them is
	// told at once that it is in vain.
	Cut bool
}

// Reach says up to where updates are durable in every region on the sender's side of a
// branch, or with All, between ring mates, in every region of the tree. It holds the
// entries that have risen.
type Reach struct {
	Partition gazetteer.Partition
	Tree      uint64
	All       bool
	Durable   gazetteer.Vector
}

func (Reach) message() {}

// reach is what was told under one tree.
type reach struct {
	tree   uint64
	vector gazetteer.Vector
}

// reaches is what was told under the installed tree, and under the one that the teller has
// installed before us.
type reaches struct{ now, next reach }

// merge takes what was told, and reports whether it is of the installed tree.
func (h *reaches) merge(installed uint64, m *Reach) bool {
	at := &h.now
	if m.Tree != installed {
		at = &h.next
	}
	if at.tree != m.Tree {
		*at = reach{tree: m.Tree}
	}
	at.vector = at.vector.Merge(m.Durable)
	return m.Tree == installed
}

// turn goes over to another tree.
func (h *reaches) turn(tree uint64) {
	if h.now.tree == tree {
		return
	}
	h.now = reach{tree: tree}
	if h.next.tree == tree {
		h.now = h.next
	}
	h.next = reach{}
}

// at returns what is known of an origin under a tree.
func (h *reaches) at(tree uint64, o gazetteer.Origin) uint64 {
	if h.now.tree != tree {
		return 0
	}
	return h.now.vector.At(o)
}

// stirred are the origins of which something has become durable somewhere.
type stirred struct {
	listed  bool
	all     bool
	origins []gazetteer.Origin
}

// stirredMax bounds what is listed; beyond it everything is looked at.
const stirredMax = 64

// reaching reports whether there is anybody to tell.
func (r *Replica) reaching() bool { return r.plan.Tree.ID != 0 && len(r.plan.Tree.Branches) > 0 }

// stir notes that more of a vector is durable somewhere.
func (r *Replica) stir(m *mirror, v gazetteer.Vector) {
	if !r.reaching() {
		return
	}
	r.list(m)
	for _, p := range v {
		if !m.stirred.all && !slices.Contains(m.stirred.origins, p.Origin) {
			m.stirred.origins = append(m.stirred.origins, p.Origin)
		}
		m.stirred.all = m.stirred.all || len(m.stirred.origins) > stirredMax
	}
}

func (r *Replica) stirAll(m *mirror) {
	if r.reaching() {
		r.list(m)
		m.stirred.all = true
	}
}

func (r *Replica) list(m *mirror) {
	if !m.stirred.listed {
		m.stirred.listed = true
		r.stirred = append(r.stirred, m)
	}
}

// tellReach tells branches and ring mates what follows from what has become durable. It
// goes out after Save: what this mirror holds is durable then.
func (r *Replica) tellReach() {
	for _, m := range r.stirred {
		if r.mirrors[m.partition] == m && r.reaching() {
			r.tellOf(m, m.stirredOrigins())
		}
		m.stirred = stirred{origins: m.stirred.origins[:0]}
	}
	r.stirred = r.stirred[:0]
}

func (m *mirror) stirredOrigins() []gazetteer.Origin {
	if !m.stirred.all {
		return m.stirred.origins
	}
	var all []gazetteer.Origin
	for _, p := range m.vector {
		all = append(all, p.Origin)
	}
	return all
}

func (r *Replica) tellOf(m *mirror, os []gazetteer.Origin) {
	for i, n := range m.edges {
		if b := m.far[i]; slices.Contains(r.plan.Tree.Branches, b) {
			r.tellBranch(m, n, b, os)
		}
	}
	var news gazetteer.Vector
	for _, o := range os {
		if p := (gazetteer.Position{Origin: o, Seq: r.behind(m, "", o)}); m.ring.has(o.Store) && p.Seq > m.all.at(r.plan.Tree.ID, o) {
			news = news.Raise(p)
		}
	}
	r.reachedAll(m, nil, news)
}

// tellBranch tells the relay of a branch what is durable on this side of it. What this
// region's own origins wrote nobody there waits for.
func (r *Replica) tellBranch(m *mirror, n gazetteer.NodeID, b gazetteer.RegionID, os []gazetteer.Origin) {
	f := m.feedTo(n)
	if f == nil || f.out.session == 0 {
		return
	}
	var news gazetteer.Vector
	for _, o := range os {
		if p := (gazetteer.Position{Origin: o, Seq: r.behind(m, b, o)}); !m.ring.has(o.Store) && p.Seq > f.out.reach.At(o) {
			news = news.Raise(p)
		}
	}
	if news != nil {
		f.out.reach = f.out.reach.Merge(news)
		r.batch.after(n, Reach{Partition: m.partition, Tree: r.plan.Tree.ID, Durable: news})
	}
}

// behind is up to where an origin's updates are durable in this region and behind all of
// its branches but one.
func (r *Replica) behind(m *mirror, except gazetteer.RegionID, o gazetteer.Origin) uint64 {
	least := r.inRing(m, o)
	for _, b := range r.plan.Tree.Branches {
		if b != except && least > 0 {
			least = min(least, r.toldBy(m, b, o))
		}
	}
	return least
}

// toldBy is what a branch has told of an origin: nothing while no relay of it is linked.
func (r *Replica) toldBy(m *mirror, b gazetteer.RegionID, o gazetteer.Origin) (most uint64) {
	for i, n := range m.edges {
		if f := m.feedTo(n); f != nil && m.far[i] == b {
			most = max(most, f.told.at(r.plan.Tree.ID, o))
		}
	}
	return most
}

// inRing is up to where a majority of the ring's configured members hold an origin's
// updates durably.
func (r *Replica) inRing(m *mirror, o gazetteer.Origin) uint64 {
	var few [8]uint64
	held := few[:0]
	if m.ring.own() > 0 {
		held = append(held, m.vector.At(o))
	}
	for _, n := range m.ring.others {
		at := m.heard[n].At(o)
		if f := m.feedTo(n); f != nil {
			at = max(at, f.out.acked.At(o))
		}
		held = append(held, at)
	}
	slices.Sort(held)
	if k := len(held) - m.ring.majority(); k >= 0 {
		return held[k]
	}
	return 0
}

// stepReach takes what a branch or a ring mate tells.
func (r *Replica) stepReach(l *link, x Reach) {
	f := l.feeds[x.Partition]
	switch {
	case f == nil || x.Tree == 0:
	case !x.All:
		if f.told.merge(r.plan.Tree.ID, &x) {
			r.stir(f.m, x.Durable)
		}
	case x.Tree == r.plan.Tree.ID:
		r.reachedAll(f.m, f, x.Durable.Above(f.m.all.now.vector))
	default:
		f.m.all.merge(r.plan.Tree.ID, &x)
	}
}

// reachedAll notes what is durable in every region, and passes on what concerns others.
func (r *Replica) reachedAll(m *mirror, from *feed, news gazetteer.Vector) {
	if len(news) == 0 {
		return
	}
	m.all.merge(r.plan.Tree.ID, &Reach{Tree: r.plan.Tree.ID, Durable: news})
	for _, n := range m.ring.others {
		if f := m.feedTo(n); f != nil && f != from {
			r.tellMate(f, news)
		}
	}
}

// tellMate tells a ring mate of its own writes, and of those of mates that only it may be
// linked to.
func (r *Replica) tellMate(f *feed, news gazetteer.Vector) {
	var its gazetteer.Vector
	for _, p := range news {
		own := p.Origin.Store == r.origin.Store
		if p.Origin.Store == f.link.peer.id.Store() || !own && !f.m.linkedTo(p.Origin.Store) {
			its = append(its, p)
		}
	}
	if its != nil {
		r.batch.after(f.link.peer.id, Reach{Partition: f.m.partition, Tree: r.plan.Tree.ID, All: true, Durable: its})
	}
}

func (m *mirror) linkedTo(s gazetteer.StoreID) bool {
	return slices.ContainsFunc(m.feeds, func(f *feed) bool { return f.link.peer.id.Store() == s })
}

// subscribed tells a peer that begins to take a feed all that it may not have been told.
func (r *Replica) subscribed(f *feed) {
	r.stirAll(f.m)
	if slices.Contains(f.m.ring.others, f.link.peer.id) && f.m.all.now.tree == r.plan.Tree.ID {
		r.tellMate(f, f.m.all.now.vector)
	}
}

// replant goes over to the plan's tree: what was told under another one counts no more.
func (r *Replica) replant(before uint64) {
	for _, m := range r.order {
		m.all.turn(r.plan.Tree.ID)
		for _, f := range m.feeds {
			f.told.turn(r.plan.Tree.ID)
			if before != r.plan.Tree.ID {
				f.out.reach = nil
				r.subscribed(f)
			}
		}
		r.stirAll(m)
	}
}

// everywhere reports whether a write that a majority of its own ring holds is known to be
// so in every other region of the tree.
func (r *Replica) everywhere(w *waiter) bool {
	t := &r.plan.Tree
	return t.ID != 0 && (len(t.Branches) == 0 || w.m.all.at(t.ID, w.position.Origin) >= w.position.Seq)
}

// heardMore keeps a relayed report for the relay of a branch.
func (r *Replica) heardMore(m *mirror, rep *Report) {
	if !r.reaching() {
		return
	}
	if m.heard == nil {
		m.heard = map[gazetteer.NodeID]gazetteer.Vector{}
	}
	m.heard[rep.By] = m.heard[rep.By].Merge(rep.Durable)
	r.stir(m, rep.Durable)
}
