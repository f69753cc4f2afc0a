package peer

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
)

// The plain multiplexed framing that a hop is measured against: a header of 8 bytes
// (length, id), all workers share a few connections, at both ends a writer goroutine
// writes what has gathered. It has no deadlines, limits, errors, cancellation or
// reconnection, and its handler is a copy.

// rawWriter gathers frames.
type rawWriter struct {
	nc    net.Conn
	mu    sync.Mutex
	buf   []byte
	spare []byte
	wake  chan struct{}
}

func newRawWriter(nc net.Conn) *rawWriter {
	w := &rawWriter{nc: nc, wake: make(chan struct{}, 1)}
	go w.run()
	return w
}

func (w *rawWriter) send(id uint32, payload []byte) {
	w.mu.Lock()
	w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(len(payload)))
	w.buf = binary.LittleEndian.AppendUint32(w.buf, id)
	w.buf = append(w.buf, payload...)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *rawWriter) run() {
	for range w.wake {
		w.mu.Lock()
		b := w.buf
		w.buf = w.spare[:0]
		w.mu.Unlock()
		if len(b) > 0 {
			if _, err := w.nc.Write(b); err != nil {
				return
			}
		}
		w.spare = b
	}
}

// serveRaw answers every request with reply.
func serveRaw(nc net.Conn, reply []byte) {
	w := newRawWriter(nc)
	defer close(w.wake)
	r := bufio.NewReaderSize(nc, 64<<10)
	var head [8]byte
	payload := make([]byte, 4096)
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		n := binary.LittleEndian.Uint32(head[:])
		if _, err := io.ReadFull(r, payload[:n]); err != nil {
			return
		}
		w.send(binary.LittleEndian.Uint32(head[4:]), reply)
	}
}

type rawCall struct {
	reply []byte
	done  chan struct{}
}

type rawClient struct {
	w       *rawWriter
	mu      sync.Mutex
	pending map[uint32]*rawCall
	next    uint32
}

func dialRaw(addr string) (*rawClient, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &rawClient{w: newRawWriter(nc), pending: map[uint32]*rawCall{}}
	go c.read(nc)
	return c, nil
}

func (c *rawClient) close() {
	c.w.nc.Close()
	close(c.w.wake)
}

func (c *rawClient) call(request []byte, k *rawCall) {
	c.mu.Lock()
	c.next++
	id := c.next
	c.pending[id] = k
	c.mu.Unlock()
	c.w.send(id, request)
	<-k.done
}

func (c *rawClient) read(nc net.Conn) {
	r := bufio.NewReaderSize(nc, 64<<10)
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		id := binary.LittleEndian.Uint32(head[4:])
		c.mu.Lock()
		k := c.pending[id]
		delete(c.pending, id)
		c.mu.Unlock()
		k.reply = k.reply[:binary.LittleEndian.Uint32(head[:])]
		if _, err := io.ReadFull(r, k.reply); err != nil {
			return
		}
		k.done <- struct{}{}
	}
}
