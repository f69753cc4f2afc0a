package peer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"gazetteer"
	"gazetteer/pb"
)

var (
	// errGone is what the table of a connection that has ended is told: the request
	// was not queued, and may go over another connection.
	errGone   = errors.New("the connection has ended")
	errSilent = errors.New("the peer is silent")
	errStall  = errors.New("the peer takes nothing of what is written")
	errIdle   = errors.New("idle")
	errClosed = errors.New("this transport is closed")
)

// inlineMax is the largest frame that a caller writes itself when the connection is
// otherwise idle: it fits into any socket buffer, so the caller cannot block.
const inlineMax = 16 << 10

// idleAfter is how long a connection without requests is kept.
const idleAfter = 5 * time.Minute

// abandoned stands in a table for a request whose caller has gone. Its id is not used
// again before the reply has come.
var abandoned = new(call)

// conn is the calling end of a requests connection. Two goroutines serve it: the reader
// takes replies to their callers, the writer writes what callers have gathered. A
// caller that is alone on the connection writes itself, which saves waking the writer.
type conn struct {
	outbox
	t    *Transport
	s    *stream
	wake chan struct{}

	// The rest is guarded by outbox.mu.
	calls    []*call  // by id; nil is free
	free     []uint32 // ids that were used and are free
	inFlight int
	woken    bool // the writer was told
	heard    tick // when the peer last sent anything
	pinged   bool
	pingAt   tick
	used     tick // when the last request was queued
}

func newConn(t *Transport, s *stream) *conn {
	c := &conn{t: t, s: s, wake: make(chan struct{}, 1)}
	c.outbox.init(s.Conn, &t.clock)
	c.heard, c.used = t.clock.now(), t.clock.now()
	s.frames.max = maxRequestBytes
	return c
}

// run serves the connection until it ends, and returns why.
func (c *conn) run() error {
	c.t.wg.Go(c.write)
	err := c.end(c.read())
	close(c.wake)
	return err
}

// start queues a request. With errGone it was not.
func (c *conn) start(call *call, timeout time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return errGone
	}
	if c.inFlight >= c.s.peer.maxInFlight {
		return c.crowded("too many requests are in flight")
	}
	if len(c.buf) >= c.t.cfg.MaxQueued {
		return c.crowded("it does not keep up with what is sent")
	}
	c.used = c.clock.now()
	call.until = c.used + ticks(timeout)
	size := c.queueLocked(call, timeout)
	if c.inFlight == 1 && !c.writing && size == len(c.buf) && size <= inlineMax {
		c.writeOnceLocked()
	}
	c.wakeLocked()
	return nil
}

func (c *conn) crowded(detail string) error {
	return unavailable("peer.Call", c.s.peer.node, detail, nil)
}

// queueLocked gives the call an id and appends its frame. It returns the frame's size.
func (c *conn) queueLocked(call *call, timeout time.Duration) int {
	call.id = c.takeIDLocked(call)
	h := call.head
	h.id = call.id
	h.micros = uint32(min(timeout.Microseconds(), 1<<32-1))
	call.epoch, call.at = c.epoch, len(c.buf)
	buf, start := beginFrame(c.buf)
	if h.code == methodRead {
		buf = pb.AppendReadRequest(buf, call.key)
	} else {
		buf = append(buf, call.body...)
	}
	endFrame(buf, start, h)
	c.buf = buf
	return len(buf) - start
}

func (c *conn) takeIDLocked(call *call) uint32 {
	c.inFlight++
	if n := len(c.free); n > 0 {
		id := c.free[n-1]
		c.free = c.free[:n-1]
		c.calls[id] = call
		return id
	}
	c.calls = append(c.calls, call)
	return uint32(len(c.calls) - 1)
}

func (c *conn) freeIDLocked(id uint32) {
	c.calls[id] = nil
	c.free = append(c.free, id)
	c.inFlight--
}

// wakeLocked has the writer write what waits, unless somebody is about to.
func (c *conn) wakeLocked() {
	if len(c.buf) > 0 && !c.writing && !c.woken && c.err == nil {
		c.woken = true
		c.wake <- struct{}{}
	}
}

func (c *conn) write() {
	for range c.wake {
		runtime.Gosched() // those who are ready to call gather their frames first
		c.mu.Lock()
		c.woken = false
		c.flushLocked()
		c.mu.Unlock()
	}
}

// wait returns when the call's result is there or ctx ends; then the call is given up.
func (c *conn) wait(ctx context.Context, call *call) error {
	done := ctx.Done()
	if done == nil {
		<-call.done
		return call.err
	}
	select {
	case <-call.done:
		return call.err
	case <-done:
	}
	if c.giveUp(call) {
		return late(c.s.peer.node, context.Cause(ctx))
	}
	<-call.done // its result is being put in
	return call.err
}

// giveUp takes a call out of the table, unless its result is there already. A request
// that still waits to be written becomes void, a written one is cancelled.
func (c *conn) giveUp(call *call) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls[call.id] != call {
		return false
	}
	c.giveUpLocked(call)
	return true
}

func (c *conn) giveUpLocked(call *call) {
	if call.epoch == c.epoch {
		c.buf[call.at+codeOffset] = methodVoid
		c.freeIDLocked(call.id)
		return
	}
	c.calls[call.id] = abandoned
	c.buf = appendFrame(c.buf, header{id: call.id, code: methodCancel}, nil)
	c.wakeLocked()
}

// read takes replies until the connection ends.
func (c *conn) read() error {
	var names interner
	for {
		h, payload, err := c.s.frames.next()
		if err != nil {
			return err
		}
		if err := c.take(h, payload, &names); err != nil {
			return err
		}
	}
}

// take gives one frame to its call.
func (c *conn) take(h header, payload []byte, names *interner) error {
	c.mu.Lock()
	c.heard = c.clock.now()
	if h.code == statusPong {
		c.mu.Unlock()
		return nil
	}
	if int(h.id) >= len(c.calls) || c.calls[h.id] == nil {
		c.mu.Unlock()
		return broken("peer.Call", "a reply to no request", nil)
	}
	call := c.calls[h.id]
	if h.flags&flagMore != 0 {
		c.takePartLocked(call, payload)
		c.mu.Unlock()
		return nil
	}
	c.freeIDLocked(h.id)
	c.mu.Unlock()
	if call != abandoned {
		call.complete(h, payload, names)
	}
	return nil
}

// takePartLocked keeps a part that others follow. A reply that grows too long is given
// up; what still comes of it is passed over.
func (c *conn) takePartLocked(call *call, payload []byte) {
	if call == abandoned {
		return
	}
	call.size += len(payload)
	if call.size > c.t.cfg.MaxReply {
		c.giveUpLocked(call)
		call.finish(&gazetteer.Error{Op: "peer.Call", Kind: gazetteer.TooLarge, Detail: fmt.Sprintf("the parts of a reply exceed %d bytes", c.t.cfg.MaxReply)})
		return
	}
	call.parts = append(call.parts, append([]byte(nil), payload...))
}

// end fails every call that is under way. It returns the first reason for the end.
func (c *conn) end(reason error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(reason)
	for id, call := range c.calls {
		if call == nil || call == abandoned {
			continue
		}
		c.calls[id] = nil
		call.written = call.epoch != c.epoch
		call.finish(unavailable("peer.Call", c.s.peer.node, "the connection broke", c.err))
	}
	return c.err
}

// sweep is called by the janitor at every tick.
func (c *conn) sweep(now tick) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
	case c.writing && now-c.since > ticks(c.t.cfg.StallAfter):
		c.failLocked(errStall)
	case c.inFlight == 0:
		c.pinged = false
		if now-c.used > ticks(idleAfter) {
			c.failLocked(errIdle)
		}
	default:
		c.expireLocked(now)
		c.pingLocked(now)
	}
}

// expireLocked gives up the calls whose contexts had no deadline.
func (c *conn) expireLocked(now tick) {
	for _, call := range c.calls {
		if call != nil && call != abandoned && int32(now-call.until) > 0 {
			c.giveUpLocked(call)
			call.finish(late(c.s.peer.node, context.DeadlineExceeded))
		}
	}
}

// pingLocked finds out whether a peer that owes replies is still there.
func (c *conn) pingLocked(now tick) {
	if c.pinged && int32(c.heard-c.pingAt) >= 0 {
		c.pinged = false
	}
	switch {
	case c.pinged && now-c.pingAt > ticks(c.t.cfg.DeadAfter):
		c.failLocked(errSilent)
	case !c.pinged && now-c.heard > ticks(c.t.cfg.BeatEvery):
		c.pinged, c.pingAt = true, now
		c.buf = appendFrame(c.buf, header{code: methodPing}, nil)
		c.wakeLocked()
	}
}
