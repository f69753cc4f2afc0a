package peer

import (
	"errors"
	"io"
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
		beat: st.peer.beat, beatAt: st.peer.readAt,
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
		return unavailable("peer.Link", s.p.node, "the link was closed", s.reason)
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

// write writes what was queued, and heartbeats, until the session is closed.
func (s *session) write() {
	w := linkWriter{s: s, beats: time.NewTicker(s.t.cfg.BeatEvery)}
	defer w.beats.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-w.beats.C:
			w.beat()
		case <-s.wake:
		}
		if err := w.drain(); err != nil {
			s.close(err)
			return
		}
	}
}

// notify tells the handler of what was written.
func (s *session) notify() {
	for {
		select {
		case <-s.done:
			return
		case <-s.tell:
			s.h.Sent(s.p.node, int(s.sent.Swap(0)))
		}
	}
}

// wrote counts data messages that were written.
func (s *session) wrote(data int) {
	if data == 0 {
		return
	}
	s.sent.Add(int64(data))
	select {
	case s.tell <- struct{}{}:
	default:
	}
}

// take returns what waits, and where the peer's clock stood.
func (s *session) take(free []queued) (queue []queued, notes []byte, beat uint64, beatAt time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queue, s.queue = s.queue, free
	notes, s.notes = s.notes, nil
	s.control = 0
	return queue, notes, s.beat, s.beatAt
}

// linkWriter is the writer's own memory.
type linkWriter struct {
	s       *session
	beats   *time.Ticker
	encoder linkEncoder
	buf     []byte
	data    int // data messages in buf
	free    []queued
}

func (w *linkWriter) beat() {
	w.buf, _ = appendMessage(w.buf, linkBeat, &pb.Beat{Nanos: uint64(w.s.t.mono())})
}

// maybeBeat beats if it is time: also on a link whose queue is never empty, for a peer
// reckons the age of freshness marks from the last beat that we have read of it.
func (w *linkWriter) maybeBeat() {
	select {
	case <-w.beats.C:
		w.beat()
	default:
	}
}

// drain encodes and writes until nothing waits.
func (w *linkWriter) drain() error {
	for {
		w.maybeBeat()
		queue, notes, beat, beatAt := w.s.take(w.free[:0])
		w.buf = append(w.buf, notes...)
		for i := range queue {
			if err := w.add(&queue[i], beat, beatAt); err != nil {
				return err
			}
		}
		clear(queue)
		w.free = queue
		if len(w.buf) == 0 {
			return nil
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
}

// add encodes one message, and writes what has gathered when that is much: a long one is
// never whole in memory.
func (w *linkWriter) add(q *queued, beat uint64, beatAt time.Duration) (err error) {
	now := w.s.t.mono()
	at := timing{waited: now - q.at, echo: beat, echoWaited: now - beatAt}
	for rest := q.m; rest != nil; {
		if w.buf, rest, err = w.encoder.append(w.buf, rest, at); err != nil {
			return err
		}
		if rest == nil && isData(q.m) {
			w.data++
		}
		if len(w.buf) >= writeBytes {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *linkWriter) flush() error {
	_, err := w.s.st.Write(w.buf)
	if err != nil {
		return err
	}
	w.s.wrote(w.data)
	w.buf, w.data = w.buf[:0], 0
	if cap(w.buf) > 2*writeBytes {
		w.buf = nil
	}
	return nil
}

// read gives messages to the handler until the link ends.
func (s *session) read() error {
	d := linkDecoder{partitions: s.t.cfg.Partitions}
	for {
		h, payload, err := s.st.frames.next()
		if err != nil {
			return frameError(err)
		}
		if h.code >= linkBeat {
			err = s.takeNote(h.code, payload)
		} else {
			err = s.takeMessage(&d, h.code, payload)
		}
		if err != nil {
			return err
		}
	}
}

func (s *session) takeMessage(d *linkDecoder, kind byte, payload []byte) error {
	m, err := d.decode(kind, payload, s.transit)
	if err != nil {
		return err
	}
	if m == nil {
		s.passOver(kind)
		return nil
	}
	s.p.busy.Store(true)
	defer s.p.busy.Store(false)
	defer func() { s.p.heard.Store(int64(s.t.mono())) }()
	select {
	case <-s.open:
		s.h.Received(s.p.node, m)
	case <-s.done:
	}
	return nil
}

// passOver tells the peer that a kind of message is not known here.
func (s *session) passOver(kind byte) {
	s.t.count.unknown.Add(1)
	s.note(linkUnknown, &pb.Unknown{Kind: uint32(kind)})
}

// takeNote takes a message of the transport itself.
func (s *session) takeNote(kind byte, payload []byte) error {
	switch kind {
	case linkBeat:
		return s.takeBeat(payload)
	case linkWant:
		return s.takeWant(payload)
	case linkUnknown:
		s.t.count.unknown.Add(1)
		return nil
	}
	s.passOver(kind)
	return nil
}

func (s *session) takeBeat(payload []byte) error {
	var b pb.Beat
	if err := unmarshal(payload, &b); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beat, s.beatAt = b.Nanos, s.t.mono()
	return nil
}

func (s *session) takeWant(payload []byte) error {
	var w pb.Want
	if err := unmarshal(payload, &w); err != nil {
		return err
	}
	s.p.l.mu.Lock()
	defer s.p.l.mu.Unlock()
	s.wants = w.Wants
	if s.p.session == s {
		s.p.endUnwantedLocked()
	}
	return nil
}

// transit returns how long a message was under way at most. Its sender had read our beat,
// which showed our clock when it was written, for the held time when it wrote the
// message; all that has passed since the beat but for that is the round trip, of which
// the message's way is a part.
func (s *session) transit(echo uint64, held time.Duration) (time.Duration, error) {
	now := s.t.mono()
	if echo > uint64(now) {
		return 0, broken("peer.Link", "a freshness mark echoes a beat that was never sent", nil)
	}
	return max(now-time.Duration(echo)-held, 0), nil
}

// listener reads from a link's connection. It ends the link when the peer is silent for
// the dead time; the time during which the handler keeps us from listening is no silence.
type listener struct{ s *session }

func (l listener) Read(b []byte) (int, error) {
	s := l.s
	if err := s.st.SetReadDeadline(time.Now().Add(s.t.cfg.DeadAfter)); err != nil {
		return 0, err
	}
	n, err := s.st.Conn.Read(b)
	if n > 0 {
		s.p.heard.Store(int64(s.t.mono()))
	}
	return n, err
}

var _ io.Reader = listener{}

// controlSize returns about how many bytes a message that is not data takes.
func controlSize(m ring.Message) int {
	const base, position = 96, 24
	switch m := m.(type) {
	case ring.Greet:
		return base + 32*len(m.Digests)
	case ring.Match:
		return base + position*len(m.Partitions)
	case ring.Ask:
		return base + position*len(m.Partitions)
	case ring.Leave:
		return base + position*len(m.Partitions)
	case ring.Hello:
		return base + position*(len(m.Vector)+len(m.Collected)) + resumeSize(m.Resume)
	case ring.Report:
		return base + position*len(m.Durable)
	case ring.Fresh:
		return base + 2*position*len(m.Positions) + stableSize(m.Stable)
	}
	return base
}

func resumeSize(r *ring.Resume) int {
	if r == nil {
		return 0
	}
	return 64 + 24*len(r.Snapshot)
}

func stableSize(s *ring.Stable) int {
	if s == nil {
		return 0
	}
	return 32 + 32*len(s.Ended)
}
