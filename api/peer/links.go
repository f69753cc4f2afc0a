package peer

import (
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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

// linkPeer is a node that a link is wanted to, or that has a link to us.
//
// Of the connections that both ends may make at the same time exactly one becomes the
// link. The dialer of the smaller name has precedence: it refuses the other's hello from
// when it has sent its own until that is answered; the other drops its own attempt when
// the hello arrives. Each end counts its attempts and tells the count in every hello and
// answer: an attempt at or below the count that a link was made with is older than the
// link and refused; a later one says that the other end has lost the link.
type linkPeer struct {
	l     *links
	node  gazetteer.NodeID
	poked chan struct{}

	heard atomic.Int64 // when the peer last sent anything: Transport.mono
	busy  atomic.Bool  // the handler keeps the reader waiting: the peer is not silent

	turn sync.Mutex // held by the session that speaks to the handler

	life  sync.Mutex    // held while the handler learns of a new state
	state atomic.Uint32 // an aliveness; it changes under life

	// The rest is guarded by links.mu.
	wanted   bool
	session  *session // the link, from when it was decided on
	dialing  bool
	trying   net.Conn // our own hello is out on it
	attempts uint64
	wait     time.Duration // after the next failed dial
	dialAt   time.Duration // not before
}

// aliveness is what the handler was last told.
type aliveness = uint32

const (
	unknown aliveness = iota
	alive
	dead
)

func (p *linkPeer) poke() {
	select {
	case p.poked <- struct{}{}:
	default:
	}
}

// supervise dials when there is something to dial, and notices silence.
func (p *linkPeer) supervise() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p.noticeSilence()
		next, over := p.next()
		if over {
			return
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-p.poked:
		case <-p.l.t.ctx.Done():
			return
		}
	}
}

// next begins a dial if one is due, and returns when to look again. A peer that nobody
// wants and that has no link is forgotten.
func (p *linkPeer) next() (time.Duration, bool) {
	t := p.l.t
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	now := t.mono()
	wait := max(p.silentAt()-now, tickEvery)
	if !p.l.started() {
		return wait, false
	}
	if p.session == nil && !p.dialing {
		if !p.wanted && p.state.Load() != alive {
			delete(p.l.peers, p.node)
			return 0, true
		}
		if p.wanted && now >= p.dialAt {
			p.dialing = t.spawn(p.dial)
		} else if p.wanted {
			wait = min(wait, p.dialAt-now)
		}
	}
	return wait, false
}

// silentAt is when the peer will have been silent for the dead time.
func (p *linkPeer) silentAt() time.Duration {
	if p.busy.Load() {
		p.heard.Store(int64(p.l.t.mono()))
	}
	return time.Duration(p.heard.Load()) + p.l.t.cfg.DeadAfter
}

// noticeSilence tells the handler that the peer has not answered for the dead time.
func (p *linkPeer) noticeSilence() {
	if !p.l.started() {
		return
	}
	p.life.Lock()
	defer p.life.Unlock()
	if p.state.Load() != dead && p.silentAt() <= p.l.t.mono() {
		p.state.Store(dead)
		p.l.handler().Alive(p.node, false)
	}
}

func (p *linkPeer) answers() {
	p.life.Lock()
	defer p.life.Unlock()
	if p.state.Load() != alive {
		p.state.Store(alive)
		p.l.handler().Alive(p.node, true)
	}
}

// dial makes one attempt, and runs the link if it becomes one.
func (p *linkPeer) dial() {
	st, err := p.attempt()
	s := p.tried(st, err)
	if s != nil {
		if err := s.run(); err != nil {
			p.l.t.cfg.Refused(st.RemoteAddr().String(), err)
		}
	}
	if st != nil {
		p.l.t.untrack(st.Conn)
	}
}

// tried makes the outcome of an attempt the link, unless it failed or came too late.
func (p *linkPeer) tried(st *stream, err error) *session {
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	defer p.poke()
	p.dialing, p.trying = false, nil
	if p.session != nil { // the peer's hello came first
		return nil
	}
	if err != nil {
		p.laterLocked()
		return nil
	}
	p.session = newSession(p, st)
	if !p.wanted { // any more; our hello said that it was
		p.session.note(linkWant, &pb.Want{Wants: false})
		p.endUnwantedLocked()
	}
	return p.session
}

// attempt connects and says hello, unless a link has come meanwhile.
func (p *linkPeer) attempt() (*stream, error) {
	t := p.l.t
	nc, err := t.connect(p.node)
	if err != nil {
		return nil, err
	}
	p.l.mu.Lock()
	if p.session != nil || !p.wanted {
		p.l.mu.Unlock()
		t.untrack(nc)
		return nil, errUnwanted
	}
	p.attempts++
	p.trying = nc
	hello := &pb.LinkHello{Attempt: p.attempts, Wants: true, BeatNanos: uint64(t.mono())}
	p.l.mu.Unlock()
	s, err := t.greet(nc, kindLink, p.node, hello)
	if err != nil {
		t.untrack(nc)
		if k := gazetteer.KindOf(err); k == gazetteer.Conflict || k == gazetteer.Unsupported || k == gazetteer.Invalid {
			t.cfg.Refused(nc.RemoteAddr().String(), err)
		}
	}
	return s, err
}

// laterLocked sets when to dial again after a failure.
func (p *linkPeer) laterLocked() {
	c := &p.l.t.cfg
	p.wait = min(max(2*p.wait, c.RetryMin), max(c.RetryMin, min(c.RetryMax, c.DeadAfter/2)))
	p.dialAt = p.l.t.mono() + jittered(p.wait)
}

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
		l.t.refuse(st, unavailable("peer.Link", l.t.cfg.Node, "another connection is the link, or about to become it", nil))
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
