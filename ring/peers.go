package ring

import (
	"maps"
	"slices"
	"time"

	"gazetteer"
)

// peer is what this node knows of another one, linked or not.
type peer struct {
	id      gazetteer.NodeID
	known   bool // the driver has said something about it
	alive   bool
	changed time.Duration // when alive last changed
	link    *link
	// next is the peer's own word about its next stamp, at nextAt; 0 while it has no link.
	next   gazetteer.Clock
	nextAt time.Duration
	// resumes holds, by partition, how far a scan from it came when its link broke.
	resumes map[gazetteer.Partition]resume
}

type resume struct {
	incarnation uint64
	Resume
}

// ringView is a ring as one of its members sees it.
type ringView struct {
	ring   *Ring
	self   int // index of this node in Members, -1 if it is not one
	others []gazetteer.NodeID
}

func newRingView(self gazetteer.NodeID, g *Ring) *ringView {
	v := &ringView{ring: g, self: slices.Index(g.Members, self)}
	for _, n := range g.Members {
		if n != self {
			v.others = append(v.others, n)
		}
	}
	return v
}

// own is this node's part of a majority: none if it only hands over to the ring.
func (v *ringView) own() int {
	if v.self < 0 {
		return 0
	}
	return 1
}

// majority is how many of the configured members make a write acknowledged.
func (v *ringView) majority() int { return len(v.ring.Members)/2 + 1 }

// has reports whether a store is that of a member.
func (v *ringView) has(s gazetteer.StoreID) bool {
	return slices.ContainsFunc(v.ring.Members, func(n gazetteer.NodeID) bool { return n.Store() == s })
}

// relays is how often a report must be relayed so that a majority can be counted: the
// neighbours' own reports reach three members, each relaying two more.
func (v *ringView) relays() uint32 { return uint32(max(0, v.majority()-2) / 2) }

func (r *Replica) peer(n gazetteer.NodeID) *peer {
	p := r.peers[n]
	if p == nil {
		p = &peer{id: n, changed: r.now.Mono, resumes: map[gazetteer.Partition]resume{}}
		r.peers[n] = p
	}
	return p
}

// Alive tells whether a node answers, as the driver sees it.
func (r *Replica) Alive(n gazetteer.NodeID, alive bool) {
	p := r.peer(n)
	if p.known && p.alive == alive {
		return
	}
	p.known, p.alive, p.changed = true, alive, r.now.Mono
	r.servingDirty, r.peersDirty = true, true
	if !r.mate(n) {
		return // who wants what of whom depends on ring mates alone
	}
	for _, m := range r.order {
		r.countMates(m)
	}
	r.relink()
}

// mate reports whether a node is in a ring with this one.
func (r *Replica) mate(n gazetteer.NodeID) bool {
	return slices.ContainsFunc(r.plan.Rings, func(g Ring) bool { return slices.Contains(g.Members, n) })
}

// countMates sets since when a mirror has no live ring mate.
func (r *Replica) countMates(m *mirror) {
	for _, n := range m.ring.others {
		if r.peer(n).alive {
			m.aloneSince = -1
			return
		}
	}
	if m.aloneSince < 0 {
		m.aloneSince = r.now.Mono
	}
}

// neighbours returns the ring members to keep a link to: in both directions the
// nearest that is not known to be dead, and the dead up to it, so that their return is
// noticed.
func (r *Replica) neighbours(v *ringView) (live, tried []gazetteer.NodeID) {
	n := len(v.ring.Members)
	if v.self < 0 || n < 2 {
		return nil, nil
	}
	for _, step := range [...]int{1, n - 1} {
		for i := (v.self + step) % n; i != v.self; i = (i + step) % n {
			m := v.ring.Members[i]
			tried = append(tried, m)
			if p := r.peer(m); !p.known || p.alive {
				live = append(live, m)
				break
			}
		}
	}
	return live, tried
}

// wants returns the partitions this node wants to feed on over a link to n. The next call
// takes the map again.
func (r *Replica) wants(n gazetteer.NodeID) map[gazetteer.Partition]bool {
	want := r.want
	clear(want)
	for i := range r.plan.Rings {
		g := &r.plan.Rings[i]
		v := newRingView(r.cfg.Self, g)
		live, _ := r.neighbours(v)
		if slices.Contains(live, n) || r.compare == n && slices.Contains(v.others, n) {
			for _, p := range g.Partitions {
				want[p] = true
			}
		}
	}
	for _, m := range r.order {
		if slices.Contains(m.edges, n) {
			want[m.partition] = true
		}
	}
	return want
}

// wantedPeers returns all nodes to keep a link to, sorted.
func (r *Replica) wantedPeers() []gazetteer.NodeID {
	set := map[gazetteer.NodeID]bool{}
	for i := range r.plan.Rings {
		_, tried := r.neighbours(newRingView(r.cfg.Self, &r.plan.Rings[i]))
		for _, n := range tried {
			set[n] = true
		}
	}
	for _, e := range r.plan.Edges {
		set[e.Peer] = true
	}
	if r.compare != "" {
		set[r.compare] = true
	}
	delete(set, r.cfg.Self)
	return slices.Sorted(maps.Keys(set))
}

// relink makes the feeds of all open links what the plan and the liveness view ask for.
func (r *Replica) relink() {
	for _, l := range r.links {
		if l.watcher {
			continue
		}
		want := r.wants(l.peer.id)
		r.wantOn(l, want)
		r.leave(l, want)
	}
}

// wantOn tells the peer of a link that has greeted already what is newly wanted from it. It
// asks for the Hello; a bare one would look like an answer to something that crossed it.
// It subscribes to what the peer wants, if the plan has the peer now.
func (r *Replica) wantOn(l *link, want map[gazetteer.Partition]bool) {
	g := r.greet()
	for _, m := range r.order {
		if !want[m.partition] {
			if f := l.feeds[m.partition]; f != nil && f.in.state == inNone && f.out.session > 0 && !f.quit {
				r.sendHello(f)
			}
			continue
		}
		f := r.feed(l, m)
		if f.in.state == inNone || !f.wanted && f.out.phase == outIdle {
			g.Digests = append(g.Digests, Digest{Partition: m.partition})
		}
		f.wanted, f.quit = true, false
	}
	if g.Digests != nil {
		r.batch.after(l.peer.id, g)
	}
}

// leave ends the subscriptions that this node alone wanted and wants no more, and those
// to peers that have left the plan.
func (r *Replica) leave(l *link, want map[gazetteer.Partition]bool) {
	var left []gazetteer.Partition
	for _, f := range slices.Clone(l.order) {
		switch {
		case f.wanted && !want[f.m.partition]:
			f.wanted, f.quit = false, true
		case f.in.state == inNone || r.takes(f):
			continue
		}
		left = append(left, f.m.partition)
		r.unsubscribe(f)
	}
	if left != nil { // behind the Greet that it takes back
		r.batch.after(l.peer.id, Leave{Partitions: left})
	}
}

// compareWithAnother links for one period to a random ring member beyond the
// neighbours: what a broken neighbour view hides, this heals.
func (r *Replica) compareWithAnother() {
	r.compare = ""
	var far []gazetteer.NodeID
	for i := range r.plan.Rings {
		v := newRingView(r.cfg.Self, &r.plan.Rings[i])
		live, _ := r.neighbours(v)
		for _, n := range v.others {
			if p := r.peer(n); !slices.Contains(live, n) && (!p.known || p.alive) && !slices.Contains(far, n) {
				far = append(far, n)
			}
		}
	}
	if len(far) > 0 {
		r.compare = far[r.cfg.Rand.IntN(len(far))]
	}
	r.relink()
	r.peersDirty = true
}

// compared ends a comparison once nothing is missing in either direction.
func (r *Replica) compared(l *link) {
	if r.compare != l.peer.id {
		return
	}
	for _, f := range l.order {
		if f.in.state != inLive || f.out.phase != outLive && !f.out.left {
			return
		}
	}
	r.compare = ""
	r.relink()
	r.peersDirty = true
}
