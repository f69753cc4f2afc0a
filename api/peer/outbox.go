package peer

import (
	"crypto/tls"
	"net"
	"sync"
)

// keepBuffer is the largest buffer that a connection keeps when it is empty.
const keepBuffer = 256 << 10

// outbox gathers frames and writes them with as few system calls as may be: whoever
// finds that nobody writes, writes; what others append meanwhile goes with the next
// call. It knows no end of a frame: an append is whole before the lock is given back.
type outbox struct {
	nc    net.Conn
	clock *coarseClock

	mu      sync.Mutex // guards all below
	room    sync.Cond  // signalled when buf was taken, or on failure
	buf     []byte     // what waits
	spare   []byte     // the buffer written before
	epoch   uint32     // how often buf was taken: what lay in an earlier one is written
	writing bool
	since   tick // when the write under way began
	waiting int  // who waits for room
	err     error
}

func (o *outbox) init(nc net.Conn, clock *coarseClock) {
	o.nc, o.clock = nc, clock
	o.room.L = &o.mu
}

// writeOnceLocked writes what waits with one call. The lock is not held meanwhile.
func (o *outbox) writeOnceLocked() {
	b := o.buf
	o.buf, o.spare = o.spare[:0], nil
	o.epoch++
	o.writing, o.since = true, o.clock.now()
	o.mu.Unlock()
	_, err := o.nc.Write(b)
	o.mu.Lock()
	o.writing = false
	if cap(b) <= keepBuffer {
		o.spare = b[:0]
	}
	if err != nil {
		o.failLocked(err)
	}
	if o.waiting > 0 {
		o.room.Broadcast()
	}
}

// flushLocked writes until nothing waits.
func (o *outbox) flushLocked() {
	for len(o.buf) > 0 && o.err == nil && !o.writing {
		o.writeOnceLocked()
	}
}

// waitLocked waits until less than limit bytes wait to be written, or for the failure.
func (o *outbox) waitLocked(limit int) {
	o.waiting++
	for o.err == nil && len(o.buf) >= limit {
		o.room.Wait()
	}
	o.waiting--
}

// failLocked ends the connection; the first reason stays.
func (o *outbox) failLocked(err error) {
	if o.err == nil {
		o.err = err
		abort(o.nc)
		o.room.Broadcast()
	}
}

func (o *outbox) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failLocked(err)
}

// stalled reports whether one write has been under way for longer than limit.
func (o *outbox) stalled(limit tick) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writing && o.clock.now()-o.since > limit
}

// abort closes a connection at once: TLS would first write its farewell, and wait for a
// peer that takes nothing.
func abort(nc net.Conn) {
	if c, ok := nc.(*tls.Conn); ok {
		nc = c.NetConn()
	}
	nc.Close()
}
