package peer

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region/agent"
	"gazetteer/ring"
)

var errOverflow = errors.New("the peer does not take the control messages of the link")

const (
	// writeBytes is how much of the queue one write carries.
	writeBytes = 256 << 10
	// maxNotes bounds the transport's own messages that wait; there are seldom any.
	maxNotes = 4 << 10
)

// session is one link. A reader gives messages to the handler, a writer encodes and
// writes what was queued, and a notifier tells the handler what was written: the handler
// may block each of them, and heartbeats go on all the same.
type session struct {
	p    *linkPeer
	t    *Transport
	st   *stream
	h    agent.LinkHandler
	done chan struct{} // closed by close
	wake chan struct{} // something was queued
	tell chan struct{} // something was written
	open chan struct{} // closed when our Greet was queued
	sent atomic.Int64  // data messages that were written and not yet told
	way  *traffic      // to the peer's region

	wants bool // the peer's plan wants the link; guarded by links.mu

	mu      sync.Mutex // guards all below
	reason  error      // why it was closed
	greeted bool       // our Greet was queued
	queue   []queued
	control int    // about how many bytes of it are not data
	notes   []byte // frames of the transport itself
	// The peer's newest beat, and when it was read: see [session.transit].
	beat   uint64
	beatAt time.Duration
}

// queued is a message that waits to be written.
type queued struct {
	m  ring.Message
	at time.Duration // when it was queued
}

func newSession(p *linkPeer, st *stream) *session {
	s := &session{
		p: p, t: p.l.t, st: st, h: p.l.handler(), wants: st.peer.wants,
		done: make(chan struct{}), wake: make(chan struct{}, 1), tell: make(chan struct{}, 1),
		open: make(chan struct{}),
		beat: st.peer.beat, beatAt: st.peer.readAt, way: p.l.t.ways.of(st.peer.region),
	}
	p.heard.Store(int64(s.t.mono()))
	st.frames.max = maxLinkBytes
	st.frames.src = listener{s}
	return s
}

// run serves the link until it ends. An error says what the peer did wrong.
func (s *session) run() error {
	s.p.turn.Lock()
	defer s.p.turn.Unlock()
	defer s.p.ended(s)
	if s.closed() {
		return nil
	}
	s.t.count.linked.Add(1)
	s.p.answers()
	s.h.Linked(s.p.node)
	var wg sync.WaitGroup
	wg.Go(s.write)
	wg.Go(s.notify)
	err := s.read()
	s.close(err)
	wg.Wait()
	s.h.Unlinked(s.p.node)
	s.t.count.unlinked.Add(1)
	return s.blame()
}

// blame returns the reason of the end if it is a fault and no loss.
func (s *session) blame() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch gazetteer.KindOf(s.reason) {
	case gazetteer.Invalid, gazetteer.TooLarge, gazetteer.Unsupported:
		return s.reason
	}
	if s.reason == errOverflow {
		return unavailable("peer.Link", named(s.p.node), "the link was closed", s.reason)
	}
	return nil
}

// close ends the session; the first reason stays.
func (s *session) close(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked(reason)
}

func (s *session) closeLocked(reason error) {
	if s.reason != nil {
		return
	}
	s.reason = reason
	s.queue, s.notes = nil, nil
	close(s.done)
	abort(s.st.Conn)
}

func (s *session) closed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// send queues a message.
func (s *session) send(m ring.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != nil || !s.mayQueueLocked(m) {
		return
	}
	if !isData(m) {
		if s.control += controlSize(m); s.control > s.t.cfg.MaxQueued {
			s.t.count.overflows.Add(1)
			s.closeLocked(errOverflow)
			return
		}
	}
	s.queue = append(s.queue, queued{m, s.t.mono()})
	s.signal()
}

// mayQueueLocked keeps off a new link what was meant for the link before. Send names a
// node, and its caller learns later than we do that a link has ended: a mark whose
// elements were lost with the old link would be taken for true on the new one. So until
// our Greet only what belongs to no feed's session passes. In return nothing is received
// before it, so nothing else can be meant for the new link.
func (s *session) mayQueueLocked(m ring.Message) bool {
	switch m.(type) {
	case ring.Ask, ring.Leave, ring.Fresh:
		return true
	case ring.Greet:
		if !s.greeted {
			s.greeted = true
			close(s.open)
		}
	}
	return s.greeted
}

// note queues a message of the transport itself.
func (s *session) note(kind byte, m pb.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason == nil && len(s.notes) < maxNotes {
		s.notes, _ = appendMessage(s.notes, kind, m)
		s.signal()
	}
}

func (s *session) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
