package delay

import (
	"io"
	"net"
	"os"
	"sync"
	"time"

	"gazetteer"
)

const (
	// readSmall is what an idle connection holds for reading; the buffer grows to
	// readLarge while reads fill it.
	readSmall = 1 << 10
	readLarge = 64 << 10
	// linger bounds what a closed connection does for the bytes that are under way: when
	// the other end does not take them by then, they are lost.
	linger = 5 * time.Second
)

// conn delays both directions of a connection at the end that dialled it. What is written
// waits in out, from where a timer hands it on to the real connection; what comes from
// that is noted in in by a goroutine, and waits there for Read.
type conn struct {
	net.Conn // the real one
	n        *Network
	from, to gazetteer.RegionID

	writing sync.Mutex // held by one Write at a time
	out     line
	pumping bool // a timer or goroutine looks after out; guarded by out.mu
	timer   *time.Timer

	reading sync.Mutex // held by one Read at a time
	in      line
	came    chan struct{} // has a token when Read has to look again
	readBy  time.Time     // a deadline; guarded by in.mu
	readErr error         // set by Close; guarded by in.mu

	once sync.Once
}

func newConn(n *Network, nc net.Conn, from, to gazetteer.RegionID) *conn {
	c := &conn{Conn: nc, n: n, from: from, to: to, came: make(chan struct{}, 1)}
	c.out.init(func() time.Duration { return n.delay(from, to) }, c.armLocked)
	c.in.init(func() time.Duration { return n.delay(to, from) }, func() { poke(c.came) })
	return c
}

func (c *conn) hold(held bool) {
	c.out.hold(held)
	c.in.hold(held)
}

// Write returns when the bytes are under way; it waits while the window is full.
func (c *conn) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.out.put(b)
}

// armLocked has what waits in out handed on when it is due.
func (c *conn) armLocked() {
	next := c.out.nextLocked()
	switch {
	case c.pumping || next.IsZero():
		return
	case c.timer == nil:
		c.timer = time.AfterFunc(time.Until(next), c.pump)
	default:
		c.timer.Reset(time.Until(next))
	}
	c.pumping = true
}

// pump hands on what is due. Only one runs at a time.
func (c *conn) pump() {
	for {
		bytes, end := c.due()
		switch {
		case end != nil:
			c.Conn.Close()
			c.n.forget(c)
			return
		case bytes == nil:
			return
		}
		if _, err := bytes.WriteTo(c.Conn); err != nil {
			c.out.drop(err)
		}
	}
}

// due returns what is to be handed on now. If that is nothing the pump ends.
func (c *conn) due() (bytes net.Buffers, end error) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	bytes, end = c.out.batchLocked()
	if bytes == nil && end == nil {
		c.pumping = false
		c.armLocked()
	}
	return bytes, end
}

// receive notes what comes, and when, until the real connection ends.
func (c *conn) receive() {
	buf := make([]byte, readSmall)
	for {
		n, err := c.Conn.Read(buf)
		if n > 0 {
			if _, gone := c.in.put(buf[:n]); gone != nil {
				return
			}
		}
		if err != nil {
			c.in.finish(err, err)
			return
		}
		buf = fit(buf, n)
	}
}

// fit returns a larger buffer after a read that filled it, a small one after a read that
// a small one could have held.
func fit(buf []byte, n int) []byte {
	switch {
	case n == len(buf) && n < readLarge:
		return make([]byte, readLarge)
	case n < readSmall && len(buf) > readSmall:
		return make([]byte, readSmall)
	}
	return buf
}

func (c *conn) Read(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	for {
		n, until, err := c.readSome(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		await(c.came, until)
	}
}

// readSome reads what is due. If that is nothing, it is worth another try when there is a
// token, or at the time returned.
func (c *conn) readSome(b []byte) (n int, until time.Time, err error) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	switch {
	case c.readErr != nil:
		return 0, until, c.readErr
	case isPast(c.readBy):
		return 0, until, os.ErrDeadlineExceeded
	}
	n, err = c.in.takeLocked(b)
	return n, sooner(c.in.nextLocked(), c.readBy), err
}

// Close ends the connection here at once, and at the other end when that has got what is
// under way.
func (c *conn) Close() error {
	c.once.Do(func() {
		c.in.drop(net.ErrClosed)
		c.failReads(net.ErrClosed)
		c.Conn.SetReadDeadline(time.Now()) // ends receive
		c.Conn.SetWriteDeadline(time.Now().Add(linger))
		c.out.finish(io.EOF, net.ErrClosed)
	})
	return nil
}

func (c *conn) failReads(err error) {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.readErr = err
	poke(c.came)
}

func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.readBy = t
	poke(c.came)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.setPutBy(t)
	return nil
}
