package agent

import (
	"slices"
	"sync"
	"time"

	"gazetteer"
	"gazetteer/ring"
)

// network carries links between the nodes of a test in memory. It delivers late by a
// fixed delay, in order, and loses what is under way when a link breaks.
type network struct {
	delay, deadAfter time.Duration

	mu       sync.Mutex // guards following
	ends     map[gazetteer.NodeID]*end
	cuts     map[[2]gazetteer.NodeID]bool
	links    map[[2]gazetteer.NodeID]int // session of each open link, by sorted pair
	last     int
	tooYoung time.Duration // by how much a freshness mark was older than it said, at worst
}

func newNetwork() *network {
	return &network{
		delay: time.Millisecond, deadAfter: 200 * time.Millisecond,
		ends: map[gazetteer.NodeID]*end{}, cuts: map[[2]gazetteer.NodeID]bool{}, links: map[[2]gazetteer.NodeID]int{},
	}
}

// end is one node's Links. Its events go to the handler one after the other, each when
// it is due.
type end struct {
	net     *network
	self    gazetteer.NodeID
	handler LinkHandler
	wanted  []gazetteer.NodeID
	events  chan event
	closed  chan struct{}
}

type event struct {
	due  time.Time
	tell func(LinkHandler)
}

// join returns the Links of a node, which is up from its Start to leave.
func (n *network) join(self gazetteer.NodeID) *end {
	return &end{net: n, self: self, events: make(chan event, 1<<16), closed: make(chan struct{})}
}

func (e *end) Start(h LinkHandler) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.handler = h
	e.net.ends[e.self] = e
	go e.deliver()
	e.net.linkLocked()
}

func (e *end) deliver() {
	for {
		select {
		case <-e.closed:
			return
		case v := <-e.events:
			time.Sleep(time.Until(v.due))
			v.tell(e.handler)
		}
	}
}

func (e *end) soon(delay time.Duration, tell func(LinkHandler)) {
	e.events <- event{time.Now().Add(delay), tell}
}

func (e *end) Want(nodes []gazetteer.NodeID) {
	e.net.mu.Lock()
	defer e.net.mu.Unlock()
	e.wanted = slices.Clone(nodes)
	e.net.linkLocked()
	for _, b := range nodes {
		time.AfterFunc(e.net.deadAfter, func() { e.net.maybeDead(e, b) })
	}
}

func (e *end) Send(to gazetteer.NodeID, m ring.Message) {
	n := e.net
	n.mu.Lock()
	defer n.mu.Unlock()
	session, ok := n.links[pair(e.self, to)]
	if !ok {
		return
	}
	n.checkAgeLocked(m)
	m, sent := copyOf(m), time.Now()
	n.ends[to].soon(n.delay, func(h LinkHandler) {
		if n.carried(e, to, session, m) {
			h.Received(e.self, hop(m, time.Since(sent)))
		}
	})
}

// checkAgeLocked compares what a freshness mark says of its age with the wall clock, which
// all nodes of a test share: the mark's stamp says when it was made.
func (n *network) checkAgeLocked(m ring.Message) {
	if f, ok := m.(ring.Fresh); ok {
		made := time.UnixMilli(f.Next.UnixMilli())
		n.tooYoung = max(n.tooYoung, time.Since(made)-f.Age)
	}
}

// carried reports whether a message is still on its link when it arrives, and tells its
// sender if it counts.
func (n *network) carried(from *end, to gazetteer.NodeID, session int, m ring.Message) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.links[pair(from.self, to)] != session {
		return false
	}
	switch m.(type) {
	case ring.Begin, ring.Elements, ring.Mark:
		from.soon(0, func(h LinkHandler) { h.Sent(to, 1) })
	}
	return true
}

// linkLocked opens the links that somebody wants and nothing prevents.
func (n *network) linkLocked() {
	for a, e := range n.ends {
		for _, b := range e.wanted {
			k := pair(a, b)
			if _, open := n.links[k]; open || n.ends[b] == nil || n.cuts[k] {
				continue
			}
			n.last++
			n.links[k] = n.last
			n.linkedLocked(a, b)
			n.linkedLocked(b, a)
		}
	}
}

func (n *network) linkedLocked(a, b gazetteer.NodeID) {
	n.ends[a].soon(n.delay, func(h LinkHandler) { h.Alive(b, true); h.Linked(b) })
}

// breakLocked ends a link; whoever is still there learns it, and after a while that the
// other end does not answer.
func (n *network) breakLocked(a, b gazetteer.NodeID) {
	if _, open := n.links[pair(a, b)]; !open {
		return
	}
	delete(n.links, pair(a, b))
	for _, k := range [][2]gazetteer.NodeID{{a, b}, {b, a}} {
		e, other := n.ends[k[0]], k[1]
		if e == nil {
			continue
		}
		e.soon(0, func(h LinkHandler) { h.Unlinked(other) })
		time.AfterFunc(n.deadAfter, func() { n.maybeDead(e, other) })
	}
}

func (n *network) maybeDead(e *end, other gazetteer.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, open := n.links[pair(e.self, other)]; !open && n.ends[e.self] == e {
		e.soon(0, func(h LinkHandler) { h.Alive(other, false) })
	}
}

// leave takes a node off the network at once, as a crash does.
func (n *network) leave(self gazetteer.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.ends[self]
	delete(n.ends, self)
	close(e.closed)
	for _, k := range n.openLocked() {
		if k[0] == self || k[1] == self {
			n.breakLocked(k[0], k[1])
		}
	}
}

func (n *network) openLocked() (all [][2]gazetteer.NodeID) {
	for k := range n.links {
		all = append(all, k)
	}
	return all
}

// cut breaks the way between two nodes, mend opens it again.
func (n *network) cut(a, b gazetteer.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts[pair(a, b)] = true
	n.breakLocked(a, b)
}

func (n *network) mend(a, b gazetteer.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.cuts, pair(a, b))
	n.linkLocked()
}

func pair(a, b gazetteer.NodeID) [2]gazetteer.NodeID {
	if a > b {
		a, b = b, a
	}
	return [2]gazetteer.NodeID{a, b}
}

// copyOf returns a message that shares no memory with m: between processes it is encoded.
func copyOf(m ring.Message) ring.Message {
	switch m := m.(type) {
	case ring.Hello:
		m.Vector, m.Collected = m.Vector.Clone(), m.Collected.Clone()
		return m
	case ring.Begin:
		m.Snapshot, m.Collected = m.Snapshot.Clone(), m.Collected.Clone()
		return m
	case ring.Elements:
		us, err := ring.DecodeUpdates(ring.AppendUpdates(nil, m.Updates))
		if err != nil {
			panic(err)
		}
		m.Updates = us
		return m
	case ring.Mark:
		m.Vector = m.Vector.Clone()
		return m
	case ring.Report:
		m.Durable = m.Durable.Clone()
		return m
	}
	return m
}
