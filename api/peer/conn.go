package peer

import (
	"context"
	"errors"
	"runtime"
	"time"

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
	idle tick // how long it is kept without requests
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
	retired  bool // takes no more requests, and ends with those that it has
}

func newConn(t *Transport, s *stream, idle time.Duration) *conn {
	c := &conn{t: t, s: s, idle: ticks(idle), wake: make(chan struct{}, 1)}
	c.outbox.init(s.Conn, &t.clock)
	c.heard, c.used = t.clock.now(), t.clock.now()
	s.frames.max = maxServiceFrame
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
	if c.err != nil || c.retired {
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

// retire has the next request go over a new connection.
func (c *conn) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired = true
}

func (c *conn) crowded(detail string) error {
	return unavailable("peer.Call", named(c.s.peer.node), detail, nil)
}

// queueLocked gives the call an id and appends its frame. It returns the frame's size.
func (c *conn) queueLocked(call *call, timeout time.Duration) int {
	call.id = c.takeIDLocked(call)
	h := call.head
	h.id = call.id
	h.micros = uint32(min(timeout.Microseconds(), 1<<32-1))
	call.epoch, call.at = c.epoch, len(c.buf)
	buf, start := beginFrame(c.buf)
	switch h.code {
	case methodRead:
		buf = pb.AppendReadRequest(buf, call.key, call.session)
	case methodEcho:
		call.queued = time.Now()
	default:
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
		return late(named(c.s.peer.node), context.Cause(ctx))
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
