package peer

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region/agent"
	"gazetteer/ring"
)

var (
	errReplaced = errors.New("the peer made a new connection")
	errUnwanted = errors.New("neither end wants the link any more")
)

// links keeps one link to each wanted node. Both ends may dial. One mutex guards the
// state of all peers: it changes when links come and go, not when they carry messages.
type links struct {
	t *Transport
	h atomic.Pointer[agent.LinkHandler]

	mu    sync.Mutex
	peers map[gazetteer.NodeID]*linkPeer
}

func (l *links) init(t *Transport) {
	l.t, l.peers = t, map[gazetteer.NodeID]*linkPeer{}
}

func (l *links) started() bool { return l.h.Load() != nil }

func (l *links) handler() agent.LinkHandler { return *l.h.Load() }

// Start implements agent.Links. Before it no link is made or taken.
func (t *Transport) Start(h agent.LinkHandler) {
	t.links.h.Store(&h)
	t.links.mu.Lock()
	defer t.links.mu.Unlock()
	for _, p := range t.links.peers {
		p.heard.Store(int64(t.mono()))
		p.poke()
	}
}

// Want implements agent.Links.
func (t *Transport) Want(nodes []gazetteer.NodeID) {
	l := &t.links
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range nodes {
		if n != t.cfg.Node {
			l.wantLocked(n, true)
		}
	}
	for n := range l.peers {
		if !slices.Contains(nodes, n) {
			l.wantLocked(n, false)
		}
	}
}

// Send implements agent.Links. The message must not be changed afterwards. A link opens
// with a Greet: before it nothing is received, and what belongs to a feed's session is
// dropped, since it was meant for the link before.
func (t *Transport) Send(to gazetteer.NodeID, m ring.Message) {
	l := &t.links
	l.mu.Lock()
	var s *session
	if p := l.peers[to]; p != nil {
		s = p.session
	}
	l.mu.Unlock()
	if s != nil {
		s.send(m)
	}
}

func (l *links) wantLocked(n gazetteer.NodeID, wanted bool) {
	p := l.peerLocked(n)
	if p == nil || p.wanted == wanted {
		return
	}
	p.wanted = wanted
	if s := p.session; s != nil {
		s.note(linkWant, &pb.Want{Wants: wanted})
		p.endUnwantedLocked()
	} else if wanted {
		p.heard.Store(int64(l.t.mono())) // it has the dead time to answer
		p.wait, p.dialAt = 0, 0
	}
	p.poke()
}

// peerLocked returns what is known of a node, which begins now if it was nothing. It is
// nil when the transport is closed.
func (l *links) peerLocked(n gazetteer.NodeID) *linkPeer {
	p := l.peers[n]
	if p != nil {
		return p
	}
	p = &linkPeer{l: l, node: n, poked: make(chan struct{}, 1)}
	p.heard.Store(int64(l.t.mono()))
	if !l.t.spawn(p.supervise) {
		return nil
	}
	l.peers[n] = p
	return p
}
