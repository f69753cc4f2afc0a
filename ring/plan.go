package ring

import (
	"slices"

	"gazetteer"
)

// Plan says what this node hosts and whom it links to. It changes as a whole.
type Plan struct {
	// Epoch counts the plans that the planet agrees on: the stable stamp is used only
	// among replicas that reckon with the same one.
	Epoch uint64
	// Stores are the stores of the whole planet whose completeness the stable stamp
	// waits for. A store that leaves it has ended, with all its origins.
	Stores []gazetteer.StoreID
	// Rings hold what this node hosts, also rings of others to whom it hands over what it
	// still holds of theirs. A partition may be in several: it is linked in all of them,
	// and the last one's members make its writes acknowledged.
	Rings []Ring
	Edges []Edge
	// Tree is the one of regions, for writes that wait for all of them.
	Tree Tree
}

// Ring is one shard of a cluster: mirrors in ring order, and what they own.
type Ring struct {
	Name       string
	Members    []gazetteer.NodeID
	Partitions []gazetteer.Partition
}

// Edge is a link beyond the ring: to a relay of a neighbour region, or between the old
// and the new owner of partitions. One without partitions carries freshness marks alone:
// the stable stamp waits for all stores of the plan, so the links of the planet, those
// inside rings included, must make one whole of it.
type Edge struct {
	Peer       gazetteer.NodeID
	Region     gazetteer.RegionID // of the peer; empty: this node's own
	Partitions []gazetteer.Partition
}

// Configure takes a new plan. Partitions that are no longer in it are kept by the store
// but answered for no more.
func (r *Replica) Configure(p Plan) {
	before := r.plan.Tree.ID
	r.plan = p
	clear(r.planned)
	for _, s := range p.Stores {
		r.planned[s] = true
	}
	hosted := map[gazetteer.Partition]*ringView{}
	for i := range p.Rings {
		v := newRingView(r.cfg.Self, &p.Rings[i])
		for _, part := range p.Rings[i].Partitions {
			hosted[part] = v
		}
		for _, n := range v.others {
			r.peer(n)
		}
	}
	for _, e := range p.Edges {
		r.peer(e.Peer)
	}
	r.host(hosted)
	r.plannedEdges()
	r.relink()
	r.replant(before)
	r.maybeFound()
	r.findStable()
	r.servingDirty, r.peersDirty = true, true
}

func (r *Replica) host(hosted map[gazetteer.Partition]*ringView) {
	for _, m := range r.order {
		if hosted[m.partition] == nil {
			r.unhost(m)
		}
	}
	var fresh []gazetteer.Partition
	for p, v := range hosted {
		m := r.mirrors[p]
		if m == nil {
			m = newMirror(p, r.cfg.State.Partitions[p])
			m.aloneSince = r.now.Mono
			m.least = r.rejoin(p)
			r.mirrors[p] = m
			fresh = append(fresh, p)
		}
		if m.ring != nil && len(m.ring.others) == 0 && m.filled {
			m.marked = true // it was the whole ring: nobody knows more
		}
		m.ring = v
		r.countMates(m)
		for _, f := range m.feeds {
			if f.in.confirmed {
				r.evidence(f)
			}
		}
	}
	r.order = r.order[:0]
	for _, m := range r.mirrors {
		r.order = append(r.order, m)
	}
	slices.SortFunc(r.order, func(a, b *mirror) int { return a.partition.Compare(b.partition) })
	r.invite(fresh)
	if fresh != nil {
		r.recount()
	}
}

// invite asks the peers that are linked already for the Hellos that went unheard while
// these partitions were not hosted.
func (r *Replica) invite(ps []gazetteer.Partition) {
	if len(ps) == 0 {
		return
	}
	slices.SortFunc(ps, gazetteer.Partition.Compare)
	for _, l := range r.links {
		r.control(l, Ask{Partitions: ps})
	}
}

// parted is what this origin has written of a partition that it hosts no more. Its
// freshness marks go on naming it: nobody is complete from this origin without it.
type parted struct {
	PartitionSeq
	told bool
}

// rejoin takes a partition out of what was parted with, and returns up to where this
// origin has written there: if it was dropped meanwhile, the vector has to come up to
// there again before another write, or a position would stand for two contents.
func (r *Replica) rejoin(p gazetteer.Partition) uint64 {
	i := slices.IndexFunc(r.parted, func(q parted) bool { return q.Partition == p })
	if i < 0 {
		return 0
	}
	least := r.parted[i].Seq
	r.parted = slices.Delete(r.parted, i, i+1)
	return least
}

// unhost forgets a partition; its last state goes back to where host looks for it.
func (r *Replica) unhost(m *mirror) {
	if seq := r.written(m); seq > 0 {
		r.parted = append(r.parted, parted{PartitionSeq{m.partition, seq}, seq == m.told})
	}
	for _, f := range slices.Clone(m.feeds) {
		if f.link.watcher {
			r.control(f.link, Leave{Partitions: []gazetteer.Partition{m.partition}})
		}
		r.endFeed(f)
	}
	r.cfg.State.Partitions = withState(r.cfg.State.Partitions, m)
	delete(r.mirrors, m.partition)
}

// written returns the last position that this origin has given in a partition.
func (r *Replica) written(m *mirror) uint64 { return max(m.vector.At(r.origin), m.least) }

func withState(all map[gazetteer.Partition]PartitionState, m *mirror) map[gazetteer.Partition]PartitionState {
	if all == nil {
		all = map[gazetteer.Partition]PartitionState{}
	}
	all[m.partition] = PartitionState{m.filled, m.vector, m.collected, m.collectedClock}
	return all
}

func (r *Replica) plannedEdges() {
	for _, m := range r.order {
		m.edges, m.far = m.edges[:0], m.far[:0]
	}
	for _, e := range r.plan.Edges {
		for _, p := range e.Partitions {
			if m := r.mirrors[p]; m != nil && e.Peer != r.cfg.Self {
				m.edges, m.far = append(m.edges, e.Peer), append(m.far, e.Region)
			}
		}
	}
}
