package peer

import (
	"io"
	"time"

	"gazetteer/pb"
)

// read gives messages to the handler until the link ends.
func (s *session) read() error {
	d := linkDecoder{partitions: s.t.home().partitions}
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
