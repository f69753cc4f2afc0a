package peer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"gazetteer"
	"gazetteer/pb"
	"gazetteer/region"
)

const (
	// batchReplies is how many bytes of replies the reader gathers before it writes
	// them although more requests are at hand.
	batchReplies = 64 << 10
	// slowRead is the mean time from which reads count as slow; then the next slowFor
	// of them are handed over.
	slowRead = 200 * time.Microsecond
	slowFor  = 64
)

// served is the answering end of a requests connection. One goroutine reads it and
// answers inline reads; handlers answer the rest.
type served struct {
	outbox
	t *Transport
	s *stream

	// The reader's own.
	names   interner
	batch   []byte    // replies that are not yet in the outbox
	inlined int       // how many replies batch holds
	read    time.Time // when the requests at hand were read
	slow    int       // how many reads are still to be handed over

	// Guarded by outbox.mu.
	requests map[uint32]*request
	held     int // bytes of the payloads of requests
}

func (t *Transport) serveRequests(st *stream) error {
	if err := t.accept(st, nil); err != nil {
		return err
	}
	s := &served{t: t, s: st, requests: map[uint32]*request{}}
	s.outbox.init(st.Conn, &t.clock)
	st.frames.max = maxServiceFrame
	t.watch(s)
	defer t.unwatch(s)
	err := s.run()
	s.end(err)
	if gazetteer.KindOf(err) == gazetteer.Invalid {
		return err
	}
	return nil
}

// run takes requests until the connection ends.
func (s *served) run() error {
	for {
		fresh := !s.s.frames.buffered()
		if fresh || len(s.batch) > batchReplies {
			if err := s.flushBatch(); err != nil {
				return err
			}
		}
		h, payload, err := s.s.frames.next()
		if err != nil {
			return frameError(err)
		}
		if fresh {
			s.read = time.Now()
		}
		if err := s.take(h, payload); err != nil {
			return err
		}
	}
}

// flushBatch writes the reader's replies. It waits while too much waits already, and so
// does a peer who sends requests and takes no replies.
func (s *served) flushBatch() error {
	if s.inlined > 0 && time.Since(s.read) > time.Duration(s.inlined)*slowRead {
		s.slow = slowFor
	}
	s.inlined = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waitLocked(s.t.cfg.MaxQueued)
	if len(s.buf) == 0 {
		s.buf, s.batch = s.batch, s.buf
	} else {
		s.buf = append(s.buf, s.batch...)
	}
	s.batch = s.batch[:0]
	s.flushLocked()
	return s.err
}

// take serves one frame. An error ends the connection.
func (s *served) take(h header, payload []byte) error {
	switch h.code {
	case methodVoid:
		return nil
	case methodCancel:
		s.cancel(h.id)
		return nil
	case methodPing:
		s.batch = appendFrame(s.batch, header{code: statusPong}, nil)
		return nil
	case methodEcho:
		s.batch = appendFrame(s.batch, header{id: h.id}, nil)
		return nil
	case methodRead, methodWrite, methodList, methodConflicts:
		return s.serve(h, payload)
	case methodService:
		return s.serveService(h, payload)
	}
	s.reply(h.id, &gazetteer.Error{Op: "peer.Serve", Kind: gazetteer.Unsupported, Detail: fmt.Sprintf("method %d is unknown to node %s", h.code, s.t.cfg.Node)})
	return nil
}

func (s *served) reply(id uint32, err error) { s.batch = appendError(s.batch, id, err) }

// serve answers a request, or finds a handler for it.
func (s *served) serve(h header, payload []byte) error {
	var to handled
	if int(h.role) < roleCodes {
		to = s.t.tiers.Load()[h.role]
	}
	if to.tier == nil {
		s.reply(h.id, unavailable("peer.Serve", named(s.t.cfg.Node), fmt.Sprintf("it does not run role %d", h.role), nil))
		return nil
	}
	if !s.s.peer.settled {
		s.reply(h.id, unavailable("peer.Serve", named(s.s.peer.node), "it did not know where it belongs when it connected, and asks a tier", nil))
		return nil
	}
	s.t.count.requests.Add(1)
	if h.code != methodRead {
		return s.handOver(&request{conn: s, tier: to.tier, head: h, body: append([]byte(nil), payload...)})
	}
	typ, id, session, err := pb.DecodeReadRequest(payload)
	if err != nil {
		return err
	}
	token, err := sessionIn(session)
	if err != nil {
		s.reply(h.id, err)
		return nil
	}
	k := gazetteer.Key{Type: gazetteer.Type(s.names.of(typ)), ID: gazetteer.ID(strings.Clone(id))}
	if to.inline && s.slow == 0 && token.None() { // with a session it may have to wait
		s.readInline(to.tier, h, k)
		return nil
	}
	s.slow = max(s.slow-1, 0)
	return s.handOver(&request{conn: s, tier: to.tier, head: h, key: k, session: token})
}

func (s *served) readInline(tier region.Tier, h header, k gazetteer.Key) {
	ctx := s.t.ctx
	if h.flags&flagHops != 0 {
		ctx = s.t.hopsCtx
	}
	s.batch = appendRead(s.batch, ctx, tier, h.id, k)
	s.inlined++
}

// handOver finds a handler for a request.
func (s *served) handOver(r *request) error {
	h := r.head
	r.deadline = s.read.Add(timeLeft(h, s.t.cfg.CallTimeout))
	if detail, err := s.enter(r); err != nil {
		return err
	} else if detail != "" {
		s.reply(h.id, unavailable("peer.Serve", named(s.t.cfg.Node), detail, nil))
		return nil
	}
	if !s.t.handlers.run(r) {
		s.leave(r)
		s.reply(h.id, unavailable("peer.Serve", named(s.t.cfg.Node), "it answers as many requests as it may", nil))
	}
	return nil
}

// enter notes that r is being answered. The detail says why it is not.
func (s *served) enter(r *request) (detail string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.requests[r.head.id] != nil {
		return "", broken("peer.Serve", "the id of a request is that of another which has no reply yet", nil)
	}
	if len(s.requests) >= s.t.cfg.MaxInFlight || s.held+len(r.body) > s.t.cfg.MaxQueued {
		return "too much is in flight on one connection", nil
	}
	s.requests[r.head.id] = r
	s.held += len(r.body)
	return "", nil
}

func (s *served) leave(r *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveLocked(r)
}

func (s *served) leaveLocked(r *request) {
	delete(s.requests, r.head.id)
	s.held -= len(r.body)
}

// cancel ends the context of a request whose caller has gone. It is replied to all the
// same: only then its id is free again.
func (s *served) cancel(id uint32) {
	s.mu.Lock()
	r := s.requests[id]
	s.mu.Unlock()
	if r != nil {
		r.cancel(context.Canceled)
	}
}

// send writes a handler's frames. With last set the request is over.
func (s *served) send(r *request, frames []byte, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waitLocked(s.t.cfg.MaxQueued)
	if last {
		s.leaveLocked(r)
	}
	if s.err != nil {
		return
	}
	s.buf = append(s.buf, frames...)
	if len(s.requests) > 0 && !s.writing { // others may be about to reply: one call for all
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	s.flushLocked()
}

// end cancels what is being answered.
func (s *served) end(reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failLocked(reason)
	for _, r := range s.requests {
		r.cancel(context.Canceled)
	}
}

// sweep is called by the janitor at every tick.
func (s *served) sweep(now tick) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writing && now-s.since > ticks(s.t.cfg.StallAfter) {
		s.failLocked(errStall)
	}
}

// timeLeft is what the caller gave a request, bounded by what is given without a word.
func timeLeft(h header, limit time.Duration) time.Duration {
	if h.micros == 0 {
		return limit
	}
	return time.Duration(h.micros) * time.Microsecond
}

// frameError makes an error of kind Invalid of what a peer may not send.
func frameError(err error) error {
	if errors.Is(err, errFrameTooLong) {
		return broken("peer.Serve", "a frame is too long", err)
	}
	return err
}
