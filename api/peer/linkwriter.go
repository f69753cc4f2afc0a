package peer

import (
	"time"

	"gazetteer/pb"
	"gazetteer/ring"
)

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
	updates int // updates of messages that end in buf, and bytes of theirs in buf
	updated int
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
		before := len(w.buf)
		if w.buf, rest, err = w.encoder.append(w.buf, rest, at); err != nil {
			return err
		}
		w.count(q.m, rest == nil, len(w.buf)-before)
		if len(w.buf) >= writeBytes {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// count notes what was appended of a message, and whether that was the rest of it.
func (w *linkWriter) count(m ring.Message, whole bool, bytes int) {
	e, updates := m.(ring.Elements)
	if updates {
		w.updated += bytes
	}
	if whole && isData(m) {
		w.data++
		w.updates += len(e.Updates)
	}
}

func (w *linkWriter) flush() error {
	_, err := w.s.st.Write(w.buf)
	if err != nil {
		return err
	}
	w.s.wrote(w.data)
	w.s.way.add(w.updates, w.updated, len(w.buf))
	w.buf, w.data, w.updates, w.updated = w.buf[:0], 0, 0, 0
	if cap(w.buf) > 2*writeBytes {
		w.buf = nil
	}
	return nil
}
