package peer

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/pb"
)

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
	nc, err := t.connect(target{node: p.node}, t.cfg.DialTimeout)
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
	s, err := t.greet(nc, kindLink, target{node: p.node}, hello, t.cfg.DialTimeout)
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
