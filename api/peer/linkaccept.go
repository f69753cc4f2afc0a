package peer

import "gazetteer/pb"

// serve decides on a link that a peer has asked for, and runs it.
func (l *links) serve(st *stream) error {
	if !l.started() {
		err := unsupported("node %s takes no links", l.t.cfg.Node)
		l.t.refuse(st, err)
		return err
	}
	s, answer := l.take(st)
	if s == nil {
		l.t.count.collisions.Add(1)
		l.t.refuse(st, unavailable("peer.Link", named(l.t.cfg.Node), "another connection is the link, or about to become it", nil))
		return nil
	}
	if err := l.t.accept(st, answer); err != nil {
		s.close(err)
	}
	return s.run()
}

// take makes an accepted connection the link to its peer, or returns nil.
func (l *links) take(st *stream) (*session, *pb.LinkHello) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.peerLocked(st.peer.node)
	if p == nil || !p.takesLocked(st) {
		return nil, nil
	}
	if p.trying != nil {
		abort(p.trying)
	}
	if p.session != nil {
		p.session.close(errReplaced)
	}
	p.session = newSession(p, st)
	return p.session, &pb.LinkHello{Attempt: p.attempts, Wants: p.wanted, BeatNanos: uint64(l.t.mono())}
}

// takesLocked is the rule that leaves exactly one connection, see [linkPeer].
func (p *linkPeer) takesLocked(st *stream) bool {
	if s := p.session; s != nil {
		return st.peer.instance != s.st.peer.instance || st.peer.attempt > s.st.peer.attempt
	}
	return p.trying == nil || p.node < p.l.t.cfg.Node
}

// endUnwantedLocked closes the link if neither end wants it.
func (p *linkPeer) endUnwantedLocked() {
	if s := p.session; s != nil && !p.wanted && !s.wants {
		s.close(errUnwanted)
	}
}

// ended forgets a session. If the link is still wanted, it is dialled again soon.
func (p *linkPeer) ended(s *session) {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	if p.session == s {
		p.session = nil
		p.wait = 0
		p.dialAt = p.l.t.mono() + jittered(p.l.t.cfg.RetryMin)
		p.poke()
	}
}
