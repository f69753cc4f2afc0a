package dns

import (
	"bufio"
	"container/list"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// idleMax is how long a connection may be silent; RFC 7766 asks for some seconds.
	idleMax = 10 * time.Second
	// messageWithin is how long the rest of a query may take once it has begun, and how
	// long its client may take to read the response.
	messageWithin = 3 * time.Second
	// gatherMax is how many bytes of responses to pipelined queries go out at once.
	gatherMax = 16 << 10
	readBytes = packetMax + 2
	// acceptPause is how long nothing is accepted after that has failed, as it does for a
	// while when the process has no more files.
	acceptPause = 50 * time.Millisecond
)

// connections are those over TCP, the one that was silent longest first. When there is no
// room for one more, that one goes.
type connections struct {
	*Server
	mu  sync.Mutex // guards all
	all *list.List // of net.Conn
}

func (s *Server) serveTCP(ctx context.Context, l *net.TCPListener) error {
	cs := &connections{Server: s, all: list.New()}
	var parts sync.WaitGroup
	defer parts.Wait()
	defer context.AfterFunc(ctx, cs.closeAll)()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			time.Sleep(acceptPause)
			continue
		}
		at := cs.add(conn)
		parts.Go(func() {
			defer cs.remove(at)
			s.converse(ctx, conn, func() { cs.touch(at) })
		})
	}
}

func (c *connections) add(conn net.Conn) *list.Element {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all.Len() >= c.Connections {
		oldest := c.all.Remove(c.all.Front()).(net.Conn)
		_ = oldest.Close() // its own goroutine finds out
		c.count.evicted.Add(1)
	}
	c.count.conns.Add(1)
	return c.all.PushBack(conn)
}

// touch moves a connection on which a whole query has come behind the others.
func (c *connections) touch(at *list.Element) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.MoveToBack(at)
}

func (c *connections) remove(at *list.Element) {
	_ = at.Value.(net.Conn).Close() // it may be closed
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all.Remove(at)
	c.count.conns.Add(-1)
}

func (c *connections) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.all.Front(); e != nil; e = e.Next() {
		_ = e.Value.(net.Conn).Close() // its own goroutine finds out
	}
}

// converse answers the queries of one connection in their order until it ends. Queries that
// came together are answered together.
func (s *Server) converse(ctx context.Context, conn net.Conn, heard func()) {
	peer, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	in := bufio.NewReaderSize(conn, readBytes)
	var w work
	var out []byte
	for {
		packet, err := readMessage(conn, in)
		if err != nil {
			return
		}
		heard()
		s.now(&w)
		start := len(out)
		response, v := s.respond(ctx, append(out, 0, 0), &w, query{packet: packet, from: peer.Addr().Unmap(), by: overTCP, wait: true})
		if v != answered {
			return
		}
		out = response
		binary.BigEndian.PutUint16(out[start:], uint16(len(out)-start-2))
		_, _ = in.Discard(len(packet)) // it is buffered
		if hasMessage(in) && len(out) < gatherMax {
			continue
		}
		_ = conn.SetWriteDeadline(time.Now().Add(messageWithin)) // fails only on what is closed
		if _, err := conn.Write(out); err != nil {
			return
		}
		out = out[:0]
	}
}

// readMessage returns the next query, which stays in the buffer.
func readMessage(conn net.Conn, in *bufio.Reader) ([]byte, error) {
	_ = conn.SetReadDeadline(time.Now().Add(idleMax)) // fails only on what is closed
	head, err := in.Peek(2)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(head))
	if n > packetMax {
		return nil, io.ErrShortBuffer
	}
	if in.Buffered() < 2+n {
		_ = conn.SetReadDeadline(time.Now().Add(messageWithin))
	}
	if _, err := in.Peek(2 + n); err != nil {
		return nil, err
	}
	_, _ = in.Discard(2) // it is buffered
	return in.Peek(n)
}

// hasMessage reports whether a whole query waits in the buffer.
func hasMessage(in *bufio.Reader) bool {
	if in.Buffered() < 2 {
		return false
	}
	head, _ := in.Peek(2)
	return in.Buffered() >= 2+int(binary.BigEndian.Uint16(head))
}
